"""JSON as pages hold it in scripts and attributes: wrapped, with a semicolon or raw line breaks."""

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
    """The JSON value that `text` of a page is; several of them, one after the other, are a list.

    What is tried: it as it is; without CDATA sections, comments around it and semicolons behind it, with line
    breaks in strings as they are; without comments and commas before a closing bracket; with references to
    characters (``&quot;``) read.

    Raises:
        BadJson: it is none in any of these ways; it says why not as it is.
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
