"""Convert columns to DataFrames, CSV and JSON. Optional libraries are imported on demand."""

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
"""Integers up to this can be floats without loss."""

_DEEPEST = 50
"""Most levels of lists and mappings passed to polars; deeper values stay Python objects."""


class MissingLibrary(DrawerError, ImportError):
    """An optional library that an export needs is not installed."""


def library(name: str, asked: str, extra: str = "") -> Any:
    """Import the optional module `name`, which `asked` needs; `extra` installs it (by default `name`).

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
    """Spread mappings in the cells of `columns` over columns ``column.key``, recursively.

    Cells that are not mappings stay in their column, which is left out if there are none. If a name is taken,
    an underscore is appended.
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
    """Convert the columns to a DataFrame with `index`, whose name differs from all columns."""
    pandas = library("pandas", "to_pandas()")
    name = "index"
    while name in columns:
        name = f"row.{name}"
    rows = pandas.Index(list(index), dtype="int64", name=name)
    series = {name: _pandas_series(pandas, values, rows) for name, values in columns.items()}
    frame: pd.DataFrame = pandas.DataFrame(series, index=rows, columns=list(columns))
    return frame


def _pandas_series(pandas: Any, values: list[Any], rows: Any) -> Any:
    # pandas would misread a list of frames, or of integers larger than its own.
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
        except (ValueError, TypeError):  # a str that is not valid UTF-8, if pandas stores strings in Arrow
            pass
    elif len(kinds) == 1 and next(iter(kinds)).__module__ == "datetime":
        return pandas.Series(values, index=rows, dtype=object).infer_objects()
    return _object_series(pandas, values, rows)


def _object_series(pandas: Any, values: list[Any], rows: Any) -> Any:
    cells = pandas.Series([None] * len(values), index=rows, dtype=object)
    array = cells.to_numpy(copy=True)
    for position, value in enumerate(values):  # one by one, since nested lists must not become dimensions
        array[position] = value
    return pandas.Series(array, index=rows, dtype=object)


def to_polars(columns: Columns) -> pl.DataFrame:
    """Convert the columns to a DataFrame; values without a common polars type stay Python objects."""
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
            # polars fills, drops or rounds nested values of different shapes; Python objects keep them.
            if kinds <= {bool, int, float, str, bytes} or series.to_list() == values:
                return series
        except (Exception, polars.exceptions.PanicException):  # whatever polars refuses is kept as objects
            pass
    return polars.Series(name, values, dtype=polars.Object)


def _for_polars(value: Any, depth: int = 0) -> bool:
    """Whether `value` contains only types that polars supports; others may cause a panic."""
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
    """Open a text file for writing, or memory; unpaired surrogates, which UTF-8 lacks, are escaped."""
    if path is None:
        return nullcontext(io.StringIO())
    return Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="")


def to_csv(
    records: Iterable[tuple[Any, ...]], names: Sequence[str], path: str | Path | None = None
) -> str | None:
    """Write the header and one line per record to `path`, or return the text."""
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
    """Write a list with one object, on one line, per record to `path`, or return the text."""
    out: TextIO
    with _open(path) as out:
        between = "[\n"
        for record in records:
            row = dict(zip(names, record, strict=True))
            out.write(between + to_json_text(row))
            between = ",\n"
        out.write("[]\n" if between == "[\n" else "\n]\n")
        return out.getvalue() if isinstance(out, io.StringIO) else None
