"""The error of this package."""

from __future__ import annotations


class JournalTrouble(Exception):
    """A stored run cannot be read or written; the message says why, in plain words."""
