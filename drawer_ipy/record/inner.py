"""What is inside the items of a loop: loops of their own, and whether an item is complete with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.record.loop import OK, LoopOutput, LoopRecord
from drawer_ipy.record.step_column import StepColumn

PLAIN = {dict, type(None)}
SLICE = 5_000
"""Outputs that are examined together."""

_MOST_KEYS = 1_000
"""Keys from which on no more are collected."""

_NOT_OK = re.compile(b"[^%s]" % re.escape(bytes([OK])), re.DOTALL)


def complete(loop: LoopRecord, index: int) -> bool:
    """Whether item `index` and all items of loops inside it ended ok."""
    if loop.states[index] != OK:
        return False
    outputs = (column.entries[index] for column in loop.columns)
    return all(all_complete(output.record) for output in outputs if isinstance(output, LoopOutput))


def all_complete(loop: LoopRecord) -> bool:
    """Whether every item is complete (see :func:`complete`) and there are no more to come."""
    if loop.total is None or loop.counts[OK] < len(loop.states):
        return False
    return all(all_complete(inner) for column in loop.columns for _, inner in loops_in(loop, column))


def incomplete(loop: LoopRecord) -> set[int]:
    """Return the indices of the items that are not complete (see :func:`complete`)."""
    # In a copy, since a loop over an iterator adds to the bytes.
    found = {match.start() for match in _NOT_OK.finditer(bytes(loop.states))}
    for column in loop.columns:
        found.update(index for index, inner in loops_in(loop, column) if not all_complete(inner))
    return found


def loops_in(loop: LoopRecord, column: StepColumn) -> Sequence[tuple[int, LoopRecord]]:
    """Return the loops that ran in items as the step of `column`, each with the item's index."""
    return loop.once_ended(("loops", column.id), lambda: _loops_in(loop, column))


def _loops_in(loop: LoopRecord, column: StepColumn) -> list[tuple[int, LoopRecord]]:
    if LoopOutput not in contents_of(loop, column).types:
        return []
    outputs = enumerate(column.entries)
    return [(index, output.record) for index, output in outputs if type(output) is LoopOutput]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the outputs of a step are that are in memory.

    Attributes:
        types: their types.
        keys: the keys of all outputs; ``None`` if they are not all dicts or ``None``, or have many keys.
    """

    types: frozenset[type]
    keys: frozenset[Any] | None


def contents_of(loop: LoopRecord, column: StepColumn) -> Contents:
    """Return the types and the keys of the outputs of `column`."""
    return loop.once_ended(("contents", column.id), lambda: _contents(column.entries))


def _contents(outputs: Sequence[Any]) -> Contents:
    # In slices and in one pass: most of the time is spent on fetching a million objects from memory.
    types: set[type] = set()
    keys: set[Any] = set()
    for at in range(0, len(outputs), SLICE):
        part = outputs[at : at + SLICE]
        types.update(map(type, part))
        if dict in types and types <= PLAIN and len(keys) <= _MOST_KEYS:
            keys.update(*filter(None, part))
    known = types <= PLAIN and len(keys) <= _MOST_KEYS
    return Contents(frozenset(types), frozenset(keys) if known else None)
