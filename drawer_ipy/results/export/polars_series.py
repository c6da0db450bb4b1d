"""Convert a column to a polars Series that keeps the kind of its values.

Numbers of numpy keep their width; times of pandas and numpy their nanoseconds and zone; enum members become
their values; UUIDs, periods and intervals text. What has no common type of polars stays a Python object.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from drawer_ipy.record.jsonable import nanoseconds
from drawer_ipy.results.export import kinds as k

_DEEPEST = 50
"""Most levels of lists and mappings passed to polars; deeper values stay Python objects."""


def polars_series(name: str, values: list[Any], polars: Any) -> Any:
    """Return one column; `polars` is the module."""
    values, kinds = k.cells(values)
    if not kinds:
        return polars.Series(name, values, dtype=polars.Null)
    for make in (_numbers, _texts, _moments, _spans, _others):
        try:
            made = make(name, values, kinds, polars)
        except (Exception, polars.exceptions.PanicException):  # whatever polars refuses is kept as objects
            continue
        if made is not None:
            return made
    return polars.Series(name, values, dtype=polars.Object)


def _numbers(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    if k.are_bools(kinds):
        flags = values if kinds == {bool} else [None if value is None else bool(value) for value in values]
        return polars.Series(name, flags, dtype=polars.Boolean)
    if k.are_ints(kinds):
        dtype = _numpy_dtype(kinds, polars) or _width(values, polars)
        whole = values if kinds == {int} else [None if value is None else int(value) for value in values]
        return None if dtype is None else polars.Series(name, whole, dtype=dtype)
    if k.are_numbers(kinds) and k.fit_float(values, kinds):
        dtype = _numpy_dtype(kinds, polars) or polars.Float64
        numbers = (
            values if kinds == {float} else [None if value is None else float(value) for value in values]
        )
        return polars.Series(name, numbers, dtype=dtype)
    return None


def _numpy_dtype(kinds: set[type], polars: Any) -> Any:
    """Return the type of polars for one of numpy's numbers; ``None`` for others."""
    if k.numpy_kind(kinds) not in ("i", "u", "f"):
        return None
    name = next(iter(kinds))(0).dtype.name
    name = "float32" if name == "float16" else name
    return getattr(polars, {"u": "UInt", "i": "Int", "f": "Float"}[name[0]] + name.lstrip("uintfloa"), None)


def _width(values: list[Any], polars: Any) -> Any:
    present = [value for value in values if value is not None]
    least, most = min(present), max(present)
    if least >= k.LEAST_INT and most <= k.MOST_INT:
        return polars.Int64
    return polars.UInt64 if least >= 0 and most <= k.MOST_UINT else None


def _texts(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    named = {kind.__name__ for kind in kinds if kind.__module__.partition(".")[0] == "pandas"}
    if k.all_of(kinds, uuid.UUID) or (len(kinds) == 1 and named and named <= {"Period", "Interval"}):
        return polars.Series(name, [None if v is None else str(v) for v in values], dtype=polars.String)
    if k.all_of(kinds, str):
        plain = values if kinds == {str} else [None if v is None else str.__str__(v) for v in values]
        return polars.Series(name, plain, dtype=polars.String)
    return None


def _moments(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    if k.numpy_kind(kinds) == "M":
        return _numpy_times(name, values, kinds, polars)
    if not k.all_of(kinds, dt.datetime):
        return None
    zone = k.one_zone(values)
    if zone is None and any(value is not None and value.tzinfo is not None for value in values):
        return None  # several zones, or some without
    array = k.times_of_pandas(values, kinds)
    if array is not None:
        series = polars.Series(name, array)
    else:
        unit = "ns" if k.have_nanoseconds(values, kinds) else "us"
        counted = [None if value is None else _since_1970(value, unit) for value in values]
        series = polars.Series(name, counted, dtype=polars.Int64).cast(polars.Datetime(unit))
    if zone is None:
        return series
    series = series.dt.replace_time_zone("UTC")
    shown = k.zone_name(zone)
    return series.dt.convert_time_zone(shown) if shown not in ("", "UTC") else series


def _since_1970(value: dt.datetime, unit: str) -> int:
    begin = dt.datetime(1970, 1, 1, tzinfo=None if value.tzinfo is None else dt.UTC)
    plain = dt.datetime.combine(value.date(), value.time(), value.tzinfo)
    whole = (plain - begin) // dt.timedelta(microseconds=1)
    return whole * 1000 + nanoseconds(value) if unit == "ns" else whole


def _spans(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    if k.numpy_kind(kinds) == "m":
        return _numpy_times(name, values, kinds, polars)
    if not k.all_of(kinds, dt.timedelta):
        return None
    if (array := k.times_of_pandas(values, kinds)) is not None:
        return polars.Series(name, array)
    fine = k.have_nanoseconds(values, kinds)
    unit = dt.timedelta(microseconds=1)
    counted = [
        None if v is None else (_plain_span(v) // unit) * (1000 if fine else 1) + nanoseconds(v)
        for v in values
    ]
    series = polars.Series(name, counted, dtype=polars.Int64)
    return series.cast(polars.Duration("ns" if fine else "us"))


def _plain_span(value: dt.timedelta) -> dt.timedelta:
    return dt.timedelta(value.days, value.seconds, value.microseconds)


def _numpy_times(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    import numpy

    missing = next(iter(kinds))("NaT")
    array = numpy.array([missing if value is None else value for value in values])
    unit = numpy.datetime_data(array.dtype)[0]
    if unit in ("Y", "M", "W", "h", "m", "s"):  # polars has days, and milliseconds or finer
        if array.dtype.kind == "m" and unit in ("Y", "M"):
            return None
        finer = array.astype(f"{array.dtype.kind}8[{'D' if unit in ('Y', 'M', 'W') else 'ms'}]")
        if not numpy.array_equal(finer.astype(array.dtype), array, equal_nan=True):
            return None
        array = finer
    if array.dtype.kind == "m" and unit in ("D", "W"):
        array = array.astype("m8[ms]")
    return polars.Series(name, array)


def _others(name: str, values: list[Any], kinds: set[type], polars: Any) -> Any:
    if len(kinds) != 1 or k.numpy_kind(kinds) or not all(map(_for_polars, values)):
        return None  # of numpy's scalars, those that have no type here: complex numbers, longer floats
    series = polars.Series(name, values)
    # polars fills, drops or rounds nested values of different shapes; Python objects keep them.
    return series if kinds <= {bytes} or series.to_list() == values else None


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
