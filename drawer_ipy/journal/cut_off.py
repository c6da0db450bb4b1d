"""What becomes of the items and steps that were running when a run was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.loop import CANCELLED, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult
from drawer_ipy.record.step_column import DID_NOT_RUN, STEP_OK, STEP_STATUSES

IN_FLIGHT = ErrorInfo(
    Code.CANCELLED,
    "in flight when the run was cut off",
    "it may have had effects; resume the run to press it again",
)
"""The error of an item or step that had begun and not ended."""

CUT_OFF = ErrorInfo(
    Code.CANCELLED,
    "the run was cut off: its process ended",
    "resume it to press what is left",
)
"""The error of a press without an end."""


def add_cut_off(
    found: dict[str, StepResult], loops: Mapping[str, LoopRecord], running: list[StepResult], at: float
) -> None:
    """Add the steps that had begun and not ended to those that were `found`.

    Args:
        loops: the loops that had begun, by the ids of their steps.
        running: other steps that were running.
        at: seconds since the epoch.
    """
    for step_id, loop in loops.items():
        if step_id not in found:
            cut = StepResult(step_id, "", loop.began, at, status="cancelled")
            cut.error, cut.output = CANCELLED_ERROR, LoopOutput(loop)
            found[step_id] = cut
    for step in running:
        if step.id not in found:
            step.status, step.error, step.finished = "cancelled", IN_FLIGHT, at
            found[step.id] = step


def mark_in_flight(loop: LoopRecord, begun: Mapping[int, float]) -> int:
    """Mark the items that had begun and not ended when the run was cut off; return their number.

    Args:
        begun: index -> when, in seconds since the loop's epoch.
    """
    marked = 0
    for index, at in begun.items():
        if not 0 <= index < len(loop.states):
            continue
        marked += 1
        loop.states[index] = CANCELLED
        if loop.marks is not None:
            loop.marks[index] = 0
        loop.started[index], loop.finished[index] = max(at, 1e-6), 0.0
        for column in loop.columns:
            if column.statuses[index] != STEP_OK:
                output = column.entries[index]
                column.clear(index)
                step = StepResult(column.id, status="cancelled")
                step.output, step.error = output if isinstance(output, LoopOutput) else None, IN_FLIGHT
                column.put(index, step)
                break
    return marked


def settle(loop: LoopRecord, indices: Iterable[int]) -> None:
    """Mark items that were running when the run was cut off as cancelled, and those of loops inside them."""
    for index in indices:
        if loop.states[index] != RUNNING:
            continue
        loop.states[index] = CANCELLED
        for column in loop.columns:
            output = column.entries[index]
            if isinstance(output, LoopOutput) and column.statuses[index] == DID_NOT_RUN:
                column.statuses[index] = STEP_STATUSES.index("cancelled")
                column.errors[index] = CANCELLED_ERROR
                detail = StepResult(column.id, status="cancelled", output=output)
                detail.error = CANCELLED_ERROR
                column.details[index] = detail
                settle(output.record, range(len(output.record.states)))
                output.record.recount()
                output.record.close()
