"""Checks of YAML text for unsupported parts: other YAML versions, unprintable characters, a second magic."""

from __future__ import annotations

import re

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.reading.characters import character_name
from drawer_ipy.definition.reading.tree import Malformed

_VERSION = re.compile(r"%YAML[ \t]+(\S+)")
_READ = ("1.1", "1.2")
_MAGIC = re.compile(r"[ \t]*(%%[A-Za-z!]\w*|%[a-z]\w*)")
_ESCAPE = re.compile(r"\\U([0-9a-fA-F]{8})")
_LAST_CHARACTER = 0x10FFFF
_SHORT_ESCAPES = {"\0": "\\0", "\a": "\\a", "\b": "\\b", "\v": "\\v", "\f": "\\f", "\x1b": "\\e"}


def check_first_lines(text: str) -> None:
    """Reject unsupported lines above the first value: a directive, a magic.

    Raises:
        Malformed: with the position.
    """
    at = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            if not line.lstrip().startswith("%"):
                return
            _check_directive(line, at)
        at += len(line) + 1


def _check_directive(line: str, at: int) -> None:
    version = _VERSION.match(line)
    if version and version[1] not in _READ:
        hint = "remove the line: a definition is read as YAML 1.2"
        raise Malformed(f"YAML {version[1]} is not supported", at, hint)
    if line.startswith(("%YAML", "%TAG")):
        return
    trouble = magic_inside(line, at)
    if trouble is not None:
        raise trouble
    if line.startswith("%"):
        raise Malformed(f"the directive {shown(line.split()[0])} is not supported", at, "remove the line")


def magic_inside(line: str, at: int) -> Malformed | None:
    """The error for a line at offset `at` if it is a magic inside the cell of another one, or ``None``."""
    magic = _MAGIC.match(line)
    if magic is None:
        return None
    hint = "a magic must be at the start of a cell: put it there, or into a separate cell"
    return Malformed(f"{magic[1]} is inside the definition", at + magic.start(1), hint)


def unprintable(character: str, at: int) -> Malformed:
    """The error for a character that YAML does not allow."""
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return Malformed(f"U+{code:04X} is a surrogate (half of a character), which text cannot contain", at)
    escape = _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
    return Malformed(
        f"{character_name(character)} must be escaped in a definition",
        at,
        f'if it belongs to a value, write it in double quotes as "{escape}"; otherwise remove it',
    )


def unexpected(error: Exception, text: str) -> Malformed:
    """The error for a text on which the parser itself failed."""
    for found in _ESCAPE.finditer(text):
        if int(found[1], 16) > _LAST_CHARACTER:
            return Malformed(
                f"there is no character {found[0]}", found.start(), "the last character is \\U0010FFFF"
            )
    return Malformed(f"this is not YAML: {error}" if str(error) else "this is not YAML", 0)
