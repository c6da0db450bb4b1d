"""``%drawer ...`` in a notebook: parse the words, run the verb, show its outcome."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from IPython.display import display

from drawer_ipy.buttons.base import Button
from drawer_ipy.common.platform import has_threads
from drawer_ipy.definition import DrawerModel
from drawer_ipy.display.choose import choose_display
from drawer_ipy.errors import DrawerError, UsageError
from drawer_ipy.notebook.cell import LAST, CellPress
from drawer_ipy.notebook.line import shown_in
from drawer_ipy.notebook.line_values import input_value
from drawer_ipy.notebook.option_values import with_variables
from drawer_ipy.notebook.words import ASSIGNMENT, LineWord, check_words, unquote, words_of
from drawer_ipy.pressing.interrupts import breaking_off, cancelling
from drawer_ipy.pressing.job import Job, check_wait
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.verbs import VerbContext, VerbResult, run_verb
from drawer_ipy.workspace.lookup import Workspace

_PLACE = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


class NotebookVerb:
    """One ``%drawer`` line.

    Args:
        shell: IPython's shell.
        line: the text after ``%drawer``.
        registered: the buttons of ``%%button`` cells.
        drawers: the drawers defined in cells; ``set`` and ``remove`` change it.

    Raises:
        UsageError: a quote or bracket is not closed, or a variable does not exist.
    """

    def __init__(
        self,
        shell: Any,
        line: str,
        registered: Mapping[str, Button],
        drawers: MutableMapping[str, DrawerModel],
    ) -> None:
        self._shell = shell
        names: Mapping[str, Any] = shell.user_ns
        self._line = line
        self._places: dict[str, int] = {}
        try:
            self._words = self._read(names)
        except UsageError as error:
            raise shown_in(error, line, "%drawer") from None
        self._context = VerbContext(
            Workspace.current(),
            registered,
            names,
            drawers,
            value=lambda name, text: input_value(name, text, names),
        )
        self._job: Job | None = None

    def _read(self, names: Mapping[str, Any]) -> list[str]:
        """The words for the verb; of a press, the places of its inputs are kept for errors."""
        words = words_of(self._line)
        if [str(word) for word in words[1:2]] != ["press"]:
            return [_placed(word, names) for word in words]
        check_words(words, _takes_value)
        for word in words[2:]:
            if (given := ASSIGNMENT.fullmatch(word)) is not None:
                self._places[given[1]] = word.start + given.start(2) + 1
        return [*words[:2], *with_variables(words[2:], names, _takes_value)]

    def blocking(self) -> Any:
        """Run the verb while this thread waits.

        Returns:
            The Results of a press or of a stored run, ``None`` for another verb.

        Raises:
            DrawerError: the verb failed, or the run did not end ok.
        """
        return self._end(self._run(self._press_blocking))

    async def awaited(self) -> None:
        """Press on the shell's own loop; see :meth:`drawer_ipy.notebook.cell.CellPress.awaited`."""
        if not has_threads():
            check_wait("await apress(...)")
            self.blocking()
            return
        loop = asyncio.get_running_loop()
        display = choose_display(self._shell)

        def press(job: Job) -> Results:
            # In a thread, since verbs do not await; the run still belongs to the loop.
            self._job = job
            return asyncio.run_coroutine_threadsafe(job.press(display), loop).result()

        doing = asyncio.ensure_future(asyncio.to_thread(self._run, press))
        with (
            cancelling(self._cancel, only_default=True),
            breaking_off(self._is_ending, self._interrupted, loop),
        ):
            while not doing.done():
                try:
                    await asyncio.wait({doing})
                except asyncio.CancelledError:
                    self._cancel()
                    task = asyncio.current_task()
                    if task is not None:
                        task.uncancel()
        if self._job is None:
            self._end(doing.result())
            return
        shown = CellPress(self._shell, self._job, display)
        shown.show()
        doing.result()
        shown.finish()

    def _run(self, press: Callable[[Job], Results]) -> VerbResult:
        self._context.press = press
        try:
            return run_verb(self._words, self._context)
        except UsageError as error:
            if error.about in self._places:
                column = self._places[error.about] + (error.column or 1) - 1
                raise shown_in(error.pointing_at("", column), self._line, "%drawer") from None
            raise

    def _press_blocking(self, job: Job) -> Results:
        self._job = job
        display = choose_display(self._shell)
        try:
            return job.press_blocking(display)
        finally:
            display.close(None)
            self._shell.push({LAST: job.results}, interactive=True)

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.run.cancel()

    def _interrupted(self) -> None:
        if self._job is not None:
            self._job.run.interrupted()

    def _is_ending(self) -> bool:
        return self._job is None or self._job.run.ending

    def _end(self, outcome: VerbResult) -> Any:
        if outcome.results is not None:
            if self._job is not None:
                raise_for(outcome.results, self._job.run.notes)
            else:
                self._shell.push({LAST: outcome.results}, interactive=True)
            return outcome.results
        print(outcome.text)
        if outcome.picture is not None and getattr(self._shell, "kernel", None) is not None:
            display(outcome.picture())
        if outcome.error is not None:
            error = outcome.error
            raise DrawerError(error.message, code=error.code, remediation=error.remediation)
        return None


def _placed(word: LineWord, namespace: Mapping[str, Any]) -> str:
    """As :func:`_plain`; the column of an error counts in the line."""
    try:
        return _plain(word, namespace)
    except UsageError as error:
        raise error.pointing_at("", word.start + word.index("=") + 1 + (error.column or 1)) from None


def _takes_value(word: str) -> bool:
    """Whether `word` may be an option of ``press`` whose value is the next word."""
    return word.startswith("--") and "=" not in word and word not in ("--dry-run", "--help")


def _plain(word: str, namespace: Mapping[str, Any]) -> str:
    """`word` as on a command line: without quotes, with ``$name`` and ``{...}`` evaluated."""
    given = _PLACE.fullmatch(word)
    if given is None:
        return unquote(word)
    path, text = given.groups()
    if text.startswith(("$", "{")) and not text.startswith("${"):
        value = input_value(path, text, namespace)
        return f"{path}={json.dumps(value)}" if _is_json(value) else f"{path}={text}"
    return f"{path}={unquote(text) if text[:1] == chr(39) else text}"


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
