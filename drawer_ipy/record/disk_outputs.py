"""The outputs of one nested step, of which some are on disk, in place of a list that has them in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drawer_ipy.record.step import StepResult

Shape = tuple[Any, ...] | None
"""The keys of an output that is a mapping, ``None`` for any other."""


class StoredPiece:
    """Outputs of some items on disk, each at a place of its own.

    The base class of what reads them; not an abstract one, for which a test of the type takes much longer.

    Attributes:
        uniform: whether all outputs have the same keys, or none has any.
    """

    __slots__ = ()
    uniform = False

    def value(self, place: int) -> Any:
        """Read the output at `place`.

        Raises:
            DrawerError: the file is gone or cannot be read.
        """
        raise NotImplementedError

    def shape(self, place: int) -> Shape:
        """Return the keys of the output at `place`, without reading it; ``None`` if it is not a mapping."""
        raise NotImplementedError

    def is_none(self, place: int) -> bool:
        """Whether the output at `place` is ``None``, of which only what is recorded beside it is on disk."""
        raise NotImplementedError

    def detail(self, place: int) -> StepResult | None:
        """Read what is recorded beside the output, with the arguments; ``None`` if nothing is."""
        raise NotImplementedError


class DiskOutputs(Sequence[Any]):
    """The outputs of a step by the index of their item, read from disk when they are accessed.

    Attributes:
        entries: for each item its output, or the :class:`StoredPiece` that has it.
    """

    __slots__ = ("_places", "entries")

    def __init__(self, n: int) -> None:
        self.entries: list[Any] = [None] * n
        self._places = array("q", bytes(8 * n))

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Any) -> Any:
        if type(index) is not int and isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self.entries)))]
        entry = self.entries[index]
        return entry.value(self._places[index]) if isinstance(entry, StoredPiece) else entry

    def __setitem__(self, index: int | slice, value: Any) -> None:
        self.entries[index] = value

    def __iter__(self) -> Iterator[Any]:
        return map(self.__getitem__, range(len(self.entries)))

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle has the outputs themselves, so that it does not need the file."""
        return list, (list(self),)

    def append(self, value: Any) -> None:
        """Add a place for one more item."""
        self._places.append(0)
        self.entries.append(value)

    def put_away(self, index: int, piece: StoredPiece, place: int) -> None:
        """Drop the output of item `index` from memory, since `piece` has it at `place`."""
        self._places[index] = place  # before the entry: other threads may read meanwhile
        self.entries[index] = piece

    def put_all_away(self, first: int, count: int, piece: StoredPiece) -> None:
        """Drop the outputs of consecutive items from memory, since `piece` has them in this order."""
        self._places[first : first + count] = array("q", range(count))
        self.entries[first : first + count] = [piece] * count

    def stored(self, index: int) -> tuple[StoredPiece, int] | None:
        """Return where the output of item `index` is on disk, ``None`` if it is in memory."""
        entry = self.entries[index]
        return (entry, self._places[index]) if isinstance(entry, StoredPiece) else None

    def take(self, index: int, earlier: Sequence[Any], place: int) -> None:
        """Copy the output of item `place` of an earlier press; what is on disk stays there."""
        found = earlier.stored(place) if isinstance(earlier, DiskOutputs) else None
        if found is None:
            self.entries[index] = earlier[place]
        else:
            self.put_away(index, *found)


Outputs = list[Any] | DiskOutputs
"""The outputs of one nested step by the index of their item."""
