"""Convert a column to a pandas Series that keeps the kind of its values.

=========================================== ============================================================
values (apart from missing ones)            dtype
=========================================== ============================================================
bool; int, without missing values           bool; int64, else uint64, else object
bool; int, with missing values              boolean; Int64, else UInt64, else object
float, or int up to 2**53 and float         float64; a missing value is NaN
one type of numpy's scalars                 that type, or pandas' nullable type of the same width
str                                         pandas' own type of text
datetime, Timestamp, numpy.datetime64       datetime64, with the zone if all have the same, else object
timedelta, Timedelta, numpy.timedelta64     timedelta64
Period of one frequency; Interval           period; interval
enum                                        the type of the members' values
date, time, Decimal, UUID, other objects    object, unchanged
several kinds                               object, unchanged
=========================================== ============================================================
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from drawer_ipy.results.export import kinds as k


def pandas_array(values: list[Any], pandas: Any) -> Any:
    """Return the values of one column as what a Series is made of; `pandas` is the module."""
    values, kinds = k.cells(values)
    for make in (_numbers, _texts, _times):
        try:
            made = make(values, kinds, pandas)
        except (ValueError, TypeError, ArithmeticError):  # outside the range, or text that is not valid UTF-8
            continue
        if made is not None:
            return made
    # Not the Series, which a frame with an index of its own would align by its labels.
    return _objects(values, pandas).to_numpy()


def _numbers(values: list[Any], kinds: set[type], pandas: Any) -> Any:
    import numpy

    same = k.numpy_kind(kinds)
    null = any(value is None for value in values)
    if k.are_bools(kinds):
        return _masked(values, "bool", pandas.arrays.BooleanArray) if null else numpy.array(values, bool)
    if k.are_ints(kinds):
        name = next(iter(kinds))(0).dtype.name if same else _width(values)
        if not name:
            return None
        return _masked(values, name, pandas.arrays.IntegerArray) if null else numpy.array(values, name)
    if same in ("f", "c"):
        return numpy.array([numpy.nan if v is None else v for v in values], next(iter(kinds)))
    if k.are_numbers(kinds) and k.fit_float(values, kinds):
        return numpy.array(values, "float64")
    return None


def _width(values: list[Any]) -> str:
    present = [value for value in values if value is not None]
    least, most = min(present), max(present)
    if least >= k.LEAST_INT and most <= k.MOST_INT:
        return "int64"
    return "uint64" if least >= 0 and most <= k.MOST_UINT else ""


def _masked(values: list[Any], dtype: str, array: Any) -> Any:
    import numpy

    filled = numpy.array([0 if value is None else value for value in values], dtype)
    return array(filled, numpy.array([value is None for value in values], bool))


def _texts(values: list[Any], kinds: set[type], pandas: Any) -> Any:
    if not k.all_of(kinds, str):
        return None
    if kinds != {str}:
        values = [None if value is None else str.__str__(value) for value in values]
    return pandas.Series(values).array


def _times(values: list[Any], kinds: set[type], pandas: Any) -> Any:
    same = k.numpy_kind(kinds)
    if same in ("M", "m"):
        import numpy

        missing = next(iter(kinds))("NaT")
        if same == "m" and any(numpy.datetime_data(v.dtype)[0] in "YM" for v in values if v is not None):
            return None  # pandas would make days of months
        return pandas.Series(numpy.array([missing if value is None else value for value in values])).array
    if k.all_of(kinds, dt.datetime):
        if k.one_zone(values) is not None and any(getattr(value, "fold", 0) for value in values):
            return None  # pandas would read an hour that a clock shows twice as the first of the two
    elif not k.all_of(kinds, dt.timedelta):
        names = {kind.__name__ for kind in kinds}
        if len(kinds) != 1 or not names <= {"Period", "Interval"}:
            return None
    found = _objects(values, pandas).infer_objects()
    return found.array if found.dtype != object else None


_SCALARS = (k.NONE, int, float, str, bytes, dt.date, dt.timedelta, dt.time)


def _objects(values: list[Any], pandas: Any) -> Any:
    import numpy

    cells = numpy.empty(len(values), object)
    if all(issubclass(kind, _SCALARS) for kind in set(map(type, values))):
        cells[:] = values
        return pandas.Series(cells, dtype=object)
    for place, value in enumerate(values):  # one by one, since nested lists must not become dimensions
        cells[place] = value
    return pandas.Series(cells, dtype=object)
