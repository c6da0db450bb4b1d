"""Values of a table as a page receives them: short, cleaned, and whole on request."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.tables.images import may_be_image
from drawer_ipy.record.jsonable import digits
from drawer_ipy.style.preview import clean, cut, is_number, make_cell, preview

TEXT, NUMBER, NONE, NESTED, LINK, IMAGE, UNREADABLE = "t", "n", "0", "d", "u", "i", "e"
"""Kinds of cells; a page decides by them how it draws the text."""

MOST_CHILDREN = 100
"""Most inner values of a nested value in one reply."""

DEEPEST = 50
"""Most levels of nested values that can be unfolded."""

MOST_TEXT = 5_000_000
"""Most characters of a whole value in one reply."""

_LONGEST_LINK = 2_000
_LINK = re.compile(r"https?://[^\s\x00-\x20\"<>\\^`{|}\x7f-\xa0]+", re.IGNORECASE)

Fetch = Callable[[], Any]


def cell(fetch: Fetch, limit: int, *, lines: bool = False) -> list[Any] | str:
    """Return the cell of the value that `fetch` returns: ``[kind, text]``, or only the text of a string.

    A text that ends before the value does has a third entry, 1. The third entry of a link is its address.
    It never raises.

    Args:
        limit: most characters of the text.
        lines: whether a string keeps its line breaks.
    """
    try:
        value = fetch()
        if isinstance(value, str):
            return _text_cell(str.__str__(value), limit, lines)
        if is_missing(value):
            return [NONE, ""]
        if may_be_image(value):
            return [IMAGE, preview(value, limit)]
        nested = is_nested(value)
    except BaseException as error:  # reading an object of a class defined by the user may raise anything
        pass_on_interrupt(error)
        return [UNREADABLE, make_cell(fetch).text]
    text = preview(value, limit)
    kind = NESTED if nested else NUMBER if is_number(value) else TEXT
    return [kind, text, 1] if text.endswith("…") else [kind, text]


def _text_cell(value: str, limit: int, lines: bool) -> list[Any] | str:
    begin = value[: limit + 1]
    text = cut("\n".join(map(clean, begin.splitlines())) if lines else clean(begin), limit)
    if value[:4].lower() == "http" and len(value) <= _LONGEST_LINK and _is_link(value):
        return [LINK, text, value]
    is_whole = len(value) <= limit
    return text if is_whole else [TEXT, text if text.endswith("…") else text + "…", 1]


def _is_link(text: str) -> bool:
    # An address with characters that are not shown would not lead where it seems to.
    return _LINK.fullmatch(text) is not None and clean(text) == text


# Nested values


def is_nested(value: Any) -> bool:
    """Whether `value` has inner values that a page can unfold."""
    if isinstance(value, str | bytes | bytearray | memoryview):
        return False
    if isinstance(value, Mapping | Set | list | tuple):
        return len(value) > 0
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def inner_values(value: Any, start: int) -> Iterator[tuple[str, Fetch]]:
    """Yield the names and values inside `value` from position `start`."""
    if isinstance(value, Mapping):
        for key in islice(value, start, None):
            yield preview(key, 80), lambda key=key: value[key]  # type: ignore[misc]
    elif isinstance(value, Sequence):
        names = getattr(value, "_fields", None)
        for at in range(start, len(value)):
            name = str(names[at]) if names and at < len(names) else str(at)
            yield name, lambda at=at: value[at]  # type: ignore[misc]
    elif isinstance(value, Set):
        for at, one in enumerate(islice(value, start, None), start):
            yield str(at), lambda one=one: one  # type: ignore[misc]
    else:
        for field in dataclasses.fields(value)[start:]:
            yield field.name, lambda name=field.name: getattr(value, name)  # type: ignore[misc]


def value_at(value: Any, path: Sequence[int]) -> Any:
    """Return the value inside `value` at `path`, the positions of inner values from the outside inwards.

    Raises:
        LookupError: there is no such value.
    """
    for position in path:
        if not is_nested(value):
            raise LookupError(position)
        _, fetch = next(inner_values(value, position), (None, None))
        if fetch is None:
            raise LookupError(position)
        value = fetch()
    return value


def children(value: Any, start: int, limit: int) -> dict[str, Any]:
    """Return the inner values of `value` from `start`, at most :data:`MOST_CHILDREN` of them.

    Args:
        limit: most characters of a text.

    Returns:
        ``cells``, pairs of a name and a cell, and ``total``, the number of inner values.
    """
    found = []
    try:
        if is_nested(value):
            for name, fetch in islice(inner_values(value, start), MOST_CHILDREN):
                found.append([cut(clean(name), 80), cell(fetch, limit)])
            total = len(dataclasses.fields(value)) if dataclasses.is_dataclass(value) else len(value)
        else:
            total = 0
    except BaseException as error:
        pass_on_interrupt(error)
        return {"cells": found, "total": start + len(found)}
    return {"cells": found, "total": total}


# Whole values


def whole(value: Any) -> str:
    """Return the whole of `value` as text: a string itself, JSON for JSON values, else its repr.

    A missing value has no text.
    """
    try:
        if isinstance(value, str):
            return str.__str__(value)
        if is_missing(value):
            return ""
        if type(value) is int:
            return digits(value)
        if is_json(value):
            return json.dumps(value, ensure_ascii=False, indent=2)
        return repr(value)
    except BaseException as error:  # its repr is the user's code
        pass_on_interrupt(error)
        return preview(value)


def is_json(value: Any, depth: int = 0) -> bool:
    """Whether JSON can represent `value`, a list or a dict, without changing any of it."""
    if depth > DEEPEST:
        return False
    if type(value) is dict:
        return all(type(key) is str and _is_json_inside(one, depth) for key, one in value.items())
    return type(value) is list and all(_is_json_inside(one, depth) for one in value)


def _is_json_inside(value: Any, depth: int) -> bool:
    if value is None or type(value) in (str, bool, int):
        return True
    if type(value) is float:
        return value - value == 0  # neither NaN nor infinite
    return is_json(value, depth + 1)
