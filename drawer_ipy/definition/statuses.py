"""``ok_status``: the further statuses of an answer that are no failure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from drawer_ipy.common.bad_value import BadValue

_CLASS = re.compile(r"([1-5])xx", re.IGNORECASE)
_RANGE = re.compile(r"(\d{3})\s*(?:-|\.\.)\s*(\d{3})")
_HINT = 'write 404, "4xx", "400-499", "any", or a list of those'
STATUSES = range(100, 600)


def is_plain_success(status: int) -> bool:
    """Whether an answer of `status` is a success, where a button says nothing else.

    A redirect that was not followed led nowhere and is none; 300 and 304 are answers of their own.
    """
    return 200 <= status < 300 or status in (300, 304)


def read_statuses(given: Any) -> Callable[[int], bool]:
    """What tells whether a status is a success, under ``ok_status: given``.

    Raises:
        BadValue: `given` names none.
    """
    if given is None or given == []:
        return is_plain_success
    more = frozenset().union(*(_statuses(one) for one in (given if isinstance(given, list) else [given])))
    return (more | frozenset(filter(is_plain_success, STATUSES))).__contains__


def _statuses(given: Any) -> frozenset[int]:
    if isinstance(given, int) and not isinstance(given, bool):
        if given in STATUSES:
            return frozenset((given,))
        raise BadValue(f"{given} is not a HTTP status", "statuses are 100 to 599")
    text = str(given).strip() if isinstance(given, str) else ""
    if text.lower() == "any":
        return frozenset(STATUSES)
    if text.isascii() and text.isdigit():
        return _statuses(int(text))
    if found := _CLASS.fullmatch(text):
        first = int(found[1]) * 100
        return frozenset(range(first, first + 100))
    if found := _RANGE.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        if first in STATUSES and last in STATUSES and first <= last:
            return frozenset(range(first, last + 1))
    raise BadValue(f"{given!r} names no HTTP statuses", _HINT)
