"""Sort values of any types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from typing import Any, TypeVar

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.user_code import pass_on_interrupt

T = TypeVar("T")


def in_order(
    pairs: Iterable[tuple[Any, T]], reverse: bool = False, sort: Callable[..., list[Any]] = sorted
) -> list[T]:
    """Return the second elements of `pairs`, sorted by the first (the keys); the sort is stable.

    Keys are sorted kind by kind: numbers, text, bytes, dates and times, then other types by name. None and
    NaN are last, also in reverse. Keys that Python cannot compare keep their order.

    Args:
        sort: a stable sort with the arguments of :func:`sorted`, for kinds of which Python can compare any
            two values.
    """
    groups: dict[tuple[int, str], list[tuple[Any, T]]] = {}
    for pair in pairs:
        value = pair[0]
        kind = _COMMON.get(type(value)) if value is not None else _LAST
        if kind is None or value != value:  # comparing a value of a common type never fails
            kind = _kind(value)
        group = groups.get(kind)
        if group is None:
            group = groups[kind] = []
        group.append(pair)
    return [
        what
        for kind in sorted(groups)
        for _, what in _ordered(groups[kind], reverse, sort if kind[0] < _FIRST_PARTIAL else sorted)
    ]


def _ordered(
    pairs: list[tuple[Any, T]], reverse: bool, sort: Callable[..., list[Any]]
) -> list[tuple[Any, T]]:
    try:
        return sort(pairs, key=itemgetter(0), reverse=reverse)
    except BaseException as error:  # keys that cannot be compared, or an object whose comparison fails
        pass_on_interrupt(error)
        return pairs


_LAST = (9, "")
_FIRST_PARTIAL = 7
"""From this number on, kinds have values that may not be comparable with each other, such as sets."""
_KINDS: tuple[tuple[Any, int], ...] = (
    (int | float | Decimal | Fraction, 0),
    (str, 1),
    (bytes | bytearray, 2),
    (dt.datetime, 3),
    (dt.date, 4),
    (dt.time, 5),
    (dt.timedelta, 6),
)
_COMMON: dict[type, tuple[int, str]] = {int: (0, ""), float: (0, ""), bool: (0, ""), str: (1, "")}


def _kind(value: Any) -> tuple[int, str]:
    common = _COMMON.get(type(value))  # the tests below cost ten times as much
    if common is not None and value == value:
        return common
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
