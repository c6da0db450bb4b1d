"""``ok_status``: further status codes of a response that count as success."""

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
    """Whether a response with `status` is a success, if the button does not say otherwise.

    A redirect that was not followed is a failure; 300 and 304 are not redirects and count as success.
    """
    return 200 <= status < 300 or status in (300, 304)


def read_statuses(given: Any) -> Callable[[int], bool]:
    """Return a function that tells whether a status code is a success with ``ok_status: given``.

    Raises:
        BadValue: `given` is not a status code, a class, a range, ``any`` or a list of those.
    """
    if given is None or given == []:
        return is_plain_success
    more = frozenset().union(*(_statuses(one) for one in (given if isinstance(given, list) else [given])))
    return (more | frozenset(filter(is_plain_success, STATUSES))).__contains__


def _statuses(given: Any) -> frozenset[int]:
    if isinstance(given, int) and not isinstance(given, bool):
        if given in STATUSES:
            return frozenset((given,))
        raise BadValue(f"{given} is not an HTTP status code", "use a code from 100 to 599")
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
    raise BadValue(f"{given!r} is not an HTTP status code", _HINT)
