"""Arrow columns of scalars that have more than Python's types: widths of numpy, nanoseconds, time zones."""

from __future__ import annotations

import datetime as dt
from typing import Any

from drawer_ipy.record.jsonable import nanoseconds
from drawer_ipy.results.export import kinds as k


def scalar_array(values: list[Any], kinds: set[type], pa: Any) -> Any:
    """Return the column if all `values` are scalars of numpy of one type, or times that need it.

    Otherwise, return ``None``.

    Args:
        values: one column without missing values other than None.
        kinds: the types of the values without None.
        pa: the pyarrow module.

    Raises:
        pyarrow.ArrowException, ValueError, TypeError, ArithmeticError: a value does not fit the type.
    """
    same = k.numpy_kind(kinds)
    if same in ("b", "i", "u", "f"):
        return _numbers(values, kinds, pa)
    if same in ("M", "m"):
        return _numpy_times(values, kinds, pa)
    if k.all_of(kinds, dt.datetime):
        return _moments(values, kinds, pa)
    if k.all_of(kinds, dt.timedelta) and (array := k.times_of_pandas(values, kinds)) is not None:
        return pa.array(array)
    if k.all_of(kinds, dt.timedelta) and k.have_nanoseconds(values, kinds):
        counted = [None if v is None else v.value if hasattr(v, "value") else _span(v) for v in values]
        return pa.array(counted, pa.int64()).cast(pa.duration("ns"))
    return None


def _numbers(values: list[Any], kinds: set[type], pa: Any) -> Any:
    import numpy

    kind = next(iter(kinds))
    if kind.__name__.startswith("long"):  # a float longer than any of Arrow's
        return None
    missing = numpy.array([value is None for value in values], bool)
    filled: Any = numpy.array([kind(0) if value is None else value for value in values], kind)
    return pa.array(filled, mask=missing)


def _numpy_times(values: list[Any], kinds: set[type], pa: Any) -> Any:
    import numpy

    missing = next(iter(kinds))("NaT")
    array = numpy.array([missing if value is None else value for value in values])
    unit = numpy.datetime_data(array.dtype)[0]
    wanted = _UNITS_OF_MOMENTS if array.dtype.kind == "M" else _UNITS_OF_SPANS
    if unit not in wanted:
        return None
    fitting = array.astype(f"{array.dtype.kind}8[{wanted[unit]}]")
    return (
        pa.array(fitting) if numpy.array_equal(fitting.astype(array.dtype), array, equal_nan=True) else None
    )


_SAME = {"s": "s", "ms": "ms", "us": "us", "ns": "ns"}
_UNITS_OF_MOMENTS = {"Y": "D", "M": "D", "W": "D", "D": "D", "h": "s", "m": "s", **_SAME}
_UNITS_OF_SPANS = {"W": "s", "D": "s", "h": "s", "m": "s", **_SAME}


def _moments(values: list[Any], kinds: set[type], pa: Any) -> Any:
    zone = k.one_zone(values)
    array = k.times_of_pandas(values, kinds)
    if array is not None:
        name = "" if zone is None else k.zone_name(zone) or "UTC"
        unit = "us" if array.dtype == "M8[us]" else "ns"
        return pa.array(array).cast(pa.int64()).cast(pa.timestamp(unit, name or None))
    fine = k.have_nanoseconds(values, kinds)
    name = "" if zone is None else k.zone_name(zone)
    if not fine and name in ("", "UTC"):
        return None
    if zone is None and any(value is not None and value.tzinfo is not None for value in values):
        return None
    if not fine:
        plain = [None if value is None else value.astimezone(dt.UTC) for value in values]
        return pa.array(plain, pa.timestamp("us", name))
    counted = [None if value is None else _moment(value) for value in values]
    return pa.array(counted, pa.int64()).cast(pa.timestamp("ns", name or (zone and "UTC")))


def _moment(value: dt.datetime) -> int:
    """Return the nanoseconds since 1970, in the value's own time if it has no zone."""
    begin = dt.datetime(1970, 1, 1, tzinfo=None if value.tzinfo is None else dt.UTC)
    plain = dt.datetime.combine(value.date(), value.time(), value.tzinfo)
    return (plain - begin) // dt.timedelta(microseconds=1) * 1000 + nanoseconds(value)


def _span(value: dt.timedelta) -> int:
    return value // dt.timedelta(microseconds=1) * 1000
