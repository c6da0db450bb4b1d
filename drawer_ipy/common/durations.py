"""Parse and format durations (Go's notation) and times (RFC 3339)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from drawer_ipy.common.bad_value import BadValue

_UNITS = {
    "ns": Fraction(1, 10**9),
    **dict.fromkeys(("us", "µs", "μs"), Fraction(1, 10**6)),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
"""Unit -> seconds."""

_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(rf"[+-]?(?:{_PART.pattern})+", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def parse_duration(text: str) -> float:
    """Return the seconds of a Go duration such as ``300ms``, ``1h2m`` or ``-1.5s``.

    A number without a unit is refused, except ``0`` (Go's rule).

    Raises:
        BadValue: the text is not a duration.
    """
    return sum(float(number) * float(unit) for number, unit in duration_parts(text.strip()))


def duration_parts(text: str) -> list[tuple[str, Fraction]]:
    """Return the parts of a Go duration: numbers with the duration's sign, and the seconds of their units.

    Raises:
        BadValue: the text is not a duration.
    """
    if text in ("0", "+0", "-0"):
        return []
    if not _WHOLE.fullmatch(text):
        raise BadValue(f"{text!r} is not a duration", "write one like 300ms, 1.5s, 2m or 1h30m")
    sign = "-" if text.startswith("-") else ""
    return [(sign + number, _UNITS[unit]) for number, unit in _PART.findall(text)]


def parse_time(text: str) -> datetime:
    """Parse an RFC 3339 time with a zone; the result is in UTC.

    Raises:
        BadValue: the text is not such a time.
    """
    text = text.strip()
    if not _TIME.fullmatch(text):
        raise BadValue(f"{text!r} is not an RFC 3339 time with a zone", "write one like 2030-01-31T08:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError as error:
        raise BadValue(str(error)) from None
    except OverflowError:
        raise BadValue(f"{text!r} is outside the years 1 to 9999") from None


def time_text(value: datetime) -> str:
    """Format `value` as RFC 3339, with ``Z`` for UTC; a time without a zone stays without one."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def duration_text(value: timedelta) -> str:
    """Format `value` in seconds as CEL writes a duration, e.g. ``90s`` or ``-0.25s``."""
    micro = value // timedelta(microseconds=1)
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    fraction = f".{micro % 1_000_000:06}".rstrip("0").rstrip(".")
    return f"{sign}{micro // 1_000_000}{fraction}s"
