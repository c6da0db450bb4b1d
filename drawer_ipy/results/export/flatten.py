"""Spread mappings in the cells of columns over columns of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Columns = dict[str, list[Any]]


def flattened(columns: Columns) -> Columns:
    """Spread mappings in the cells of `columns` over columns ``column.key``, recursively.

    Cells that are not mappings stay in their column, which is left out if there are none. If a name is taken,
    an underscore is appended.
    """
    out: Columns = {}
    for name, values in columns.items():
        for path, spread in _spread(name, values, 0):
            free = path
            while free in out or (free != name and free in columns):
                free += "_"
            out[free] = spread
    return out


def _spread(name: str, values: list[Any], depth: int) -> Iterable[tuple[str, list[Any]]]:
    inner = [value if isinstance(value, Mapping) else None for value in values]
    keys = dict.fromkeys(key for value in inner if value for key in value)
    if not keys or depth > 8 or len(keys) > 1000:
        yield name, values
        return
    rest = [value if mapped is None else None for value, mapped in zip(values, inner, strict=True)]
    if any(value is not None for value in rest):
        yield name, rest
    for key in keys:
        yield from _spread(f"{name}.{key}", [None if v is None else v.get(key) for v in inner], depth + 1)
