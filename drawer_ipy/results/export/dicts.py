"""Columns as dicts, in the shapes that pandas calls orients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.results.export.flatten import Columns

Orient = Literal["list", "records", "index", "dict", "split"]


def as_dict(columns: Columns, index: Sequence[int], orient: str) -> Any:
    """Return `columns` in the shape `orient`.

    Raises:
        UsageError: there is no such orient.
    """
    make = _ORIENTS.get(orient) if isinstance(orient, str) else None
    if make is None:
        near = did_you_mean(orient, _ORIENTS) if isinstance(orient, str) else ""
        raise UsageError(
            f"to_dict() has no orient {orient!r}" + (f"; {near}" if near else ""),
            remediation=f"use one of {', '.join(map(repr, _ORIENTS))}",
        )
    return make(columns, index)


def _records(columns: Columns, _index: Sequence[int]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _by_index(columns: Columns, index: Sequence[int]) -> dict[int, dict[str, Any]]:
    return dict(zip(index, _records(columns, index), strict=True))


def _by_column(columns: Columns, index: Sequence[int]) -> dict[str, dict[int, Any]]:
    return {name: dict(zip(index, values, strict=True)) for name, values in columns.items()}


def _split(columns: Columns, index: Sequence[int]) -> dict[str, list[Any]]:
    data = [list(values) for values in zip(*columns.values(), strict=True)]
    return {"index": list(index), "columns": list(columns), "data": data}


_ORIENTS: Mapping[str, Callable[[Columns, Sequence[int]], Any]] = {
    "list": lambda columns, _index: columns,
    "records": _records,
    "index": _by_index,
    "dict": _by_column,
    "split": _split,
}
