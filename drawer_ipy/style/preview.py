"""Previews: any value as short, safe text, and the width of text on a screen."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from html import escape
from itertools import islice
from numbers import Number
from typing import Any

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.record.loop import LoopEntries, LoopOutput

CELL = 80
"""Most characters of a value in a cell."""

MORE = 300
"""Most characters of a value in its tooltip."""

_DEEPEST = 4
_SPACES = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Characters that change the direction of the surrounding text are removed: a preview must not reorder a
# table.
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as text for a table.

    Attributes:
        text: at most :data:`CELL` characters, cleaned (see :func:`clean`).
        kind: ``num``, ``none`` or ``text``.
        more: a longer text for a tooltip, ``""`` if `text` is complete.
    """

    text: str
    kind: str = "text"
    more: str = ""


def clean(text: str) -> str:
    """`text` on one line, without control characters, direction marks and lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSHOWABLE.sub("\ufffd", _TURNS.sub("", _SPACES.sub(" ", text)))


def cut(text: str, limit: int) -> str:
    """`text`, or its first characters and ``…`` if it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def within(text: str, most: int) -> str:
    """`text`, cut to at most `most` bytes (3 or more) when escaped for HTML."""
    while len(escape(text).encode()) > most:
        text = cut(text, max(1, len(text) * 3 // 4))
    return text


def end_within(text: str, most: int) -> str:
    """`text`, shortened at its start to at most `most` bytes when escaped for HTML."""
    while len(escape(text).encode()) > most:
        text = "…" + text[-(len(text) * 3 // 4) :]
    return text


def make_cell(fetch: Callable[[], Any]) -> Cell:
    """The cell for the value that `fetch` returns, or for the error that it raises."""
    try:
        value = fetch()
        missing = is_missing(value)
    except BaseException as error:  # reading an object of a class defined by the user may raise anything
        pass_on_interrupt(error)
        return Cell(f"<{_type_name(error)} when read>")
    if missing:
        return Cell("–", "none")
    text = preview(value, CELL)
    more = preview(value, MORE) if text.endswith("…") or len(text) >= CELL else ""
    return Cell(text, "num" if is_number(value) else "text", more if more != text else "")


def preview(value: Any, limit: int = CELL, *, quoted: bool = False) -> str:
    """Return `value` as cleaned text of at most `limit` characters; never raises.

    The work is limited by `limit`, not by the value's size, except for the repr of an object of another
    class.

    Args:
        value: any value.
        limit: the most characters.
        quoted: whether to put quotes around a string, as within a list.
    """
    try:
        return cut(clean(_show(value, limit, 0 if not quoted else 1)), limit)
    except BaseException as error:  # its repr, iteration or comparison is the user's code
        pass_on_interrupt(error)
        return cut(clean(f"<{_type_name(value)}: repr failed>"), limit)


def _type_name(value: Any) -> str:
    name = type.__dict__["__name__"].__get__(type(value))  # ignores a metaclass with its own __name__
    return str(name)


def is_number(value: Any) -> bool:
    """Whether `value` is shown as a number: aligned to the right; never raises."""
    try:
        return isinstance(value, Number) and not isinstance(value, (bool, enum.Enum))
    except BaseException as error:
        pass_on_interrupt(error)
        return False


def _show(value: Any, limit: int, depth: int) -> str:
    kind = type(value)
    if value is None or kind is bool:
        return str(value)
    if isinstance(value, str):
        head = str.__getitem__(value, slice(0, limit + 1))
        return head if depth == 0 else '"' + head.replace('"', '\\"') + '"'
    if kind is int:
        bits: int = value.bit_length()
        return str(value) if bits < 1000 else f"<int of {bits} bits>"
    if kind is float:
        return f"{value:.10g}"
    if is_missing(value):
        return "None"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    if isinstance(value, LoopOutput):
        return f"{value.record.counts[2]} of {len(value.record)} ok"
    if isinstance(value, LoopEntries):
        return f"<{len(value)} entries>"
    return _container(value, limit, depth)


def _container(value: Any, limit: int, depth: int) -> str:
    if isinstance(value, Mapping):
        pairs = (
            (lambda k=k, v=v: f"{_show(k, limit, depth + 1)}: {_show(v, limit, depth + 1)}")
            for k, v in value.items()
        )
        return _joined("{", pairs, "}", limit, depth)
    if isinstance(value, list | tuple | Set) and not hasattr(value, "_fields"):  # a named tuple has a repr
        left, right = ("{", "}") if isinstance(value, Set) else ("[", "]")
        parts = ((lambda v=v: _show(v, limit, depth + 1)) for v in value)
        return _joined(left, parts, right, limit, depth)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
        if not shape and hasattr(value, "item"):  # a numpy number
            if value.dtype.kind in "Mm":  # whose item() is an integer where it has nanoseconds
                return str(value)
            return _show(value.item(), limit, _DEEPEST)
        return f"<{_type_name(value)} {'×'.join(map(str, shape))}>"
    return repr(value)[: limit + 1]


def _joined(left: str, parts: Iterable[Callable[[], str]], right: str, limit: int, depth: int) -> str:
    if depth > _DEEPEST:
        return f"{left}…{right}"
    out: list[str] = []
    used = 0
    for part in islice(parts, limit):
        out.append(part())
        used += len(out[-1]) + 2
        if used > limit:
            return left + ", ".join(out)
    return left + ", ".join(out) + right


def text_width(text: str) -> int:
    """The columns that cleaned `text` takes on a terminal: CJK and emoji two, combining marks none."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # 29 modules

    return max(0, wcswidth(text))


def fit(text: str, width: int) -> str:
    """`text`, cut with ``…`` if it is wider than `width` columns."""
    if text_width(text) <= width:
        return text
    if text.isascii():
        return text[: max(0, width - 1)] + "…"
    # The longest prefix that leaves a column for the ellipsis.
    short, long = 0, len(text)
    while short < long:
        middle = (short + long + 1) // 2
        short, long = (middle, long) if text_width(text[:middle]) < width else (short, middle - 1)
    return text[:short] + "…"


def pad(text: str, width: int, right: bool = False) -> str:
    """`text` padded with spaces to `width` columns; with `right`, on its left."""
    fill = " " * max(0, width - text_width(text))
    return fill + text if right else text + fill
