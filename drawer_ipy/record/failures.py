"""The failures in a run, including a run that ended ok."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.failed_counts import NONE, Failures, added
from drawer_ipy.record.inner import loops_in
from drawer_ipy.record.loop import FAILED, OK, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_OK, StepColumn

__all__ = [
    "NONE",
    "Failures",
    "count_failures",
    "failures_in_loop",
    "failures_in_step",
    "failures_of",
    "last_loop",
]


def failures_of(run: RunRecord) -> Failures:
    """Count the failures in `run`; the time depends on the number of items only for nested loops.

    ``nothing_ok`` is about the items of the run's last loop; if there is none, or if it has no items, about
    all its steps.
    """
    whole = added(map(failures_in_step, run.steps))
    loop = last_loop(run)
    if loop is None or not len(loop):
        loops = [step for step in run.steps if (found := own_loop(step)) is not None and len(found)]
        nothing_ok = added(map(failures_in_step, loops or run.steps)).nothing_ok
    else:
        nothing_ok = failures_in_loop(loop).nothing_ok
    return Failures(whole.items, whole.steps, nothing_ok)


def last_loop(run: RunRecord) -> LoopRecord | None:
    """Return the last top-level loop of `run`, whose items are the rows of its table."""
    for step in reversed(run.steps):
        loop = own_loop(step)
        if loop is not None:
            return loop
    return None


def own_loop(step: StepResult) -> LoopRecord | None:
    """Return the loop that `step` has as its output, or ``None``."""
    return step.output.record if isinstance(step.output, LoopOutput) else None


def failures_in_step(step: StepResult) -> Failures:
    """Count the failures of a step and of everything inside it."""
    return count_failures(step.id, step.output, step.error, step.inside)


def count_failures(
    step_id: str, output: object, error: ErrorInfo | None, inside: Failures | None
) -> Failures:
    """Count the failures of a step, given by the fields of its result, and of everything inside it."""
    # Another step may have returned the output of a loop; it is counted where the loop is.
    if isinstance(output, LoopOutput) and output.record.path[-1:] == (step_id,):
        found = failures_in_loop(output.record)
        return found if found.items or error is None else Failures(0, found.steps + 1, True)
    found = inside or NONE
    if error is not None:
        return Failures(found.items, found.steps + (not found.items), True)
    return found


def failures_in_loop(loop: LoopRecord) -> Failures:
    """Count the failed items of `loop`, and what failed inside its items that ended ok."""
    return loop.once_ended(failures_in_loop, lambda: _failures_in_loop(loop))


def _failures_in_loop(loop: LoopRecord) -> Failures:
    failed = Failures(loop.counts[FAILED], nothing_ok=True)
    inside = [found for column in loop.columns for found in _inside(column, loop)]
    total = added([failed, *inside])
    return Failures(total.items, total.steps, bool(len(loop)) and not _anything_ok(loop, bool(inside)))


def _inside(column: StepColumn, loop: LoopRecord) -> Iterator[Failures]:
    """Yield the failures of one nested step in the items that ended ok."""
    for index in _with_key(column.errors, loop):  # the step was allowed to fail
        found = _of_output(column.entries[index])
        yield found if found is not None and found.items else Failures(0, 1, True)
    details, errors = column.details, column.errors
    # If every item failed, a comparison of the keys takes a third of the time of a loop.
    for detail in () if details.keys() == errors.keys() else details.values():
        if detail.error is None and detail.inside is not None and detail.inside.total:
            yield detail.inside
    for index, inner in loops_in(loop, column):
        if column.statuses[index] == STEP_OK:
            found = failures_in_loop(inner)
            if found.total:
                yield found


def _with_key(table: Collection[int], loop: LoopRecord) -> Iterable[int]:
    """The items of `loop` that ended ok and are in `table`."""
    states, ended_ok = loop.states, loop.counts[OK]
    if not ended_ok or not table:
        return ()
    if ended_ok < len(table):
        found = (match.start() for match in re.finditer(re.escape(bytes([OK])), bytes(states)))
        return [index for index in found if index in table]
    return [index for index in table if states[index] == OK]


def _of_output(output: object) -> Failures | None:
    return failures_in_loop(output.record) if isinstance(output, LoopOutput) else None


def _anything_ok(loop: LoopRecord, look_inside: bool) -> bool:
    """Whether an item ended ok in which not everything failed."""
    if not loop.counts[OK]:
        return False
    if not look_inside:
        return True
    return any(_item_is_ok(loop, index) for index, state in enumerate(loop.states) if state == OK)


def _item_is_ok(loop: LoopRecord, index: int) -> bool:
    """Whether a step of the item succeeded with anything in it."""
    for column in loop.columns:
        if column.statuses[index] != STEP_OK:
            continue
        found = _of_output(column.entries[index])
        if found is None and (detail := column.details.get(index)) is not None:
            found = detail.inside
        if found is None or not found.nothing_ok:
            return True
    return not loop.columns
