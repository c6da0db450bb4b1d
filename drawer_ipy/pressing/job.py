"""A drawer that is ready to be pressed, and the options of a press.

``press``, ``apress``, the magics and the command line all use the same :class:`Job`.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.buttons.function.containment import Refused, refusing
from drawer_ipy.definition import Loaded
from drawer_ipy.definition.values import AUTO
from drawer_ipy.display.choose import current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.engine.run import Run
from drawer_ipy.errors import (
    Alarm,
    DrawerError,
    Problem,
    UsageError,
    did_you_mean,
)
from drawer_ipy.pressing.interrupts import cancelling, to_the_end, wait_in_thread
from drawer_ipy.pressing.own_loop import run_on_own_loop
from drawer_ipy.results import Results, check_save_path
from drawer_ipy.results.origin import Origin
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
        save: the file that gets the table when the run ends, also a partial one; ``None`` for none.

    Raises:
        UsageError: a value is invalid, or the file cannot be written.
    """

    parallelism: int | Literal["auto"] | None = None
    mode: str = "sequential"
    on_failure: str = "stop"
    concurrency: int | None = None
    timeout: float | None = None
    save: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if self.save is not None:
            check_save_path(self.save)
        if self.parallelism != AUTO:
            _whole_number("parallelism", self.parallelism, least=0, other=f" or {AUTO!r}")
        _whole_number("concurrency", self.concurrency, least=1)
        _one_of("mode", self.mode, ("sequential", "parallel"))
        _one_of("on_failure", self.on_failure, ("stop", "continue"))


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
    """

    run: Run
    loaded: Loaded
    warnings: list[Problem]
    catalog: ButtonCatalog
    keeper: Keeper
    origin: Origin
    save: str | os.PathLike[str] | None = None

    async def press(self, display: Display) -> Results:
        """Run on the current event loop, shown by `display`.

        Raises:
            asyncio.CancelledError: the caller was cancelled; :attr:`results` contains what had ended.
        """
        display.attach(self.run.listeners, self.run.cancel)
        try:
            with cancelling(self.run.cancel, only_default=True), _shell_kept():
                await self.run.execute()
        finally:
            if self.keeper.has_work or self.save is not None:
                await to_the_end(self._keep)
        return self.results

    def press_blocking(self, display: Display) -> Results:
        """Run on a separate event loop and thread while this thread waits.

        An interrupt (Ctrl-C) cancels the run and returns what had ended. A second one is raised after the run
        had a moment to end what it started.
        """
        display.attach(self.run.listeners, self.run.cancel)
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

    def _keep(self) -> None:
        """Write the history and the table, also for a run that was cancelled or had an internal error."""
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


def _shell_kept() -> AbstractContextManager[None]:
    """Inside, ``exit()`` in a button fails its item instead of shutting the kernel down."""
    shell = current_shell()
    if shell is None:
        return nullcontext()
    return refusing(shell, "ask_exit", lambda: Refused("exit() in a button does not end the notebook"))
