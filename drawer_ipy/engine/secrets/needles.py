"""Find secrets in texts and bytes, in all the forms in which they may appear.

The search covers every form of ``forms.py``, also when it is broken over lines, and bytes in UTF-8, Latin-1,
UTF-16 and UTF-32. If a message has cut a secret short with an ellipsis, the rest of it is found too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from drawer_ipy.engine.secrets.forms import HEAD, SHORTEST, Form, char_of, forms_of, forms_over_lines, wide_of
from drawer_ipy.engine.secrets.joined import Joined, joined, letters_of, may_be_broken

REDACTED = "[redacted]"

_PIECE = 8
"""Characters of a secret (or half of a shorter one) that count as the secret next to an ellipsis."""

_LINE = 8
"""Least length, in characters, for a line of a multi-line secret to count as a secret itself."""

_DIGITS = 8
"""Number of digits that is unlikely to occur inside another number by chance."""

_BITS = 1_000
"""Bits of the largest integer checked as a secret; Python takes quadratic time to format long ones."""

_DOTS = ("...", "…", "â\x80¦")  # the last is the second in UTF-8, decoded as Latin-1
_ELLIPSIS = re.compile(rf"['\"]?(?:{'|'.join(map(re.escape, _DOTS))})['\"]?")

_WORD = re.compile(r"\S*")

_BATCH, _OVERLAP = 4_096, 64
"""Texts of a list that are searched at once, and how many of those before them are searched with them."""

_Span = tuple[int, int]
_Anchors = list[tuple[int, str, Form]]


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
        forms = {form.text: form for text in long for form in forms_of(text)}
        self._anchors = _anchors(forms.values())
        over_lines = {form.text: form for text in given for form in _over_lines(text)}
        self._over_lines = _anchors(over_lines.values())
        self._words = tuple({form.anchor.encode() for form in over_lines.values()})
        self._least_over_lines = min((len(form.text) for form in over_lines.values()), default=0)
        self._wide = tuple({wide for text in long for wide in wide_of(text[:HEAD])})
        as_bytes = {str(text.encode("utf-8", "surrogatepass"), "latin-1") for text in long}
        self._pieces = tuple(sorted(text for text in long | as_bytes if len(text) > SHORTEST))
        self._beyond_ascii = not all(map(str.isascii, long))
        numbers = set(filter(_is_number, given))
        self._numbers = frozenset(map(float, numbers))
        self._digits = tuple(text for text in numbers if len(text) >= _DIGITS)
        self.numeric: bool = bool(numbers)
        """Whether a number can be a secret."""

    def in_text(self, text: str) -> bool:
        """Whether `text` is or contains a secret."""
        size = len(text)
        if size <= self._longest and text in self._whole:
            return True
        if _is_in(text, self._anchors):
            return True
        dotted = _DOTS[0] in text or (not text.isascii() and any(dots in text for dots in _DOTS))
        if dotted and next(self._cuts(text), None) is not None:
            return True
        return self._may_be_broken(text) and self._is_over_lines(text)

    def _may_be_broken(self, text: str) -> bool:
        return 0 < self._least_over_lines < len(text) and may_be_broken(text)

    def _is_over_lines(self, text: str) -> bool:
        return next(self._spans_over_lines(text), None) is not None

    def in_texts(self, texts: Sequence[str]) -> bool:
        """Whether one of `texts` is or contains a secret, or it is broken over several of them."""
        if not self._whole.isdisjoint(texts):
            return True
        batches = range(0, len(texts), _BATCH)
        return any(self.in_text("\n".join(texts[max(at - _OVERLAP, 0) : at + _BATCH])) for at in batches)

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
        if "\0" in text and self.in_text(text.replace("\0", "")):  # UTF-16 or UTF-32
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
        parts, done = [], 0
        for start, end in self._spans(text):
            parts += [text[done:start], REDACTED]
            done = end
        return "".join([*parts, text[done:]])

    def out_of_texts(self, texts: Sequence[str]) -> list[str]:
        """Return `texts` with markers in place of secrets, also of one that is broken over several texts."""
        spans = list(self._spans("\n".join(texts)))
        ends = [end for _, end in spans]
        made, start = [], 0
        for text in texts:
            end, parts, done = start + len(text), [], 0
            for left, right in spans[bisect_right(ends, start) :]:
                if left >= end:
                    break
                parts += [text[done : max(left - start, 0)], REDACTED]
                done = min(right, end) - start
            made.append(REDACTED if text in self._whole else "".join([*parts, text[done:]]))
            start = end + 1
        return made

    def _spans(self, text: str) -> Iterator[_Span]:
        """Yield the places of secrets in `text`, from its beginning to its end, without overlaps."""
        spans = [
            found.span()
            for _, anchor, form in self._anchors
            if anchor in text
            for found in form.pattern.finditer(text)
        ]
        spans += self._cuts(text)
        if self._may_be_broken(text):
            spans += self._spans_over_lines(text)
        return _merged(spans)

    def _spans_over_lines(self, text: str) -> Iterator[_Span]:
        """Yield the places of secrets that are broken over lines."""
        if not any(word in letters for letters in letters_of(text) for word in self._words):
            return
        for one in joined(text):
            for _, anchor, form in self._over_lines:
                if anchor in one.text:
                    yield from _places(form, one)

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


def _anchors(forms: Iterable[Form]) -> _Anchors:
    found = [(len(form.anchor), form.anchor, form) for form in forms]
    return sorted(found, key=lambda one: one[:2])


def _is_in(text: str, anchors: _Anchors) -> bool:
    """Whether `text` contains one of the forms, which are sorted by the lengths of their anchors."""
    size = len(text)
    for least, anchor, form in anchors:
        if least > size:
            break
        if anchor in text and form.is_in(text):
            return True
    return False


def _places(form: Form, joined: Joined) -> Iterator[_Span]:
    """Yield the places in the original text where a form is broken over lines."""
    done = 0
    while (head := form.head.search(joined.text, done)) is not None:
        done = form.end_in(joined.text, head.end())
        start, end = joined.original(head.start(), done)
        if end - start == done - head.start():  # it is on one line, and is found without joining the lines
            continue
        if len(form.text) > HEAD and done == head.end():  # cut short
            end = _WORD.match(joined.whole, end).end()  # type: ignore[union-attr]
        yield start, end


def _merged(spans: list[_Span]) -> Iterator[_Span]:
    """Yield `spans` in order; those that overlap are yielded as one."""
    start = end = -1
    for left, right in sorted(spans):
        if left >= end or end < 0:
            if end > start:
                yield start, end
            start, end = left, right
        else:
            end = max(end, right)
    if end > start:
        yield start, end


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


def _over_lines(text: str) -> Iterator[Form]:
    """Yield the forms of `text` in which it is searched in texts whose lines were joined."""
    yield from forms_over_lines(text)
    lines = [line.strip() for line in text.splitlines()]
    body = [line for line in lines if line and not line.startswith("-----")]
    if len(lines) > 1 and body:
        yield from forms_over_lines("".join(body))  # of a key without its first and last lines
        yield from (Form.make(line, char_of) for line in body if len(line) >= _LINE)
