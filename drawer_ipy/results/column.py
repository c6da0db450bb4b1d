"""One column of a table: a list-like view, and the error for an unknown column."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, ClassVar, overload

from drawer_ipy.errors import DrawerError, did_you_mean
from drawer_ipy.results.mask import Mask, compared, equal

SHOWN = 6
"""Number of values in the repr of a column."""


class UnknownColumn(DrawerError, KeyError):
    """A table has no column with that name."""

    def __init__(self, name: str, columns: Sequence[str], steps: Sequence[str] = ()) -> None:
        near = did_you_mean(name, [*columns, *steps])
        others = [s for s in steps if s not in columns]
        known = f"columns: {_listed(columns)}" + (f"; steps: {_listed(others)}" if others else "")
        super().__init__(f"there is no column {name!r}" + (f"; {near}" if near else ""), remediation=known)


def _is_one_value(other: object) -> bool:
    """Whether a column is compared with `other` as a whole, not with the entries of an array."""
    return not (hasattr(other, "__array__") and getattr(other, "shape", None)) and not hasattr(
        other, "to_list"
    )


def _listed(names: Iterable[str], most: int = 40) -> str:
    words = list(names)
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return (", ".join(words[:most]) or "none") + more


class Column(Sequence[Any]):
    """The values of one column in the order of its table, read from the record on access.

    It equals a list, tuple or column with the same values. ``column[2:5]`` is a column too. Compared with one
    value, it returns a mask for rows: ``results[results["price"] > 10]``. ``<``, ``<=``, ``>`` and ``>=``
    also accept a column or list with one value per row. A missing value equals None, and is neither less nor
    greater than another.

    Attributes:
        name: the column's name.
    """

    __slots__ = ("_get", "_rows", "name")

    # Columns compare equal to lists, so they must be unhashable too.
    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __init__(self, name: str, get: Callable[[int], Any], rows: Sequence[int]) -> None:
        self.name: str = name
        self._get = get
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Column: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return the value at a position of the table, or for a slice, a column.

        Raises:
            IndexError: there is no such row.
        """
        if isinstance(index, slice):
            return Column(self.name, self._get, self._rows[index])
        try:
            row = self._rows[index]
        except IndexError:
            raise IndexError(f"{index} is out of range: column {self.name!r} has {len(self)} rows") from None
        return self._get(row)

    def __iter__(self) -> Iterator[Any]:
        return map(self._get, self._rows)

    def to_list(self) -> list[Any]:
        """Return the values as a new list."""
        return list(self)

    tolist = to_list  # numpy's spelling

    def __eq__(self, other: object) -> Any:
        if isinstance(other, list | tuple | Column):
            return len(self) == len(other) and all(a is b or a == b for a, b in zip(self, other, strict=True))
        return equal(self, repeat(other, len(self)), True) if _is_one_value(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        if isinstance(other, list | tuple | Column):
            return not self == other
        return equal(self, repeat(other, len(self)), False) if _is_one_value(other) else NotImplemented

    def __lt__(self, other: Any) -> Mask:
        return self._compared(other, operator.lt)

    def __le__(self, other: Any) -> Mask:
        return self._compared(other, operator.le)

    def __gt__(self, other: Any) -> Mask:
        return self._compared(other, operator.gt)

    def __ge__(self, other: Any) -> Mask:
        return self._compared(other, operator.ge)

    def _compared(self, other: Any, compare: Callable[[Any, Any], Any]) -> Mask:
        if not isinstance(other, list | tuple | Column):
            if not _is_one_value(other):
                return NotImplemented  # type: ignore[no-any-return] # an array compares itself
            return compared(self.name, self, repeat(other, len(self)), compare)
        if len(other) != len(self):
            raise ValueError(
                f"column {self.name!r} has {len(self)} rows, and is compared with {len(other)} values"
            )
        return compared(self.name, self, other, compare)

    def __repr__(self) -> str:
        from drawer_ipy.style.preview import preview

        n = len(self)
        head = [preview(value, 40, quoted=True) for value in self[:SHOWN]]
        more = ", …" if n > SHOWN else ""
        return f"<column {self.name!r}, {n} rows: [{', '.join(head)}{more}]>"
