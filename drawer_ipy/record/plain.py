"""Values of a record in plain form: lazy lists as lists, times as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drawer_ipy.common.durations import duration_text, time_text

_DEEPEST = 200
"""Levels that :func:`plain` goes down; Python's own recursion ends at some 300."""


class LazyList(Sequence[Any]):
    """A sequence whose entries are made when they are read; :func:`plain` makes a list of it."""

    __slots__ = ()


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as UTC text with microseconds and ``Z``."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def plain(value: Any, within: tuple[int, ...] = ()) -> Any:
    """`value` with lazy mappings and sequences made into dicts and lists, times and durations into text.

    Objects that JSON knows nothing of stay what they are: a run may hold any. ``"…"`` stands where a value
    comes round that contains itself, and below 200 levels.

    Args:
        within: ids of the values around it.
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
