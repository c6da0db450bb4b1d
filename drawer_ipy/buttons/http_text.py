"""What a body is: text in which encoding, JSON, or bytes."""

from __future__ import annotations

import codecs
import importlib
import re
from functools import lru_cache

_META_CHARSET = re.compile(rb"""<meta[^>]+charset=["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"""\s*<\?xml[^>]+encoding=["']([\w.:-]+)""")
_BINARY_TYPES = ("image/", "audio/", "video/", "font/")
_BINARY = frozenset(
    f"application/{kind}"
    for kind in (
        "octet-stream", "pdf", "zip", "gzip", "x-gzip", "x-tar", "x-7z-compressed", "x-bzip2", "zstd",
        "msword", "vnd.ms-excel", "vnd.apache.parquet", "vnd.apache.arrow.file", "x-parquet", "wasm",
    )
)  # fmt: skip
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_XML = frozenset({"text/xml", "application/xml", "application/xhtml+xml"})
MARKUP = _HTML | _XML | {"text/csv"}
"""Types whose text is never taken for a JSON value."""

_WESTERN = "cp1252"
_WESTERN_LANGUAGES = frozenset(
    {
        "", "Unknown", "English", "French", "German", "Spanish", "Portuguese", "Italian", "Dutch", "Swedish",
        "Danish", "Norwegian", "Finnish", "Catalan", "Icelandic",
    }
)  # fmt: skip
_SAMPLE = 32 * 1024
"""Bytes that are looked at to find out an encoding."""

_FEW, _SPARSE = 12, 0.12
"""Bytes beyond ASCII, and their share of all letters, below which a text is taken for a western one: a few
accents fit every encoding.
"""

_TAG = re.compile(rb"<[^<>]*>")
_ASCII = bytes(range(128))
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> tuple[str, str]:
    """``("text/html", "utf-8")`` from a Content-Type; ``""`` where nothing is said."""
    kind, semicolon, rest = header.partition(";")
    charset = ""
    if semicolon:
        for part in rest.split(";"):
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip("\"'").lower()
    return kind.strip().lower(), charset


def is_json(kind: str) -> bool:
    """Whether a content type says JSON."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def is_binary(kind: str, charset: str, body: bytes) -> bool:
    """Whether a body is no text, by its type or, where that says nothing, by what it looks like."""
    if kind:
        if kind.startswith("text/") or kind.endswith(("json", "xml", "javascript", "+yaml", "-urlencoded")):
            return False
        if kind in _BINARY or kind.startswith((*_BINARY_TYPES, "application/vnd.openxmlformats")):
            return True
    if charset:
        return False
    # A type nobody declared or we do not know: text if it reads as text.
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return b"\0" in body


def decode(kind: str, charset: str, body: bytes) -> str:
    """The text of a body, by the first of these that there is: its byte order mark, the charset of its
    Content-Type, its meta tag or XML declaration, UTF-8 if it reads as such, what :func:`detect` makes of it.

    What an encoding cannot express becomes U+FFFD.
    """
    if not charset or body[:1] in (b"\xef", b"\xff", b"\xfe") or charset not in ("utf-8", "utf8"):
        for name in _charsets(kind, charset, body):
            try:
                return body.decode(name, errors="replace")
            except (LookupError, UnicodeError):
                continue  # a charset nobody knows, or one that is no encoding of text
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        guessed = not charset and (kind in MARKUP or kind.startswith("text/"))
        return body.decode(detect(body) if guessed else "utf-8", errors="replace")


def detect(body: bytes) -> str:
    """The encoding that the letters of a body speak for; Windows-1252 where they do not speak clearly.

    That is also what the encodings of western Europe are taken for, which can hardly be told apart. Needs
    charset-normalizer (of the extra ``scrape``).
    """
    # A cut within a letter would count against the right encoding; a blank is no part of one anywhere.
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


def _charsets(kind: str, charset: str, body: bytes) -> list[str]:
    found = [name for mark, name in _MARKS if body.startswith(mark)]
    if charset:
        found.append(charset)
    tags = [_META_CHARSET.search(body, 0, 2048)] if kind in _HTML else []
    tags += [_XML_CHARSET.match(body, 0, 256)] if kind in _XML or kind.endswith("+xml") else []
    for tag in tags:
        if tag is not None:
            name = tag.group(1).decode("ascii", errors="replace")
            # Text whose tag can be read as ASCII is not in UTF-16, whatever the tag says (the HTML standard).
            found.append("utf-8" if name.lower().startswith("utf-16") else name)
    return found
