"""Convert the values of a record to plain ones: lazy lists to lists, times to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drawer_ipy.common.durations import duration_text, time_text

_DEEPEST = 200
"""Most levels that :func:`plain` converts; Python's recursion limit allows about 300."""


class LazyList(Sequence[Any]):
    """A sequence whose entries are created on access; :func:`plain` converts it to a list."""

    __slots__ = ()


def rfc3339(seconds: float) -> str:
    """Format seconds since the epoch as UTC text with microseconds and ``Z``."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def plain(value: Any, within: tuple[int, ...] = ()) -> Any:
    """Convert lazy mappings and sequences in `value` to dicts and lists, times and durations to text.

    Objects that JSON cannot represent are left unchanged, since a run may contain any object. ``"…"``
    replaces a value inside itself, and values below 200 levels.

    Args:
        within: ids of the enclosing values.
    """
    if isinstance(value, dict | Mapping | list | tuple | LazyList):
        if id(value) in within or len(within) >= _DEEPEST:
            return "…"
        within = (*within, id(value))
        if isinstance(value, list | tuple | LazyList):
            return [plain(v, within) for v in value]
        return {k: plain(v, within) for k, v in value.items()}
    if isinstance(value, datetime):
        return time_text(value)
    return duration_text(value) if isinstance(value, timedelta) else value
