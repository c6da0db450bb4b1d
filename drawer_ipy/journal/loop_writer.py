"""Writes one loop of a press: its items, and the results of those that have ended since."""

from __future__ import annotations

import pickle
import re
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drawer_ipy.journal.ended_items import ended_of, newly_ended
from drawer_ipy.journal.parts import RunningItems
from drawer_ipy.journal.record_states import plain_row
from drawer_ipy.journal.rows import REDACTED, Cell, Chunk, Hide, encode_rows, keep_real, put_away
from drawer_ipy.journal.slices import PieceSize, pieces
from drawer_ipy.journal.stored_columns import StoredRows
from drawer_ipy.journal.strict import LoopAhead, in_flight
from drawer_ipy.journal.target import RunJournal
from drawer_ipy.record.loop import FAILED, OK, PAUSED, RUNNING, Hidden, LoopOutput, LoopRecord

_IN_FLIGHT = re.compile(b"[" + re.escape(bytes([RUNNING, PAUSED])) + b"]")

_PROGRESS = 0.2
"""Least seconds between two records of the loops inside running items."""

_SHARE = 0.05
"""The share of a processor that this may take."""

_CHUNK = 2 * 1024 * 1024
"""Bytes of the outputs in one chunk of a loop with ``keep: disk``, unless one item has more."""

_TRANSACTION = 32 * 1024 * 1024
"""Bytes after which a transaction ends, since all of it is in memory until then."""

Marks = list[Callable[[], None]]
"""What to do when the transaction is on disk."""


class LoopWriter:
    """The state of one loop in the file.

    Args:
        journal: the file.
        loop: the loop's record.
        number: its number in the file.
        step_id: the id of its step.
        is_first: whether the press continues no other, so that everything is written.
        hidden_of: returns what the record of a loop hides.
        note_lost: called with the reason for each value that cannot be kept.
        ahead: for a strict run, what does not show in the record yet.
    """

    def __init__(
        self,
        journal: RunJournal,
        loop: LoopRecord,
        number: int,
        step_id: str,
        *,
        is_first: bool,
        hidden_of: Callable[[LoopRecord], Hidden | None],
        note_lost: Callable[[str], None],
        ahead: LoopAhead | None = None,
    ) -> None:
        self.loop = loop
        self._ahead = ahead
        self.number = number
        self.step_id = step_id
        self._journal = journal
        self._places = None if is_first else loop.places
        self._is_first = is_first
        self._hidden = hidden_of(loop)
        self._note_lost = note_lost
        self._items = 0
        self._rows = bytearray()
        self._pace = PieceSize()
        self._scanned = False
        self._progress: dict[int, int] = {}
        self._parts = RunningItems(journal, loop, number, self._hidden, hidden_of)
        self._progress_at = 0.0
        self._chunks: list[StoredRows] = []

    def write_head(self, connection: sqlite3.Connection, press: int) -> None:
        """Write what is known of the loop as a whole."""
        loop = self.loop
        span = None
        if isinstance(loop.items, range):
            span = (loop.items.start, loop.items.stop, loop.items.step)
        running = self._running()
        ended = loop.ended - loop.epoch if loop.ended else 0.0
        places = len(self._places) if isinstance(self._places, range) else None
        about = (tuple(loop.path), loop.label, [column.id for column in loop.columns], loop.parallelism)
        times = (loop.began, ended, loop.total, len(loop.states), span)
        begun = array("q", running).tobytes(), array("d", running.values()).tobytes()
        counts = (begun[0], places, loop.kept, begun[1], loop.backlog is not None)
        body = pickle.dumps((*about, *times, *counts), protocol=5)
        sealed = self._journal.sealed("loop", self.number, body)
        connection.execute(
            "INSERT OR REPLACE INTO loop VALUES (?, ?, ?, ?)", (self.number, press, self.step_id, sealed)
        )

    def _running(self) -> Mapping[int, float]:
        """Return the items that are running -> when they began, in seconds since the loop's epoch."""
        if self._ahead is not None:  # also what has ended meanwhile: its result comes with the next write
            rows, begun = self._rows, dict(self._ahead.begun)
            return {index: begun[index] for index in sorted(begun) if not any(rows[index : index + 1])}
        loop = self.loop
        found = (match.start() for match in _IN_FLIGHT.finditer(bytes(loop.states)))
        return {index: loop.started[index] for index in found if loop.has_begun(index)}

    def write(
        self, connection: sqlite3.Connection, room: int, hide: Hide | None, marks: Marks, *, final: bool
    ) -> int:
        """Write what is new, about `room` items at most; return how many were written, `room` if not all."""
        written, size = self._write_items(connection, hide, marks), 0
        self._write_progress(connection, hide)
        for indices in self._ended(final=final):
            size += self._write_rows(connection, indices, hide, marks)
            written += len(indices)
            if size > _TRANSACTION:
                return max(written, room)
            if written >= room:
                break
        return written

    def _write_items(self, connection: sqlite3.Connection, hide: Hide | None, marks: Marks) -> int:
        loop, first, count = self.loop, self._items, len(self.loop.states)
        if first >= count:
            return 0
        if not self._is_first and self._places is None:
            self._places = loop.places
        if isinstance(self._places, list):
            part = array("q", self._places[first:count])
            self._insert(connection, "places", pickle.dumps((first, part.tobytes()), protocol=5))
        if not isinstance(loop.items, range):
            at = first
            for length, data, lost in pieces(self._values(first, count, hide), self._journal.files):
                self._insert(connection, "items", pickle.dumps((at, length, data), protocol=5))
                for why in lost.values():
                    self._note_lost(why)
                at += length

        def mark() -> None:
            self._items = count

        marks.append(mark)
        return count - first

    def _values(self, first: int, count: int, hide: Hide | None) -> list[Any]:
        items = self.loop.items
        if isinstance(items, list):
            values = items[first:count]
        else:
            values = [plain_row(items[index]) for index in range(first, count)]
        return values if hide is None else list(map(hide, values))

    def _ended(self, *, final: bool) -> Iterator[list[int]]:
        """Yield the items that have ended and are not written, in pieces of a suitable length."""
        loop, ahead = self.loop, self._ahead
        if ahead is not None and self._scanned and not final:  # all that end pass through the ledger
            self._rows.extend(bytes(len(loop.states) - len(self._rows)))
            left = sorted(index for index in list(ahead.ended) if not self._rows[index])
            while left:
                part = self._within(left)
                yield part
                left = left[len(part) :]
            return
        self._scanned = True
        ended = ended_of(self._recorded.states)
        self._rows.extend(bytes(len(ended) - len(self._rows)))
        indices = newly_ended(ended, self._rows)
        places = self._places
        if places is not None:  # what is kept from the press before is in the file already
            n = len(places)
            indices = [i for i in indices if i >= n or places[i] < 0 or loop.started[i] > 0]
        first = 0
        while first < len(indices):
            part = self._within(indices[first : first + self._pace.size])
            self._pace.begin()
            yield part
            self._pace.end()
            first += len(part)

    def _within(self, indices: list[int]) -> list[int]:
        """Return as many of `indices` as one chunk may have by the size of their outputs."""
        backlog, total = self.loop.backlog, 0
        if backlog is None:
            return indices
        for count, index in enumerate(indices):
            total += backlog.size_of(index)
            if count and total > _CHUNK:
                return indices[:count]
        return indices

    def _write_rows(
        self, connection: sqlite3.Connection, indices: list[int], hide: Hide | None, marks: Marks
    ) -> int:
        """Write some items; return how many bytes they have."""
        chunk = encode_rows(self._recorded, indices, self._cells, hide, self._journal.files)
        self._parts.forget(connection, indices)
        number = self._insert(connection, "rows", chunk.data)
        for why in chunk.lost.values():
            if why != REDACTED:
                self._note_lost(why)

        def mark() -> None:
            for index in indices:
                self._rows[index] = 1
                self._progress.pop(index, None)
            if self.loop.backlog is not None:
                self._put_away(number, indices, chunk)

        marks.append(mark)
        return len(chunk.data)

    def _put_away(self, number: int, indices: list[int], chunk: Chunk) -> None:
        """Drop the outputs of a chunk, which is on disk now, from memory."""
        assert self.loop.backlog is not None
        rows = StoredRows(self._journal.reader, number, self.number, self.loop.items, indices)
        keep_real(self.loop, chunk, self._hidden)
        put_away(self.loop, rows, chunk)
        self._chunks.append(rows)
        self.loop.backlog.written(rows.indices)

    def rewrite(self, connection: sqlite3.Connection, hide: Hide) -> None:
        """Write the chunks that are only on disk again, without secrets that have become known since.

        Each is a transaction of its own, since the others are read meanwhile.

        Raises:
            OSError, sqlite3.Error, DrawerError: a chunk cannot be read or written.
        """
        for rows in self._chunks:
            chunk = encode_rows(self._recorded, list(rows.indices), self._cells, hide, self._journal.files)
            keep_real(self.loop, chunk, self._hidden)
            self._journal.files.sync()
            sealed = self._journal.sealed("chunk rows", self.number, chunk.data)
            connection.execute("UPDATE chunk SET body = ? WHERE number = ?", (sealed, rows.chunk))
        self._journal.reader.forget()

    def begin_anew(self, connection: sqlite3.Connection) -> None:
        """Remove all but the rows, which are only on disk; what was removed is written again."""
        connection.execute("DELETE FROM chunk WHERE loop = ? AND kind <> 'rows'", (self.number,))
        self._items = 0
        self._scanned = False
        self.rolled_back()

    @property
    def _recorded(self) -> LoopRecord:
        """The loop with the states that its items have ended in."""
        return self.loop if self._ahead is None else self._ahead.as_recorded()

    @property
    def _cells(self) -> Mapping[Cell, Any]:
        return {} if self._hidden is None else self._hidden.outputs

    def _write_progress(self, connection: sqlite3.Connection, hide: Hide | None) -> None:
        """Write how far the loops inside the running items are, now and then, in place of what was before."""
        loop, began = self.loop, time.perf_counter()
        if self._ahead is not None:
            touched = self._ahead.take_touched()
            if not self._scanned:  # what was written of them before has been removed
                touched |= {index for index in in_flight(self._ahead) if self._has_steps(index)}
            for index in sorted(touched - self._ahead.ended.keys()):
                if not any(self._rows[index : index + 1]):
                    self._parts.write_more(connection, index, self._ahead, hide)
            return
        if began < self._progress_at:
            return
        for found in _IN_FLIGHT.finditer(bytes(loop.states)):
            index = found.start()
            outputs = [column.entries[index] for column in loop.columns]
            counts = [output.record.counts for output in outputs if isinstance(output, LoopOutput)]
            ended = sum(count[OK] + count[FAILED] for count in counts)
            if not ended or self._progress.get(index) == ended:
                continue
            self._parts.write(connection, index, loop, hide)
            self._progress[index] = ended
        took = time.perf_counter() - began
        self._progress_at = time.perf_counter() + max(_PROGRESS, took / _SHARE)

    def _has_steps(self, index: int) -> bool:
        columns = self.loop.columns
        return any(column.statuses[index] or column.entries[index] is not None for column in columns)

    def rolled_back(self) -> None:
        """Take note that what was written last is not in the file."""
        self._progress.clear()
        self._parts.rolled_back()

    def _insert(self, connection: sqlite3.Connection, kind: str, body: bytes) -> int:
        return self._journal.insert_chunk(connection, self.number, kind, body)
