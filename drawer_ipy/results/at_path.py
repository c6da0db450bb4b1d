"""Columns named by a path into the values of another column: ``page.url.host``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drawer_ipy.record.loop import LoopOutput
from drawer_ipy.results.source import Getter


def at_path(name: str, rows: int, column: Callable[[str], Getter | None]) -> Getter | None:
    """Return the getter of `name`, a column and a path into its values; ``None`` if no row has a value there.

    Args:
        rows: the number of rows.
        column: returns the getter of a column, or ``None``.
    """
    for at in _dots(name):
        head, rest = name[:at], name[at + 1 :]
        get = column(head)
        if get is not None and any(_find(get(index), rest) is not _NOWHERE for index in range(rows)):
            return _reader(get, rest)
    return None


def _dots(name: str) -> Iterable[int]:
    """Yield the positions at which `name` may be split, last first, so that the longest column name wins."""
    return (at for at in range(len(name) - 2, 0, -1) if name[at] == ".")


_NOWHERE = object()


def _find(value: Any, path: str) -> Any:
    """Return the value at `path` in `value`, or :data:`_NOWHERE`."""
    if isinstance(value, LoopOutput):
        for column in value.record.columns:
            if column.id == path:
                return list(column.outputs)
    if not isinstance(value, Mapping):
        return _NOWHERE
    if path in value:
        return value[path]
    inner = (_find(value.get(path[:at]), path[at + 1 :]) for at in _dots(path))
    return next((found for found in inner if found is not _NOWHERE), _NOWHERE)


def _reader(get: Getter, path: str) -> Getter:
    def read(index: int) -> Any:
        found = _find(get(index), path)
        return None if found is _NOWHERE else found

    return read
