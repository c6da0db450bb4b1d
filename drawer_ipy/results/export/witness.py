"""A few values that have the same Arrow type as a long column, so that a column is converted part by part.

The type of a column depends on all its values: one text among a million numbers makes it text. A witness has
the values that decide: of numbers the least and the largest, of mappings all keys, and so on. What is
converted behind its column's witness therefore gets the type of the whole column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from drawer_ipy.record.jsonable import native
from drawer_ipy.results.export.kinds import cells, numpy_kind

_MOST_ZONES = 1000
_MOST_KEYS = 1001
"""Keys after which more of them make no difference: the column is text, and mappings are not spread."""

_DEEPEST = 12


class NoWitness(Exception):
    """A column has values of a type whose effect on the column is not known here."""


def witness_of(values: list[Any]) -> list[Any]:
    """Return a few values with the same type as a column of `values`.

    Raises:
        NoWitness: it cannot be found.
    """
    return _witness(cells(values)[0], 0)


def _witness(values: Iterable[Any], depth: int) -> list[Any]:
    if depth > _DEEPEST:
        raise NoWitness
    groups: dict[type, list[Any]] = {}
    for value in values:
        groups.setdefault(type(value), []).append(value)
    out: list[Any] = []
    for kind, group in groups.items():
        if kind in _ONE:
            out.append(_ONE[kind])
        elif kind is list:
            out.append(_witness((_known(entry) for value in group for entry in value), depth + 1))
        elif kind is dict:
            out += _of_dicts(group, depth)
        elif kind in _REDUCERS:
            out += _REDUCERS[kind](group)
        elif numpy_kind({kind}) in ("b", "i", "u", "f"):
            out += [group[0], min(group), max(group)]
        else:
            out += _of_others(kind, group, depth)
    return out


def _of_others(kind: type, group: list[Any], depth: int) -> list[Any]:
    module = kind.__module__.partition(".")[0]
    is_scalar = module in ("pandas", "numpy", "pyarrow") and not hasattr(group[0], "__len__")
    if is_scalar or issubclass(kind, _BASES):
        raise NoWitness
    return _witness((_known(native(value)) for value in group), depth + 1)


def _known(value: Any) -> Any:
    kind = type(value)
    return value if kind in _ONE or kind in _REDUCERS or kind in (list, dict) else native(value)


def _of_dicts(group: list[dict[Any, Any]], depth: int) -> list[Any]:
    keys = list(dict.fromkeys(key for value in group for key in value))[:_MOST_KEYS]
    columns = {key: _witness([_known(value.get(key)) for value in group], depth + 1) for key in keys}
    count = max([1, *map(len, columns.values())])
    return [
        {key: found[i] if i < len(found) else None for key, found in columns.items()} for i in range(count)
    ]


def _extremes(group: list[Any]) -> list[Any]:
    return [min(group), max(group)]


def _of_moments(group: list[Any]) -> list[Any]:
    zones: dict[Any, Any] = {}
    for value in group:
        zones.setdefault(value.tzinfo, value)
        if len(zones) > _MOST_ZONES:
            raise NoWitness
    return list(zones.values())


def _of_decimals(group: list[Decimal]) -> list[Any]:
    finite = [value for value in group if value.is_finite()]
    out = [value for value in group if not value.is_finite()][:1]
    if finite:
        out.append(min(finite, key=lambda value: value.as_tuple().exponent))
        out.append(
            max(finite, key=lambda value: len(value.as_tuple().digits) + int(value.as_tuple().exponent))
        )
    return out


_ONE: dict[type, Any] = {
    **{type(None): None, bool: True, str: "", bytes: b"", float: 0.5},
    dt.date: dt.date(2000, 1, 1),
}
"""Types of which all values are the same here."""

_REDUCERS: dict[type, Callable[[list[Any]], list[Any]]] = {
    int: _extremes,
    dt.timedelta: _extremes,
    dt.datetime: _of_moments,
    dt.time: _of_moments,
    Decimal: _of_decimals,
}

_BASES = (str, bytes, int, float, complex, dt.date, dt.time, dt.timedelta, Decimal)
