"""Emit the events of a run by hand, with a clock that only a test moves."""

from __future__ import annotations

from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.engine.events import (
    Listeners,
    LoopFinished,
    LoopStarted,
    RunStarted,
    StepFinished,
    StepStarted,
)
from drawer_ipy.errors import Code
from drawer_ipy.record.loop import CANCELLED, FAILED, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Driver:
    """Emits the events of a run by hand."""

    def __init__(self, *step_ids: str) -> None:
        self.clock = Clock()
        self.state = ProgressState(self.clock)
        self.listeners = Listeners()
        self.state.attach(self.listeners)
        self.run = RunRecord("0" * 16, "pages")
        self.listeners.emit(RunStarted(self.run, step_ids))

    def step(self, step_id: str, run: RunRecord | None = None) -> StepResult:
        result = StepResult(step_id)
        if run is None:
            self.run.steps.append(result)
        self.listeners.emit(StepStarted(run or self.run, result))
        return result

    def end(self, result: StepResult, run: RunRecord | None = None) -> None:
        self.listeners.emit(StepFinished(run or self.run, result))

    def loop(
        self, n: int, step: StepResult, width: int = 4, path: tuple[str, ...] | None = None
    ) -> LoopRecord:
        record = LoopRecord(path or (step.id,), "u", range(n), ["page"], width)
        if path is None:
            step.output = LoopOutput(record)
        self.listeners.emit(LoopStarted(record))
        return record

    def close(self, loop: LoopRecord) -> None:
        loop.close()
        self.listeners.emit(LoopFinished(loop))

    def at(self, seconds: float) -> Snapshot:
        self.clock.now = 100.0 + seconds
        return self.state.snapshot(self.clock.now)


def fail(loop: LoopRecord, index: int, message: str = "broke", code: str = "SCRIPT_ERROR") -> None:
    result = StepResult("page")
    result.fail(code, message)
    loop.columns[0].put(index, result)
    loop.move(index, CANCELLED if code == Code.CANCELLED else FAILED)
