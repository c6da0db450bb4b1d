"""JSON in the scripts and attributes of pages, which may be wrapped or contain semicolons or line breaks."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

from drawer_ipy.common.json_text import BadJson, has_halves, mend, read_json, read_json_run

_OPENS = re.compile(
    r"\s*(?://|/\*)?\s*(?:<!--/*-->\s*)?(?:<!\[CDATA\[(?:/*>\s*<!--)?|<!--)\s*(?:(?:\*/|//)(?!\s*<!))?"
)
_CLOSES = re.compile(r"(?://|/\*)?\s*(?:-->\s*<!\]\]>|\]\]>|-->)\s*(?:\*/)?\s*;?\s*\Z")
_ENDS = ("]]>", "-->", "*/")
_MOST_WRAPPERS = 4
_PIECE = re.compile(r'("(?:[^"\\]|\\.)*(?:"|\\?\Z))|/\*.*?(?:\*/|\Z)|//[^\n]*|,(?=\s*[}\]])', re.DOTALL)


def read_embedded(text: str) -> Any:
    """Parse `text` of a page as JSON; several consecutive values become a list.

    These attempts are made in order: unchanged; without CDATA sections, surrounding comments and trailing
    semicolons, with line breaks allowed in strings; without comments and trailing commas; with character
    references (``&quot;``) decoded.

    Raises:
        BadJson: all attempts failed; it has the error of the first one.
    """
    try:
        return _whole(read_json(text), text)
    except BadJson as error:
        first = error
    for attempt in _attempts(text):
        try:
            values = read_json_run(attempt)
        except BadJson:
            continue
        if values:
            return _whole(values[0] if len(values) == 1 else values, attempt)
    raise first


def _attempts(text: str) -> Iterator[str]:
    plain = _unwrapped(text)
    yield plain
    yield _without_comments(plain)
    if "&" in plain:
        read: Callable[[str], str] = html.unescape
        yield read(plain)
        yield _without_comments(read(plain))


def _whole(value: Any, text: str) -> Any:
    return mend(value) if has_halves(text) else value


def _unwrapped(text: str) -> str:
    text = text.strip("\ufeff \t\r\n")
    for _ in range(_MOST_WRAPPERS):
        opened = _OPENS.match(text)
        if opened is None:
            break
        text = text[opened.end() :]
        tail = text.rstrip("; \t\r\n")
        if tail.endswith(_ENDS) and (closed := _CLOSES.search(text, max(0, len(text) - 200))):
            text = text[: closed.start()]
        text = text.strip("\ufeff \t\r\n")
    return text.rstrip("; \t\r\n")


def _without_comments(text: str) -> str:
    return _PIECE.sub(lambda piece: piece[1] or "", text)
