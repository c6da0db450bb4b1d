"""Content types of request bodies, and how the text or value of each is written."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from drawer_ipy.common.bad_value import BadValue

BodyKind = Literal["json", "ndjson", "xml", "form", "multipart", "text", "binary"]

_JSON = re.compile(r"json(?:$|[-+.])")
_NDJSON = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
)
_FORM = "application/x-www-form-urlencoded"
_BINARY = ("image/", "audio/", "video/", "font/")


@dataclass(frozen=True, slots=True)
class Media:
    """A parsed Content-Type.

    Attributes:
        type: the type in lower case, without parameters; ``""`` if none is declared.
        kind: how bodies of this type are written.
        charset: the Python codec of its text; the default is UTF-8.
        declared: the charset as declared, or ``""``.
        boundary: the boundary of a multipart type, ``""`` if none is declared.
    """

    type: str
    kind: BodyKind
    charset: str = "utf-8"
    declared: str = ""
    boundary: str = ""


def read_media(content_type: str) -> Media:
    """Parse `content_type`.

    Raises:
        BadValue: it declares a charset that is unknown or cannot encode text.
    """
    message = Message()
    message["Content-Type"] = content_type.strip()
    kind = content_type.partition(";")[0].strip().lower()
    declared = str(message.get_param("charset") or "").strip() if content_type else ""
    boundary = str(message.get_param("boundary") or "") if content_type else ""
    return Media(kind, _kind(kind), _codec(declared), declared, boundary)


def _kind(kind: str) -> BodyKind:
    if kind in _NDJSON:
        return "ndjson"
    # GraphQL escapes within its strings are JSON's.
    if not kind or _JSON.search(kind) or kind == "application/graphql":
        return "json"
    if kind in ("text/xml", "application/xml") or kind.endswith("+xml"):
        return "xml"
    if kind == _FORM:
        return "form"
    if kind.startswith("multipart/"):
        return "multipart"
    if kind == "application/octet-stream" or kind.startswith(_BINARY):
        return "binary"
    return "text"


def _codec(declared: str) -> str:
    if not declared:
        return "utf-8"
    try:
        found = codecs.lookup(declared)
        # Some codecs do not encode text to bytes (rot13), or are unknown to servers (idna, punycode).
        is_text = found._is_text_encoding  # noqa: SLF001 - the only way to find out
        if not is_text or found.name in ("idna", "punycode", "raw-unicode-escape"):
            raise LookupError
    except LookupError:
        raise BadValue(
            f"{declared!r} is not a charset that can encode a body",
            "remove it, or write utf-8",
        ) from None
    return found.name
