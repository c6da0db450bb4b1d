"""The error of the cache. It never fails a run: callers continue without the cache."""

from __future__ import annotations


class CacheTrouble(Exception):
    """Results cannot be stored or looked up; the message tells the user why."""
