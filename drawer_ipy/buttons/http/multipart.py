"""``files``: uploads as multipart/form-data (RFC 7578), with names encoded as in browsers."""

from __future__ import annotations

import io
import mimetypes
import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from drawer_ipy.buttons.arguments import Bytes, shorten, to_text, unsendable
from drawer_ipy.buttons.http.field import FieldTemplate, Values, flat
from drawer_ipy.buttons.http.upload import Upload, check_file
from drawer_ipy.errors import ArgumentError

_UNNAMED = "application/octet-stream"
_TYPE = re.compile(r"[^\x00-\x1f\x7f]+")
_FORMS = "a file is a path, bytes, {path | content, name, type}, (name, bytes) or (name, bytes, type)"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body.

    Attributes:
        name: the name of the field.
        content: its bytes, or the file that contains them.
        filename: the name of the file in the request; ``None`` for a field that is not a file.
        type: its Content-Type, ``""`` for none.
    """

    name: str
    content: bytes | Path
    filename: str | None = None
    type: str = ""


class FilesTemplate:
    """The files that a button sends.

    Args:
        given: name of a field -> a path, ``{path | content, name, type}``, or a list of those; texts may
            contain placeholders and references to arguments.

    Attributes:
        names: the arguments that they refer to.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._fields = {name: _compiled(value) for name, value in given.items()}
        self.names: tuple[str, ...] = tuple(dict.fromkeys(_names(self._fields)))

    def fill(self, values: Values) -> list[Part]:
        """Return the parts for these arguments; null omits a file.

        Raises:
            ArgumentError: a value is not a file, or a file does not exist.
        """
        return [part for name, field in self._fields.items() for part in _parts(name, _filled(field, values))]


def _compiled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): FieldTemplate(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_compiled(inner) for inner in value]
    return FieldTemplate(value)


def _names(compiled: Any) -> Iterable[str]:
    if isinstance(compiled, FieldTemplate):
        yield from compiled.names
    elif isinstance(compiled, dict | list):
        for inner in compiled.values() if isinstance(compiled, dict) else compiled:
            yield from _names(inner)


def _filled(compiled: Any, values: Values) -> Any:
    if isinstance(compiled, FieldTemplate):
        return compiled.value(values)
    if isinstance(compiled, dict):
        return {key: inner.value(values) for key, inner in compiled.items()}
    return [_filled(inner, values) for inner in compiled]


def _parts(name: str, value: Any) -> Iterable[Part]:
    """Return the parts for `value` in the field `name`."""
    if value is None:
        return
    if isinstance(value, str | os.PathLike):
        yield _of_path(name, value)
    elif isinstance(value, Bytes):
        yield Part(name, bytes(value), name, _UNNAMED)
    elif isinstance(value, io.BytesIO):
        yield Part(name, value.getvalue(), name, _UNNAMED)
    elif isinstance(value, Mapping):
        yield _of_mapping(name, value)
    elif isinstance(value, list | tuple) and _is_named(value):
        yield _named(name, *value)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _parts(name, one)
    else:
        raise _no_file(name, value)


def _is_named(value: Sequence[Any]) -> bool:
    """Whether it is ``(name, bytes)`` or ``(name, bytes, type)`` instead of a list of paths."""
    return len(value) in (2, 3) and isinstance(value[0], str) and isinstance(value[1], Bytes | io.BytesIO)


def _named(name: str, filename: str, content: Any, kind: Any = None) -> Part:
    if kind is not None and not isinstance(kind, str):
        raise _no_file(name, kind)
    raw = content.getvalue() if isinstance(content, io.BytesIO) else bytes(content)
    return Part(name, raw, filename, kind or guessed_type(filename))


def _of_path(name: str, value: Any) -> Part:
    path = check_file(Path(value), f"the file of {name!r}")
    return Part(name, path, path.name, guessed_type(path.name))


def _of_mapping(name: str, value: Mapping[str, Any]) -> Part:
    if strange := sorted(set(value) - {"path", "content", "name", "type"}, key=str):
        raise ArgumentError(f"the file of {name!r} has the unknown key {strange[0]!r}", remediation=_FORMS)
    if (value.get("path") is None) == (value.get("content") is None):
        raise ArgumentError(f"the file of {name!r} needs either a `path` or `content`", remediation=_FORMS)
    filename, kind = value.get("name"), value.get("type")
    if value.get("path") is not None:
        if not isinstance(value["path"], str | os.PathLike):
            raise _no_file(name, value["path"])
        found = _of_path(name, value["path"])
        content: bytes | Path = found.content
        default = str(found.filename)
    else:
        given = value["content"]
        content = bytes(given) if isinstance(given, Bytes) else to_text(given, name).encode()
        default = name
    shown = default if filename is None else to_text(filename)
    return Part(name, content, shown, to_text(kind) if kind is not None else guessed_type(shown))


def _no_file(name: str, value: Any) -> ArgumentError:
    what = f"{shorten(value)} (a {type(value).__name__})"
    return ArgumentError(f"the field {name!r} must be a file, not {what}", remediation=_FORMS)


def guessed_type(filename: str | PurePath) -> str:
    """Return the Content-Type for a file name."""
    kind, coding = mimetypes.guess_type(str(filename), strict=False)
    return _UNNAMED if kind is None or coding is not None else kind


def field_parts(pairs: Iterable[tuple[str, Any]], charset: str = "utf-8") -> list[Part]:
    """Return parts for fields that are not files. Raises ArgumentError for a mapping."""
    return [
        Part(name, one if isinstance(one, bytes) else _in(charset, one, name))
        for name, value in pairs
        for one in flat(name, value, "field")
    ]


def _in(charset: str, text: str, name: str) -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        strange = error.object[error.start]
        raise unsendable(text, name, f"contains {strange!r}, which {charset} cannot encode") from None


def multipart(parts: Sequence[Part], boundary: str = "") -> tuple[bytes | Upload, str]:
    """Return the body for `parts`, and its boundary; a random one if none is given.

    Raises:
        ArgumentError: a type is invalid, or the content contains the boundary.
    """
    mark = boundary or secrets.token_hex(16)
    pieces: list[bytes | Path] = []
    text = bytearray()
    for part in parts:
        text += f"--{mark}\r\n".encode() + _head(part)
        if isinstance(part.content, Path):
            pieces += [bytes(text), part.content]
            text = bytearray()
        else:
            if boundary and f"--{mark}".encode() in part.content:
                raise ArgumentError(f"the field {part.name!r} contains the boundary {mark!r} of the body")
            text += part.content
        text += b"\r\n"
    text += f"--{mark}--\r\n".encode()
    if not pieces:
        return bytes(text), mark
    return Upload([*pieces, bytes(text)]), mark


def _head(part: Part) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{_quoted(part.name)}"']
    if part.filename is not None:
        lines[0] += f'; filename="{_quoted(part.filename)}"'
    if part.type:
        if not _TYPE.fullmatch(part.type):
            raise ArgumentError(f"the file of {part.name!r} has the invalid type {shorten(part.type)}")
        lines.append(f"Content-Type: {part.type}")
    try:
        return "\r\n".join([*lines, "", ""]).encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"the file of {part.name!r} has a name that UTF-8 cannot encode: {shorten(part.filename)}",
            remediation="set another name: `{path: ..., name: ...}`",
        ) from None


def _quoted(name: str) -> str:
    """Escape a name as the HTML standard defines for multipart/form-data; other characters stay UTF-8."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
