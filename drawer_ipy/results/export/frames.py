"""Columns as a DataFrame, as CSV, as JSON. Optional libraries are imported when they are asked for."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from drawer_ipy.common.install import install_hint
from drawer_ipy.errors import DrawerError
from drawer_ipy.record.jsonable import jsonable, to_json_text

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Columns = dict[str, list[Any]]

_EXACT = 2**53
"""Integers up to here are floats without loss."""

_DEEPEST = 50
"""Levels of lists and mappings that polars is given; deeper values stay Python objects."""


class MissingLibrary(DrawerError, ImportError):
    """An optional library that an export needs is not installed."""


def library(name: str, asked: str, extra: str = "") -> Any:
    """The optional module `name`, which `asked` needs; `extra` is what brings it (its own name if empty).

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingLibrary(
            f"{asked} needs {name}, which is not installed",
            remediation=install_hint(extra or name),
        ) from None


def flattened(columns: Columns) -> Columns:
    """`columns` with mappings in cells spread over columns ``column.key``, again and again.

    Cells that are no mapping keep the column's own name; it is left out when there are none. A name that
    is taken gets an underscore at its end.
    """
    out: Columns = {}
    for name, values in columns.items():
        for path, spread in _spread(name, values, 0):
            free = path
            while free in out or (free != name and free in columns):
                free += "_"
            out[free] = spread
    return out


def _spread(name: str, values: list[Any], depth: int) -> Iterable[tuple[str, list[Any]]]:
    inner = [value if isinstance(value, Mapping) else None for value in values]
    keys = dict.fromkeys(key for value in inner if value for key in value)
    if not keys or depth > 8 or len(keys) > 1000:
        yield name, values
        return
    rest = [value if mapped is None else None for value, mapped in zip(values, inner, strict=True)]
    if any(value is not None for value in rest):
        yield name, rest
    for key in keys:
        yield from _spread(f"{name}.{key}", [None if v is None else v.get(key) for v in inner], depth + 1)


def to_pandas(columns: Columns, index: Sequence[int]) -> pd.DataFrame:
    """The columns as a DataFrame whose index is `index`; its name is not a column's."""
    pandas = library("pandas", "to_pandas()")
    name = "index"
    while name in columns:
        name = f"row.{name}"
    rows = pandas.Index(list(index), dtype="int64", name=name)
    series = {name: _pandas_series(pandas, values, rows) for name, values in columns.items()}
    frame: pd.DataFrame = pandas.DataFrame(series, index=rows, columns=list(columns))
    return frame


def _pandas_series(pandas: Any, values: list[Any], rows: Any) -> Any:
    # pandas would read a list of numbers beyond its integers, or of frames, in ways of its own.
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int} and None in values and any(abs(v) > _EXACT for v in values if v is not None):
        return pandas.Series(values, index=rows, dtype=object)
    if kinds and kinds <= {int, float}:
        if len(kinds) == 2 and any(type(v) is int and abs(v) > _EXACT for v in values):
            return pandas.Series(values, index=rows, dtype=object)
        return pandas.Series(values, index=rows)
    if len(kinds) == 1 and kinds <= {bool, str}:
        try:
            return pandas.Series(values, index=rows)
        except (ValueError, TypeError):  # a str that is not UTF-8, with strings kept by arrow
            pass
    elif len(kinds) == 1 and next(iter(kinds)).__module__ == "datetime":
        return pandas.Series(values, index=rows, dtype=object).infer_objects()
    return _object_series(pandas, values, rows)


def _object_series(pandas: Any, values: list[Any], rows: Any) -> Any:
    cells = pandas.Series([None] * len(values), index=rows, dtype=object)
    array = cells.to_numpy(copy=True)
    for position, value in enumerate(values):  # one by one: nested lists must not become dimensions
        array[position] = value
    return pandas.Series(array, index=rows, dtype=object)


def to_polars(columns: Columns) -> pl.DataFrame:
    """The columns as a DataFrame; values that share no polars type stay Python objects."""
    polars = library("polars", "to_polars()")
    frame: pl.DataFrame = polars.DataFrame([_polars_series(polars, name, v) for name, v in columns.items()])
    return frame


def _polars_series(polars: Any, name: str, values: list[Any]) -> Any:
    values = [value.value if isinstance(value, Enum) else value for value in values]
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return polars.Series(name, values, dtype=polars.Null)
    if kinds == {int, float} and all(type(v) is not int or abs(v) <= _EXACT for v in values):
        return polars.Series(name, values, dtype=polars.Float64, strict=False)
    if len(kinds) == 1 and all(map(_for_polars, values)):
        try:
            series = polars.Series(name, values)
            # polars fills, drops or rounds where nested values differ in shape; then objects say it better.
            if kinds <= {bool, int, float, str, bytes} or series.to_list() == values:
                return series
        except (Exception, polars.exceptions.PanicException):  # any of its refusals means: objects
            pass
    return polars.Series(name, values, dtype=polars.Object)


def _for_polars(value: Any, depth: int = 0) -> bool:
    """Whether `value` is made of what polars knows: what it does not know, it may panic at."""
    kind = type(value)
    if depth > _DEEPEST:
        return False  # it may contain itself
    if kind is int:
        return bool(value.bit_length() < 64)
    if kind is dict:
        return all(type(key) is str for key in value) and all(
            _for_polars(inner, depth + 1) for inner in value.values()
        )
    if kind is list or kind is tuple:
        return all(_for_polars(inner, depth + 1) for inner in value)
    if kind is Decimal:
        return bool(value.is_finite())
    return value is None or kind in _SCALARS or (hasattr(value, "dtype") and not getattr(value, "shape", ()))


_SCALARS = (bool, float, str, bytes, dt.date, dt.datetime, dt.time, dt.timedelta)


def _open(path: str | Path | None) -> Any:
    """A text file to write (lone surrogates escaped, since UTF-8 has no place for them), or memory."""
    if path is None:
        return nullcontext(io.StringIO())
    return Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="")


def to_csv(
    records: Iterable[tuple[Any, ...]], names: Sequence[str], path: str | Path | None = None
) -> str | None:
    """Header and one line a record into `path`, or as the text returned."""
    with _open(path) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        for record in records:
            writer.writerow([_csv_cell(value) for value in record])
        return out.getvalue() if path is None else None


def _csv_cell(value: Any) -> Any:
    if value is None or type(value) in (str, bool, float):
        return value
    if type(value) in (dict, list, tuple):
        return to_json_text(value)
    simple = jsonable(value)
    return to_json_text(simple) if isinstance(simple, dict | list) else simple


def to_json(
    records: Iterable[tuple[Any, ...]], names: Sequence[str], path: str | Path | None = None
) -> str | None:
    """A list with one object and one line a record into `path`, or as the text returned."""
    out: TextIO
    with _open(path) as out:
        between = "[\n"
        for record in records:
            row = dict(zip(names, record, strict=True))
            out.write(between + to_json_text(row))
            between = ",\n"
        out.write("[]\n" if between == "[\n" else "\n]\n")
        return out.getvalue() if isinstance(out, io.StringIO) else None
