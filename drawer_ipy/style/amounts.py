"""Amounts as text: seconds, rates and clock times, in the same format everywhere."""

from __future__ import annotations


def seconds_text(seconds: float) -> str:
    """A duration in words: ``12 ms``, ``3.2 s``, ``4 min 05 s``, ``2 h 10 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def rate_text(rate: float) -> str:
    """Items per second in words: ``1,234/s``, ``12.3/s``, or the seconds per item, ``8.5 s each``."""
    if rate >= 100:
        return f"{rate:,.0f}/s"
    if rate >= 1:
        return f"{rate:.1f}/s"
    return f"{1 / rate:.1f} s each" if rate > 0 else "0/s"


def clock_text(seconds: float) -> str:
    """Whole seconds as ``0:07``, ``4:05`` or ``1:02:03``, which changes only once per second."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def ago(seconds: float) -> str:
    """How long ago something was, in one unit: ``12 min ago``, ``3 days ago``."""
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return f"{int(seconds)} s ago"
