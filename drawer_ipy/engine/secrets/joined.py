"""Texts whose lines are joined, so that a secret that was broken over lines is in one piece again.

Base64 is written in lines of 60, 64 or 76 characters, certificates are indented in YAML, mails are quoted,
and long strings are written as several literals. What is removed is remembered, so that places in the joined
text can be found in the original one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

# Each alternative begins with a literal character: the search is ten times as fast then.
_BACKSLASHES = r"\\(?<!\\\\)\\*+"
_BREAK = (
    r"(?:\n|\r|\v|\f|\x1c|\x1d|\x1e|\x85|\u2028|\u2029"
    rf"|{_BACKSLASHES}(?:[nr]|x0[aAdD]|u000[aAdD]|\r?\n)"
    r"|=\r?\n"
    r"|%(?:25)*0[aAdD]\+*+"
    r"|&(?:amp;)*(?:#(?:0*1[03]|[xX]0*[aAdD])|NewLine);"
    r"|<[bB][rR][ ]?/?>)"
)
_BLANK = r"(?:[ \t\xa0\u3000]|\\+t|%(?:25)*(?:20|09)|&(?:amp;)*(?:nbsp|\#9|\#32);)"

_BREAKS = re.compile(rf"{_BREAK}(?:{_BREAK}|{_BLANK})*+")
"""Ends of lines, plain or escaped, with the indentation after them."""

_TRAILING = re.compile(r" (?<![ \t] )[ \t]*+(?=[\r\n])|\t(?<![ \t]\t)[ \t]*+(?=[\r\n])")
_LITERALS = re.compile(
    rf"(?:'|\"|{_BACKSLASHES}['\"])[ \t]*+"
    rf"(?:[,+.](?:[ \t]|{_BREAK})*+|\\?{_BREAK}(?:[ \t]|{_BREAK})*+[+.]?[ \t]*+|(?<=[ \t]))"
    r"[bu]?\\*+['\"]"
)
"""The end of a string literal and the beginning of the next one, in a list or a concatenation."""

_MARGINS = re.compile(
    r"[\r\n][ \t]*+"
    r"(?:(?:[>#|*;!%│┃]++|//(?=[ \t])|--(?=[ \t])|[+-](?=[ \t])|\d++(?:[ \t]*+[:|)\]]|[ \t]))[ \t]*+)++"
)
"""The beginning of a line in a quoted mail, a comment, a frame or a numbered listing."""


class Joined:
    """A text with parts removed.

    Args:
        text: the original text.

    Attributes:
        whole: the original text.
        text: the rest of it.
    """

    def __init__(self, text: str) -> None:
        self.whole = self.text = text
        self._passes: list[tuple[list[int], list[int]]] = []

    def remove(self, pattern: re.Pattern[str]) -> None:
        """Remove what `pattern` matches."""
        at, removed, pieces, done, total = [], [], [], 0, 0
        for found in pattern.finditer(self.text):
            pieces.append(self.text[done : found.start()])
            done = found.end()
            at.append(found.start() - total)
            total += done - found.start()
            removed.append(total)
        if at:
            self._passes.append((at, removed))
            self.text = "".join([*pieces, self.text[done:]])

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original text of ``text[start:end]``."""
        return self._place(start), self._place(end - 1) + 1

    def _place(self, index: int) -> int:
        for at, removed in reversed(self._passes):
            before = bisect_right(at, index)
            index += removed[before - 1] if before else 0
        return index


def may_be_broken(text: str) -> bool:
    """Whether there may be an end of a line in `text`, or a string literal after another."""
    return (
        ("\n" in text or "\\" in text or '"' in text or "'" in text or "&" in text)
        or ("%0" in text or "\r" in text or "<" in text)
        or (not text.isascii() and any(end in text for end in _RARE))
    )


_RARE = ("\x85", "\u2028", "\u2029")


_LETTERS = bytes(char for char in range(256) if not (char < 128 and chr(char).isalnum()))
_ESCAPES = (
    ("\\", re.compile(rf"{_BACKSLASHES}(?:[nrt]|x0[aAdD]|u000[aAdD])")),
    ("%", re.compile(r"%(?:25)*(?:0[aAdD9]|20)")),
    ("&", re.compile(r"&(?:amp;)*(?:#(?:0*(?:1[03]|9|32)|[xX]0*[aAdD])|NewLine|nbsp);")),
    ("<", re.compile("<[bB][rR][ ]?/?>")),
)
_PREFIXES = re.compile(r"(?<![A-Za-z0-9+/_-])[bu](?=['\"])")
_NUMBERS = re.compile(r"\n[ \t]*+\d++(?=[ \t:|)\]])")


def letters_of(text: str) -> Iterator[bytes]:
    """Yield the ASCII letters and digits of `text` without those that are part of the end of a line.

    Words of secrets that are broken over lines are found in them; this is much faster than joining the lines.
    """
    for mark, pattern in _ESCAPES:
        if mark in text:
            text = pattern.sub("", text)
    if any(prefix in text for prefix in ("b'", 'b"', "u'", 'u"')):
        text = _PREFIXES.sub("", text)
    yield text.encode("utf-8", "surrogatepass").translate(None, _LETTERS)
    if (unnumbered := _NUMBERS.sub("", text)) != text:
        yield unnumbered.encode("utf-8", "surrogatepass").translate(None, _LETTERS)


def _patterns(text: str) -> Iterator[tuple[re.Pattern[str], ...]]:
    """Yield the patterns to remove one after the other: without and with what decorates lines."""
    trailing = (_TRAILING,) if any(f"{blank}{end}" in text for blank in " \t" for end in "\r\n") else ()
    yield *trailing, _BREAKS
    decorations = [pattern for pattern in (_LITERALS, _MARGINS) if pattern.search(text)]
    if decorations:
        yield *trailing, *decorations, _BREAKS


def joined(text: str) -> Iterator[Joined]:
    """Yield `text` with its lines joined, in one or two ways; nothing if it has only one line."""
    for patterns in _patterns(text):
        found = Joined(text)
        for pattern in patterns:
            found.remove(pattern)
        if found.text != text:
            yield found
