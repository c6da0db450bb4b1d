"""Chunks: some items of a loop as bytes, column by column, and back."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drawer_ipy.journal.codec import Unkept, decode, encode, unkept
from drawer_ipy.journal.harmless import load
from drawer_ipy.journal.record_states import (
    MAKERS,
    SameValue,
    doubles,
    error_of,
    error_state,
    step_of,
    step_state,
)
from drawer_ipy.journal.shapes import NOTHING, OF_LOOP, Shapes
from drawer_ipy.journal.stored_columns import StoredColumn, StoredRows, shapes_of, slimmed
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import ValueFiles
from drawer_ipy.record.disk_outputs import DiskOutputs
from drawer_ipy.record.loop import STATE_NAMES, Hidden, LoopOutput, LoopRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_STATUSES, StepColumn

T = TypeVar("T")
Hide = Callable[[Any], Any]
"""Returns a value without secrets; the same object if it has none."""

Cell = tuple[int, str]
"""An item's index and the id of a nested step."""

_SHORT = 200
"""Characters of the longest text that is written again where a row has it twice."""

REDACTED = "redacted"

Lost = dict[Cell, "str | Lost"]
"""The outputs that were not kept -> the reason; if only some outputs of a loop are lost, those instead."""


@dataclass(slots=True)
class Chunk:
    """Encoded items.

    Attributes:
        data: the bytes.
        lost: (index, step id) of each output that was not kept -> the reason.
        shapes: for each column the keys of its outputs.
    """

    data: bytes
    lost: dict[Cell, str] = field(default_factory=dict)
    shapes: list[Shapes] = field(default_factory=list)


def encode_rows(
    loop: LoopRecord,
    indices: Sequence[int],
    hidden: Mapping[Cell, Any],
    hide: Hide | None,
    files: ValueFiles | None,
) -> Chunk:
    """Return the items at `indices`, which have ended, as bytes.

    Args:
        hidden: the real outputs, if they differ from the recorded ones.
        hide: removes secrets that have become known since the values were recorded.
        files: gets the large values.
    """
    lost: dict[Cell, str] = {}
    parts: list[Any] = []
    shapes: list[Shapes] = []
    for number, column in enumerate(loop.columns):
        outputs = list(_at(column.outputs, indices))
        missing: dict[int, str] = {}
        inside: dict[int, Lost] = {}
        if hide is not None:
            real = [hidden.get((index, column.id)) for index in indices]
            outputs = _shown(outputs, real, hide, missing, inside)
        body, unkept = encode(outputs, files)
        missing |= {place: why if hide is None else str(hide(why)) for place, why in unkept.items()}
        lost |= {(indices[place], column.id): why for place, why in missing.items()}
        statuses = bytes(_at(column.statuses, indices))
        shapes.append(shapes_of(outputs))
        extras = _extras(loop, number, indices, hide, files)
        parts.append((column.id, statuses, body, missing, extras, shapes[-1].state, inside))
    return Chunk(
        pickle.dumps(
            (
                array("q", indices).tobytes(),
                bytes(_at(loop.states, indices)),
                array("d", _at(loop.started, indices)).tobytes(),
                array("d", _at(loop.finished, indices)).tobytes(),
                parts,
            ),
            protocol=5,
        ),
        lost,
        shapes,
    )


def _shown(
    outputs: list[Any], real: list[Any], hide: Hide, missing: dict[int, str], inside: dict[int, Lost]
) -> list[Any]:
    """Return recorded outputs without secrets.

    Args:
        real: the real outputs, ``None`` where they are the recorded ones.
        missing: receives the places of outputs that are not kept.
        inside: receives the places of outputs of loops of which a part is not kept, and what.
    """
    shown = list(map(hide, outputs))
    for place, output in enumerate(real):
        lost = {} if output is None else lost_inside(output)
        if shown[place] is not outputs[place] or lost is None:
            missing[place] = REDACTED
        elif lost:
            inside[place] = lost
    return shown


def lost_inside(real: Any) -> Lost | None:
    """Return what the record hides of a real output, which is not the recorded one; ``None`` for all."""
    if not isinstance(real, LoopOutput):
        return None
    hidden = real.hidden
    if hidden is None:
        return {}
    if hidden.items is not real.record.items:
        return None
    lost: Lost = dict.fromkeys(list(hidden.lost), REDACTED)
    for cell, output in list(hidden.outputs.items()):
        found = lost_inside(output)
        if found is None:
            lost[cell] = REDACTED
        elif found:
            lost[cell] = found
    return lost


def _checked(lost: Any) -> Lost:
    """Return the lost outputs of a loop as a file has them.

    Raises:
        TypeError, ValueError: they are damaged.
    """
    found: Lost = {}
    for (index, step_id), why in lost.items():
        if type(index) is not int or not isinstance(step_id, str):
            raise TypeError("damaged cells")
        found[index, step_id] = _checked(why) if isinstance(why, dict) else str(why)
    return found


def _at(values: Sequence[T], indices: Sequence[int]) -> Sequence[T]:
    first, last = indices[0], indices[-1]
    if last - first + 1 == len(indices):  # ascending without gaps: the usual case, five times as fast
        return values[first : last + 1]
    return [values[index] for index in indices]


def _extras(
    loop: LoopRecord, number: int, indices: Sequence[int], hide: Hide | None, files: ValueFiles | None
) -> bytes:
    """Return what is recorded beside the outputs of one column; empty if there is nothing."""
    column = loop.columns[number]
    if not (column.details or column.errors or column.about or column.cached):
        return b""
    places, found = [], []
    for place, index in enumerate(indices):
        detail, error = column.detail(index), column.errors.get(index)
        about, cached = column.about.get(index), column.was_cached(index)
        if detail is None and error is None and about is None and not cached:
            continue
        places.append(place)
        state = None if detail is None else step_state(detail, _args(loop, number, index, detail), None)
        extra = (state, error_state(error), None if about is None else dict(about), cached)
        found.append(extra if hide is None else hide(extra))
    if not places:
        return b""
    data, _ = encode(found, files)
    return pickle.dumps((places, data), protocol=5)


def _args(loop: LoopRecord, number: int, index: int, detail: StepResult) -> Mapping[str, Any] | None:
    """Return the arguments, without the values that the row has already."""
    if not detail.args:
        return detail.args
    return {name: _short(loop, number, index, value) for name, value in detail.args.items()}


def _short(loop: LoopRecord, number: int, index: int, value: Any) -> Any:
    kind = type(value)
    if kind in (int, float, bool, type(None)) or (kind is str and len(value) <= _SHORT):
        return value
    for place in range(number):
        if loop.columns[place].outputs[index] is value:
            return SameValue(place)
    return SameValue(-1) if loop.items[index] is value else value


def decode_rows(
    loop: LoopRecord,
    data: bytes,
    *,
    trusted: bool,
    files: ValueFiles | None,
    chunk: Callable[[Sequence[int]], StoredRows] | None = None,
) -> tuple[Sequence[int], Lost]:
    """Put the items of a chunk into `loop`, which has places for them.

    Args:
        files: has the large values.
        chunk: returns the chunk with these items, so that its outputs are read when they are accessed;
            ``None`` to read them now.

    Returns:
        The indices of the items; and (index, step id) of each output that was not kept, or cannot be read ->
        the reason.

    Raises:
        JournalTrouble: the bytes are damaged.
    """
    lost: Lost = {}
    try:
        where, states, started, finished, parts = load(data, MAKERS, trusted=trusted)
        indices = array("q", where)
        _put_states(loop, indices, states, (doubles(started, len(indices)), doubles(finished, len(indices))))
        columns = {column.id: column for column in loop.columns}
        rows = None if chunk is None else chunk(indices)
        for number, (step_id, statuses, body, missing, extras, *rest) in enumerate(parts):
            column = columns[step_id]
            piece = None
            if rows is None or not rest:
                values = decode(body, len(indices), trusted=trusted, files=files)
                lost |= _put_column(column, indices, statuses, values)
            else:
                shapes = Shapes.checked(rest[0], len(indices))
                piece = StoredColumn(rows, number, shapes)
                _put_column(column, indices, statuses, [None] * len(indices))
            lost |= {(indices[place], step_id): str(why) for place, why in missing.items()}
            lost |= {(indices[place], step_id): _checked(inside) for place, inside in _inside_of(rest)}
            if extras:
                _put_extras(loop, column, indices, extras, (trusted, files), with_args=piece is None)
            if piece is not None:
                _put_piece(column, indices, piece, shapes)
    except JournalTrouble:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise JournalTrouble("damaged items") from error
    return indices, lost


def _inside_of(rest: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """Return for each place the lost outputs of the loop that ran there; earlier versions wrote none."""
    found: Mapping[int, Any] = rest[1] if len(rest) > 1 else {}
    return found.items()


def _put_states(
    loop: LoopRecord, indices: Sequence[int], states: bytes, times: tuple[array[float], array[float]]
) -> None:
    if not indices or min(indices) < 0 or max(indices) >= len(loop.states) or len(states) != len(indices):
        raise ValueError("damaged indices")
    if max(states) >= len(STATE_NAMES):
        raise ValueError("damaged states")
    span = _span(indices)
    if span is not None:
        loop.states[span], loop.started[span], loop.finished[span] = states, times[0], times[1]
        return
    for place, index in enumerate(indices):
        loop.states[index] = states[place]
        loop.started[index], loop.finished[index] = times[0][place], times[1][place]


def _put_column(
    column: StepColumn, indices: Sequence[int], statuses: bytes, values: list[Any]
) -> dict[Cell, str]:
    if len(statuses) != len(indices) or max(statuses) >= len(STEP_STATUSES):
        raise ValueError("damaged statuses")
    span = _span(indices)
    if span is not None and not (column.errors or column.details or column.about or column.cached):
        column.outputs[span], column.statuses[span] = values, statuses
    else:
        for place, index in enumerate(indices):
            column.clear(index)
            column.outputs[index], column.statuses[index] = values[place], statuses[place]
    if Unkept not in set(map(type, values)):
        return {}
    return {(indices[place], column.id): values[place].why for place in unkept(values)}


def _put_piece(column: StepColumn, indices: Sequence[int], piece: StoredColumn, shapes: Shapes) -> None:
    """Let the outputs of a chunk be read from disk; loops among them are there with their states."""
    outputs = column.outputs
    assert isinstance(outputs, DiskOutputs)
    loops = set(shapes.places_of(OF_LOOP, len(indices)))
    nothing = set(shapes.places_of(NOTHING, len(indices)))
    if not (loops or nothing or column.details) and (span := _span(indices)) is not None:
        outputs.put_all_away(span.start, len(indices), piece)
        return
    values = piece.rows.reader.uncached(piece.rows, piece.number) if loops else []
    for place, index in enumerate(indices):
        if place in loops:
            output = values[place]
            outputs[index] = output
            if isinstance(output, LoopOutput):
                slimmed(output, piece, place)
        elif place not in nothing:
            outputs.put_away(index, piece, place)
        if index in column.details and place not in loops:
            column.put_away(index, piece, place)


def _span(indices: Sequence[int]) -> slice | None:
    """Return consecutive indices as a slice, ``None`` if there are gaps."""
    first, last = indices[0], indices[-1]
    return slice(first, last + 1) if list(indices) == list(range(first, last + 1)) else None


def _put_extras(
    loop: LoopRecord,
    column: StepColumn,
    indices: Sequence[int],
    data: bytes,
    origin: tuple[bool, ValueFiles | None],
    *,
    with_args: bool,
) -> None:
    trusted, files = origin
    places, body = load(data, MAKERS, trusted=trusted)
    extras = decode(body, len(places), trusted=trusted, files=files)
    for place, extra in zip(places, extras, strict=True):
        index = indices[place]
        if type(extra) is Unkept:
            continue
        state, error, about, cached = extra
        if state is not None:
            column.details[index] = _detail_of(state, loop, column, index, with_args=with_args)
        if (found := error_of(error)) is not None:
            column.errors[index] = found
            if index in column.details:
                column.details[index].error = found
        if about is not None:
            column.about[index] = dict(about)
        if cached:
            if column.cached is None:
                column.cached = bytearray(len(column.outputs))
            column.cached[index] = 1


def _detail_of(
    state: Any, loop: LoopRecord, column: StepColumn, index: int, *, with_args: bool
) -> StepResult:
    detail = step_of(*state)
    detail.output = column.outputs[index]
    if not with_args:
        detail.args = None
    elif detail.args:
        detail.args = {name: _whole(loop, index, value) for name, value in detail.args.items()}
    return detail


def _whole(loop: LoopRecord, index: int, value: Any) -> Any:
    if type(value) is not SameValue:
        return value
    return loop.items[index] if value.place < 0 else loop.columns[value.place].outputs[index]


def put_away(loop: LoopRecord, rows: StoredRows, chunk: Chunk) -> None:
    """Drop the outputs of a chunk, which is on disk, from memory; those that were not kept stay."""
    for number, column in enumerate(loop.columns):
        piece = StoredColumn(rows, number, chunk.shapes[number])
        for place, index in enumerate(rows.indices):
            output = column.entries[index]
            if chunk.lost.get((index, column.id), REDACTED) != REDACTED:
                continue
            if isinstance(output, LoopOutput):
                slimmed(output, piece, place)
            else:
                column.put_away(index, piece, place)


def keep_real(loop: LoopRecord, chunk: Chunk, hidden: Hidden | None) -> None:
    """Keep the outputs of which only a redacted copy is written, for later steps and retries."""
    columns = {column.id: column for column in loop.columns}
    if hidden is None:
        return
    for (index, step_id), why in chunk.lost.items():
        if why == REDACTED and (index, step_id) not in hidden.outputs:
            hidden.outputs[index, step_id] = columns[step_id].outputs[index]
