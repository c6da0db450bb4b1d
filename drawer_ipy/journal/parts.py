"""What the running items of a loop have so far: their steps that have ended, and the loops inside them.

A part is written anew when a step of its item has ended. In a strict run, the items of loops inside it follow
in chunks of their own, so that a long loop inside an item does not cost more with each of its items.
"""

from __future__ import annotations

import pickle
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.journal.ended_items import ended_of, newly_ended
from drawer_ipy.journal.rows import Cell, Hide, decode_rows, encode_rows
from drawer_ipy.journal.strict import LoopAhead, in_flight
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.journal.value_files import ValueFiles
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, Hidden, LoopOutput, LoopRecord


@dataclass(slots=True)
class _Inner:
    """A loop inside an item, as far as it is written.

    Attributes:
        record: its record.
        rows: for each of its items whether the result is written.
    """

    record: LoopRecord
    rows: bytes


@dataclass(slots=True)
class _RunningItem:
    """What is written of a running item.

    Attributes:
        chunks: the numbers of its chunks.
        statuses: those of its steps.
        inner: the loops inside it, by the ids of their steps.
    """

    chunks: list[int] = field(default_factory=list)
    statuses: bytes = b""
    inner: dict[str, _Inner] = field(default_factory=dict)


class RunningItems:
    """Writes the running items of a loop.

    Args:
        journal: the file.
        loop: the loop's record.
        number: its number in the file.
        hidden: what its record hides.
        hidden_of: returns what the record of another loop hides.
    """

    def __init__(
        self,
        journal: RunJournal,
        loop: LoopRecord,
        number: int,
        hidden: Hidden | None,
        hidden_of: Callable[[LoopRecord], Hidden | None],
    ) -> None:
        self._journal = journal
        self._loop = loop
        self._number = number
        self._hidden = hidden
        self._hidden_of = hidden_of
        self._known: dict[int, _RunningItem] = {}

    def write(self, connection: sqlite3.Connection, index: int, loop: LoopRecord, hide: Hide | None) -> None:
        """Write what item `index` has in `loop`, in place of what was written of it before."""
        self.forget(connection, [index])
        chunk = encode_rows(loop, [index], self._hidden_inside(index), hide, self._journal.files)
        self._known[index] = _RunningItem()
        self._insert(connection, "part", index, chunk.data)

    def write_more(
        self, connection: sqlite3.Connection, index: int, ahead: LoopAhead, hide: Hide | None
    ) -> None:
        """Write what item `index` of a strict run has now and had not when it was written before."""
        part = self._known.get(index)
        loops = _loops_in(self._loop, index)
        statuses = bytes(column.statuses[index] for column in self._loop.columns)
        goes_on = part is not None and hide is None and part.statuses == statuses
        if part is not None and goes_on and _same(part.inner, loops):
            inner = part.inner.items()
            if all(self._write_inner(connection, index, name, one, ahead) for name, one in inner):
                return
        rows = {name: _Inner(record, _ended_in(record, ahead)) for name, record in loops.items()}
        self.write(connection, index, ahead.with_inner(index), hide)
        self._known[index].statuses, self._known[index].inner = statuses, rows

    def _write_inner(
        self, connection: sqlite3.Connection, index: int, name: str, inner: _Inner, ahead: LoopAhead
    ) -> bool:
        """Write the items of a loop in item `index` that have ended since; return whether that was enough."""
        known = ahead.inner.get(id(inner.record))
        begun = array("q", () if known is None else in_flight(known))  # before the results are looked at
        record = inner.record if known is None else known.as_recorded()
        ended = ended_of(record.states)
        indices = newly_ended(ended, inner.rows)
        data = b""
        if indices:
            chunk = encode_rows(record, indices, {}, None, self._journal.files)
            if chunk.lost:
                return False
            data = chunk.data
        self._insert(
            connection, "more", index, pickle.dumps((index, name, begun.tobytes(), data), protocol=5)
        )
        inner.rows = ended
        return True

    def forget(self, connection: sqlite3.Connection, indices: Iterable[int]) -> None:
        """Remove what was written of items."""
        parts = [self._known.pop(index) for index in indices if index in self._known]
        numbers = [(number,) for part in parts for number in part.chunks]
        connection.executemany("DELETE FROM chunk WHERE number = ?", numbers)

    def rolled_back(self) -> None:
        """Take note that what was written last is not in the file.

        Chunks that stay are older than those that follow them, and are not used then.
        """
        self._known.clear()

    def _insert(self, connection: sqlite3.Connection, kind: str, index: int, body: bytes) -> None:
        number = self._journal.insert_chunk(connection, self._number, kind, body, index)
        self._known[index].chunks.append(number)

    def _hidden_inside(self, index: int) -> Mapping[Cell, Any]:
        """Return the real outputs of an item that runs, including those of loops that have not ended."""
        known = {} if self._hidden is None else self._hidden.outputs
        cells = {cell: known[cell] for c in self._loop.columns if (cell := (index, c.id)) in known}
        for name, record in _loops_in(self._loop, index).items():
            if (index, name) not in cells:
                cells[index, name] = LoopOutput(record, self._hidden_of(record))
        return cells


def _loops_in(loop: LoopRecord, index: int) -> dict[str, LoopRecord]:
    """Return the loops inside an item, by the ids of their steps."""
    outputs = ((column.id, column.entries[index]) for column in loop.columns)
    return {name: output.record for name, output in outputs if isinstance(output, LoopOutput)}


def _same(known: Mapping[str, _Inner], loops: Mapping[str, LoopRecord]) -> bool:
    """Whether the loops inside an item are those that are `known`, with as many items."""
    return known.keys() == loops.keys() and all(
        known[name].record is record and len(known[name].rows) == len(record.states)
        for name, record in loops.items()
    )


def _ended_in(record: LoopRecord, ahead: LoopAhead) -> bytes:
    known = ahead.inner.get(id(record))
    return ended_of((record if known is None else known.as_recorded()).states)


def decode_more(loop: LoopRecord, content: Any, *, trusted: bool, files: ValueFiles | None) -> None:
    """Put a chunk of a loop inside an item into `loop`, which has the part that it follows.

    Raises:
        JournalTrouble, TypeError, ValueError, KeyError, IndexError, AttributeError: it is damaged.
    """
    index, name, begun, data = content
    column = next(column for column in loop.columns if column.id == name)
    if not 0 <= index < len(column.entries):
        raise ValueError("damaged part")
    record = column.entries[index].record
    if data:
        decode_rows(record, data, trusted=trusted, files=files)
    for place in array("q", begun):
        if 0 <= place < len(record.states) and record.states[place] not in (OK, FAILED):
            record.states[place] = CANCELLED
    record.recount()
