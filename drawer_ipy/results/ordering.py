"""Compare and sort values of any types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.user_code import pass_on_interrupt

T = TypeVar("T")


def same(a: Any, b: Any) -> bool:
    """Whether `a` is or equals `b`. Two NaN are the same; values that cannot be compared are different."""
    if a is b:
        return True
    try:
        return bool(a == b) or bool(a != a and b != b)
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
        return False


def in_order(pairs: Iterable[tuple[Any, T]], reverse: bool = False) -> list[T]:
    """Return the second elements of `pairs`, sorted by the first (the keys); the sort is stable.

    Keys are sorted kind by kind: numbers, text, bytes, dates and times, then other types by name. None and
    NaN are last, also in reverse. Keys that Python cannot compare keep their order.
    """
    groups: dict[tuple[int, str], list[tuple[Any, T]]] = {}
    for pair in pairs:
        groups.setdefault(_kind(pair[0]), []).append(pair)
    return [what for kind in sorted(groups) for _, what in _ordered(groups[kind], reverse)]


def _ordered(pairs: list[tuple[Any, T]], reverse: bool) -> list[tuple[Any, T]]:
    try:
        return sorted(pairs, key=lambda pair: pair[0], reverse=reverse)
    except BaseException as error:  # keys that cannot be compared, or an object whose comparison fails
        pass_on_interrupt(error)
        return pairs


_LAST = (9, "")
_KINDS: tuple[tuple[Any, int], ...] = (
    (int | float | Decimal | Fraction, 0),
    (str, 1),
    (bytes | bytearray, 2),
    (dt.datetime, 3),
    (dt.date, 4),
    (dt.time, 5),
    (dt.timedelta, 6),
)


def _kind(value: Any) -> tuple[int, str]:
    try:
        if is_missing(value) or value != value:
            return _LAST
    except BaseException as error:  # comparing an array returns an array, which is neither true nor false
        pass_on_interrupt(error)
        return (8, type(value).__name__)
    for kind, place in _KINDS:
        if isinstance(value, kind):
            zoned = isinstance(value, dt.datetime | dt.time) and value.utcoffset() is not None
            return (place, "zoned" if zoned else "")
    if hasattr(value, "dtype") and not getattr(value, "shape", ()):  # a scalar of numpy
        kind = str(value.dtype.kind)
        return (0, "") if kind in "biuf" else (7, kind)
    return (8, type(value).__name__)
