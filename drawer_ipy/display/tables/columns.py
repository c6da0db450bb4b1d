"""The types and the distinct values of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from drawer_ipy.common.missing import may_be_missing
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.tables.values import cell
from drawer_ipy.display.tables.wanted import Alive, Superseded, watched
from drawer_ipy.results.source import Getter
from drawer_ipy.style.preview import clean, cut

MOST_VALUES = 50
"""Most distinct values of a column in one reply."""

_COUNTED = 10_000
"""Most distinct values that are counted."""

_SHOWN_TYPES = 3
_SLICE = 20_000


def type_words(get: Getter, rows: Sequence[int], alive: Alive) -> str:
    """Return the types of the values in a column: ``int``, ``str or none``, ``int, str``.

    Every value is examined.

    Raises:
        Superseded: the result is not wanted any more.
    """
    kinds: set[type] = set()
    unreadable = False
    for at in range(0, len(rows), _SLICE):
        if not alive():
            raise Superseded
        try:
            kinds.update(map(type, map(get, rows[at : at + _SLICE])))
        except BaseException as error:  # an object whose item cannot be read
            pass_on_interrupt(error)
            unreadable = True
    none = {kind for kind in kinds if kind is type(None) or (may_be_missing(kind) and _is_marker(kind))}
    names = sorted({cut(clean(type.__dict__["__name__"].__get__(kind)), 30) for kind in kinds - none})
    if not names and not unreadable:
        return "none" if kinds else ""
    words = ", ".join(names) if len(names) <= _SHOWN_TYPES else f"{len(names)} types"
    words = f"{words}, unreadable".lstrip(", ") if unreadable else words
    return f"{words} or none" if none else words


def _is_marker(kind: type) -> bool:
    return kind.__name__ in ("NAType", "NaTType", "NullScalar", "MaskedConstant")


def distinct(get: Getter, rows: Sequence[int], alive: Alive) -> dict[str, Any]:
    """Return the most common values of a column, with a row that has each.

    Returns:
        ``values``, lists of a cell, the number of rows and a row's index in the record; ``others``, the
        number of rows with other values (also lists and objects, which cannot be counted); ``missing``, the
        number of rows without a value.

    Raises:
        Superseded: the result is not wanted any more.
    """
    counts: Counter[Any] = Counter()
    first: dict[Any, int] = {}
    missing = others = 0
    for row in watched(rows, alive):
        try:
            value = get(row)
            if value is None:
                missing += 1
            elif value in counts or len(counts) < _COUNTED:
                counts[value] += 1
                first.setdefault(value, row)
            else:
                others += 1
        except BaseException as error:  # a value that cannot be read, hashed or compared
            pass_on_interrupt(error)
            others += 1
    common = counts.most_common(MOST_VALUES)
    shown = [[cell(lambda value=value: value, 120), n, first[value]] for value, n in common]  # type: ignore[misc]
    rest = sum(counts.values()) - sum(n for _, n in common)
    return {"values": shown, "others": others + rest, "missing": missing}
