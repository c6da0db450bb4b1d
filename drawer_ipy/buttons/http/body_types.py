"""Body types: JSON, bytes, or text and its encoding."""

from __future__ import annotations

import codecs
import importlib
import re
from functools import lru_cache
from typing import NamedTuple

from drawer_ipy.buttons.http.charsets import REPLACED, decode_as, find_encoding
from drawer_ipy.buttons.http.prescan import html_encoding, xml_encoding
from drawer_ipy.scrape.sniff import HTML, XML, looks_like

_BINARY_TYPES = ("image/", "audio/", "video/", "font/")
_BINARY = frozenset(
    f"application/{kind}"
    for kind in (
        "octet-stream", "pdf", "zip", "gzip", "x-gzip", "x-tar", "x-7z-compressed", "x-bzip2", "zstd",
        "msword", "vnd.ms-excel", "vnd.apache.parquet", "vnd.apache.arrow.file", "x-parquet", "wasm",
    )
)  # fmt: skip
_TEXT_ENDS = ("json", "xml", "javascript", "+yaml", "-urlencoded")
_UNTYPED = frozenset({"", "text/plain", "application/octet-stream", "application/unknown", "unknown/unknown"})
"""Types that say nothing, or that servers use for unknown files."""

LINES = frozenset(
    f"{kind}/{name}"
    for kind in ("application", "text")
    for name in (
        "x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines", "x-json-lines",
        "json-seq", "x-json-stream", "stream+json", "geo+json-seq",
    )
)  # fmt: skip
"""Types for JSON values, one per line."""

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_XML = frozenset({"text/xml", "application/xml", "application/xhtml+xml"})
MARKUP = _HTML | _XML | {"text/csv"}
"""Types whose text is never parsed as a JSON value."""

_JSON = frozenset({"application/json", "text/json", "application/x-json", "text/x-json"})

_WESTERN, _WESTERN_NAME = "cp1252", "windows-1252"
_WESTERN_LANGUAGES = frozenset(
    {
        "", "Unknown", "English", "French", "German", "Spanish", "Portuguese", "Italian", "Dutch", "Swedish",
        "Danish", "Norwegian", "Finnish", "Catalan", "Icelandic",
    }
)  # fmt: skip
_SAMPLE = 32 * 1024
"""Bytes that are examined to detect an encoding."""

_FEW, _SPARSE = 12, 0.12
"""Number of bytes beyond ASCII, and their share of all letters, below which a text is taken for a western
one: a few accented letters fit every encoding.
"""

_TAG = re.compile(rb"<[^<>]*>")
_ASCII = bytes(range(128))
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be"))
_MARK_STARTS = frozenset(mark[:1] for mark, _ in _MARKS)
_REPLACED_BYTES = REPLACED.encode()

_BINARY_CODES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Codes that no text contains, in any encoding that a body without a byte order mark may have."""

_NO_TEXT = (b"%PDF-", b"%!PS-Adobe-", b"GIF8", b"\xff\xd8\xff")
"""Beginnings of binary files that may go without any of these codes for long."""


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> tuple[str, str]:
    """Parse a Content-Type into ``("text/html", "utf-8")``; ``""`` for missing parts."""
    kind, semicolon, rest = header.partition(";")
    charset = ""
    if semicolon:
        for part in rest.split(";"):
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip("\"'").lower()
    return kind.strip().lower(), charset


def is_json(kind: str) -> bool:
    """Whether a content type is JSON."""
    return kind in _JSON or (kind.endswith("+json") and kind not in LINES)


def is_binary(kind: str, charset: str, body: bytes) -> bool:
    """Whether a body is not text, by its type or, if that says nothing, by its content."""
    if kind:
        if kind.startswith("text/") or kind.endswith(_TEXT_ENDS) or kind in LINES:
            return False
        if kind in _BINARY or kind.startswith((*_BINARY_TYPES, "application/vnd.openxmlformats")):
            return True
    if charset:
        return False
    # The type is missing or unknown: it is text if it reads as text.
    if body.startswith(_NO_TEXT):
        return True
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(body) % 2 == 0
        return not wide and _BINARY_CODES.search(body, 0, _SAMPLE) is not None
    return b"\0" in body


class Read(NamedTuple):
    """A body as text.

    Attributes:
        text: the text, with U+FFFD for what could not be decoded.
        encoding: the encoding by its standard name, or by Python's name if it was detected.
        lost: the number of characters that could not be decoded.
    """

    text: str
    encoding: str
    lost: int = 0


def decode(kind: str, charset: str, body: bytes) -> str:
    """Return the text of a body, see :func:`read_text`."""
    return read_text(kind, charset, body).text


def read_text(kind: str, charset: str, body: bytes) -> Read:
    """Decode a body, by the first of these that exists: its byte order mark, the charset of its Content-Type,
    its meta element or XML declaration, UTF-8 if it is valid, the result of :func:`detect`.

    Encoding labels mean the same as in browsers, see :mod:`~drawer_ipy.buttons.http.charsets`; unknown labels
    are ignored.
    """
    if charset in ("utf-8", "utf8") and body[:1] not in _MARK_STARTS:
        return _read("utf-8", body)
    for mark, name in _MARKS:
        if body.startswith(mark):
            return _read(name, body[len(mark) :])
    encoding = find_encoding(charset) or _declared(kind, body)
    if encoding:
        return _read(encoding, body)
    try:
        return Read(body.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        if kind and not kind.startswith("text/") and kind not in MARKUP:
            return _read("utf-8", body)
    guessed = detect(body)
    text = body.decode(guessed, errors="replace") if guessed != _WESTERN else decode_as(_WESTERN_NAME, body)
    return Read(text, guessed, text.count(REPLACED))


def _read(encoding: str, body: bytes) -> Read:
    if encoding == "utf-8":
        try:
            return Read(body.decode("utf-8"), encoding)
        except UnicodeDecodeError:
            text = body.decode("utf-8", errors="replace")
            return Read(text, encoding, text.count(REPLACED) - body.count(_REPLACED_BYTES))
    text = decode_as(encoding, body)
    return Read(text, encoding, text.count(REPLACED))


def _declared(kind: str, body: bytes) -> str:
    """Return the encoding that a body itself declares; ``""`` if its type has no such declaration."""
    looks = "" if kind in MARKUP else looks_like(body)
    if kind in _HTML or (looks == HTML and kind in _UNTYPED):
        return html_encoding(body)
    if kind in _XML or kind.endswith("+xml") or looks == XML:
        return xml_encoding(body)
    return ""


def detect(body: bytes) -> str:
    """Detect the encoding of a body from its letters; Windows-1252 if the result is unclear.

    The other encodings of western Europe also yield Windows-1252, because they are hard to tell apart.
    Requires charset-normalizer (from the extra ``scrape``).
    """
    # A cut inside a character would count against the right encoding; no encoding has a space inside one.
    cut = body.rfind(b" ", 0, _SAMPLE) if len(body) > _SAMPLE else -1
    sample = _TAG.sub(b" ", body[: cut if cut > 0 else _SAMPLE])
    letters = sample.translate(None, _NO_LETTERS)
    strange = len(letters.translate(None, _ASCII))
    if strange < _FEW or strange < len(letters) * _SPARSE:
        return _WESTERN
    try:
        normalizer = importlib.import_module("charset_normalizer")
    except ImportError:
        return _WESTERN
    best = normalizer.from_bytes(sample).best()
    return _WESTERN if best is None or best.language in _WESTERN_LANGUAGES else str(best.encoding)
