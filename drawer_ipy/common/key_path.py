"""Where a value stands within mappings and lists."""

from __future__ import annotations

KeyPath = tuple[str | int, ...]
"""Keys and positions from the outside in: ``("steps", 0, "args")``."""
