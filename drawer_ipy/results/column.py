"""One column of a table: a list-like view, and the error for an unknown column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from drawer_ipy.errors import DrawerError, did_you_mean

SHOWN = 6
"""Number of values in the repr of a column."""


class UnknownColumn(DrawerError, KeyError):
    """A table has no column with that name."""

    def __init__(self, name: str, columns: Sequence[str], steps: Sequence[str] = ()) -> None:
        near = did_you_mean(name, [*columns, *steps])
        others = [s for s in steps if s not in columns]
        known = f"columns: {_listed(columns)}" + (f"; steps: {_listed(others)}" if others else "")
        super().__init__(f"there is no column {name!r}" + (f"; {near}" if near else ""), remediation=known)


def _listed(names: Iterable[str], most: int = 40) -> str:
    words = list(names)
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return (", ".join(words[:most]) or "none") + more


class Column(Sequence[Any]):
    """The values of one column in the order of its table, read from the record on access.

    It equals a list, tuple or column with the same values. ``column[2:5]`` is a column too.

    Attributes:
        name: the column's name.
    """

    __slots__ = ("_get", "_rows", "name")

    # Columns compare equal to lists, so they must be unhashable too.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str, get: Callable[[int], Any], rows: Sequence[int]) -> None:
        self.name = name
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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | tuple | Column):
            return NotImplemented
        return len(self) == len(other) and all(a is b or a == b for a, b in zip(self, other, strict=True))

    def __repr__(self) -> str:
        from drawer_ipy.style.preview import preview

        n = len(self)
        head = [preview(value, 40, quoted=True) for value in self[:SHOWN]]
        more = ", …" if n > SHOWN else ""
        return f"<column {self.name!r}, {n} rows: [{', '.join(head)}{more}]>"
