"""The keys of the outputs in a chunk, so that a table knows its columns without reading the outputs."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from drawer_ipy.record.disk_outputs import Shape

NOTHING, OF_LOOP = "nothing", "loop"
"""In place of keys: there is no output, or it is that of a loop."""

_MOST_KEYS = 201
"""Most keys that are stored of an output; mappings with more never become columns."""

_MOST = 60_000


class Shapes:
    """The keys of some outputs, by place.

    Attributes:
        state: what is stored: the different keys, and for each place its number among them; one number if it
            is the same for all.
    """

    __slots__ = ("_kinds", "_numbers", "state")

    def __init__(self, state: Any) -> None:
        self.state: Any = state
        kinds, numbers = state
        self._kinds: Sequence[Any] = kinds
        self._numbers: int | array[int] = numbers if isinstance(numbers, int) else array("H", numbers)

    @classmethod
    def checked(cls, state: Any, count: int) -> Shapes:
        """Return the shapes in a file, which may be damaged, of `count` outputs.

        Raises:
            TypeError, ValueError: it is damaged.
        """
        kinds, numbers = state
        fine = isinstance(kinds, list) and all(_is_kind(kind) for kind in kinds)
        if isinstance(numbers, int):
            fine = fine and numbers == 0
        else:
            found = array("H", numbers)
            fine = fine and len(found) == count and max(found, default=0) < len(kinds)
        if not fine or (count and not kinds):
            raise ValueError("damaged shapes")
        return cls(state)

    @classmethod
    def of(cls, found: Sequence[Any]) -> Shapes:
        """Return the shapes of outputs: for each its keys, ``None``, or one of the words above."""
        known: dict[Any, int] = {}
        numbers = array("H")
        for shape in found:
            if isinstance(shape, tuple) and not _is_short(shape):
                shape = None  # noqa: PLW2901 - such outputs have no columns, as those that are not mappings
            numbers.append(known.setdefault(shape, min(len(known), _MOST)))
        kinds = list(known)
        if len(kinds) > _MOST:
            return cls(([None], 0))
        return cls((kinds, 0 if len(kinds) <= 1 else numbers.tobytes()))

    def at(self, place: int) -> Shape:
        """Return the keys of the output at `place`; ``None`` if it is not a mapping."""
        found = self._kind(place)
        return found if isinstance(found, tuple) else None

    def is_nothing(self, place: int) -> bool:
        """Whether there is no output at `place`."""
        return bool(self._kind(place) == NOTHING)

    @property
    def uniform(self) -> bool:
        """Whether all outputs are of the same kind."""
        return isinstance(self._numbers, int)

    def _kind(self, place: int) -> Any:
        numbers = self._numbers
        return self._kinds[numbers if isinstance(numbers, int) else numbers[place]] if self._kinds else None

    def places_of(self, kind: Any, count: int) -> Iterator[int]:
        """Return the places, of `count`, with this kind of output."""
        if kind not in self._kinds:
            return iter(())
        return (place for place in range(count) if self._kind(place) == kind)


def _is_kind(kind: Any) -> bool:
    return kind in (None, NOTHING, OF_LOOP) or (isinstance(kind, tuple) and _is_short(kind))


def _is_short(shape: tuple[Any, ...]) -> bool:
    return len(shape) <= _MOST_KEYS and all(isinstance(key, str) for key in shape)
