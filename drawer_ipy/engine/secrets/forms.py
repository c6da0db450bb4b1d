"""The forms in which a secret may appear in a text, each as a regular expression with a fast filter.

They are the secret itself, its escaped forms (for JSON, URLs, HTML, Python literals, in any mixture), base64
at each of its three alignments, and hexadecimal.
"""

from __future__ import annotations

import base64
import functools
import html.entities
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SHORTEST = 4
"""Characters. A shorter secret is hidden only if it is the whole value, so that text stays readable."""

HEAD = 20
"""Characters. Messages shorten long values, so the beginning of a long secret counts as the secret."""

_BASE64 = 6
"""Least length in base64 characters; shorter texts occur by chance too often."""

_OVER_LINES, _DIGITS_OVER_LINES = 6, 12
"""Characters. Least length of a form that is broken over lines; the second for digits and hexadecimal."""

_WORDS = re.compile("[A-Za-z0-9]+")
_NAMED = {"'": ["apos"], **{chr(code): [name] for code, name in html.entities.codepoint2name.items()}}


@dataclass(frozen=True)
class Form:
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
    def make(cls, text: str, of: Callable[[str], str]) -> Form:
        """Make the form of `text`."""
        head = text[:HEAD]
        anchor = max(_WORDS.findall(head), key=len, default="")
        return cls(text, of, anchor, anchor == head)

    @functools.cached_property
    def source(self) -> str:
        """Its regular expression."""
        head, rest = ("".join(map(self.of, part)) for part in (self.text[:HEAD], self.text[HEAD:]))
        return rf"{head}(?:{rest}|\S*)" if rest else head

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled regular expression; compiling takes milliseconds, and few are ever needed."""
        return re.compile(self.source)

    @functools.cached_property
    def head(self) -> re.Pattern[str]:
        """The compiled regular expression of its first characters."""
        return re.compile("".join(map(self.of, self.text[:HEAD])))

    def end_in(self, text: str, at: int) -> int:
        """Return where the form ends in `text`, or ceases to match, if its first characters end at `at`."""
        for char in self.text[HEAD:]:
            found = _compiled(self.of, char).match(text, at)
            if found is None:
                break
            at = found.end()
        return at

    def is_in(self, text: str) -> bool:
        """Whether `text`, which contains the anchor, contains the form."""
        return self.alone or self.pattern.search(text) is not None


@functools.lru_cache(1_000)
def _compiled(of: Callable[[str], str], char: str) -> re.Pattern[str]:
    return re.compile(of(char))


def forms_of(text: str) -> Iterator[Form]:
    """Yield all forms of a secret."""
    yield Form.make(text, char_of)
    yield from _encoded(text)


def forms_over_lines(text: str) -> Iterator[Form]:
    """Yield the forms of a secret in a text whose lines were joined, without those that occur by chance."""
    solid = "".join(text.split())
    least = _DIGITS_OVER_LINES if solid.isdigit() else _OVER_LINES
    if len(solid) >= least and any(map(str.isalnum, solid)):
        # A line may end where there is white space in the secret, which is then missing.
        yield Form.make(" ".join(text.split()), _loose_char)
    for form in _encoded(text):
        least = _DIGITS_OVER_LINES if form.of is re.escape else _OVER_LINES
        if len(form.text) >= least:
            yield form


def _encoded(text: str) -> Iterator[Form]:
    """Yield the secret in base64 and in hexadecimal."""
    encodings = {text.encode("utf-8", "surrogatepass")}
    if not text.isascii():
        encodings.add(text.encode("latin-1", "ignore"))
    for raw in encodings:
        if len(raw) >= SHORTEST:
            for encoded in _base64(raw):
                yield Form.make(encoded, _base64_char)
            yield Form.make(raw.hex(), re.escape)
            yield Form.make(raw.hex().upper(), re.escape)


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
    return {"+": f"(?:{char_of('+')}|-)", "/": f"(?:{char_of('/')}|_)", "=": char_of("=")}.get(char, char)


def char_of(char: str) -> str:
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


def _loose_char(char: str) -> str:
    """Return a regular expression for `char`; a blank may be any white space or nothing.

    A ``=`` may be missing: at the end of a line it is taken for a soft line break of quoted-printable text.
    """
    return _ANY_SPACE if char == " " else f"{char_of(char)}?" if char == "=" else char_of(char)


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


def wide_of(text: str) -> Iterator[str]:
    """Yield the UTF-16 and UTF-32 bytes of `text`, decoded as Latin-1."""
    for encoding in ("utf-16", "utf-32"):
        for order in ("le", "be"):
            wide = text.encode(f"{encoding}-{order}", "surrogatepass")
            yield str(wide.lstrip(b"\0") if order == "be" else wide.rstrip(b"\0"), "latin-1")


_ANY_SPACE = "(?:" + "|".join(map(char_of, " \t\r\n")) + ")*"
