"""What can be wrong with a cache. It never fails a run: whoever meets it goes on without."""

from __future__ import annotations


class CacheTrouble(Exception):
    """Results cannot be kept or looked up; the message says why, for people."""
