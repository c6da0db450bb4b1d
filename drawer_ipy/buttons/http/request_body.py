"""Request bodies in the format that their Content-Type names: JSON, XML, forms, multipart, text, bytes.

A text is filled with arguments, each escaped for its position. A body that consists of one placeholder,
``"{{data}}"``, is provided by the caller: bytes and text are sent unchanged, the file of a ``pathlib.Path``
is streamed, and a mapping or list is encoded as the Content-Type requires.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote_plus

from drawer_ipy.buttons.arguments import Bytes, shorten, to_json, to_text, unsendable
from drawer_ipy.buttons.http.field import FieldTemplate, Pairs, Values, encoded, entries, flat
from drawer_ipy.buttons.http.multipart import FilesTemplate, field_parts, guessed_type, multipart
from drawer_ipy.buttons.http.template import JsonTemplate, in_json
from drawer_ipy.buttons.http.upload import Upload, check_file
from drawer_ipy.definition.media import Media
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import PLACE
from drawer_ipy.errors import ArgumentError

_BYTES_TYPE = "application/octet-stream"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_XML |= {blank: f"&#{ord(blank)};" for blank in "\t\n\r"}  # an attribute would turn them into spaces
_XML_SPECIAL = re.compile("[&<>\"'\t\n\r]")
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filled:
    """A body that is ready to be sent.

    Attributes:
        body: its bytes; ``None`` for no body.
        content_type: the Content-Type to send instead of the button's; ``""`` to keep that.
    """

    body: bytes | Upload | None
    content_type: str = ""


class BodyTemplate(Protocol):
    """Make the body of each request.

    Attributes:
        names: the arguments it needs.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    def fill(self, values: Values) -> Filled:
        """Return the body for these arguments. Raises ArgumentError for an invalid one."""


def read_body(spec: ButtonSpec, media: Media) -> BodyTemplate | None:
    """Return the template for the bodies of `spec`; ``None`` if it has none.

    Args:
        media: its Content-Type. ``request_troubles`` has already reported what cannot be right.
    """
    if spec.files:
        return _Multipart(spec.body, media, FilesTemplate(spec.files))
    if spec.body_file:
        return _File(spec.body_file, media)
    body = spec.body
    if body is None or body == "":
        return None
    if isinstance(body, str):
        return _WholeBody(body, media) if PLACE.fullmatch(body.strip()) else _TextBody(body, media)
    if media.kind == "form":
        return _UrlEncoded(body, media)
    return _Multipart(body, media) if media.kind == "multipart" else _Json(body, media)


class _Json:
    def __init__(self, body: Any, media: Media) -> None:
        self._media = media
        self._template = JsonTemplate(body)
        self.names = self._template.names

    def fill(self, values: Values) -> Filled:
        return Filled(_dumped(self._template.fill(values), self._media))


class _UrlEncoded:
    def __init__(self, body: Any, media: Media) -> None:
        self._charset = media.charset
        self._pairs = Pairs(body, "field", references=False)
        self.names = self._pairs.names

    def fill(self, values: Values) -> Filled:
        return Filled(encoded(self._pairs.fill(values), self._charset).encode("ascii"))


class _Multipart:
    def __init__(self, body: Any, media: Media, files: FilesTemplate | None = None) -> None:
        self._media = media
        self._pairs = Pairs(body or {}, "field", references=False)
        self._files = files
        self.names = tuple(dict.fromkeys((*self._pairs.names, *(files.names if files else ()))))

    def fill(self, values: Values) -> Filled:
        parts = field_parts(self._pairs.fill(values), self._media.charset)
        return _as_multipart(parts + (self._files.fill(values) if self._files else []), self._media)


def _as_multipart(parts: Sequence[Any], media: Media) -> Filled:
    body, boundary = multipart(parts, media.boundary)
    return Filled(body, "" if media.boundary else f"multipart/form-data; boundary={boundary}")


class _File:
    def __init__(self, text: str, media: Media) -> None:
        self._declared = bool(media.type)
        self._path = FieldTemplate(text)
        self.names = self._path.names

    def fill(self, values: Values) -> Filled:
        value = self._path.value(values)
        if value is None:
            return Filled(None)
        if not isinstance(value, str | os.PathLike):
            raise ArgumentError(
                f"`body_file` must be a path, not {shorten(value)} (a {type(value).__name__})",
                remediation='send bytes and text by `body: "{{data}}"`',
            )
        return _of_file(Path(value), self._declared)


def _of_file(path: Path, declared: bool) -> Filled:
    found = check_file(path, "the body")
    return Filled(Upload((found,)), "" if declared else guessed_type(found.name))


class _WholeBody:
    """A body that the caller provides as a whole."""

    def __init__(self, text: str, media: Media) -> None:
        self._media = media
        self._name = PLACE.findall(text)[0]
        self.names: tuple[str, ...] = (self._name,)

    def fill(self, values: Values) -> Filled:
        value, media = values.get(self._name), self._media
        if value is None:
            return Filled(None)
        if isinstance(value, Bytes):
            return Filled(bytes(value), "" if media.type else _BYTES_TYPE)
        if isinstance(value, os.PathLike):
            return _of_file(Path(value), bool(media.type))
        if isinstance(value, str):
            return Filled(_in_charset(value, media, self._name))
        plain = to_json(value, self._name)
        if not isinstance(plain, dict | list) or media.kind == "json":
            return Filled(
                _dumped(plain, media) if media.kind == "json" else _in_charset(to_text(plain), media)
            )
        if media.kind == "form":
            pairs = [(n, one) for n, v in entries(value) for one in flat(n, v, "field")]
            return Filled(encoded(pairs, media.charset).encode("ascii"))
        if media.kind == "multipart":
            return _as_multipart(field_parts(entries(value), media.charset), media)
        if media.kind in ("xml", "binary"):
            raise ArgumentError(
                f"argument {self._name!r} must be a body of the type {media.type}, not {shorten(value)}",
                remediation="pass it as text or bytes",
            )
        return Filled(_dumped(plain, media))


class _TextBody:
    """A text with placeholders, each escaped for its position."""

    def __init__(self, text: str, media: Media) -> None:
        self._media = media
        self._pieces = list(_pieces(text, media))
        self.names = tuple(dict.fromkeys(piece.name for piece in self._pieces if isinstance(piece, _Place)))

    def fill(self, values: Values) -> Filled:
        pieces = [
            piece if isinstance(piece, bytes) else self._filled(piece, values.get(piece.name))
            for piece in self._pieces
        ]
        whole = b"".join(pieces)
        # A form field that was omitted leaves two adjacent separators.
        return Filled(b"&".join(filter(None, whole.split(b"&"))) if self._media.kind == "form" else whole)

    def _filled(self, place: _Place, value: Any) -> bytes:
        name, media = place.name, self._media
        if place.pair is not None:
            texts = flat(name, value, "field")
            pairs = "&".join(f"{place.pair}={_form_text(one, name, media)}" for one in texts)
            return pairs.encode("ascii")
        if value is None:
            return _in_charset(place.written, media)
        if place.escape is None:
            return (
                bytes(value) if isinstance(value, Bytes) else _in_charset(to_text(value, name), media, name)
            )
        if place.escape is _form_text:
            return _form_text(
                value if isinstance(value, Bytes) else to_text(value, name), name, media
            ).encode()
        return _in_charset(place.escape(to_text(value, name), name, media), media, name)


@dataclass(frozen=True, slots=True)
class _Place:
    """A placeholder in a text.

    Attributes:
        name: the name of the argument.
        written: the placeholder as written, which is kept if the argument is not given.
        escape: escapes the value; ``None`` for no escaping.
        pair: the name of the form field whose whole value it is; without a value, the field is omitted.
    """

    name: str
    written: str
    escape: Callable[[Any, str, Media], str] | None
    pair: str | None = None


def _pieces(text: str, media: Media) -> Iterator[bytes | _Place]:
    if media.kind == "form":
        for i, field in enumerate(text.split("&")):
            yield b"&" if i else b""
            name, equals, value = field.partition("=")
            if equals and PLACE.fullmatch(value) and not PLACE.search(name):
                yield _Place(PLACE.findall(value)[0], value, _form_text, name)
            else:
                yield from _split(field, _form_text, media)
    elif media.kind == "xml":
        start = 0
        for section in _CDATA.finditer(text):
            yield from _split(text[start : section.start()], _xml_text, media)
            yield from _split(section.group(), _cdata_text, media)
            start = section.end()
        yield from _split(text[start:], _xml_text, media)
    else:
        yield from _split(text, _json_text if media.kind in ("json", "ndjson") else None, media)


def _split(
    text: str, escape: Callable[[Any, str, Media], str] | None, media: Media
) -> Iterator[bytes | _Place]:
    start = 0
    for match in PLACE.finditer(text):
        yield _in_charset(text[start : match.start()], media)
        yield _Place(match[1], match[0], escape)
        start = match.end()
    yield _in_charset(text[start:], media)


def _json_text(text: str, name: str, media: Media) -> str:
    inside = in_json(text)
    return inside if _fits(inside, media) else json.dumps(_sound(text, name))[1:-1]


def _form_text(value: Any, name: str, media: Media) -> str:
    if isinstance(value, Bytes):
        return quote_plus(bytes(value))
    try:
        return quote_plus(value, encoding=media.charset)
    except UnicodeEncodeError as error:
        raise _not_in(error, value, name, media) from None


def _xml_text(text: str, name: str, media: Media) -> str:
    escaped = _XML_SPECIAL.sub(lambda found: _XML[found[0]], _in_xml(text, name))
    return escaped.encode(media.charset, "xmlcharrefreplace").decode(media.charset)


def _cdata_text(text: str, name: str, _media: Media) -> str:
    # A CDATA section can contain neither its own end nor a carriage return that survives parsing.
    ended = _in_xml(text, name).replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
    return ended


def _in_xml(text: str, name: str) -> str:
    if strange := _NO_XML.search(text):
        raise unsendable(text, name, f"contains {strange[0]!r}, which XML cannot represent")
    return text


def _fits(text: str, media: Media) -> bool:
    try:
        text.encode(media.charset)
    except UnicodeEncodeError:
        return False
    return True


def _sound(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise unsendable(text, name, "contains half of a surrogate pair, which UTF-8 cannot encode") from None
    return text


def _in_charset(text: str, media: Media, name: str = "") -> bytes:
    try:
        return text.encode(media.charset)
    except UnicodeEncodeError as error:
        raise _not_in(error, text, name, media) from None


def _not_in(error: UnicodeEncodeError, value: Any, name: str, media: Media) -> ArgumentError:
    which = media.declared or "UTF-8"
    return unsendable(value, name, f"contains {error.object[error.start]!r}, which {which} cannot encode")


def _dumped(value: Any, media: Media) -> bytes:
    """Return `value` as JSON, or as JSON lines if the type is one of lines and it is a list."""
    if media.kind == "ndjson":
        lines = value if isinstance(value, list) else [value]
        return b"".join(_dumped_one(line, media) + "\n".encode(media.charset) for line in lines)
    return _dumped_one(value, media)


def _dumped_one(value: Any, media: Media) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    if not _fits(text, media):
        _check_sound(value, "")
        text = json.dumps(value)
    return text.encode(media.charset)


def _check_sound(value: Any, name: str) -> None:
    """Raise ArgumentError for text that no charset can encode."""
    if isinstance(value, str):
        _sound(value, name)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _sound(str(key), name)
            _check_sound(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            _check_sound(inner, name)
