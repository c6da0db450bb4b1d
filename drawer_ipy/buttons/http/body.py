"""The body of a response as JSON, text or bytes, depending on its type, with notes on lost data."""

from __future__ import annotations

import contextlib
import json
from typing import Any, NamedTuple

from drawer_ipy.buttons.http.body_types import LINES, MARKUP, Read, is_binary, is_json, read_text
from drawer_ipy.buttons.output import parse_output
from drawer_ipy.common.json_text import BadJson, has_halves, mend, read_json, read_json_lines
from drawer_ipy.common.notes import Note

_PLAIN_STARTS = frozenset({b"{", b"["})
"""First bytes of JSON in UTF-8, unless a zero byte follows."""


class Content(NamedTuple):
    """A parsed body.

    Attributes:
        kind: ``json``, ``text`` or ``bytes``; also the key in a full record.
        value: the parsed value.
        notes: notes on data that could not be decoded.
    """

    kind: str
    value: Any
    notes: tuple[Note, ...] = ()


def read_body(kind: str, charset: str, body: bytes, *, as_text: bool = False) -> Content:
    """Parse a body according to its type.

    JSON becomes its value, JSON lines become a list, images and archives become bytes, everything else text.

    Args:
        as_text: whether to return text whatever the type is.

    Raises:
        BadJson: the type is JSON, but the body is not valid JSON.
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
    """Parse a body like :func:`read_body`, but treat plain text like the output of a script.

    Text that is neither markup nor declared as JSON becomes a value if it is exactly one (the original
    engine's rule). An empty body is ``None``.

    Raises:
        BadJson: the type is JSON, but the body is not valid JSON.
    """
    if not body and kind not in LINES:
        return Content("text", None)
    found = read_body(kind, charset, body)
    if found.kind != "text" or kind in MARKUP:
        return found
    return Content("text", parse_output(found.value), found.notes)


def body_text(kind: str, charset: str, body: bytes) -> str:
    """Return a body as text, whatever its type; JSON is decoded as in :func:`read_body`."""
    if kind in LINES or is_json(kind):
        with contextlib.suppress(BadJson):
            return _json_text(charset, body)
    return read_text(kind, charset, body).text


def lost_note(read: Read) -> tuple[Note, ...]:
    """Return a note on characters that could not be decoded; it ends before the body's address."""
    if not read.lost:
        return ()
    if read.encoding == "replacement":
        text = "the text declares an encoding that browsers refuse to read, so it was not decoded"
    else:
        what = "a character" if read.lost == 1 else f"{read.lost:,} characters"
        text = f"{what} could not be decoded as {read.encoding} and became U+FFFD"
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
            note = Note("the JSON contains half of a surrogate pair, which became U+FFFD", "half a character")
            return Content("json", whole, (note,))
    return Content("json", value)


def _json_text(charset: str, body: bytes) -> str:
    """Decode JSON: as UTF-8 whatever the charset is, and by the charset only if that fails.

    Raises:
        BadJson: the body is neither valid UTF-8 nor valid in its charset.
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
        raise BadJson(f"byte 0x{body[error.start]:02x} is not valid {found}", line, column) from None
