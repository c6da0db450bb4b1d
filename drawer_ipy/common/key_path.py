"""Paths of values inside mappings and lists."""

from __future__ import annotations

KeyPath = tuple[str | int, ...]
"""Keys and positions from the outermost in: ``("steps", 0, "args")``."""
