"""Lengths and points of time as drawers write them: Go durations and RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from drawer_ipy.common.bad_value import BadValue

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def parse_duration(text: str) -> float:
    """Seconds that a Go duration such as ``300ms``, ``1h2m`` or ``-1.5s`` stands for.

    A bare number has no unit and is refused, except ``0`` (Go's rule).

    Raises:
        BadValue: with what is allowed.
    """
    text = text.strip()
    if text in ("0", "+0", "-0"):
        return 0.0
    if not _WHOLE.fullmatch(text):
        raise BadValue(f"{text!r} is not a duration", "write one like 300ms, 1.5s, 2m or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return -seconds if text.startswith("-") else seconds


def parse_time(text: str) -> datetime:
    """The moment an RFC 3339 text with a zone stands for, in UTC.

    Raises:
        BadValue: with what is allowed.
    """
    text = text.strip()
    if not _TIME.fullmatch(text):
        raise BadValue(f"{text!r} is not a RFC 3339 time with a zone", "write one like 2030-01-31T08:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise BadValue(str(error)) from None
    except OverflowError:
        raise BadValue(f"{text!r} is beyond the years 1 to 9999") from None


def time_text(value: datetime) -> str:
    """RFC 3339, with ``Z`` for UTC; a time without a zone stays without one."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def duration_text(value: timedelta) -> str:
    """Seconds, e.g. ``90s`` or ``-0.25s``, as CEL writes a duration."""
    micro = value // timedelta(microseconds=1)
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    fraction = f".{micro % 1_000_000:06}".rstrip("0").rstrip(".")
    return f"{sign}{micro // 1_000_000}{fraction}s"
