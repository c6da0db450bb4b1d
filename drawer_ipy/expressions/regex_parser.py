"""Regular expressions in RE2 syntax (https://github.com/google/re2/wiki/Syntax), parsed into a program.

A program is a list of instructions for a machine that follows all ways at once (see ``regex.py``), so that a
match takes time in proportion to the text. RE2 has neither back-references nor lookaround, which such a
machine could not follow. Of RE2's syntax, scripts (``\\p{Greek}``) and single bytes (``\\C``) are missing.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from drawer_ipy.expressions.regex_program import (
    MOST_REPEATS,
    Anchor,
    Fragment,
    Instruction,
    InvalidPattern,
    Match,
    Test,
    all_of,
    check,
    either,
    take,
    times,
)

_LAST = 0x10FFFF
_LAST_CASED = 0x1F000
_WORD = string.ascii_letters + string.digits + "_"
_PERL = {"d": string.digits, "w": _WORD, "s": "\t\n\f\r "}
_POSIX = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "ascii": "".join(map(chr, range(128))),
    "blank": "\t ",
    "cntrl": "".join(map(chr, [*range(32), 127])),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": "\t\n\v\f\r ",
    "upper": string.ascii_uppercase,
    "word": _WORD,
    "xdigit": string.hexdigits,
}
_CONTROL = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_CATEGORIES = {"C": "cfos", "L": "ulmot", "M": "nce", "N": "dlo", "P": "cdseifo", "S": "mcko", "Z": "slp"}
"""First letter of a general category of Unicode -> the second letters."""


@dataclass(frozen=True, slots=True)
class _Flags:
    fold: bool = False
    lines: bool = False
    dot_all: bool = False
    lazy: bool = False  # makes no difference to whether a text matches


_FLAGS = {"i": "fold", "m": "lines", "s": "dot_all", "U": "lazy"}


def parse(pattern: str) -> list[Instruction]:
    """Return the program of `pattern`.

    Raises:
        InvalidPattern: it is not valid, or too large.
    """
    parser = _PatternParser(pattern)
    node = parser.alternatives(_Flags())
    if parser.more():
        raise InvalidPattern("a ) without a (")
    program: list[Instruction] = []
    node.write(program)
    program.append(Match())
    return program


class _PatternParser:
    """A recursive-descent parser; each method reads what it names, from the current place on."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def more(self) -> bool:
        return self._at < len(self._text)

    def alternatives(self, flags: _Flags) -> Fragment:
        self._depth += 1
        if self._depth > 200:
            raise InvalidPattern("its groups are nested too deeply")
        found = []
        while True:
            node, flags = self._sequence(flags)
            found.append(node)
            if not self._skip("|"):
                break
        self._depth -= 1
        return found[0] if len(found) == 1 else either(found)

    def _sequence(self, flags: _Flags) -> tuple[Fragment, _Flags]:
        parts: list[Fragment] = []
        while self.more() and self._text[self._at] not in "|)":
            if self._skip("\\Q"):
                parts += self._quoted(flags)
            elif self._skip("(?P<") or self._skip("(?<"):
                self._skip_name()
                parts.append(self._repeated(self._group(flags)))
            elif self._skip("(?"):
                inner, flags = self._flagged(flags)
                parts += [] if inner is None else [self._repeated(inner)]
            else:
                parts.append(self._repeated(self._atom(flags)))
        return all_of(parts), flags

    def _group(self, flags: _Flags) -> Fragment:
        inner = self.alternatives(flags)
        if not self._skip(")"):
            raise InvalidPattern("a ( without a )")
        return inner

    def _skip_name(self) -> None:
        name, end, rest = self._text[self._at :].partition(">")
        if not end or not name.isidentifier():
            raise InvalidPattern("an invalid name of a group, or lookbehind, which is not supported")
        self._at = len(self._text) - len(rest)

    def _flagged(self, flags: _Flags) -> tuple[Fragment | None, _Flags]:
        """Read the rest of ``(?flags)`` or ``(?flags:...)``; returns the group, and the flags behind it."""
        on, new = True, flags
        while (letter := self._next("a group")) not in ":)":
            if letter == "-" and on:
                on = False
            elif letter in _FLAGS:
                new = replace(new, **{_FLAGS[letter]: on})
            else:
                raise InvalidPattern(f"(?{letter} is not supported")
        return (None, new) if letter == ")" else (self._group(new), flags)

    def _quoted(self, flags: _Flags) -> list[Fragment]:
        end = self._text.find("\\E", self._at)
        text = self._text[self._at : end if end >= 0 else len(self._text)]
        self._at = len(self._text) if end < 0 else end + 2
        parts = [take(_one_of(c, flags)) for c in text]
        return [*parts[:-1], self._repeated(parts[-1])] if parts else []

    def _repeated(self, node: Fragment) -> Fragment:
        repeated = False
        while self.more():
            bounds = self._bounds()
            if bounds is None:
                break
            if repeated:
                raise InvalidPattern("a repetition of a repetition; put the inner one into parentheses")
            self._skip("?")  # greedy or not: the same texts match
            node, repeated = times(node, *bounds), True
        return node

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        if self._text[self._at] != "{":
            return None
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_count(low) or (comma and high and not _is_count(high)):
            return None  # a literal brace
        self._at = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if least > MOST_REPEATS or (most is not None and (most > MOST_REPEATS or most < least)):
            raise InvalidPattern(f"an invalid repetition {{{low}{comma}{high}}}; at most {MOST_REPEATS}")
        return least, most

    def _atom(self, flags: _Flags) -> Fragment:
        letter = self._next("a character")
        if letter == "(":
            return self._group(flags)
        if letter == "[":
            return take(self._set(flags))
        if letter == ".":
            return take(_always if flags.dot_all else _no_newline)
        if letter == "^":
            return check(Anchor.LINE_START if flags.lines else Anchor.START)
        if letter == "$":
            return check(Anchor.LINE_END if flags.lines else Anchor.END)
        if letter in "*+?":
            raise InvalidPattern(f"nothing to repeat before {letter}")
        if letter == "\\":
            return self._escape(flags)
        return take(_one_of(letter, flags))

    def _escape(self, flags: _Flags) -> Fragment:
        places = {"A": Anchor.START, "z": Anchor.END, "b": Anchor.WORD_EDGE, "B": Anchor.NO_WORD_EDGE}
        if self.more() and self._text[self._at] in places:
            return check(places[self._next("")])
        if (known := self._class(flags)) is not None:
            return take(known)
        return take(_one_of(self._character(), flags))

    def _class(self, flags: _Flags) -> Test | None:
        r"""Read ``\d``, ``\pL`` and the like after the backslash."""
        letter = self._text[self._at : self._at + 1]
        if letter and letter.lower() in _PERL:
            self._at += 1
            return _ranges([(c, c) for c in _PERL[letter.lower()]], flags, negated=letter.isupper())
        if letter in ("p", "P"):
            self._at += 1
            return self._category(flags, negated=letter == "P")
        return None

    def _category(self, flags: _Flags, *, negated: bool) -> Test:
        name = self._next("a category")
        if name == "{":
            end = self._text.find("}", self._at)
            if end < 0:
                raise InvalidPattern("a category without its }")
            name, self._at = self._text[self._at : end], end + 1
        if name.startswith("^"):
            name, negated = name[1:], not negated
        if name == "Any":
            return _never if negated else _always
        kinds = {name[:1] + second for second in _CATEGORIES.get(name[:1], "")}
        if name not in {name[:1], *kinds} or not kinds:
            raise InvalidPattern(
                f"unknown character category {name!r}; the general categories are L, Lu, N and so on"
            )
        kinds = kinds if len(name) == 1 else {name}
        test = _folded(lambda c: unicodedata.category(c) in kinds, flags)
        return lambda c: test(c) is not negated

    def _character(self) -> str:
        """Read the character that an escape names, after the backslash."""
        letter = self._next("a character after \\")
        if letter in _CONTROL:
            return _CONTROL[letter]
        if letter == "x":
            return self._hexadecimal()
        if letter in "01234567":
            return self._octal(letter)
        if letter.isascii() and not letter.isalnum():
            return letter
        raise InvalidPattern(f"an unknown escape \\{letter}")

    def _hexadecimal(self) -> str:
        if self._skip("{"):
            end = self._text.find("}", self._at)
            digits, self._at = self._text[self._at : max(end, self._at)], end + 1
            if end < 0:
                digits = ""
        else:
            digits = self._text[self._at : self._at + 2]
            self._at += 2
            digits = digits if len(digits) == 2 else ""
        if not digits or set(digits) - set(string.hexdigits) or int(digits, 16) > _LAST:
            raise InvalidPattern("an invalid \\x")
        return chr(int(digits, 16))

    def _octal(self, first: str) -> str:
        digits = first
        while len(digits) < 3 and self.more() and self._text[self._at] in "01234567":
            digits += self._next("")
        if first != "0" and len(digits) == 1:
            raise InvalidPattern(f"a back-reference \\{first} is not supported")
        return chr(int(digits, 8))

    def _set(self, flags: _Flags) -> Test:
        negated = self._skip("^")
        ranges: list[tuple[str, str]] = []
        tests: list[Test] = []
        first = True
        while first or not self._skip("]"):
            if not self.more():
                raise InvalidPattern("a [ without a ]")
            first = False
            if (test := self._class_in_set(flags)) is not None:
                tests.append(test)
                continue
            low = high = self._set_character()
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                high = self._set_character()
                if high < low:
                    raise InvalidPattern(f"an invalid range {low}-{high}")
            ranges.append((low, high))
        inside = _ranges(ranges, flags)
        return lambda c: (inside(c) or any(test(c) for test in tests)) is not negated

    def _class_in_set(self, flags: _Flags) -> Test | None:
        if self._text.startswith("[:", self._at) and (end := self._text.find(":]", self._at)) >= 0:
            name = self._text[self._at + 2 : end]
            negated = name.startswith("^")
            if name.removeprefix("^") not in _POSIX:
                raise InvalidPattern(f"an unknown character class [:{name}:]")
            self._at = end + 2
            return _ranges([(c, c) for c in _POSIX[name.removeprefix("^")]], flags, negated=negated)
        if self._text.startswith("\\", self._at):
            self._at += 1
            known = self._class(flags)
            if known is None:
                self._at -= 1
            return known
        return None

    def _set_character(self) -> str:
        letter = self._next("a ]")
        return self._character() if letter == "\\" else letter

    def _skip(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _next(self, wanted: str) -> str:
        if not self.more():
            raise InvalidPattern(f"it ends where {wanted} is expected")
        self._at += 1
        return self._text[self._at - 1]


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


def _no_newline(c: str) -> bool:
    return c != "\n"


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _ranges(ranges: list[tuple[str, str]], flags: _Flags, *, negated: bool = False) -> Test:
    test = _folded(lambda c: any(low <= c <= high for low, high in ranges), flags)
    return (lambda c: not test(c)) if negated else test


def _one_of(letter: str, flags: _Flags) -> Test:
    return _folded(lambda c: c == letter, flags)


def _folded(test: Test, flags: _Flags) -> Test:
    """Let `test` accept the characters that differ only in case, if the flags say so."""
    if not flags.fold:
        return test
    alike = _alike()
    return lambda c: any(map(test, alike.get(_fold(c), (c,))))


@lru_cache(maxsize=1)
def _alike() -> dict[str, list[str]]:
    """Folded character -> the characters that differ only in case; it takes about 50 ms once."""
    groups: dict[str, list[str]] = {}
    for c in map(chr, range(_LAST_CASED)):
        if c.isalpha() or c != _fold(c) or c != c.upper():
            groups.setdefault(_fold(c), []).append(c)
    return {folded: group for folded, group in groups.items() if len(group) > 1}


def _fold(c: str) -> str:
    """Return the simple case folding of a character."""
    folded = c.casefold()
    if len(folded) == 1:
        return folded
    return lower if len(lower := c.lower()) == 1 else c
