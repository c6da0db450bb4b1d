"""The words of a magic's line with their places, and mistakes in how they are separated."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from drawer_ipy.errors import UsageError

ASSIGNMENT = re.compile(r"([^\W\d][\w-]*)=(.*)", re.DOTALL)
"""``name=value``: an input."""

_NO_BLANKS = "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
"""Characters that Python counts as blanks, but that belong to a value: they are not typed between words."""

_CLOSING = {"{": "}", "[": "]", "(": ")"}
_STRING_PREFIX = re.compile(r"=[bBrRuUfF]{1,2}\Z")
_VARIABLE = re.compile(r"[^=]*=\$\S*", re.DOTALL)
_OTHER_EQUALS = re.compile(r"([^\W\d][\w-]*)([\N{FULLWIDTH EQUALS SIGN}\N{SMALL EQUALS SIGN}])")
_OTHER_DASHES = "\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}"


class LineWord(str):
    """A word of a line.

    Attributes:
        start: 0-based place of its first character in the line.
    """

    __slots__ = ("start",)
    start: int

    def __new__(cls, text: str, start: int) -> LineWord:
        word = super().__new__(cls, text)
        word.start = start
        return word


def words_of(line: str) -> list[LineWord]:
    """Split `line` at blanks, except those inside quotes and brackets.

    Raises:
        UsageError: a quote or bracket is never closed.
    """
    return _Scanner(line).words()


class _Scanner:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._open: list[tuple[str, int]] = []  # what closes each open quote or bracket, and where it began

    def words(self) -> list[LineWord]:
        words: list[LineWord] = []
        while self._at < len(self._line):
            if _separates(self._line[self._at]):
                self._at += 1
            else:
                start = self._at
                words.append(LineWord(self._word(), start))
        return words

    def _word(self) -> str:
        line, start = self._line, self._at
        while self._at < len(line):
            char = line[self._at]
            if char in "'\"" and (self._open or _may_quote(line[start : self._at])):
                self._quoted()
                continue
            if self._open and char == self._open[-1][0]:
                self._open.pop()
            elif char in _CLOSING and (self._open or _may_bracket(char, line[start : self._at])):
                self._open.append((_CLOSING[char], self._at))
            elif not self._open and _separates(char):
                break
            self._at += 1
        if self._open:
            self._missing(*self._open[-1])
        return line[start : self._at]

    def _quoted(self) -> None:
        """Move behind the text in quotes that begins here."""
        line, start = self._line, self._at
        quote = line[start]
        if line.startswith(quote * 3, start):
            quote *= 3
        self._at += len(quote)
        while self._at < len(line):
            if line.startswith(quote, self._at):
                self._at += len(quote)
                return
            self._at += 2 if line[self._at] == "\\" else 1
        self._missing(quote, start)

    def _missing(self, closing: str, opened: int) -> None:
        error = UsageError(f"a closing {closing} is missing in: {self._line.strip()}")
        raise error.pointing_at(self._line, opened + 1)


def _separates(char: str) -> bool:
    return char.isspace() and char not in _NO_BLANKS


def _may_quote(before: str) -> bool:
    """Whether a quote after `before` opens a text; in ``it's`` it does not."""
    return (
        not before
        or before[-1] in "=,:"
        or before.endswith("=@")
        or _STRING_PREFIX.search(before[-3:]) is not None
    )


def _may_bracket(bracket: str, before: str) -> bool:
    """Whether `bracket` after `before` groups words: where a value begins, and in ``$a[...]``."""
    return before.endswith("=") or (not before and bracket == "{") or _VARIABLE.fullmatch(before) is not None


def unquote(text: str) -> str:
    """`text` without the quotes around it, if it has some."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def check_words(words: Sequence[LineWord], takes_value: Callable[[str], bool]) -> None:
    """Check that the words of a line that presses a drawer are separated as they were meant to be.

    Args:
        takes_value: whether the word is an option whose value is the next word.

    Raises:
        UsageError: with the place in ``column`` and without the line.
    """
    before = None
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else None
        if before is None or not takes_value(before):
            _check_word(word, before, following)
        before = word


def _check_word(word: LineWord, before: LineWord | None, following: LineWord | None) -> None:
    if before is not None and before.endswith("=") and ASSIGNMENT.fullmatch(before) and _continues(word):
        name = before[:-1]
        raise _wrong(
            before.start + len(before),
            f"there is a blank after `{before}`",
            f"write {before}{word}, or {before}'' if input {name} is an empty text",
        )
    if word.startswith("="):
        value = word[1:] or (following or "...")
        name = before or "name"
        raise _wrong(word.start, "there is a blank before `=`", f"write {name}={value}")
    if word == "\\" or (following is None and word.endswith("\\")):
        raise _wrong(
            word.start + len(word) - 1,
            "a backslash does not continue a magic's line",
            "write everything on one line; a text that ends with a backslash is quoted: 'a\\\\'",
        )
    if other := _OTHER_EQUALS.match(word):
        raise _wrong(
            word.start + other.start(2),
            f"`{other[2]}` is not an equals sign",
            f"write {other[1]}={word[other.end() :]}",
        )
    if word[0] in _OTHER_DASHES:
        name = word.lstrip(_OTHER_DASHES + "-")
        raise _wrong(word.start, f"`{word[0]}` is not a hyphen", f"options are written --{name}")
    if ASSIGNMENT.fullmatch(word):
        return
    if "<<" in word and word != "<<":
        variable, _, name = word.partition("<<")
        raise _wrong(
            word.start + len(variable),
            "blanks are missing around `<<`",
            f"write {variable or 'VAR'} << {name or 'NAME'}",
        )
    if word.endswith(",") and word[0] not in "'\"":
        raise _wrong(word.start + len(word) - 1, "words are separated by blanks, not by commas")
    if "=" in word and word[0] not in "-'\"":
        raise _wrong(word.start, f"{word!r} is not a name=value", "a name has letters, digits, _ and -")


def _continues(word: LineWord) -> bool:
    """Whether `word` can be the value of the assignment before it."""
    return not word.startswith("-") and not ASSIGNMENT.fullmatch(word) and word != "<<"


def _wrong(at: int, message: str, remediation: str = "") -> UsageError:
    return UsageError(message, remediation=remediation).pointing_at("", at + 1)
