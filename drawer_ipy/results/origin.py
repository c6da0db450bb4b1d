"""The origin of a table and all tables derived from it: a run, and the means to press it again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from drawer_ipy.errors import UsageError
from drawer_ipy.record.failures import last_loop
from drawer_ipy.record.inner import all_complete
from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.loop_source import LoopSource
from drawer_ipy.results.source import RowSource
from drawer_ipy.results.step_source import StepSource

TakeRecord = Callable[[RunRecord], None]


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """A request to press a run again.

    Attributes:
        only: id of a top-level loop -> the items to press; ``None`` for all that did not end ok.
        dependents: also repeat steps that ended ok but used values that have changed.
        quiet: do not show progress.
        display: shows the press, and is closed by the code that made it; ``None`` for the display of a press.
    """

    only: Mapping[str, Collection[int]] | None = None
    dependents: bool = False
    quiet: bool = False
    display: Any = None


class CanRetry(Protocol):
    """Presses a drawer again with the same definition, options, inputs and look-up places."""

    def press(self, wanted: RetryRequest, take: TakeRecord) -> None:
        """Press while this thread waits; `take` receives the record, however the press ends."""

    async def apress(self, wanted: RetryRequest, take: TakeRecord) -> None:
        """Press again on the current event loop."""


class Origin:
    """The run that tables share: after another press, all of them show the new run.

    Args:
        run: the record of the run.
        retrier: presses it again; ``None`` for a run from another process.

    Attributes:
        run: the newest record; ``earlier`` has the previous ones, oldest first.
    """

    def __init__(self, run: RunRecord, retrier: CanRetry | None = None) -> None:
        self.run: RunRecord = run
        self.earlier: list[RunRecord] = []
        self._retrier = retrier
        self._sources: dict[str, RowSource] = {}
        self._busy = False
        self._beginning = Lock()

    def source(self, loop: LoopRecord | None) -> RowSource:
        """Return the source of the rows of `loop`; of the run's steps if it is ``None``."""
        key = "" if loop is None else "/".join(loop.path)
        found = self._sources.get(key)
        if found is None or found.loop is not loop:
            found = StepSource(self.run) if loop is None else LoopSource(loop)
            self._sources[key] = found
        return found

    def last_loop(self) -> LoopRecord | None:
        """Return the run's last top-level loop."""
        return last_loop(self.run)

    def unfinished(self) -> bool:
        """Whether any part of the run did not end ok."""
        if self.run.status != "ok":
            return True
        loops = (step.output.record for step in self.run.steps if isinstance(step.output, LoopOutput))
        failed = any(step.error is not None for step in self.run.steps)
        return failed or not all(map(all_complete, loops))

    @property
    def can_retry(self) -> bool:
        """Whether the run was pressed in this process, so that it can be pressed again."""
        return self._retrier is not None

    def press(self, wanted: RetryRequest) -> None:
        """Press again while this thread waits.

        Raises:
            UsageError: it cannot be pressed, or cannot be pressed now.
        """
        retrier = self._begin()
        try:
            retrier.press(wanted, self._take_record)
        finally:
            self._busy = False

    async def apress(self, wanted: RetryRequest) -> None:
        """Press again on the current event loop."""
        retrier = self._begin()
        try:
            await retrier.apress(wanted, self._take_record)
        finally:
            self._busy = False

    def _begin(self) -> CanRetry:
        if self._retrier is None:
            raise UsageError(
                "these results cannot be retried: the run was not pressed in this process",
                remediation="press the drawer again; the results of press() and %%drawer can be retried",
            )
        with self._beginning:  # a page may ask for a retry at the same time as a cell
            if self._busy or self.run.status == "running":
                raise UsageError(
                    "the run is still running",
                    remediation="wait until it ends or cancel it, then call retry()",
                )
            self._busy = True
        return self._retrier

    def _take_record(self, run: RunRecord) -> None:
        self.earlier.append(self.run)
        self.run = run
        for source in self._sources.values():
            source.follow(run)
