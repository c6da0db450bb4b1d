"""What a loop can go over as a list, and what to write instead of what it cannot."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.engine.rows import rows_of


def instead(value: Any) -> str:
    """What to give in place of `value`, which is no list."""
    if isinstance(value, Mapping):
        return "for its keys and values write list(d.items()), for its values list(d.values())"
    if isinstance(value, str):
        return "for its lines write text.splitlines(), for one item a list of one: [text]"
    if inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        return f"call it: {value.__name__}()"
    if hasattr(value, "__aiter__"):
        return "collect it first: [x async for x in items]"
    if hasattr(value, "__next__"):
        return "collect it first: list(items)"
    if type(value) is int and value > 0:
        return f"for {value} items give range({value})"
    return "give a list, a data frame or another iterable"


def as_list(value: Any) -> Sequence[Any] | None:
    """`value` if it can be looped over by index: lists, tuples, ranges, rows of tables, entries of arrays.

    Text, mappings and iterators are not lists. Other iterables with a length (a set, the view of a dict) are
    copied into a list once.

    Raises:
        UsageError: it is a table that cannot be read row by row.
    """
    if isinstance(value, list | tuple | range):
        return value
    if isinstance(value, str | bytes | bytearray | dict):
        return None
    if (rows := rows_of(value)) is not None:
        return rows
    if isinstance(value, Sequence):
        return value
    if isinstance(value, Mapping):
        return None
    if hasattr(value, "__iter__") and hasattr(value, "__len__") and not is_scalar(value):
        return list(value)
    return None


def is_scalar(value: Any) -> bool:
    """Whether `value` is an array without dimensions: one value, with the methods of an iterable."""
    return getattr(value, "shape", None) == ()
