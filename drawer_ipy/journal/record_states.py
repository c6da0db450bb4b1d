"""The parts of a record as plain tuples and back, without what belongs to the process that made it.

A step loses its clock, an error its Python exception. The times of a loop are counted from a clock of its
process, so they are counted anew in the process that reads it.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import STATE_NAMES, LoopEntries, LoopOutput, LoopRecord
from drawer_ipy.record.step import StepResult, Try
from drawer_ipy.record.step_column import STEP_STATUSES, StepColumn

_MODULE = "drawer_ipy.journal.record_states"


class SameValue:
    """Stands in an argument for a value that the row has already: its item, or an output.

    Attributes:
        place: -1 for the item, else the number of the nested step.
    """

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place: int = place


def error_state(error: ErrorInfo | None) -> Any:
    """Return `error` as a tuple, ``None`` if there is none."""
    if error is None:
        return None
    return error.code, error.message, error.remediation, error.index, error.status


def error_of(state: Any) -> ErrorInfo | None:
    """Return the error of :func:`error_state`.

    Raises:
        TypeError, ValueError: it is not one.
    """
    if state is None:
        return None
    code, message, remediation, index, status = state
    _check(code, message, remediation, kind=str)
    _check(*(number for number in (index, status) if number is not None), kind=int)
    return ErrorInfo(code, message, remediation, index, None, status)


def step_state(step: StepResult, args: Mapping[str, Any] | None, output: Any) -> tuple[Any, ...]:
    """Return `step` as a tuple, with `args` and `output` in place of its own."""
    tries = tuple(
        (error_state(one.error), one.started, one.finished, one.exit_code, one.stdout, one.stderr)
        for one in step.tries
    )
    return (
        *(step.id, step.button, step.status, step.started, step.finished, step.attempts, tries),
        *(step.exit_code, step.stdout, step.stderr, step.retry_after, step.pushed_back, step.cached),
        *(step.is_request, error_state(step.error)),
        *(None if step.about is None else dict(step.about), None if args is None else dict(args), output),
    )


def step_of(*state: Any) -> StepResult:
    """Return the step of :func:`step_state`.

    Raises:
        TypeError, ValueError: it is not one.
    """
    (step_id, button, status, started, finished, attempts, tries) = state[:7]
    (exit_code, stdout, stderr, retry_after, pushed_back, cached, is_request, error) = state[7:15]
    about, args, output = state[15:]
    _check(step_id, button, status, stdout, stderr, kind=str)
    _check(started, finished, kind=float)
    _check(attempts, exit_code, kind=int)
    made = StepResult(step_id, button, started, finished, args, attempts, status=status)
    made.tries = tuple(map(_try_of, tries))
    made.exit_code, made.stdout, made.stderr, made.retry_after = exit_code, stdout, stderr, retry_after
    made.pushed_back, made.cached, made.is_request = bool(pushed_back), bool(cached), bool(is_request)
    made.error, made.about, made.output = error_of(error), about, output
    return made


def _try_of(state: Any) -> Try:
    error, started, finished, exit_code, stdout, stderr = state
    found = error_of(error)
    if found is None:
        raise ValueError("a try without an error")
    return Try(found, started, finished, exit_code, stdout, stderr)


def loop_state(loop: LoopRecord) -> tuple[Any, ...]:
    """Return a whole loop as a tuple, for a loop inside an item."""
    n = len(loop.states)
    ended = loop.ended - loop.epoch if loop.ended else 0.0
    columns = [
        (
            *(column.id, column.outputs[:n], bytes(column.statuses[:n])),
            {index: error_state(error) for index, error in column.errors.items()},
            {index: step_state(step, step.args, None) for index, step in _details(column)},
            {index: dict(about) for index, about in column.about.items()},
            None if column.cached is None else bytes(column.cached[:n]),
        )
        for column in loop.columns
    ]
    items = loop.items if isinstance(loop.items, range) else list(map(plain_row, loop.items[:n]))
    return (
        *(tuple(loop.path), loop.label, items, loop.total, bytes(loop.states[:n])),
        *(loop.started[:n].tobytes(), loop.finished[:n].tobytes(), columns),
        *(loop.parallelism, loop.began, ended, loop.kept),
    )


def _details(column: StepColumn) -> Iterator[tuple[int, StepResult]]:
    for index in column.details:
        if (found := column.detail(index)) is not None:
            yield index, found


def loop_of(*state: Any) -> LoopRecord:
    """Return the loop of :func:`loop_state`, with its times on the clock of this process.

    Raises:
        TypeError, ValueError: it is not one.
    """
    path, label, items, total, states, started, finished, columns, parallelism, began, ended, kept = state
    _check(*path, label, kind=str)
    _check(began, ended, kind=float)
    _check(parallelism, kept, kind=int)
    n = len(states)
    if any(state >= len(STATE_NAMES) for state in states) or len(items) < n:
        raise ValueError("damaged loop")
    ids = [column[0] for column in columns]
    loop = LoopRecord(path, label, items[:n], ids, parallelism, began=began, ends=total is not None)
    loop.states = bytearray(states)
    loop.started, loop.finished = doubles(started, n), doubles(finished, n)
    loop.columns = [_column_of(n, column) for column in columns]
    loop.recount()
    loop.kept = loop.kept_ok = kept
    rebase(loop, began, ended)
    return loop


def _column_of(n: int, state: Any) -> StepColumn:
    step_id, outputs, statuses, errors, details, about, cached = state
    column = StepColumn(step_id, n)
    if len(outputs) != n or len(statuses) != n or any(code >= len(STEP_STATUSES) for code in statuses):
        raise ValueError("damaged loop")
    column.outputs, column.statuses = list(outputs), bytearray(statuses)
    column.errors = {index: found for index, error in errors.items() if (found := error_of(error))}
    column.details = {index: step_of(*detail) for index, detail in details.items()}
    for index, detail in column.details.items():
        detail.output = column.outputs[index]
    column.about, column.cached = dict(about), None if cached is None else bytearray(cached)
    return column


def rebase(loop: LoopRecord, began: float, ended: float) -> None:
    """Count the times of `loop` on the clock of this process.

    Args:
        began: seconds since the epoch at its start.
        ended: seconds from its start to its end, 0.0 if it has not ended.
    """
    loop.began = began
    loop.epoch = time.perf_counter() + (began - time.time())
    loop.ended = loop.epoch + ended if ended else 0.0


def doubles(data: bytes, n: int) -> array[float]:
    """Return `n` numbers stored as bytes.

    Raises:
        ValueError: there are not as many.
    """
    found = array("d", data)
    if len(found) != n:
        raise ValueError("damaged times")
    return found


def plain_row(item: Any) -> Any:
    """Return a row of a table as a dict, which does not need the table; other items unchanged."""
    return dict(item) if isinstance(item, Mapping) and not isinstance(item, dict | LoopOutput) else item


def output_of(*state: Any) -> LoopOutput:
    """Return the output of a loop; see :func:`loop_of`."""
    return LoopOutput(loop_of(*state))


def entries_of(*state: Any) -> LoopEntries:
    """Return the entries of a loop; see :func:`loop_of`."""
    return LoopEntries(loop_of(*state))


def state_of(value: Any, kind: type) -> tuple[Any, ...] | None:
    """Return how pickle is to store a part of a record, ``None`` if `value` is none."""
    if kind is LoopOutput:
        return output_of, loop_state(value.record)
    if kind is LoopEntries:
        return entries_of, loop_state(value.record)
    if kind is SameValue:
        return SameValue, (value.place,)
    return None


MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    (_MODULE, "output_of"): output_of,
    (_MODULE, "entries_of"): entries_of,
    (_MODULE, "SameValue"): SameValue,
}
"""What makes the parts of a record, by module and name."""


def _check(*values: Any, kind: type) -> None:
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"{kind.__name__} is expected")
