"""A drawer that is ready to be pressed, and the options of a press.

``press``, ``apress``, the magics and the command line all use the same :class:`Job`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.buttons.function.containment import Refused, refusing
from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.platform import can_wait, has_threads, lacks, wait
from drawer_ipy.definition import Loaded
from drawer_ipy.definition.backends import parse_backend
from drawer_ipy.definition.values import AUTO
from drawer_ipy.display.front_ends import current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.engine.run import Run
from drawer_ipy.errors import (
    Alarm,
    DrawerError,
    Problem,
    UsageError,
    did_you_mean,
)
from drawer_ipy.journal.folder import is_run_id
from drawer_ipy.pressing.interrupts import cancelling, to_the_end, wait_in_thread
from drawer_ipy.pressing.journaling import DURABLE, Journaling
from drawer_ipy.pressing.own_loop import run_on_own_loop
from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results import Results, check_save_path
from drawer_ipy.results.origin import Origin
from drawer_ipy.style.outcome import kept_text
from drawer_ipy.workspace.history import Keeper


@dataclass(frozen=True, slots=True)
class Options:
    """How to press.

    Attributes:
        parallelism: overrides that of the outermost ``for_each`` steps; ``None`` keeps theirs.
        mode: ``sequential``, or ``parallel``: steps start as soon as the steps they refer to have ended.
        on_failure: in parallel mode, ``stop``, or ``continue`` with steps that do not depend on the failure.
        concurrency: most buttons running at once in the whole run; ``None`` for no cap.
        timeout: most seconds for the whole run; ``None`` for no limit.
        save: a file that gets the table when the run ends, also a partial one; see
            :meth:`~drawer_ipy.Results.save`.
        durable: whether the run is kept on disk: ``auto`` if it takes more than two seconds, ``on``, ``off``,
            or ``strict``: nothing counts as begun or ended before it is on disk, and a disk that fails stops
            the run.
        resume: go on with the latest stored run of the drawer (or the one whose id begins so), also of a
            process that was killed: what ended ok is kept. Without such a run, begin a new one.
        changed: when resuming, press again what was made by steps that have changed since.
        max_age: when resuming, seconds after which a result is pressed again; ``None`` for any age.
        backend: where presses of functions run, unless a loop, step or button sets it; ``None`` for threads
            of the kernel.

    Raises:
        UsageError: a value is invalid, or the file cannot be written.
    """

    parallelism: int | Literal["auto"] | None = None
    mode: str = "sequential"
    on_failure: str = "stop"
    concurrency: int | None = None
    timeout: float | None = None
    save: str | os.PathLike[str] | None = None
    durable: str = "auto"
    resume: bool | str = False
    changed: bool = False
    max_age: float | None = None
    backend: str | None = None

    def __post_init__(self) -> None:
        _one_of("durable", self.durable, DURABLE)
        self._check_resume()
        self._check_platform()
        if self.max_age is not None and not (
            isinstance(self.max_age, int | float) and 0 < self.max_age < math.inf
        ):
            raise UsageError(f"max_age must be seconds above 0, not {self.max_age!r}")
        check_backend(self.backend)
        if self.save is not None:
            check_save_path(self.save)
        if self.parallelism != AUTO:
            _whole_number("parallelism", self.parallelism, least=0, other=f" or {AUTO!r}")
        _whole_number("concurrency", self.concurrency, least=1)
        _one_of("mode", self.mode, ("sequential", "parallel"))
        _one_of("on_failure", self.on_failure, ("stop", "continue"))

    def _check_platform(self) -> None:
        if not (why := lacks("threads")):
            return
        if self.durable not in ("auto", "off"):
            raise UsageError(
                f"durable={self.durable!r} is not available: {why}, so a run cannot be written to disk",
                remediation="leave it out; results.save(...) writes the table when the run has ended",
            )
        if self.resume is not False:
            raise UsageError(
                f"resume is not available: {why}, so runs are not stored",
                remediation="results.retry(), or `await results.aretry()`, presses what did not end ok",
            )

    def _check_resume(self) -> None:
        resume = self.resume
        if resume is False:
            given = {"changed": self.changed, "max_age": self.max_age is not None}
            check_needs(given, "resume", "resume=True")
        elif resume is not True and not (isinstance(resume, str) and is_run_id(resume)):
            raise UsageError(
                f"resume must be True or the id of a run, not {resume!r}",
                remediation="drawer_ipy.runs() lists the stored runs with their ids",
            )


def check_needs(given: Mapping[str, bool], needed: str, write: str) -> None:
    """Check that no option is given that has an effect only when a run is resumed.

    Args:
        given: the options, and whether they are given.
        needed, write: the option that they need, and how to give it.

    Raises:
        UsageError: one is.
    """
    for name, there in given.items():
        if there:
            raise UsageError(f"{name} has no effect without {needed}", remediation=f"write {write}, too")


def check_backend(backend: Any) -> None:
    """Check the name of a backend; ``""`` and ``None`` name none.

    Raises:
        UsageError: there is no such backend, or it is not installed.
    """
    try:
        if backend is not None and backend != "":
            parse_backend(backend)
    except BadValue as error:
        raise UsageError(error.message, remediation=error.hint) from None


def _whole_number(name: str, value: Any, least: int, other: str = "") -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        return
    raise UsageError(f"{name} must be a whole number from {least} up{other}, not {value!r}")


def _one_of(name: str, value: Any, words: tuple[str, ...]) -> None:
    if value not in words:
        hint = did_you_mean(str(value), words)
        raise UsageError(f"{name} must be {' or '.join(words)}, not {value!r}", remediation=hint)


@dataclass(slots=True)
class Job:
    """A checked drawer, ready to be pressed, with its inputs.

    Attributes:
        run: the handle of the run, which has not started.
        loaded: the definition, with its positions in the text.
        warnings: problems that do not prevent a press.
        catalog: the buttons.
        keeper: writes the history after the run.
        origin: the state shared by all tables of the run.
        save: the file that gets the table when the run ends.
        journaling: keeps the run on disk; ``None`` if it is not kept.
        resumed: whether it continues a run from disk.
    """

    run: Run
    loaded: Loaded
    warnings: list[Problem]
    catalog: ButtonCatalog
    keeper: Keeper
    origin: Origin
    save: str | os.PathLike[str] | None = None
    journaling: Journaling | None = None
    resumed: bool = False

    async def press(self, display: Display) -> Results:
        """Run on the current event loop, shown by `display`.

        Raises:
            asyncio.CancelledError: the caller was cancelled; :attr:`results` contains what had ended.
            UsageError: it is to be resumed, and another process is pressing it.
        """
        self._begin(display)
        try:
            with cancelling(self.run.cancel, only_default=True), _shell_kept():
                await self.run.execute()
        finally:
            if self.keeper.has_work or self.save is not None or self._is_journaled or self.resumed:
                await to_the_end(self._keep)
        return self.results

    def press_blocking(self, display: Display, instead: str = "await apress(...)") -> Results:
        """Run on a separate event loop and thread while this thread waits.

        Without threads, the run is a task of the current event loop, if this platform can wait for one.

        An interrupt (Ctrl-C) cancels the run and returns what had ended. A second one is raised after the run
        had a moment to end what it started.

        Args:
            instead: what to write where it is not possible to wait.

        Raises:
            UsageError: as :meth:`press`; or it is not possible to wait here.
        """
        if not has_threads():
            check_wait(instead)
            return wait(self.press(display))
        self._begin(display)
        work = self.run.execute
        try:
            with _shell_kept():
                wait_in_thread(
                    lambda over: run_on_own_loop(work, self.run.notes, over),
                    self.run.cancel,
                    f"drawer {self.run.plan.name}",
                )
        finally:
            self._keep()
        return self.results

    def _begin(self, display: Display) -> None:
        if self.journaling is not None:
            self.journaling.claim()
            self.journaling.attach()
        display.attach(self.run.listeners, self.run.cancel)

    @property
    def _is_journaled(self) -> bool:
        return self.journaling is not None and self.journaling.is_open

    def _keep(self) -> None:
        """Write the history and the table, also for a run that was cancelled or had an internal error."""
        if self.journaling is not None:
            self.run.notes += self.journaling.close()
        if self.resumed and (kept := kept_note(self.run.record)):
            self.run.notes.append(kept)
        self.run.notes += self.keeper.write(self.run.record)
        if self.save is None:
            return
        try:
            self.results.save(Path(self.save))
        except (DrawerError, OSError) as error:  # the results themselves are not lost
            self.run.notes.append(Alarm(f"the table was not saved to {str(self.save)!r}: {error}"))

    @property
    def results(self) -> Results:
        """The table of the items that have ended so far, in order."""
        return Results.of(self.origin)


def check_wait(instead: str) -> None:
    """Check that code which cannot await can wait for a run.

    Args:
        instead: the code to write where it cannot.

    Raises:
        UsageError: there are neither threads nor a way to switch stacks.
    """
    if not has_threads() and not can_wait():
        raise UsageError(
            f"this call cannot wait for a run: {lacks('threads')}, and it cannot switch stacks (JSPI) here",
            remediation=f"write `{instead}`",
        )


def kept_note(record: RunRecord) -> str:
    """Return how many items of the last loop of a resumed run were kept, ``""`` if it has no loop."""
    loops = [step.output.record for step in record.steps if isinstance(step.output, LoopOutput)]
    if not loops:
        return ""
    loop = loops[-1]
    if loop.kept == len(loop):
        return f"{loop.kept:,} kept, nothing to do"
    to_go = len(loop) - loop.kept - loop.in_flight
    return f"the run was resumed: {kept_text(loop.kept, loop.in_flight, max(0, to_go))}"


def _shell_kept() -> AbstractContextManager[None]:
    """Inside, ``exit()`` in a button fails its item instead of shutting the kernel down."""
    shell = current_shell()
    if shell is None:
        return nullcontext()
    return refusing(shell, "ask_exit", lambda: Refused("exit() in a button does not end the notebook"))
