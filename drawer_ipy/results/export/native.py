"""Columns of other tables, in the types of their library: taken row by row, and as Python values.

A column is a Series of pandas or polars, a chunked array of pyarrow, or a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Rows = Sequence[int]
"""Positions of rows; -1 for a row that is missing."""


def library_of(thing: Any) -> str:
    """Return the name of the library that defines the type of `thing`, such as ``pandas``."""
    return type(thing).__module__.partition(".")[0]


def take(column: Any, rows: Rows | None) -> Any:
    """Return the values of `column` at `rows` (``None``: all); missing ones are null."""
    if rows is None:
        return column
    gaps = any(row < 0 for row in rows)
    library = library_of(column)
    if library == "pandas":
        return _take_pandas(column, rows, gaps)
    if library in ("polars", "pyarrow"):
        places = [None if row < 0 else row for row in rows] if gaps else list(rows)
        if library == "polars":
            import polars

            return column.gather(polars.Series(places, dtype=polars.Int64))
        import pyarrow

        return column.take(pyarrow.array(places, pyarrow.int64()))
    return [None if row < 0 else column[row] for row in rows]


def _take_pandas(column: Any, rows: Rows, gaps: bool) -> Any:
    if not gaps:
        return column.iloc[list(rows)]
    import pandas

    name = str(column.dtype)
    nullable = {"bool": "boolean", **{n: n.replace("u", "U").replace("i", "I") for n in _INTS}}.get(name)
    array = column.astype(nullable).array if nullable else column.array
    return pandas.Series(array.take(list(rows), allow_fill=True), name=column.name)


_INTS = tuple(f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64))


def values_of(column: Any) -> list[Any]:
    """Return the values of `column` for formats that have Python's types; missing ones are None.

    A NaN stays one in columns of numbers. pandas also writes it for missing text.
    """
    library = library_of(column)
    if library == "polars":
        return list(column.to_list())
    if library == "pyarrow":
        try:
            return list(column.to_pylist())
        except ValueError:  # nanoseconds, which Python's own times cannot hold
            return list(column.cast("string").to_pylist())
    if library != "pandas":
        return list(column)
    if str(column.dtype) in _PLAIN:
        return list(column.to_numpy().tolist())  # Python's own numbers, which cost less to write
    values = list(column.array)
    if column.dtype.kind in "OUS" and any(map(_is_nan, values)):
        kinds = {type(value) for value in values if value is not None and not _is_nan(value)}
        if not any(issubclass(kind, int | float | complex) for kind in kinds):
            values = [None if _is_nan(value) else value for value in values]
    return values


_PLAIN = frozenset({"bool", "float32", "float64", *_INTS})


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value
