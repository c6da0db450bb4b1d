"""Convert a table to Arrow's memory format, which pandas, polars, DuckDB and others read without copying.

A column with values of one kind keeps that kind; every other column is text, so that every table can be
converted:

==================================== =======================================================
values (apart from None)             Arrow type
==================================== =======================================================
bool; str; bytes; date               bool; string; binary; date32
int                                  int64, else uint64, else text with the digits
float, or int up to 2**53 and float  double; NaN stays NaN
numbers of numpy, of one type        that type
datetime                             timestamp[us]; with the zone if all have the same, else in UTC
time; timedelta                      time64[us]; duration[us]
Timestamp, Timedelta, datetime64     timestamp and duration, with nanoseconds if they have some
Decimal                              decimal128 if 38 digits are enough for all of them
list, tuple, set, array              list of the type of the entries
mapping, dataclass, pydantic model   struct with the keys in order of appearance; missing ones null
only None                            null
enum                                 the type of the members' values
UUID, path, Period, Interval         text
several kinds, other objects         text: str and dates unchanged; numbers, lists and mappings as
                                     JSON; objects as their repr
==================================== =======================================================

A list with entries of several kinds becomes text as a whole; in a mapping, only the field concerned does.
"""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from drawer_ipy.record.jsonable import as_text, digits, native
from drawer_ipy.results.export.arrow_scalars import scalar_array
from drawer_ipy.results.export.kinds import cells

if TYPE_CHECKING:
    import pyarrow

MOST_KEYS = 200
"""Most keys of a struct; a column of mappings with more keys is text."""

_DEEPEST = 8
_EXACT = 2**53

Convert = Callable[[Any], Any]
Shape = tuple[Any, Convert | None]
"""An Arrow type and the conversion of values to it; ``None`` if no conversion is needed."""


def arrow_table(columns: Mapping[str, list[Any]], pa: Any) -> pyarrow.Table:
    """Convert `columns` to a table; `pa` is the pyarrow module."""
    names = [_utf8(name) for name in columns]
    return pa.Table.from_arrays([arrow_array(values, pa) for values in columns.values()], names=names)


def arrow_array(values: list[Any], pa: Any) -> Any:
    """Convert one column; the module's docstring lists the conversions."""
    values, kinds = cells(values)
    try:
        found = scalar_array(values, kinds, pa)
    except (pa.ArrowException, ArithmeticError, ValueError, TypeError):
        found = None  # a value outside the range of its type
    return _array(values, pa) if found is None else found


def _array(values: list[Any], pa: Any) -> Any:
    if not set(map(type, values)) <= _KNOWN:
        values = [value if type(value) in _KNOWN else native(value) for value in values]
    shape = _shape(values, pa, 0)
    if shape is not None:
        kind, convert = shape
        try:
            fitting = values if convert is None else [None if v is None else convert(v) for v in values]
            return pa.array(fitting, kind)
        except (pa.ArrowException, ArithmeticError, ValueError, TypeError):
            pass  # a value outside the range of its type, such as a year or a duration
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


_SIMPLE = {
    bool: "bool_",
    bytes: "binary",
    dt.date: "date32",
}
_KNOWN = frozenset(
    (
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        dt.date,
        dt.datetime,
        dt.time,
        dt.timedelta,
        decimal.Decimal,
        list,
        dict,
    )
)


def _shape(values: list[Any], pa: Any, depth: int) -> Shape | None:
    """Return the type that fits all of `values`; ``None`` for text."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.null(), None
    if kinds == {int, float}:
        exact = all(type(v) is not int or abs(v) <= _EXACT for v in values)
        return (pa.float64(), float) if exact else None
    if len(kinds) > 1 or depth > _DEEPEST:
        return None
    kind = kinds.pop()
    if kind in _SIMPLE:
        return getattr(pa, _SIMPLE[kind])(), None
    return _SHAPES[kind]([v for v in values if v is not None], pa, depth) if kind in _SHAPES else None


def _ints(values: list[Any], pa: Any, _depth: int) -> Shape | None:
    least, most = min(values), max(values)
    if least >= -(2**63) and most < 2**63:
        return pa.int64(), None
    return (pa.uint64(), None) if least >= 0 and most < 2**64 else (pa.string(), digits)


def _floats(_values: list[Any], pa: Any, _depth: int) -> Shape | None:
    return pa.float64(), None


def _texts(_values: list[Any], pa: Any, _depth: int) -> Shape | None:
    return pa.string(), _utf8


def _utf8(text: str) -> str:
    """Escape unpaired surrogates in `text`, which UTF-8 cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _text(value: Any) -> str:
    return _utf8(as_text(value))


def _moments(values: list[Any], pa: Any, _depth: int) -> Shape | None:
    zoned = {value.tzinfo is not None and value.utcoffset() is not None for value in values}
    if zoned == {False}:
        return pa.timestamp("us"), None
    return (pa.timestamp("us", "UTC"), lambda v: v.astimezone(dt.UTC)) if zoned == {True} else None


def _times(values: list[Any], pa: Any, _depth: int) -> Shape | None:
    return (pa.time64("us"), None) if all(value.tzinfo is None for value in values) else None


def _spans(_values: list[Any], pa: Any, _depth: int) -> Shape | None:
    return pa.duration("us"), None


def _decimals(values: list[Any], pa: Any, _depth: int) -> Shape | None:
    if not all(value.is_finite() for value in values):
        return None
    parts = [value.as_tuple() for value in values]
    scale = max(0, *(-int(part.exponent) for part in parts))
    whole = max(len(part.digits) + int(part.exponent) for part in parts)
    wide = max(1, scale + max(0, whole))
    return (pa.decimal128(wide, scale), None) if wide <= 38 and scale <= 37 else None


def _lists(values: list[Any], pa: Any, depth: int) -> Shape | None:
    inner = [_known(entry) for value in values for entry in value]
    shape = _shape(inner, pa, depth + 1)
    if shape is None:
        return None
    kind, convert = shape
    if convert is None:
        return pa.list_(kind), lambda v: [_known(entry) for entry in v]
    return pa.list_(kind), lambda v: [None if (e := _known(entry)) is None else convert(e) for entry in v]


def _structs(values: list[Any], pa: Any, depth: int) -> Shape | None:
    keys = list(dict.fromkeys(key for value in values for key in value))
    if not keys or len(keys) > MOST_KEYS or not all(isinstance(key, str) for key in keys):
        return None
    # Two names may become equal when unpaired surrogates are escaped; a struct needs unique names.
    if len({_utf8(key) for key in keys}) < len(keys):
        return None
    shapes: dict[str, Shape] = {}
    for key in keys:
        shape = _shape([_known(value.get(key)) for value in values], pa, depth + 1)
        shapes[key] = shape or (pa.string(), _text)

    def convert(value: Any) -> dict[str, Any]:
        out = {}
        for key, (_, fit) in shapes.items():
            inner = _known(value.get(key))
            out[_utf8(key)] = inner if inner is None or fit is None else fit(inner)
        return out

    return pa.struct([(_utf8(key), kind) for key, (kind, _) in shapes.items()]), convert


def _known(value: Any) -> Any:
    return value if type(value) in _KNOWN else native(value)


_SHAPES: dict[type, Callable[[list[Any], Any, int], Shape | None]] = {
    int: _ints,
    float: _floats,
    str: _texts,
    dt.datetime: _moments,
    dt.time: _times,
    dt.timedelta: _spans,
    decimal.Decimal: _decimals,
    list: _lists,
    dict: _structs,
}
