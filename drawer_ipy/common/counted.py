"""Counts with their noun."""

from __future__ import annotations


def number_of(n: int, noun: str) -> str:
    """Return a number with its noun: ``1 item``, ``2,000 items``, ``3 retries``."""
    if n == 1:
        return f"1 {noun}"
    return f"{n:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{n:,} {noun}s"
