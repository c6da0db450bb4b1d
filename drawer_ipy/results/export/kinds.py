"""Cells of a column before its type is chosen, and the kind that all of them share.

The types of pandas, numpy and pyarrow are recognized by their names, without importing these libraries.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any

from drawer_ipy.common.missing import is_arrow_scalar, missing_to_none
from drawer_ipy.record.jsonable import nanoseconds

NONE = type(None)

EXACT = 2**53
"""Integers up to this are equal to a float."""

LEAST_INT, MOST_INT, MOST_UINT = -(2**63), 2**63 - 1, 2**64 - 1


def cells(values: list[Any]) -> tuple[list[Any], set[type]]:
    """Return the values to export, and their types without None.

    Missing values become None, enum members their values, and values of pyarrow Python's.
    """
    kinds = set(map(type, values))
    if any(map(is_arrow_scalar, kinds)):
        values = [value.as_py() if is_arrow_scalar(type(value)) else value for value in values]
    if any(issubclass(kind, Enum) for kind in kinds):
        values = [value.value if isinstance(value, Enum) else value for value in values]
    values = missing_to_none(values)
    return values, set(map(type, values)) - {NONE}


def all_of(kinds: set[type], *wanted: type) -> bool:
    """Whether there are types, and each is one of `wanted` or a subclass of one."""
    return bool(kinds) and all(issubclass(kind, wanted) for kind in kinds)


def numpy_kind(kinds: set[type]) -> str:
    """Return the character of numpy's kind if all values are scalars of numpy of one type, else ``""``.

    ``b``, ``i``, ``u``, ``f``, ``c``: numbers. ``M``, ``m``: times and durations. ``U``, ``S``: text, bytes.
    """
    if len(kinds) != 1:
        return ""
    kind = next(iter(kinds))
    return _KINDS_OF_NUMPY.get(kind.__name__.rstrip("0123456789_"), "") if kind.__module__ == "numpy" else ""


_KINDS_OF_NUMPY = {
    **dict.fromkeys(("bool",), "b"),
    **dict.fromkeys(("int", "longlong", "long", "intc", "short", "byte"), "i"),
    **dict.fromkeys(("uint", "ulonglong", "ulong", "uintc", "ushort", "ubyte"), "u"),
    **dict.fromkeys(("float", "longdouble"), "f"),
    **dict.fromkeys(("complex", "clongdouble"), "c"),
    **dict.fromkeys(("datetime",), "M"),
    **dict.fromkeys(("timedelta",), "m"),
    **dict.fromkeys(("str",), "U"),
    **dict.fromkeys(("bytes",), "S"),
}


def are_bools(kinds: set[type]) -> bool:
    """Whether all values are True or False, of Python or numpy."""
    return bool(kinds) and all(kind is bool or numpy_kind({kind}) == "b" for kind in kinds)


def are_ints(kinds: set[type]) -> bool:
    """Whether all values are integers of Python or numpy."""
    return bool(kinds) and all(_is_int(kind) for kind in kinds)


def are_numbers(kinds: set[type]) -> bool:
    """Whether all values are integers or floats of Python or numpy, except numpy's longest floats."""
    return bool(kinds) and all(_is_int(kind) or _is_float(kind) for kind in kinds)


def _is_int(kind: type) -> bool:
    return (issubclass(kind, int) and kind is not bool) or numpy_kind({kind}) in ("i", "u")


def _is_float(kind: type) -> bool:
    return issubclass(kind, float) or (numpy_kind({kind}) == "f" and not kind.__name__.startswith("long"))


def fit_float(values: list[Any], kinds: set[type]) -> bool:
    """Whether all the integers among numbers of these types are equal to a float."""
    ints = tuple(kind for kind in kinds if _is_int(kind))
    return not ints or all(-EXACT <= value <= EXACT for value in values if type(value) in ints)


def have_nanoseconds(values: list[Any], kinds: set[type]) -> bool:
    """Whether one of the times or durations has nanoseconds, which Python's own types cannot."""
    if kinds <= {dt.datetime, dt.timedelta}:
        return False
    return any(nanoseconds(value) for value in values if value is not None)


def times_of_pandas(values: list[Any], kinds: set[type]) -> Any:
    """Return the Timestamps or Timedeltas of pandas as an array of numpy, in UTC if they have a zone.

    Its unit is the microsecond, or the nanosecond if one has some. ``None``: there are other types or zones.
    """
    if not all(kind.__module__.startswith("pandas") for kind in kinds):
        return None  # of Python's own types, pandas may have no unit
    import pandas

    series = pandas.Series(values, dtype=object).infer_objects()
    if series.dtype.kind not in ("M", "m"):
        return None
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    array = series.to_numpy()
    rounded = array.astype(f"{array.dtype.kind}8[us]")
    return rounded if ((rounded == array) | (array != array)).all() else array


def one_zone(values: list[Any]) -> dt.tzinfo | None:
    """Return the time zone of all of `values`, datetimes or None; ``None`` if they have several or none."""
    zones = {value.tzinfo for value in values if value is not None}
    return zones.pop() if len(zones) == 1 else None


def zone_name(zone: dt.tzinfo) -> str:
    """Return the name of `zone` in the time zone database, ``""`` if it has none."""
    if zone is dt.UTC:
        return "UTC"
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # of zoneinfo and pytz
    return name if isinstance(name, str) else ""
