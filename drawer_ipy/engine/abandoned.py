"""What the record says of work that ignored its cancellation and was abandoned: it was cancelled."""

from __future__ import annotations

from collections.abc import Iterable

from drawer_ipy.record import CANCELLED, CANCELLED_ERROR, RUNNING, LoopOutput, LoopRecord, StepResult


def close_items(loop: LoopRecord) -> None:
    """Mark the items of `loop` that still run as cancelled; for a loop that has ended."""
    if not loop.counts[RUNNING]:
        return
    for index, state in enumerate(loop.states):
        if state != RUNNING:
            continue
        loop.move(index, CANCELLED)
        step = next((column for column in loop.columns if not column.statuses[index]), None)
        if step is not None:
            result = StepResult(step.id, status="cancelled", error=CANCELLED_ERROR)
            step.put(index, result)


def close_steps(steps: Iterable[StepResult]) -> list[StepResult]:
    """Mark those of `steps` that still run as cancelled, and their loops' items; returns them."""
    running = [step for step in steps if step.status == "running"]
    for step in running:
        step.status, step.error = "cancelled", CANCELLED_ERROR
        step.finished = step.clock() if step.clock is not None else step.started
        if isinstance(step.output, LoopOutput):
            close_items(step.output.record)
            step.output.record.close()
    return running
