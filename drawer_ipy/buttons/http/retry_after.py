"""How long a server asks clients to wait: Retry-After, and the rate limit headers of APIs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from drawer_ipy.buttons.base import BUSY

_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)
_REMAINING = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining")
_RESET = ("X-RateLimit-Reset", "X-Rate-Limit-Reset", "RateLimit-Reset")
_PASSING = frozenset({403, 408, 413, 425})
_FORBIDDEN, _TOO_MANY = 403, 429
_EPOCH = 1e9
"""A larger reset value is a timestamp instead of a number of seconds; 1,000 times larger, in milliseconds."""

_MOST = 1e9


def seconds_to_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a response asks to wait before the next request; ``None`` if it does not."""
    wait = retry_after(headers.get("Retry-After", ""))
    if wait is None and status in (_FORBIDDEN, _TOO_MANY):
        return _until_reset(status, headers)
    return wait


def is_busy(status: int, headers: Mapping[str, str]) -> bool:
    """Whether a response says that the server is overloaded, or that this client sent too many requests.

    These are 429 and 503, and other temporary errors if they say when to retry (some APIs use 403).
    """
    passes = status in _PASSING or status >= 500
    return status in BUSY or (passes and seconds_to_wait(status, headers) is not None)


def retry_after(text: str) -> float | None:
    """Return a Retry-After header in seconds from now, at least 0; ``None`` if it is missing or invalid.

    It is a number of seconds or a date in any of HTTP's three formats. Dates are in GMT, even if they do not
    say so.
    """
    text = text.strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return min(float(text), _MOST)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
            if date.tzinfo is None:
                date = date.replace(tzinfo=UTC)
            return max(0.0, date.timestamp() - time.time())
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _until_reset(status: int, headers: Mapping[str, str]) -> float | None:
    remaining = _first(headers, _REMAINING)
    if remaining != "0" and not (status == _TOO_MANY and remaining == ""):
        return None
    text = _first(headers, _RESET)
    if not _SECONDS.fullmatch(text):
        return None
    reset = float(text)
    if reset < _EPOCH:
        return reset
    return max(0.0, (reset / 1000 if reset > _EPOCH * 1000 else reset) - time.time())


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name].strip() for name in names if name in headers), "")
