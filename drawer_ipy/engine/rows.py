"""Rows of tables as items of a loop: data frames of pandas, polars and pyarrow, and whatever exports Arrow.

Nothing is copied: a row holds the table and its position, and reads a value when it is asked for it.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, overload

from drawer_ipy.common.arrow_export import arrow_table
from drawer_ipy.common.install import install_hint
from drawer_ipy.common.sameness import same
from drawer_ipy.errors import UsageError

_LISTED = 5


class TableRow(Mapping[Any, Any]):
    """One row of a table: ``row["url"]``, or ``row.url`` where the name is free.

    Values have the types that the table gives them, such as ``numpy.int64`` or ``pandas.Timestamp``.

    Attributes:
        position: its place in the table, from 0.
    """

    __slots__ = ("_rows", "position")

    def __init__(self, rows: TableRows, position: int) -> None:
        self._rows = rows
        self.position: int = position

    def __getitem__(self, name: Any) -> Any:
        return self._rows.readers[name](self.position)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols of Python, which look for what is not there
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            known = ", ".join(map(str, self))
            raise AttributeError(f"this row has no column {name!r}; it has {known}") from None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows.readers)

    def __len__(self) -> int:
        return len(self._rows.readers)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TableRow) and other._rows is self._rows and other.position == self.position:
            return True
        if not isinstance(other, Mapping) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Mapping) else False
        return all(name in other and same(value, other[name]) for name, value in self.items())

    __hash__ = None  # type: ignore[assignment] # as unhashable as a dict

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled row is a dict: it need not carry the whole table."""
        return dict, (dict(self),)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self if isinstance(name, str) and name.isidentifier())]


class SentRow:
    """A row on its way to another process, where it is a row again; it carries its values, not the table."""

    __slots__ = ("_row",)

    def __init__(self, row: TableRow) -> None:
        self._row = row

    def __reduce__(self) -> tuple[Any, ...]:
        return received_row, (dict(self._row), self._row.position)


def received_row(values: Mapping[Any, Any], position: int) -> TableRow:
    """Return the row with these values."""
    readers = {name: partial(_value_at, value) for name, value in values.items()}
    return TableRow(TableRows(readers, position + 1, None), position)


def _value_at(value: Any, _position: int) -> Any:
    return value


class TableRows(Sequence[TableRow]):
    """The rows of a table, each made when it is looked at.

    Args:
        readers: column name -> what reads the value at a position.
        count: how many rows there are.
        table: the table itself, for what is to be done with the whole.
    """

    __slots__ = ("_count", "readers", "table")

    def __init__(self, readers: Mapping[Any, Callable[[int], Any]], count: int, table: Any) -> None:
        self.readers: Mapping[Any, Callable[[int], Any]] = readers
        self._count = count
        self.table: Any = table

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> TableRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[TableRow]: ...
    def __getitem__(self, index: int | slice) -> TableRow | list[TableRow]:
        if isinstance(index, slice):
            return [TableRow(self, position) for position in range(self._count)[index]]
        return TableRow(self, range(self._count)[index])

    def __repr__(self) -> str:
        return f"<{self._count:,} rows of {', '.join(map(str, self.readers))}>"


class ArrayItems(Sequence[Any]):
    """The entries of an array or series by position, without a copy.

    Args:
        read: what reads the entry at a position.
        count: how many entries there are.
        series: the pandas series whose entries they are, for its index; ``None`` for anything else.
    """

    __slots__ = ("_count", "_read", "series")

    def __init__(self, read: Callable[[int], Any], count: int, series: Any = None) -> None:
        self._read = read
        self._count = count
        self.series: Any = series

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self._read(position) for position in range(self._count)[index]]
        return self._read(range(self._count)[index])


def rows_of(value: Any) -> Sequence[Any] | None:
    """The items that a table, a series or an array stands for; ``None`` where `value` is none of these.

    Raises:
        UsageError: two columns have one name, or a library that reads the table is missing.
    """
    library = type(value).__module__.partition(".")[0]
    reader = _LIBRARIES.get(library)
    if reader is not None and (found := reader(value)) is not None:
        return found
    if hasattr(value, "view") and hasattr(value, "to_arrow") and library == "drawer_ipy":
        return _of_results(value)
    if hasattr(value, "__arrow_c_stream__"):
        return _of_arrow_table(_as_arrow(value))
    return None


def _of_pandas(value: Any) -> Sequence[Any] | None:
    if hasattr(value, "columns"):
        value = value.copy(deep=False)  # shares the data, but not columns and index that are set later
        names = list(value.columns)
        # `.array` keeps the type of each value, and is what the frame holds.
        arrays = [value.iloc[:, place].array for place in range(_checked(names))]
        return TableRows({n: a.__getitem__ for n, a in zip(names, arrays, strict=True)}, len(value), value)
    series = value.copy(deep=False) if hasattr(value, "iloc") else None  # as above
    array = getattr(value, "array", value)  # a Series or an Index has one, an extension array is one
    return ArrayItems(array.__getitem__, len(array), series) if hasattr(array, "dtype") else None


def _of_polars(value: Any) -> Sequence[Any] | None:
    if hasattr(value, "collect") and not hasattr(value, "get_columns"):
        raise UsageError("a LazyFrame has no rows yet", remediation="write .collect()")
    if hasattr(value, "get_columns"):
        value = value.clone()  # shares the data, but not columns that are set later
        columns = value.get_columns()
        return TableRows({column.name: column.__getitem__ for column in columns}, value.height, value)
    return ArrayItems(value.__getitem__, len(value)) if hasattr(value, "dtype") else None


def _of_pyarrow(value: Any) -> Sequence[Any] | None:
    if hasattr(value, "read_all"):  # a reader of batches
        value = value.read_all()
    if hasattr(value, "column_names"):
        return _of_arrow_table(value)
    return ArrayItems(_scalar_reader(value), len(value)) if hasattr(value, "type") else None


def _of_arrow_table(value: Any) -> TableRows:
    names = list(value.column_names)
    columns = [value.column(place) for place in range(_checked(names))]
    return TableRows(
        {n: _scalar_reader(c) for n, c in zip(names, columns, strict=True)}, value.num_rows, value
    )


def _scalar_reader(column: Any) -> Callable[[int], Any]:
    return partial(_scalar, column)  # which can be pickled


def _scalar(column: Any, position: int) -> Any:
    return column[position].as_py()


def _of_numpy(value: Any) -> Sequence[Any] | None:
    if not hasattr(value, "ndim") or value.ndim == 0:
        return None
    if value.dtype.names:
        columns = {name: value[name] for name in value.dtype.names}
        if value.ndim == 1:
            return TableRows(
                {name: column.__getitem__ for name, column in columns.items()}, len(value), value
            )
    return ArrayItems(value.__getitem__, len(value))


def _of_results(value: Any) -> TableRows:
    # Its values now: another press may replace them, also while the loop runs.
    columns = {name: value[name].to_list() for name in value.columns}
    return TableRows({name: column.__getitem__ for name, column in columns.items()}, len(value), value)


def _as_arrow(value: Any) -> Any:
    """A table of pyarrow from whatever exports Arrow: a relation of DuckDB, a frame of another library."""
    try:
        pyarrow = importlib.import_module("pyarrow")
    except ImportError:
        name = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
        raise UsageError(f"a {name} is read through pyarrow", remediation=install_hint("arrow")) from None
    return arrow_table(pyarrow, value)


_LIBRARIES: Mapping[str, Callable[[Any], Sequence[Any] | None]] = {
    "numpy": _of_numpy,
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_pyarrow,
}


def _checked(names: Sequence[Hashable]) -> int:
    """How many columns there are.

    Raises:
        UsageError: two have one name, so that a row could not tell them apart.
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        words = ", ".join(repr(name) for name in twice[:_LISTED])
        raise UsageError(
            f"the table has more than one column {words}", remediation="rename all but one of them"
        )
    return len(names)


def beside_rows(table: Any) -> list[Any] | None:
    """Return the values that a table or series has outside of its rows: index, labels, categories, metadata.

    Returns:
        The values; ``None`` if they cannot be listed.
    """
    name = type(table).__module__.partition(".")[0]
    if name == "pandas" and hasattr(table, "iloc"):
        table = table.to_frame() if table.ndim == 1 else table
        kinds = [getattr(dtype, "categories", None) for dtype in table.dtypes]
        found = [list(one) for one in kinds if one is not None]
        return [list(table.index), list(table.index.names), list(table.columns), dict(table.attrs), *found]
    if name == "polars" and hasattr(table, "schema"):
        plain = not any("Categorical" in str(kind) or "Enum" in str(kind) for kind in table.dtypes)
        return [list(table.columns)] if plain else None
    if name == "pyarrow" and hasattr(table, "schema"):
        plain = not any("dictionary" in str(kind) for kind in table.schema.types)
        metadata = [dict(one) for one in (table.schema.metadata, *(f.metadata for f in table.schema)) if one]
        return [list(table.column_names), metadata] if plain else None
    return None
