"""Format values for messages: short, on one line, and without ever raising."""

from __future__ import annotations

from typing import Any

_MOST_BITS = 2_000
"""Bits of the longest integer that is written out; Python refuses to convert very long ones."""


def shown(value: Any, limit: int = 80) -> str:
    """Return the repr of `value`, at most `limit` characters; if the repr fails, the type's name."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a whole number of about {int(value.bit_length() * 0.30103):,} digits"
    if isinstance(value, str) and len(value) > limit:
        value = value[:limit]  # the rest of a very long text would be discarded
        return f"{repr(value)[: limit - 3]}..."
    try:
        text = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
