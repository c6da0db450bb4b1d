"""Values in messages: short, on one line, and never the cause of another error."""

from __future__ import annotations

from typing import Any

_MOST_BITS = 2_000
"""Bits of a whole number that is written out; Python refuses to write very long ones at all."""


def shown(value: Any, limit: int = 80) -> str:
    """The repr of `value`, at most `limit` characters; of an object that has none, what it is."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a whole number of about {int(value.bit_length() * 0.30103):,} digits"
    if isinstance(value, str) and len(value) > limit:
        value = value[:limit]  # the repr of a very long text would be made in vain
        return f"{repr(value)[: limit - 3]}..."
    try:
        text = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
