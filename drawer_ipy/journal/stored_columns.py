"""Outputs that are read from the file of a run when they are accessed, chunk by chunk."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawer_ipy.errors import DrawerError
from drawer_ipy.journal.codec import decode
from drawer_ipy.journal.file import RunFile
from drawer_ipy.journal.harmless import load
from drawer_ipy.journal.reading_lock import ReadingLock
from drawer_ipy.journal.record_states import MAKERS, SameValue, step_of
from drawer_ipy.journal.shapes import NOTHING, OF_LOOP, Shapes
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.record.disk_outputs import DiskOutputs, Shape, StoredPiece
from drawer_ipy.record.loop import LoopOutput, shape_of
from drawer_ipy.record.step import StepResult

_CACHED = 24 * 1024 * 1024
"""Bytes of chunks that are held decoded."""


class ChunkReader:
    """Reads the chunks of one run's file, also while a writer of this process writes to it.

    As long as it exists, the file is not removed to make room for other runs.

    Args:
        path: the file.
        key: the user's key; ``None`` if there is none.
        file: the file, if it is open already.

    Attributes:
        last: the piece that was read last, with its outputs.
    """

    def __init__(self, path: Path, key: bytes | None, file: RunFile | None = None) -> None:
        self.path = path
        self._key = key
        self._file = file
        self._lock = threading.RLock()
        self._cache: OrderedDict[tuple[int, int], tuple[list[Any], int]] = OrderedDict()
        self._cached = 0
        self.last: tuple[StoredPiece | None, list[Any]] = None, []
        self._reading = ReadingLock(path)
        self._reading.take()
        about = os.stat(path)
        self._identity = about.st_dev, about.st_ino
        self._closing = weakref.finalize(self, self._reading.release)

    def values(self, rows: StoredRows, number: int) -> list[Any]:
        """Return the outputs of column `number` of a chunk.

        Raises:
            DrawerError: the file was removed, or cannot be read.
        """
        return self._decoded(rows, number, outputs=True)

    def uncached(self, rows: StoredRows, number: int) -> list[Any]:
        """Return the outputs of a column as objects that nothing else has, so that they may be changed.

        Raises:
            DrawerError: as :meth:`values`.
        """
        with self._lock:
            found = self.values(rows, number)
            _, size = self._cache.pop((rows.chunk, number))
            self._cached -= size
        return found

    def extras(self, rows: StoredRows, number: int) -> list[Any]:
        """Return what is recorded beside the outputs of a column: pairs of a place and its state.

        Raises:
            DrawerError: as :meth:`values`.
        """
        return self._decoded(rows, number, outputs=False)

    def forget(self) -> None:
        """Read everything anew, since chunks have changed."""
        with self._lock:
            self._cache.clear()
            self._cached = 0
            self.last = None, []

    def let_go(self) -> None:
        """Close the file until it is read again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _decoded(self, rows: StoredRows, number: int, *, outputs: bool) -> list[Any]:
        key = rows.chunk, number if outputs else -1 - number
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._cache.move_to_end(key)
                return found[0]
            try:
                part, trusted = self._part(rows, number)
                values = self._decode(part, len(rows.indices), outputs=outputs, trusted=trusted)
            except (JournalTrouble, OSError) as error:
                raise self._unreadable(error) from None
            except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
                raise self._unreadable(JournalTrouble("it is damaged")) from None
            self._put(key, values, len(part[2]) if outputs else len(part[4]))
            return values

    def _put(self, key: tuple[int, int], values: list[Any], size: int) -> None:
        self._cache[key] = values, size
        self._cached += size
        while self._cached > _CACHED and len(self._cache) > 1:
            _, (_, dropped) = self._cache.popitem(last=False)
            self._cached -= dropped

    def _part(self, rows: StoredRows, number: int) -> tuple[Any, bool]:
        """Return a column of a chunk, and whether it is sealed."""
        self._check_there()
        if self._file is None:
            self._file = RunFile(self.path, self._key, own=True)
        found = self._file.rows("SELECT body FROM chunk WHERE number = ?", rows.chunk)
        if not found:
            raise JournalTrouble("the results are no longer in it")
        data, trusted = self._file.opened_seal("chunk rows", rows.loop, found[0][0])
        return load(data, MAKERS, trusted=trusted)[4][number], trusted

    def _decode(self, part: Any, count: int, *, outputs: bool, trusted: bool) -> list[Any]:
        assert self._file is not None
        files = self._file.files
        if outputs:
            return decode(part[2], count, trusted=trusted, files=files)
        if not part[4]:
            return []
        places, body = load(part[4], MAKERS, trusted=trusted)
        return list(zip(places, decode(body, len(places), trusted=trusted, files=files), strict=True))

    def _check_there(self) -> None:
        try:
            about = os.stat(self.path)
        except FileNotFoundError:
            raise JournalTrouble("it has been removed") from None
        if (about.st_dev, about.st_ino) != self._identity:
            raise JournalTrouble("it has been replaced by another file")

    def _unreadable(self, error: Exception) -> DrawerError:
        why = str(error)
        return DrawerError(
            f"an output cannot be read from the file of its run, {self.path}: {why}",
            remediation="press the drawer again to make the outputs again",
        )


@dataclass(frozen=True, slots=True)
class StoredRows:
    """A chunk: some items of a loop.

    Attributes:
        reader: reads the file.
        chunk: the number of the chunk.
        loop: the number of its loop.
        items: the items of the loop.
        indices: which of them the chunk has.
    """

    reader: ChunkReader
    chunk: int
    loop: int
    items: Sequence[Any]
    indices: Sequence[int]


class StoredColumn(StoredPiece):
    """The outputs of one step in one chunk.

    Args:
        rows: the chunk.
        number: the position of the step among the columns of the chunk.
        shapes: the keys of the outputs.
    """

    __slots__ = ("_shapes", "number", "rows")

    def __init__(self, rows: StoredRows, number: int, shapes: Shapes) -> None:
        self.rows: StoredRows = rows
        self.number: int = number
        self._shapes = shapes

    @property
    def uniform(self) -> bool:  # type: ignore[override] # an attribute of the base class
        """See :class:`StoredPiece`."""
        return self._shapes.uniform

    def value(self, place: int) -> Any:
        """See :meth:`StoredPiece.value`."""
        reader = self.rows.reader
        last, values = reader.last  # a column is mostly read in order
        if last is not self:
            values = reader.values(self.rows, self.number)
            reader.last = self, values
        return values[place]

    def shape(self, place: int) -> Shape:
        """See :meth:`StoredPiece.shape`."""
        return self._shapes.at(place)

    def is_none(self, place: int) -> bool:
        """See :meth:`StoredPiece.is_none`."""
        return self._shapes.is_nothing(place)

    def detail(self, place: int) -> StepResult | None:
        """See :meth:`StoredPiece.detail`."""
        for at, extra in self.rows.reader.extras(self.rows, self.number):
            if at == place and isinstance(extra, tuple) and extra[0] is not None:
                found = step_of(*extra[0])
                if found.args:
                    found.args = {name: self._whole(value, place) for name, value in found.args.items()}
                return found
        return None

    def _whole(self, value: Any, place: int) -> Any:
        if type(value) is not SameValue:
            return value
        rows = self.rows
        if value.place < 0:
            return rows.items[rows.indices[place]]
        return rows.reader.values(rows, value.place)[place]


class InsidePiece(StoredPiece):
    """The outputs of a step of a loop that ran inside an item, which are part of that item's output.

    Args:
        outer: has the output of the item.
        place: where.
        number: the position of the step among those of the inner loop.
    """

    __slots__ = ("_number", "_outer", "_place")

    def __init__(self, outer: StoredPiece, place: int, number: int) -> None:
        self._outer = outer
        self._place = place
        self._number = number

    def value(self, place: int) -> Any:
        """See :meth:`StoredPiece.value`."""
        return self._outer.value(self._place).record.columns[self._number].outputs[place]

    def shape(self, place: int) -> Shape:
        """See :meth:`StoredPiece.shape`."""
        return shape_of(self.value(place))

    def is_none(self, place: int) -> bool:
        """See :meth:`StoredPiece.is_none`."""
        return self.value(place) is None

    def detail(self, place: int) -> StepResult | None:
        """See :meth:`StoredPiece.detail`."""
        column = self._outer.value(self._place).record.columns[self._number]
        found: StepResult | None = column.detail(place)
        return found


def slimmed(output: LoopOutput, outer: StoredPiece, place: int) -> None:
    """Drop the outputs of a loop inside an item from memory, since `outer` has them at `place`."""
    for number, column in enumerate(output.record.columns):
        before = column.entries
        if isinstance(column.outputs, list):
            column.outputs = DiskOutputs(0)
            for entry in before:
                column.outputs.append(entry)
        piece = InsidePiece(outer, place, number)
        for index, entry in enumerate(before):
            if isinstance(entry, LoopOutput):
                slimmed(entry, piece, index)
            else:
                column.put_away(index, piece, index)


def shapes_of(outputs: Sequence[Any]) -> Shapes:
    """Return the keys of some outputs."""
    kinds = set(map(type, outputs))
    if kinds == {dict}:
        return Shapes.of(list(map(tuple, outputs)))
    if not kinds & {dict, LoopOutput, type(None)} and not any(issubclass(kind, Mapping) for kind in kinds):
        return Shapes(([None], 0))
    return Shapes.of([_code(output) for output in outputs])


def _code(output: Any) -> Any:
    if output is None:
        return NOTHING
    return OF_LOOP if isinstance(output, LoopOutput) else shape_of(output)
