"""The functions of expressions about times and durations, with CEL's rules.

https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import duration_parts, parse_time
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.paths import type_word
from drawer_ipy.expressions.types import plain

_LONGEST = timedelta(seconds=315_576_000_000)
"""CEL's longest duration, about 10,000 years."""

_OFFSET = re.compile(r"([+-]?)(\d{1,2}):([0-5]\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIME_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "getFullYear": lambda time: time.year,
    "getMonth": lambda time: time.month - 1,
    "getDate": lambda time: time.day,
    "getDayOfMonth": lambda time: time.day - 1,
    "getDayOfWeek": lambda time: time.isoweekday() % 7,
    "getDayOfYear": lambda time: time.timetuple().tm_yday - 1,
    "getHours": lambda time: time.hour,
    "getMinutes": lambda time: time.minute,
    "getSeconds": lambda time: time.second,
    "getMilliseconds": lambda time: time.microsecond // 1000,
}
_DURATION_PARTS: Mapping[str, tuple[timedelta, timedelta | None]] = {
    "getHours": (timedelta(hours=1), None),
    "getMinutes": (timedelta(minutes=1), None),
    "getSeconds": (timedelta(seconds=1), None),
    "getMilliseconds": (timedelta(milliseconds=1), timedelta(seconds=1)),
}
"""Function -> the unit that it counts, and what it counts within; ``None`` is the whole duration."""

PART_NAMES = tuple(_TIME_PARTS)


def to_time(value: Any) -> datetime:
    """Return a time with a zone, from RFC 3339 text, seconds since 1970, or a time (without a zone: UTC).

    Raises:
        ResolveError: `value` is none of these, or is outside the years 1 to 9999.
    """
    value = plain(value)
    if isinstance(value, datetime):
        return _aware(value)
    try:
        if isinstance(value, str):
            return parse_time(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=value)
    except BadValue as error:
        # The message quotes the text, which may be a secret.
        hint = error.hint or "the time must exist, in the years 1 to 9999"
        raise ResolveError(
            "timestamp(): this text is not an RFC 3339 time with a zone", remediation=hint
        ) from None
    except OverflowError:
        raise ResolveError("timestamp(): the time is outside the years 1 to 9999") from None
    raise ResolveError(f"timestamp() does not accept {type_word(value)}")


def to_duration(value: Any) -> timedelta:
    """Return a duration, from text such as ``1h30m`` or ``-1.5s``, or a duration.

    Parts of a microsecond are dropped, since Python's durations have none.

    Raises:
        ResolveError: `value` is neither, or is longer than CEL allows.
    """
    value = plain(value)
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ResolveError(f"duration() does not accept {type_word(value)}")
    try:
        seconds = sum((Fraction(number) * unit for number, unit in duration_parts(value)), Fraction(0))
    except BadValue as error:
        raise ResolveError("duration(): this text is not a duration", remediation=error.hint) from None
    if abs(seconds) > _LONGEST.total_seconds():
        raise ResolveError(f"duration(): the longest duration is {_LONGEST.days} days")
    return timedelta(microseconds=int(seconds * 1_000_000))


def part_of(name: str) -> Callable[..., int]:
    """Return the function ``time.name()``, ``time.name(zone)`` or ``duration.name()``."""

    def run(value: Any, *zone: Any) -> int:
        value = plain(value)
        if isinstance(value, datetime):
            return _TIME_PARTS[name](_in_zone(_aware(value), *zone, name=name))
        if isinstance(value, timedelta) and name in _DURATION_PARTS and not zone:
            return _count(value, *_DURATION_PARTS[name])
        given = " and ".join(type_word(one) for one in (value, *zone))
        raise ResolveError(f"{name}() does not accept {given}")

    return run


def _aware(value: datetime) -> datetime:
    if type(value) is not datetime:  # pandas has a class of its own
        value = datetime.fromisoformat(value.isoformat())
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _in_zone(time: datetime, zone: Any = "", *, name: str) -> datetime:
    if not isinstance(zone, str):
        raise ResolveError(f"{name}() does not accept a time and {type_word(zone)}")
    try:
        return time.astimezone(_zone(zone))
    except OverflowError:
        raise ResolveError(f"{name}(): in this zone, the time is outside the years 1 to 9999") from None
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        hint = "write a name such as Europe/Berlin, or an offset such as +02:00"
        raise ResolveError(f"{name}(): there is no such time zone", remediation=hint) from None


def _zone(name: str) -> tzinfo:
    if name in ("", "UTC"):
        return UTC
    if not (offset := _OFFSET.fullmatch(name)):
        return zoneinfo.ZoneInfo(name)
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-ahead if sign == "-" else ahead)


def _count(duration: timedelta, unit: timedelta, within: timedelta | None) -> int:
    """Count whole units; the sign is that of the duration."""
    length = abs(duration) if within is None else abs(duration) % within
    return length // unit if duration >= timedelta(0) else -(length // unit)
