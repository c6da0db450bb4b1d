"""Copy the results of an earlier press of a loop into the record of the press that continues it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from drawer_ipy.record.loop import FAILED, OK, WAITING, LoopRecord
from drawer_ipy.record.step_column import StepColumn, taken


def take_earlier(
    record: LoopRecord, earlier: LoopRecord, places: Sequence[int], again: Sequence[int]
) -> None:
    """Continue an earlier press of the same loop.

    Args:
        record: the record of the continuing press, whose items have not begun.
        earlier: the record of the earlier press; it is not changed.
        places: for each item its index in `earlier`, negative for a new item.
        again: indices of the items to press; the others are kept.
    """
    record.places = places
    shift = earlier.epoch - record.epoch
    for column, old in _columns(record, earlier):
        column.take(old, places)
    for mine, theirs in ((record.started, earlier.started), (record.finished, earlier.finished)):
        moments = taken(theirs, places, 0.0)
        mine[: len(places)] = array("d", [moment and moment + shift for moment in moments])
    states = bytearray(taken(earlier.states, places, WAITING))
    record.marks = marks = bytearray(b"\xff" * len(places)).ljust(len(record), b"\0")
    for index in again:
        if places[index] >= 0:
            record.before[index] = states[index]
        states[index] = WAITING
        marks[index] = 0
    record.states[: len(places)] = states
    record.recount()
    record.count_kept()


def take_row(record: LoopRecord, index: int, earlier: LoopRecord, place: int, again: bool) -> None:
    """Copy one item of an earlier press, for a loop over an iterator.

    Args:
        record: the record of the continuing press.
        index: the item there, which has not begun.
        earlier: the record of the earlier press.
        place: the item in that one.
        again: whether it is to be pressed.
    """
    shift = earlier.epoch - record.epoch
    for column, old in _columns(record, earlier):
        column.take_row(index, old, place)
    for mine, theirs in ((record.started, earlier.started), (record.finished, earlier.finished)):
        mine[index] = theirs[place] and theirs[place] + shift
    state = earlier.states[place]
    if again:
        record.before[index] = state
        return
    record.states[index] = state
    record.counts[WAITING] -= 1
    record.counts[state] += 1
    if record.marks is not None:
        record.marks[index] = 255
    record.kept += state in (OK, FAILED)
    record.kept_ok += state == OK


def _columns(record: LoopRecord, earlier: LoopRecord) -> Iterator[tuple[StepColumn, StepColumn]]:
    """The columns of the steps that both have."""
    old_columns = {column.id: column for column in earlier.columns}
    for column in record.columns:
        if column.id in old_columns:
            yield column, old_columns[column.id]
