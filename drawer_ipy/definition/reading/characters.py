"""Special characters in a definition: line separators that editors ignore, and surrogates."""

from __future__ import annotations

import re

from drawer_ipy.common.bad_value import BadValue

SEPARATORS = "\x85\u2028\u2029"
"""Line breaks to YAML 1.1 and to Python, ordinary characters to YAML 1.2, JSON and every editor."""

NO_BREAK_SPACES = ("\xa0", "\u2007", "\u202f", "\u200b", "\u3000")
"""Characters that look like indentation but are not; text copied from a page or a chat may contain them."""

_NAMES = {
    "\x0b": "a vertical tab",
    "\x0c": "a form feed",
    "\x1c": "a file separator",
    "\x1d": "a group separator",
    "\x1e": "a record separator",
    "\x1f": "a unit separator",
    "\x7f": "a delete character",
    "\x85": "a next line character",
    "\xa0": "a no-break space",
    "\u200b": "a zero-width space",
    "\u3000": "an ideographic space",
    "\u2028": "a line separator",
    "\u2029": "a paragraph separator",
}
_PRIVATE = range(0xE000, 0xF8FF + 1)
_SURROGATE = re.compile("[\ud800-\udfff]")


def character_name(character: str) -> str:
    """The common name of `character` with its number: ``a form feed (U+000C)``."""
    number = f"U+{ord(character):04X}"
    named = _NAMES.get(character)
    return f"{named} ({number})" if named else f"the character {number}"


def stand_ins(text: str) -> dict[str, str]:
    """Map each of :data:`SEPARATORS` in `text` to a character that is not in `text`."""
    found = [one for one in SEPARATORS if one in text]
    if not found:
        return {}
    free = (chr(code) for code in _PRIVATE if chr(code) not in text)
    # If the text contains all 6,400 private characters, the other separators stay.
    return dict(zip(found, free, strict=False))


def whole_characters(text: str) -> str:
    """Return `text` with each pair of surrogates that were escaped separately combined into one character.

    Raises:
        BadValue: a surrogate has no counterpart.
    """
    if not _SURROGATE.search(text):
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    half = _SURROGATE.search(joined)
    if half is not None:
        raise BadValue(
            f"U+{ord(half[0]):04X} is a surrogate without its counterpart", "write both surrogates or none"
        )
    return joined
