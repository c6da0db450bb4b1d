"""Find secrets in texts and bytes, in all the forms in which they may appear.

The search covers a secret itself, its escaped forms (for JSON, URLs, HTML, Python literals, in any mixture),
base64 at each of its three alignments, hexadecimal, and bytes in UTF-8, Latin-1, UTF-16 and UTF-32. If a
message has cut a secret short with an ellipsis, the rest of it is found too.
"""

from __future__ import annotations

import base64
import functools
import html.entities
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

REDACTED = "[redacted]"

SHORTEST = 4
"""Characters. A shorter secret is hidden only if it is the whole value, so that text stays readable."""

_HEAD = 20
"""Characters. Messages shorten long values, so the beginning of a long secret counts as the secret."""

_PIECE = 8
"""Characters of a secret (or half of a shorter one) that count as the secret next to an ellipsis."""

_LINE = 8
"""Least length, in characters, for a line of a multi-line secret to count as a secret itself."""

_DIGITS = 8
"""Number of digits that is unlikely to occur inside another number by chance."""

_BITS = 1_000
"""Bits of the largest integer checked as a secret; Python takes quadratic time to format long ones."""

_BASE64 = 6
"""Least length in base64 characters; shorter texts occur by chance too often."""

_WORDS = re.compile("[A-Za-z0-9]+")
_DOTS = ("...", "…", "â\x80¦")  # the last is the second in UTF-8, decoded as Latin-1
_ELLIPSIS = re.compile(rf"['\"]?(?:{'|'.join(map(re.escape, _DOTS))})['\"]?")
_NAMED = {"'": ["apos"], **{chr(code): [name] for code, name in html.entities.codepoint2name.items()}}


@dataclass(frozen=True)
class _Form:
    """One form of a secret.

    Attributes:
        text: the form, without escapes.
        of: returns the regular expression for one of its characters.
        anchor: a part of every text that contains the form; searching for it is fast.
        alone: whether finding the anchor is enough.
    """

    text: str
    of: Callable[[str], str]
    anchor: str
    alone: bool

    @classmethod
    def make(cls, text: str, of: Callable[[str], str]) -> _Form:
        """Make the form of `text`."""
        head = text[:_HEAD]
        anchor = max(_WORDS.findall(head), key=len, default="")
        return cls(text, of, anchor, anchor == head)

    @functools.cached_property
    def source(self) -> str:
        """Its regular expression."""
        head, rest = ("".join(map(self.of, part)) for part in (self.text[:_HEAD], self.text[_HEAD:]))
        return rf"{head}(?:{rest}|\S*)" if rest else head

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled regular expression; compiling takes milliseconds, and few are ever needed."""
        return re.compile(self.source)

    def is_in(self, text: str) -> bool:
        """Whether `text`, which contains the anchor, contains the form."""
        return self.alone or self.pattern.search(text) is not None


class Needles:
    """Finds secrets in texts and bytes.

    Args:
        secrets: the texts to find.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {text for secret in secrets for text in (secret, secret.strip()) if text}
        self._whole = frozenset(given)
        self._longest = max(map(len, given), default=0)
        long = {line for text in given for line in _lines(text)}
        forms = {form.text: form for text in long for form in _forms(text)}
        # Longest first, so that a secret that starts with another secret is replaced as a whole.
        self._forms = sorted(forms.values(), key=lambda form: len(form.text), reverse=True)
        self._anchors = sorted(
            ((len(form.anchor), form.anchor, form) for form in self._forms), key=lambda found: found[:2]
        )
        self._wide = tuple({wide for text in long for wide in _wide(text[:_HEAD])})
        as_bytes = {str(text.encode("utf-8", "surrogatepass"), "latin-1") for text in long}
        self._pieces = tuple(sorted(text for text in long | as_bytes if len(text) > SHORTEST))
        self._beyond_ascii = not all(map(str.isascii, long))
        numbers = set(filter(_is_number, given))
        self._numbers = frozenset(map(float, numbers))
        self._digits = tuple(text for text in numbers if len(text) >= _DIGITS)
        self.numeric = bool(numbers)
        """Whether a number can be a secret."""

    def in_text(self, text: str) -> bool:
        """Whether `text` is or contains a secret."""
        size = len(text)
        if size <= self._longest and text in self._whole:
            return True
        for least, anchor, form in self._anchors:
            if least > size:
                break
            if anchor in text and form.is_in(text):
                return True
        dotted = _DOTS[0] in text or (not text.isascii() and any(dots in text for dots in _DOTS))
        return dotted and next(self._cuts(text), None) is not None

    def in_number(self, value: int | float) -> bool:
        """Whether `value` is a secret, or a longer number that contains the digits of a long one."""
        if isinstance(value, int) and value.bit_length() > _BITS:
            return False
        text = str(value)
        return float(text) in self._numbers or any(digits in text for digits in self._digits)

    def in_bytes(self, data: bytes | bytearray | memoryview) -> bool:
        """Whether `data` is or contains a secret, in any of the usual encodings."""
        text = str(
            data, "latin-1"
        )  # each encoding of the secret has a form that is its bytes read as Latin-1
        if self.in_text(text) or any(wide in text for wide in self._wide):
            return True
        if not self._beyond_ascii or text.isascii():
            return False
        # MessagePack, in which polars serializes queries, puts a byte before each byte beyond ASCII.
        return self.in_text(text.replace("\xcc", "")) or self.in_text(str(data, "utf-8", "replace"))

    def out_of(self, text: str) -> str:
        """Return `text` with a marker in place of each secret."""
        if not self.in_text(text):
            return text
        if text in self._whole:
            return REDACTED
        for form in self._forms:
            if form.anchor in text:
                text = form.pattern.sub(REDACTED, text)
        parts, done = [], 0
        for start, end in self._cuts(text):
            parts += [text[done:start], REDACTED]
            done = end
        return "".join([*parts, text[done:]])

    def _cuts(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of parts of secrets on one or both sides of an ellipsis."""
        done = 0
        for dots in _ELLIPSIS.finditer(text):
            before, after = text[max(done, dots.start() - 4096) : dots.start()], text[dots.end() :]
            for piece in self._pieces:
                left, right = _left(piece, before), _right(piece, after)
                if max(left, right) >= min(_PIECE, max(SHORTEST, len(piece) // 2)):
                    yield dots.start() - left, dots.end() + right
                    done = dots.end() + right
                    break


def _left(secret: str, before: str) -> int:
    """Return how many characters of the beginning of `secret` are at the end of `before`."""
    most = min(len(secret) - 1, len(before))
    return next((n for n in range(most, 0, -1) if before.endswith(secret[:n])), 0)


def _right(secret: str, after: str) -> int:
    """Return how many characters of the end of `secret` are at the beginning of `after`."""
    most = min(len(secret) - 1, len(after))
    return next((n for n in range(most, 0, -1) if after.startswith(secret[-n:])), 0)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _lines(text: str) -> Iterator[str]:
    """Yield `text` and, if there are several, its lines, which tracebacks and logs indent one by one."""
    if len(text) >= SHORTEST:
        yield text
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > 1:  # except "-----BEGIN CERTIFICATE-----"
        yield from (line for line in lines if len(line) >= _LINE and not line.startswith("-----"))


def _forms(text: str) -> Iterator[_Form]:
    yield _Form.make(text, _char)
    encodings = {text.encode("utf-8", "surrogatepass")}
    if not text.isascii():
        encodings.add(text.encode("latin-1", "ignore"))
    for raw in encodings:
        if len(raw) >= SHORTEST:
            for encoded in _base64(raw):
                yield _Form.make(encoded, _base64_char)
            yield _Form.make(raw.hex(), re.escape)
            yield _Form.make(raw.hex().upper(), re.escape)


def _base64(raw: bytes) -> Iterator[str]:
    """Yield the base64 of `raw` at each alignment in a longer text, without the characters shared with it."""
    whole = base64.b64encode(raw).decode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        first = -(-8 * before // 6)
        last = 8 * (before + len(raw)) // 6
        inner = encoded[first:last]
        if len(inner) >= _BASE64:
            yield inner
        elif not before:
            yield whole


def _base64_char(char: str) -> str:
    """Return a regular expression for a base64 character in either alphabet, escaped or not."""
    return {"+": f"(?:{_char('+')}|-)", "/": f"(?:{_char('/')}|_)", "=": _char("=")}.get(char, char)


def _char(char: str) -> str:
    """Return a regular expression for `char`, unescaped or escaped once or several times."""
    if char.isascii() and char.isalnum():
        return char
    code, raw = ord(char), char.encode("utf-8", "surrogatepass")
    options = [rf"\\*{re.escape(char)}" if char != "\\" else r"\\+"]
    options += [
        _percent(raw),
        _backslash_x(raw),
        *_units(char),
        rf"\\+U{_hex(code, 8)}",
        rf"\\+u\{{{_hex(code, 0)}\}}",
    ]
    if code < 256:
        options += [_percent(bytes([code])), _backslash_x(bytes([code]))]
    names = [f"#0*{code}", f"#[xX]0*{_hex(code, 0)}", *_NAMED.get(char, ())]
    options.append(f"&(?:amp;)*(?:{'|'.join(names)});")
    if char in _SHORT:
        options.append(_SHORT[char])
    if not char.isascii():
        options += [re.escape(unicodedata.normalize("NFD", char)), re.escape(str(raw, "latin-1"))]
    return f"(?:{'|'.join(dict.fromkeys(options))})"


_SHORT = {
    " ": r"\+",
    "\n": r"\r?\n|\\+n|\\+r\\+n",
    **{char: rf"\\+{name}" for char, name in {"\r": "r", "\t": "t", "\b": "b", "\f": "f"}.items()},
}


def _hex(number: int, digits: int) -> str:
    return f"(?i:{number:0{digits}x})"


def _percent(raw: bytes) -> str:
    return "".join(f"%(?:25)*{_hex(byte, 2)}" for byte in raw)


def _backslash_x(raw: bytes) -> str:
    return "".join(rf"\\+x{_hex(byte, 2)}" for byte in raw)


def _units(char: str) -> Iterator[str]:
    r"""Yield ``\uXXXX``, as a pair if JSON needs one."""
    wide = char.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(wide[i : i + 2], "big") for i in range(0, len(wide), 2)]
    yield "".join(rf"\\+u{_hex(unit, 4)}" for unit in units)


def _wide(text: str) -> Iterator[str]:
    """Yield the UTF-16 and UTF-32 bytes of `text`, decoded as Latin-1."""
    for encoding in ("utf-16", "utf-32"):
        for order in ("le", "be"):
            wide = text.encode(f"{encoding}-{order}", "surrogatepass")
            yield str(wide.lstrip(b"\0") if order == "be" else wide.rstrip(b"\0"), "latin-1")
