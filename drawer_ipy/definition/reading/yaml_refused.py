"""What no definition in YAML may hold: other versions, strange characters, a second magic."""

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
    """Refuse what stands above the first value and cannot be read: a version, a magic.

    Raises:
        Malformed: with its place.
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
        raise Malformed(f"there is no YAML {version[1]} that is read here", at, hint)
    if line.startswith(("%YAML", "%TAG")):
        return
    trouble = magic_inside(line, at)
    if trouble is not None:
        raise trouble
    if line.startswith("%"):
        raise Malformed(f"the directive {shown(line.split()[0])} means nothing here", at, "remove the line")


def magic_inside(line: str, at: int) -> Malformed | None:
    """The error for a line, which begins at offset `at`, that is a magic within the cell of another one."""
    magic = _MAGIC.match(line)
    if magic is None:
        return None
    hint = "only what a cell begins with is a magic: put it above, or into a cell of its own"
    return Malformed(f"{magic[1]} stands inside the definition", at + magic.start(1), hint)


def unprintable(character: str, at: int) -> Malformed:
    """The error for a character that YAML does not allow."""
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return Malformed(
            f"U+{code:04X} is one half of a character (a surrogate), it cannot stand in a text", at
        )
    escape = _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
    return Malformed(
        f"{character_name(character)} cannot stand in a definition as it is",
        at,
        f'where it belongs to a value, write it in double quotes as "{escape}"; else remove it',
    )


def unexpected(error: Exception, text: str) -> Malformed:
    """The error for a text on which the parser itself failed."""
    for found in _ESCAPE.finditer(text):
        if int(found[1], 16) > _LAST_CHARACTER:
            return Malformed(
                f"there is no character {found[0]}", found.start(), "the last one is \\U0010FFFF"
            )
    return Malformed(f"this is not YAML: {error}" if str(error) else "this is not YAML", 0)
