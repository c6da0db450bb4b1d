"""Where a table and all tables made from it come from: a run, and what can press it again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from drawer_ipy.errors import UsageError
from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.loop_source import LoopSource
from drawer_ipy.results.source import RowSource
from drawer_ipy.results.step_source import StepSource

TakeRecord = Callable[[RunRecord], None]


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """What to press again.

    Attributes:
        only: id of a top-level loop -> the items in question; ``None`` for all that did not end ok.
        dependents: also steps that ended ok but used what has changed since.
        quiet: show no progress.
    """

    only: Mapping[str, Collection[int]] | None = None
    dependents: bool = False
    quiet: bool = False


class CanRetry(Protocol):
    """Presses a drawer again as it was pressed before: same definition, options, inputs, places to look."""

    def press(self, wanted: RetryRequest, adopt: TakeRecord) -> None:
        """Press while this thread waits; `adopt` gets the record, whatever way the press ends."""

    async def apress(self, wanted: RetryRequest, adopt: TakeRecord) -> None:
        """The same on the current event loop."""


class Origin:
    """The run that tables show, shared by all of them: when it is pressed again they all show the new one.

    Args:
        run: the record of the run.
        again: what presses it again; ``None`` for a run that nobody in this process pressed.

    Attributes:
        run: the newest record; ``earlier`` are those before it, oldest first.
    """

    def __init__(self, run: RunRecord, again: CanRetry | None = None) -> None:
        self.run = run
        self.earlier: list[RunRecord] = []
        self._again = again
        self._sources: dict[str, RowSource] = {}
        self._busy = False

    def source(self, loop: LoopRecord | None) -> RowSource:
        """Where the rows of `loop` come from, of the steps when it is ``None``."""
        key = "" if loop is None else "/".join(loop.path)
        found = self._sources.get(key)
        if found is None or found.loop is not loop:
            found = StepSource(self.run) if loop is None else LoopSource(loop)
            self._sources[key] = found
        return found

    def last_loop(self) -> LoopRecord | None:
        """The run's last top-level loop."""
        for step in reversed(self.run.steps):
            if isinstance(step.output, LoopOutput):
                return step.output.record
        return None

    def unfinished(self) -> bool:
        """Whether anything of the run did not end ok."""
        if self.run.status != "ok":
            return True
        loops = (step.output.record for step in self.run.steps if isinstance(step.output, LoopOutput))
        failed = any(step.error is not None for step in self.run.steps)
        return failed or not all(loop.all_complete() for loop in loops)

    def press(self, wanted: RetryRequest) -> None:
        """Press again while this thread waits.

        Raises:
            UsageError: it cannot be pressed, or not now.
        """
        again = self._take()
        try:
            again.press(wanted, self._adopt)
        finally:
            self._busy = False

    async def apress(self, wanted: RetryRequest) -> None:
        """The same on the current event loop."""
        again = self._take()
        try:
            await again.apress(wanted, self._adopt)
        finally:
            self._busy = False

    def _take(self) -> CanRetry:
        if self._again is None:
            raise UsageError(
                "these results cannot be retried: the run was not pressed in this process",
                remediation="press the drawer again; press() and %%drawer give results that can be retried",
            )
        if self._busy or self.run.status == "running":
            raise UsageError(
                "the run still goes on", remediation="wait for its end, or cancel it; then retry()"
            )
        self._busy = True
        return self._again

    def _adopt(self, run: RunRecord) -> None:
        self.earlier.append(self.run)
        self.run = run
        for source in self._sources.values():
            source.follow(run)
