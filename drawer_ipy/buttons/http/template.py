"""Templates with ``{{arg}}``: text, URLs and JSON bodies, filled in one pass with the right escaping.

The escaping depends on the position of an argument, so that a value can never break out of it: a path segment
stays a segment, a query value stays a value, a JSON string stays a string (the original engine's rules). A
value that itself contains ``{{other}}`` is not expanded again (docs/original.md#processes-requests-history,
number 72).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from yarl import URL

from drawer_ipy.buttons.arguments import Bytes, missing_args, shorten, to_json, to_text, unsendable
from drawer_ipy.buttons.http.url import escape_after_host, escape_fragment, escape_path, escape_query
from drawer_ipy.definition.own_texts import PLACE
from drawer_ipy.errors import ArgumentError, UsageError

_HOST = re.compile(r"(?:\{\{.*?\}\}|[^/?#\\])*")
"""Double braces are skipped as a whole, so that a placeholder in the host is recognized."""

_BEGINNING = "it must begin with http:// or https:// and a host"
_NO_HOST = re.compile(r"[\s\x00-\x20\x7f\"%<>^`{|}]")
_PLAIN_HOST = re.compile(r"[^/?#\\]*")

_MOST_KNOWN = 1000
Encode = Callable[[Any], str]
Values = Mapping[str, Any]


def raw(text: str) -> str:
    """Return `text` unchanged."""
    return text


def in_json(text: str) -> str:
    """Escape `text` for the inside of a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def in_path(text: str | bytes) -> str:
    """Escape `text` as one path segment; ``/`` is escaped, too, and so are the segments ``.`` and ``..``."""
    if text in (".", "..", b".", b".."):
        return "%2E" * len(text)
    return quote(text, safe="")


_TAKES_BYTES = (in_path, quote_plus)
"""Escaping functions that accept any bytes."""


class TextTemplate:
    """A text with placeholders, parsed once.

    Args:
        text: the template.
        encode: escapes a value.

    Attributes:
        names: the arguments that it has placeholders for.
        literals: the texts before, between and after the placeholders.
    """

    __slots__ = ("_encode", "_places", "literals", "names")

    def __init__(self, text: str, encode: Encode = raw) -> None:
        pieces = PLACE.split(text)
        self.literals: tuple[str, ...] = tuple(pieces[::2])
        # The original text of each placeholder is kept for arguments that are not given.
        originals = [match.group(0) for match in PLACE.finditer(text)]
        self._places = tuple(zip(pieces[1::2], originals, strict=True))
        self._encode = encode
        self.names: tuple[str, ...] = tuple(dict.fromkeys(pieces[1::2]))

    def fill(self, values: Values, literals: Sequence[str] | None = None) -> str:
        """Return the text with all placeholders filled; a placeholder without a value is kept as written.

        Args:
            literals: texts to use instead of :attr:`literals`, one for each.
        """
        literals = self.literals if literals is None else literals
        if not self.names:
            return literals[0]
        out = [literals[0]]
        for (name, original), literal in zip(self._places, literals[1:], strict=True):
            value = values.get(name)
            out.append(original if value is None else self._escaped(value, name))
            out.append(literal)
        return "".join(out)

    def _escaped(self, value: Any, name: str) -> str:
        try:
            if isinstance(value, Bytes) and self._encode in _TAKES_BYTES:
                return self._encode(bytes(value))
            return self._encode(to_text(value, name))
        except UnicodeEncodeError:
            raise unsendable(
                value, name, "contains half of a surrogate pair, which UTF-8 cannot encode"
            ) from None


class UrlTemplate:
    """A URL with placeholders in its path, query and fragment, or one that begins with an argument.

    ``https://host/{{page}}?q={{q}}`` is the usual form: scheme and host are fixed. With ``{{url}}`` alone,
    the caller provides the whole URL, with ``{{site}}/items/{{id}}`` its beginning.

    Args:
        text: the template.
        owner: the button's name, for messages.

    Attributes:
        names: the arguments that it has placeholders for.
        host: the fixed host, with its port if there is one; ``""`` if the caller provides it.

    Raises:
        UsageError: it is not an http(s) URL, contains a user, or has a placeholder in its scheme or host.
    """

    def __init__(self, text: str, owner: str) -> None:
        self._owner = owner
        self._known: dict[str, str] = {}
        text = text.strip()
        first = PLACE.match(text)
        self._base = first.group(1) if first else ""
        if first:
            head, rest = "", text[first.end() :]
            if rest and rest[0] not in "/?#":
                raise self._bad(text, f"only a path or a query may follow {first.group(0)!r}")
            self.host: str = ""
        else:
            head, rest = _split_host(text)
            self._check_head(text, head)
            self.host = urlsplit(head).netloc.lower()
            try:
                head = _ascii(head)
            except ValueError as error:
                raise self._bad(text, f"it is not a URL: {error}") from None
        self._follows = bool(rest)
        rest, sharp, fragment = rest.partition("#")
        path, question, query = rest.partition("?")
        self._head = head
        written = (
            (path, in_path, escape_path),
            (question + query, quote_plus, escape_query),
            (sharp + fragment, in_path, escape_fragment),
        )
        self._parts = [
            TextTemplate(_around_places(part, escape), encode) for part, encode, escape in written if part
        ]
        names = (self._base, *(name for part in self._parts for name in part.names))
        self.names: tuple[str, ...] = tuple(dict.fromkeys(name for name in names if name))

    def _check_head(self, text: str, head: str) -> None:
        if "://" not in text:
            raise self._bad(text, _BEGINNING)
        if PLACE.search(head) or "{{" in head:
            raise self._bad(text, "an argument cannot be part of its scheme or host")
        try:
            parts = urlsplit(head)
            host, _ = parts.hostname, parts.port  # an invalid port raises, too
        except ValueError as error:
            raise self._bad(text, f"it is not a URL: {error}") from None
        if parts.scheme.lower() not in ("http", "https") or not host:
            raise self._bad(text, _BEGINNING)
        if strange := _NO_HOST.search(host):
            raise self._bad(text, f"a host name cannot contain {strange.group(0)!r}")
        if "@" in parts.netloc:
            raise self._bad(text, "it must not contain a user name; use `auth` or an Authorization header")

    def _bad(self, text: str, why: str) -> UsageError:
        return UsageError(f"button {self._owner!r} has the invalid url {shorten(text)}: {why}")

    def fill(self, values: Values) -> str:
        """Return the URL, escaped.

        Raises:
            ArgumentError: a value is missing, or the caller's beginning of the URL is invalid.
        """
        for name in self.names:
            if values.get(name) is None:
                raise missing_args(self._owner, [name], values)
        head = self._head if not self._base else self._given_base(values[self._base])
        return head + "".join([part.fill(values) for part in self._parts]) if self._parts else head

    def _given_base(self, value: Any) -> str:
        """Return the URL, or its beginning, that the caller provides."""
        text = to_text(value, self._base).strip()
        head, rest = _split_host(text)
        base = self._known.get(head)  # a run uses few hosts, so checked ones are remembered
        if base is None:
            base = self._checked(head, text)
            if len(self._known) < _MOST_KNOWN:
                self._known[head] = base
        if not self._follows:
            return base + escape_after_host(rest)
        if "?" in rest or "#" in rest:
            raise ArgumentError(
                f"argument {self._base!r} begins the URL and must not contain a query: {shorten(text)}"
            )
        return base + escape_after_host(rest.rstrip("/"))

    def _checked(self, head: str, text: str) -> str:
        """Check scheme and host that the caller provides, and return them as they are requested."""
        try:
            parts = urlsplit(text)
            fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
            fine = fine and parts.port != 0
            # Check `head`: `parts` omits line breaks and tabs.
            fine = fine and not any(c in "@ " or not c.isprintable() for c in head)
        except ValueError:  # a port that is not a number, or unbalanced brackets
            fine = False
        if not fine:
            raise ArgumentError(
                f"argument {self._base!r} must be an http:// or https:// URL "
                f"without a user name, not {shorten(text)}"
            )
        return _ascii(head)


def _split_host(text: str) -> tuple[str, str]:
    """Split a URL into scheme and host, and the rest."""
    start = text.find("://")
    if start < 0:
        return text, ""
    match = (_HOST if "{{" in text else _PLAIN_HOST).match(text, start + 3)
    end = match.end() if match else len(text)
    return text[:end], text[end:]


def _ascii(head: str) -> str:
    """Return scheme and host, with an international name in the form that DNS uses."""
    return head if head.isascii() else str(URL(head)).rstrip("/")


def _around_places(text: str, escape: Encode) -> str:
    """Escape the texts before, between and after placeholders."""
    out, last = [], 0
    for match in PLACE.finditer(text):
        out += [escape(text[last : match.start()]), match.group(0)]
        last = match.end()
    return "".join([*out, escape(text[last:])])


class JsonTemplate:
    """A mapping or list with placeholders in its strings; ``"{{arg}}"`` alone keeps the value's type.

    Attributes:
        names: the arguments that it has placeholders for.
    """

    def __init__(self, body: Any) -> None:
        self._body = _compile(body)
        self.names: tuple[str, ...] = tuple(dict.fromkeys(_names(self._body)))

    def fill(self, values: Values) -> Any:
        """Return the body with all placeholders filled, as JSON values."""
        return _fill(self._body, values)


class _Whole(TextTemplate):
    """A string that consists of one placeholder."""

    __slots__ = ()

    def value(self, values: Values) -> Any:
        return to_json(values.get(self.names[0]), self.names[0])


def _compile(body: Any) -> Any:
    if isinstance(body, str):
        return _Whole(body) if PLACE.fullmatch(body) else TextTemplate(body)
    if isinstance(body, Mapping):
        return {str(key): _compile(value) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_compile(value) for value in body]
    return body if isinstance(body, int | float | None) else to_json(body)


def _names(body: Any) -> Iterable[str]:
    if isinstance(body, TextTemplate):
        yield from body.names
    elif isinstance(body, dict):
        for value in body.values():
            yield from _names(value)
    elif isinstance(body, list):
        for value in body:
            yield from _names(value)


def _fill(body: Any, values: Values) -> Any:
    if isinstance(body, _Whole):
        return body.value(values)
    if isinstance(body, TextTemplate):
        return body.fill(values)
    if isinstance(body, dict):
        return {key: _fill(value, values) for key, value in body.items()}
    if isinstance(body, list):
        return [_fill(value, values) for value in body]
    return body
