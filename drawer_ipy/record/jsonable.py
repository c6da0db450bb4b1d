"""Convert any value to JSON values."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import math
import os
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from typing import Any

from drawer_ipy.common.missing import is_arrow_scalar, is_missing, may_be_missing
from drawer_ipy.common.user_code import pass_on_interrupt

_DEEPEST = 200
"""Most levels that are converted; Python's recursion limit allows about 300."""

_CUT = "…"
"""Replaces a value inside itself, and values that are nested too deeply."""

# Python refuses to format longer integers in decimal, which takes quadratic time.
_WIDEST = 14_000
"""Bits."""


def jsonable(value: Any, within: tuple[int, ...] = ()) -> Any:
    """Convert `value` to dicts with str keys, lists, str, int, finite float, bool and None.

    Dates become ISO text; durations seconds; bytes UTF-8 text, or else base64; NaN, infinities and missing
    values (``pandas.NA``, ``NaT``) null; dataclasses and pydantic models their fields; arrays and sets lists;
    enums their value; decimals, paths, UUIDs, periods and intervals text; integers of more than 4,000 digits
    hexadecimal text; and other objects their repr. It never raises. ``"…"`` replaces a value inside itself,
    and values below 200 levels.

    Args:
        within: ids of the enclosing values.
    """
    if value is None or value is True or value is False or type(value) is str:
        return value
    if type(value) is int:
        return value if value.bit_length() < _WIDEST else digits(value)
    if type(value) is float:
        return value if math.isfinite(value) else None
    try:
        return _convert(value, within)
    except BaseException as error:  # an object whose methods fail must not affect other rows
        pass_on_interrupt(error)
        return f"<{type(value).__name__}: not readable>"


def to_json_text(value: Any) -> str:
    """Return `value` as JSON on one line."""
    try:  # implemented in C, ten times faster for JSON values
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(jsonable(value), ensure_ascii=False)


def as_text(value: Any) -> str:
    """Return `value` as JSON, but text (a str, a date, bytes) without quotes."""
    plain = jsonable(value)
    return plain if isinstance(plain, str) else to_json_text(plain)


def digits(value: int) -> str:
    """Return an integer as text, in hexadecimal if it is too long for Python's decimal conversion."""
    return str(value) if value.bit_length() < _WIDEST else hex(value)


def native(value: Any) -> Any:
    """Convert `value` to the nearest built-in type of Python.

    Scalars of numpy and pandas, and instances of subclasses, become the equivalent built-in value (None for a
    missing value); tuples, sets and arrays become lists; mappings and models dicts; other objects their repr.
    Only the outermost value is converted.
    """
    try:
        return _native(value)
    except BaseException as error:  # an object whose methods fail
        pass_on_interrupt(error)
        return jsonable(value)


def _native(value: Any) -> Any:
    if isinstance(value, Enum):
        return native(value.value)
    if may_be_missing(type(value)) and is_missing(value):
        return None
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy, without importing it
        return _of_numpy(value)
    if is_arrow_scalar(type(value)):
        return native(value.as_py())
    if isinstance(value, dt.datetime | dt.timedelta) and nanoseconds(value):
        return value.isoformat()  # type: ignore[union-attr] # of pandas
    if isinstance(value, uuid.UUID):
        return str(value)
    for kind, make in _PLAIN:
        if isinstance(value, kind):
            return make(value)
    return jsonable(value)


def nanoseconds(value: dt.datetime | dt.timedelta) -> int:
    """Return the nanoseconds of pandas' times and durations, which the types of Python do not have."""
    found = getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0)
    return found if isinstance(found, int) else 0


def _seconds(value: Any) -> float | None:
    """Return the seconds of a duration of numpy; ``None`` for months and years, whose length varies."""
    try:
        return float(value / type(value)(1, "s"))
    except TypeError:
        return None


def _of_numpy(value: Any) -> Any:
    plain = value.tolist()
    kind = value.dtype.kind
    if kind in ("M", "m") and type(value).__module__ == "numpy":  # numpy turns nanoseconds into integers
        if value.shape:
            return [_of_numpy(inner) for inner in value]
        if str(value.dtype) in ("timedelta64[M]", "timedelta64[Y]"):  # of no certain length
            return str(value)
        if isinstance(plain, int):
            rounded = value.astype(f"{kind}8[us]")
            plain = rounded.tolist() if rounded == value else None
            return plain if isinstance(plain, dt.date | dt.timedelta) else str(value)
    return plain if type(plain) is not type(value) else repr(value)


def _moment(value: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(value.date(), value.time(), value.tzinfo)


_PLAIN: tuple[tuple[Any, Any], ...] = (
    (str, str.__str__),
    (int, int),
    (float, float),
    (bytes | bytearray | memoryview, bytes),
    (dt.datetime, _moment),
    (dt.date, lambda v: dt.date(v.year, v.month, v.day)),
    (dt.timedelta, lambda v: dt.timedelta(v.days, v.seconds, v.microseconds)),
    (Decimal, Decimal),
    (Mapping, dict),
    (Sequence | Set, list),
)


def _convert(value: Any, within: tuple[int, ...]) -> Any:
    if type(value) not in _CONTAINERS:  # the common case; testing each kind would take twice as long
        if isinstance(value, Enum):
            return jsonable(value.value, within)
        if may_be_missing(type(value)) and is_missing(value):
            return None
        for kind, convert in _CONVERSIONS:
            if isinstance(value, kind):
                return convert(value)
    if id(value) in within or len(within) >= _DEEPEST:
        return _CUT
    within = (*within, id(value))
    if isinstance(value, Mapping):
        return {_key(key): jsonable(inner, within) for key, inner in value.items()}
    if isinstance(value, Sequence | Set):
        return [jsonable(inner, within) for inner in value]
    return repr(value) if isinstance(value, type) else _convert_object(value, within)


def _convert_object(value: Any, within: tuple[int, ...]) -> Any:
    """Convert an object by its methods, or to its repr."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: jsonable(getattr(value, name), within) for name in names}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy, without importing it
        if type(value).__name__ == "timedelta64" and (seconds := _seconds(value)) is not None:
            return seconds
        return jsonable(_of_numpy(value), within)
    if is_arrow_scalar(type(value)):
        return jsonable(value.as_py(), within)
    if type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ in _TEXTS_OF_PANDAS:
        return str(value)
    if callable(getattr(value, "model_dump", None)):  # pydantic
        return jsonable(value.model_dump(), within)
    return repr(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    simple = jsonable(key)
    return simple if isinstance(simple, str) else json.dumps(simple)


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


_CONTAINERS = frozenset({dict, list, tuple})
_TEXTS_OF_PANDAS = frozenset({"Period", "Interval"})
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, lambda v: jsonable(int(v))),
    (float, lambda v: jsonable(float(v))),
    ((dt.date, dt.time), lambda v: v.isoformat()),
    (dt.timedelta, lambda v: dt.timedelta.total_seconds(v) + nanoseconds(v) / 1e9),
    ((bytes, bytearray, memoryview), lambda v: _bytes_text(bytes(v))),
    ((Decimal, uuid.UUID), str),
    (os.PathLike, lambda v: jsonable(os.fspath(v))),
)
"""Conversions of values without inner values. The order matters: a bool is an int, a datetime a date."""
