"""Short forms of a definition's values, for the lines that describe its steps."""

from __future__ import annotations

from typing import Any

from drawer_ipy.style.preview import clean, cut

LINE = 44
"""Most characters of a value."""


def short(value: Any, nothing: str = "(nothing)") -> str:
    """Shorten an expression: a reference without ``${}``, or the number of entries of a list."""
    if isinstance(value, list | tuple):
        return f"{len(value)} entries" if len(value) != 1 else "1 entry"
    if isinstance(value, dict):
        return cut(clean(f"{{{', '.join(map(str, value))}}}"), LINE)
    text = " ".join(str("" if value is None else value).split())
    whole = text[2:-1] if text.startswith("${") and text.endswith("}") and "${" not in text[2:] else text
    return cut(clean(whole), LINE) if whole else nothing
