"""Turns the text of an expression into tokens.

The words are CEL's (the Common Expression Language), with three additions that drawers need: names
may hold hyphens (``my-step``), may begin with a digit (``1st``) and may be words CEL reserves
(``import``). The end of a ``${...}`` is found here too, so quotes and braces inside it are safe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.habits import CHARACTERS, SIGNS

ESCAPE_HINT = "write $${ where a literal ${ is meant"


class TokenKind(Enum):
    """What a token is."""

    NAME = "name"
    INT = "number"
    FLOAT = "decimal number"
    TEXT = "text"
    OP = "operator"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `text` as written, `value` as meant, ``[start, end)`` in the text compiled."""

    kind: TokenKind
    text: str
    value: Any
    start: int
    end: int


_BLANK = re.compile(r"\s+")
_NAME = re.compile(r"\w+(?:-\w+)*")
_NUMBER = re.compile(
    r"(?P<hex>0[xX][0-9a-fA-F]+)[uU]?"
    r"|(?P<float>(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)"
    r"|(?P<int>\d+)[uU]?",
    re.ASCII,
)
# Signs of other languages are tokens too, so that the parser can say what to write instead.
_FOREIGN = "|".join(re.escape(sign) + ("(?![0-9])" if sign == "?." else "") for sign in SIGNS)
_OPERATOR = re.compile(_FOREIGN + r"|\?\?|\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}]")
_QUOTE = re.compile(r"([rRbB]{0,2})('''|\"\"\"|'|\")")
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_LARGEST = 2**63  # as a literal only after a minus sign; the parser checks

_SIMPLE_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"`?])|[xX](?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})"
    r"|U(?P<U>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<bad>.?))",
    re.DOTALL,
)


def tokenize(
    text: str, start: int = 0, *, embedded: bool, splits: Mapping[int, int] | None = None
) -> tuple[list[Token], int]:
    """The tokens of the expression at `start`, and the offset just behind it.

    Args:
        text: the whole text; offsets in tokens and errors count from its beginning.
        embedded: the expression sits in ``${...}``, so it ends at the first ``}`` that closes
            nothing inside it; the offset returned is behind that brace. Else it ends with the text.
        splits: for a name at that offset, how many of its hyphen-joined parts belong to it; what
            follows is then a minus sign.

    Raises:
        ResolveError: a quote or the ``${`` is not closed, or a character means nothing in CEL.
    """
    return _Lexer(text, start, embedded, splits or {}).run()


class _Lexer:
    def __init__(self, text: str, start: int, embedded: bool, splits: Mapping[int, int]) -> None:
        self.text = text
        self.start = start
        self.pos = start
        self.embedded = embedded
        self.splits = splits
        self.tokens: list[Token] = []
        self.open: list[tuple[str, int]] = []

    def run(self) -> tuple[list[Token], int]:
        while True:
            if blank := _BLANK.match(self.text, self.pos):
                self.pos = blank.end()
            if self.pos >= len(self.text):
                return self._end_of_text()
            if self.text[self.pos] == "}" and not self.open and self.embedded:
                self._add(TokenKind.END, self.pos, None)
                return self.tokens, self.pos + 1
            self._one()

    def _end_of_text(self) -> tuple[list[Token], int]:
        if self.embedded:
            where = max(self.start - 2, 0)
            raise ResolveError(
                "this ${ is never closed", remediation=f"add the }}, or {ESCAPE_HINT}", offset=where
            )
        self._add(TokenKind.END, self.pos, None)
        return self.tokens, self.pos

    def _add(self, kind: TokenKind, end: int, value: Any) -> None:
        self.tokens.append(Token(kind, self.text[self.pos : end], value, self.pos, end))
        self.pos = end

    def _one(self) -> None:
        if quote := _QUOTE.match(self.text, self.pos):
            self._quoted(quote)
            return
        member = bool(self.tokens) and self.tokens[-1].text == "."
        number = None if member else _NUMBER.match(self.text, self.pos)
        name = _NAME.match(self.text, self.pos)
        if name and number and (number.end() >= name.end() or _plain_digits(name.group())):
            name = None
        if name:
            self._name(name, member)
        elif number and not (number.group()[0] == "." and self._after_operand()):
            self._number(number)
        else:
            self._operator()

    def _after_operand(self) -> bool:
        last = self.tokens[-1] if self.tokens else None
        return last is not None and (last.kind is not TokenKind.OP or last.text in (")", "]", "}"))

    def _name(self, match: re.Match[str], member: bool) -> None:
        parts = match.group().split("-")
        keep = self.splits.get(self.pos, len(parts))
        if parts[0].isdecimal():
            # `list.0-1` and `10-n` are subtractions: only digits before the first hyphen.
            keep = 1
        text = "-".join(parts[:keep])
        end = self.pos + len(text)
        if member and text.isdecimal():
            self._add(TokenKind.INT, end, self._whole(text, 10))
        else:
            self._add(TokenKind.NAME, end, text)

    def _number(self, match: re.Match[str]) -> None:
        if match["float"] is not None:
            number = float(match["float"])
            if math.isinf(number):
                raise ResolveError("this number is larger than a decimal number can be", offset=self.pos)
            self._add(TokenKind.FLOAT, match.end(), number)
            return
        digits = match["hex"] or match["int"]
        self._add(TokenKind.INT, match.end(), self._whole(digits, 16 if match["hex"] else 10))

    def _whole(self, digits: str, base: int) -> int:
        # Beyond 20 characters it cannot fit, and converting a huge literal would be slow.
        value = int(digits, base) if len(digits) <= 40 else _LARGEST + 1
        if value > _LARGEST:
            raise ResolveError("this whole number does not fit in 64 bits", offset=self.pos)
        return value

    def _operator(self) -> None:
        match = _OPERATOR.match(self.text, self.pos)
        if match is None:
            raise self._unknown_character()
        op = match.group()
        if op in ("(", "[", "{"):
            self.open.append((op, self.pos))
        elif op in _CLOSERS:
            if not self.open:
                raise ResolveError(f"this {op} closes nothing", offset=self.pos)
            opener, where = self.open[-1]
            if opener != _CLOSERS[op]:
                raise ResolveError(
                    f"this {opener} is not closed before the {op}",
                    remediation=f"close it, or {ESCAPE_HINT}",
                    offset=where,
                )
            self.open.pop()
        self._add(TokenKind.OP, match.end(), op)

    def _unknown_character(self) -> ResolveError:
        found = self.text[self.pos]
        hint = CHARACTERS.get(found, f"if no reference is meant, {ESCAPE_HINT}")
        return ResolveError(f"{found!r} means nothing in an expression", remediation=hint, offset=self.pos)

    def _quoted(self, match: re.Match[str]) -> None:
        prefix, quote = match.group(1).lower(), match.group(2)
        if prefix in ("rr", "bb"):
            raise ResolveError(f"{prefix!r} before a quote means nothing", offset=self.pos)
        raw, binary = "r" in prefix, "b" in prefix
        end = self._closing(match.end(), quote, raw)
        body = self.text[match.end() : end]
        self._add(TokenKind.TEXT, end + len(quote), _unescape(body, match.end(), raw, binary))

    def _closing(self, pos: int, quote: str, raw: bool) -> int:
        """Offset of the quote that ends the text whose content begins at `pos`."""
        begin = self.pos
        while pos < len(self.text):
            if self.text.startswith(quote, pos):
                return pos
            if self.text[pos] == "\n" and len(quote) == 1:
                break
            pos += 2 if self.text[pos] == "\\" and not raw else 1
        raise ResolveError(
            f"the quote {quote} is never closed",
            remediation=f"close it, or {ESCAPE_HINT}",
            offset=begin,
        )


def _plain_digits(name: str) -> bool:
    """``10`` and ``10-n``, which begin with a number and not with a name such as ``1st``."""
    return name.split("-", 1)[0].isdecimal()


def _unescape(body: str, offset: int, raw: bool, binary: bool) -> str | bytes:
    """The text (or bytes) that a quoted literal stands for, by CEL's escapes."""
    if raw or "\\" not in body:
        return body.encode() if binary else body
    out: list[bytes] = []
    last = 0
    for match in _ESCAPE.finditer(body):
        out.append(body[last : match.start()].encode("utf-8", "surrogatepass"))
        out.append(_escape(match, offset, binary))
        last = match.end()
    out.append(body[last:].encode("utf-8", "surrogatepass"))
    joined = b"".join(out)
    return joined if binary else joined.decode("utf-8", "surrogatepass")


def _escape(match: re.Match[str], offset: int, binary: bool) -> bytes:
    if match["simple"]:
        return _SIMPLE_ESCAPES[match["simple"]].encode()
    if match["bad"] is not None:
        raise ResolveError(
            f"\\{match['bad']} is not an escape",
            remediation="write \\\\ for a backslash, or put r before the quote",
            offset=offset + match.start(),
        )
    byte = match["x"] or match["octal"]
    code = int(match["octal"], 8) if match["octal"] else int(match["x"] or match["u"] or match["U"], 16)
    if binary and byte:
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ResolveError("no such character", offset=offset + match.start())
    return chr(code).encode()
