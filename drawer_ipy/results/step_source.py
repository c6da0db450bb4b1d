"""Rows that are the steps of a run without a loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, PAUSED, RUNNING, SKIPPED, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.waits import Waited, waited
from drawer_ipy.results.at_path import at_path
from drawer_ipy.results.source import Getter, StepCell, cell_of, error_text, tally

_STEP_STATES = {
    "ok": OK,
    "running": RUNNING,
    "paused": PAUSED,
    "cancelled": CANCELLED,
    "skipped": SKIPPED,
}


class StepSource:
    """The steps of a run without a loop, one row per step."""

    always_states = True
    loop: LoopRecord | None = None

    def __init__(self, run: RunRecord) -> None:
        self.run: RunRecord = run

    def follow(self, run: RunRecord) -> None:
        """Show `run`, another press of the same drawer."""
        self.run = run

    @property
    def steps_known(self) -> tuple[str, ...]:
        return ()

    def __len__(self) -> int:
        return len(self.run.steps)

    def state(self, index: int) -> int:
        return _STEP_STATES.get(self.run.steps[index].status, FAILED)

    def counts(self, rows: Sequence[int] | None) -> list[int]:
        return tally(map(self.state, range(len(self)) if rows is None else rows))

    def where(self, state: int, rows: Sequence[int] | None) -> Iterator[int]:
        return (row for row in (range(len(self)) if rows is None else rows) if self.state(row) == state)

    def status(self, index: int) -> str:
        return self.run.steps[index].status

    def item(self, index: int) -> Any:
        return self.run.steps[index].id

    def output(self, index: int) -> Any:
        return self.run.steps[index].output

    def error(self, index: int) -> tuple[str, ErrorInfo] | None:
        step = self.run.steps[index]
        return None if step.error is None else (step.id, step.error)

    def steps(self, index: int) -> dict[str, StepCell]:
        step = self.run.steps[index]
        return {step.id: cell_of(step, step.status)}

    def started(self, index: int) -> float | None:
        return self.run.steps[index].started or None

    def duration(self, index: int) -> float | None:
        step = self.run.steps[index]
        return step.duration if step.started and step.finished else None

    def waited(self, index: int) -> Mapping[str, Waited]:
        step = self.run.steps[index]
        found = waited(step.waits or ())
        return {step.id: found} if found else {}

    def _seconds(self, index: int) -> float | None:
        duration = self.duration(index)
        return None if duration is None else round(duration, 6)

    def layout(self) -> Mapping[str, Getter]:
        return {
            "step": self.item,
            "status": self.status,
            "output": self.output,
            "error": lambda index: error_text(self.error(index)),
            "seconds": self._seconds,
        }

    def getter(self, name: str) -> Getter | None:
        columns = self.layout()
        return columns.get(name) or at_path(name, len(self), columns.get)
