"""Any value as something JSON has a word for."""

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

from drawer_ipy.common.user_code import pass_on_interrupt

_DEEPEST = 200
"""Levels that are written out; Python's own recursion ends at some 300."""

_CUT = "…"
"""What stands where a value comes round that contains itself, and for what is nested too deep."""

# Python refuses to write longer whole numbers in decimal, in quadratic time.
_WIDEST = 14_000
"""Bits."""


def jsonable(value: Any, within: tuple[int, ...] = ()) -> Any:
    """`value` made of dicts with str keys, lists, str, int, finite float, bool and None.

    Dates become ISO text, durations seconds, bytes their UTF-8 text (else base64), NaN and infinities
    null, dataclasses and pydantic models their fields, arrays and sets lists, enums their value,
    decimals, paths and UUIDs text, whole numbers of more than 4,000 digits hexadecimal text, and other
    objects their repr. It never raises for a strange value. ``"…"`` stands where a value comes round that
    contains itself, and below 200 levels.

    Args:
        within: ids of the values around it.
    """
    if value is None or value is True or value is False or type(value) is str:
        return value
    if type(value) is int:
        return value if value.bit_length() < _WIDEST else digits(value)
    if type(value) is float:
        return value if math.isfinite(value) else None
    try:
        return _convert(value, within)
    except BaseException as error:  # an object whose own methods fail must not cost the other rows
        pass_on_interrupt(error)
        return f"<{type(value).__name__}: not readable>"


def to_json_text(value: Any) -> str:
    """`value` as JSON on one line."""
    try:  # in C, for values that are JSON already; ten times faster
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(jsonable(value), ensure_ascii=False)


def as_text(value: Any) -> str:
    """What JSON has as a text (a str, a date, bytes) without quotes, everything else as JSON."""
    plain = jsonable(value)
    return plain if isinstance(plain, str) else to_json_text(plain)


def digits(value: int) -> str:
    """A whole number as text, hexadecimal where Python writes no decimal."""
    return str(value) if value.bit_length() < _WIDEST else hex(value)


def native(value: Any) -> Any:
    """`value` as the nearest of Python's own plain types.

    Scalars of numpy and pandas and subclasses become what they stand for (a missing value None), tuples,
    sets and arrays lists, mappings and models dicts, other objects their repr. Only the outermost value
    is looked at.
    """
    try:
        return _native(value)
    except BaseException as error:  # an object whose own methods fail
        pass_on_interrupt(error)
        return jsonable(value)


def _native(value: Any) -> Any:
    if isinstance(value, Enum):
        return native(value.value)
    if type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy, without importing it
        plain = value.tolist()
        return plain if type(plain) is not type(value) else repr(value)
    for kind, make in _PLAIN:
        if isinstance(value, kind):
            return make(value)
    return jsonable(value)


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
    if type(value) not in _CONTAINERS:  # most are; asking them about each kind would double their cost
        if isinstance(value, Enum):
            return jsonable(value.value, within)
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
    """An object by what it offers; its repr where it offers nothing."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: jsonable(getattr(value, name), within) for name in names}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):  # numpy, without importing it
        return jsonable(value.tolist(), within)
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
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, lambda v: jsonable(int(v))),
    (float, lambda v: jsonable(float(v))),
    ((dt.date, dt.time), lambda v: v.isoformat()),
    (dt.timedelta, dt.timedelta.total_seconds),
    ((bytes, bytearray, memoryview), lambda v: _bytes_text(bytes(v))),
    ((Decimal, uuid.UUID), str),
    (os.PathLike, lambda v: jsonable(os.fspath(v))),
)
"""What values without inner values become, in the order asked: bool is an int, datetime a date."""
