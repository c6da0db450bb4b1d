"""What the body of an answer is by its type, JSON, text or bytes; and what was lost in reading it."""

from __future__ import annotations

import contextlib
import json
from typing import Any, NamedTuple

from drawer_ipy.buttons.http.text import LINES, MARKUP, Read, is_binary, is_json, read_text
from drawer_ipy.buttons.output import parse_output
from drawer_ipy.common.json_text import BadJson, has_halves, mend, read_json, read_json_lines
from drawer_ipy.common.notes import Note

_PLAIN_STARTS = frozenset({b"{", b"["})
"""First bytes of JSON that is in UTF-8, if no zero follows."""


class Content(NamedTuple):
    """A body as a value.

    Attributes:
        kind: ``json``, ``text`` or ``bytes``, as the whole answer names it.
        value: what it is.
        notes: what was lost in reading it.
    """

    kind: str
    value: Any
    notes: tuple[Note, ...] = ()


def read_body(kind: str, charset: str, body: bytes, *, as_text: bool = False) -> Content:
    """A body as its type says.

    JSON is its value, lines of JSON are a list, images and archives are bytes, everything else is text.

    Args:
        as_text: whether it is text whatever its type says.

    Raises:
        BadJson: its type says JSON, and it is none.
    """
    if not as_text:
        if kind in LINES:
            return _lines(kind, charset, body)
        if is_json(kind):
            return _json(charset, body)
        if is_binary(kind, charset, body):
            return Content("bytes", body)
    read = read_text(kind, charset, body)
    return Content("text", read.text, lost_note(read) if read.lost else ())


def read_value(kind: str, charset: str, body: bytes) -> Content:
    """As :func:`read_body`, but text that is neither markup nor declared as JSON follows the rule for what a
    script prints: it is a value when it is exactly one (the original's rule). An empty body is ``None``.

    Raises:
        BadJson: its type says JSON, and it is none.
    """
    if not body and kind not in LINES:
        return Content("text", None)
    found = read_body(kind, charset, body)
    if found.kind != "text" or kind in MARKUP:
        return found
    return Content("text", parse_output(found.value), found.notes)


def body_text(kind: str, charset: str, body: bytes) -> str:
    """A body as the text it is, whatever its type; JSON as :func:`read_body` would read it."""
    if kind in LINES or is_json(kind):
        with contextlib.suppress(BadJson):
            return _json_text(charset, body)
    return read_text(kind, charset, body).text


def lost_note(read: Read) -> tuple[Note, ...]:
    """What to tell of what could not be read; ends before the address it came from."""
    if not read.lost:
        return ()
    if read.encoding == "replacement":
        text = "the text declares an encoding that browsers refuse to read, so it is lost"
    else:
        what = "a character" if read.lost == 1 else f"{read.lost:,} characters"
        text = f"{what} could not be read as {read.encoding} and became U+FFFD"
    return (Note(text, "undecodable"),)


def _json(charset: str, body: bytes) -> Content:
    text = _json_text(charset, body)
    if not text.strip():
        return Content("json", None)
    return _mended(read_json(text), text)


def _lines(kind: str, charset: str, body: bytes) -> Content:
    text = _json_text(charset, body)
    return _mended(read_json_lines(text, "\x1e" if kind.endswith("seq") else "\n"), text)


def _mended(value: Any, text: str) -> Content:
    if has_halves(text):
        whole = mend(value)
        if whole != value:
            note = Note("the JSON has escapes of half a character, which became U+FFFD", "half a character")
            return Content("json", whole, (note,))
    return Content("json", value)


def _json_text(charset: str, body: bytes) -> str:
    """The text of JSON. It is UTF-8 whatever the charset says, unless it cannot be read as such.

    Raises:
        BadJson: it can be read neither as that nor as what the charset says.
    """
    plain = body[:1] in _PLAIN_STARTS and body[1:2] != b"\0"
    found = "utf-8" if plain else json.detect_encoding(body)
    try:
        return body.decode(found)
    except UnicodeDecodeError as error:
        if found == "utf-8" and charset not in ("", "utf-8", "utf8"):
            read = read_text("application/json", charset, body)
            if not read.lost and read.encoding != "utf-8":
                return read.text
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - body.rfind(b"\n", 0, error.start)
        raise BadJson(f"byte 0x{body[error.start]:02x} is not {found}", line, column) from None
