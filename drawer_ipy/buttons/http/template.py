"""Templates with ``{{arg}}``: text, URLs and JSON bodies, filled in one pass with the right escaping.

Escaping depends on where an argument stands, so that a value can never leave its place: a path segment
stays a segment, a query value stays a value, a JSON string stays a string (the original's rules). A value
that itself holds ``{{other}}`` is not expanded again (docs/original.md#processes-requests-history,
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
"""Braces are skipped as a whole, so that a place in the host is seen as one."""

_BEGINNING = "it must begin with http:// or https:// and a host"
_NO_HOST = re.compile(r"[\s\x00-\x20\x7f\"%<>^`{|}]")
_PLAIN_HOST = re.compile(r"[^/?#\\]*")

_MOST_KNOWN = 1000
Encode = Callable[[Any], str]
Values = Mapping[str, Any]


def raw(text: str) -> str:
    """As it is."""
    return text


def in_json(text: str) -> str:
    """As the inside of a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def in_path(text: str | bytes) -> str:
    """As one segment of a path; ``/`` is escaped too, and so are ``.`` and ``..``, which would climb."""
    if text in (".", "..", b".", b".."):
        return "%2E" * len(text)
    return quote(text, safe="")


_TAKES_BYTES = (in_path, quote_plus)
"""Ways of escaping that have a form for every byte."""


class TextTemplate:
    """Text with places, split once.

    Args:
        text: what to fill in.
        encode: how a value is escaped.

    Attributes:
        names: the arguments it has places for.
        literals: the text before, between and after the places.
    """

    __slots__ = ("_encode", "_places", "literals", "names")

    def __init__(self, text: str, encode: Encode = raw) -> None:
        pieces = PLACE.split(text)
        self.literals: tuple[str, ...] = tuple(pieces[::2])
        # A name keeps its text in case nothing is given for it.
        originals = [match.group(0) for match in PLACE.finditer(text)]
        self._places = tuple(zip(pieces[1::2], originals, strict=True))
        self._encode = encode
        self.names = tuple(dict.fromkeys(pieces[1::2]))

    def fill(self, values: Values, literals: Sequence[str] | None = None) -> str:
        """The text with every place filled; a place nobody gave a value for stays as it is written.

        Args:
            literals: what to put in place of :attr:`literals`, one for each.
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
                value, name, "holds half of a surrogate pair, which UTF-8 has no bytes for"
            ) from None


class UrlTemplate:
    """A URL with places in its path, query and fragment, or one whose beginning is an argument.

    ``https://host/{{page}}?q={{q}}`` is the usual form: scheme and host are fixed. ``{{url}}`` alone says
    that the caller gives the whole URL, ``{{site}}/items/{{id}}`` that the caller gives its beginning.

    Args:
        text: the template.
        owner: the button's name, for messages.

    Attributes:
        names: the arguments it has places for.
        host: the fixed host, with its port where one is written; ``""`` when the caller gives it.

    Raises:
        UsageError: when it is not an http(s) URL, names a user, or has a place in its scheme or host.
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
                raise self._bad(text, f"after {first.group(0)!r} only a path or a query may follow")
            self.host = ""
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
        self.names = tuple(dict.fromkeys(name for name in names if name))

    def _check_head(self, text: str, head: str) -> None:
        if "://" not in text:
            raise self._bad(text, _BEGINNING)
        if PLACE.search(head) or "{{" in head:
            raise self._bad(text, "an argument may not stand in its scheme or host")
        try:
            parts = urlsplit(head)
            host, _ = parts.hostname, parts.port  # a port that is none raises, too
        except ValueError as error:
            raise self._bad(text, f"it is not a URL: {error}") from None
        if parts.scheme.lower() not in ("http", "https") or not host:
            raise self._bad(text, _BEGINNING)
        if strange := _NO_HOST.search(host):
            raise self._bad(text, f"no host has {strange.group(0)!r} in its name")
        if "@" in parts.netloc:
            raise self._bad(text, "it must not name a user; use an Authorization header")

    def _bad(self, text: str, why: str) -> UsageError:
        return UsageError(f"button {self._owner!r} has the url {shorten(text)}: {why}")

    def fill(self, values: Values) -> str:
        """The URL, escaped.

        Raises:
            ArgumentError: when a value is missing, or the caller's beginning of the URL is not one.
        """
        for name in self.names:
            if values.get(name) is None:
                raise missing_args(self._owner, [name], values)
        head = self._head if not self._base else self._given_base(values[self._base])
        return head + "".join([part.fill(values) for part in self._parts]) if self._parts else head

    def _given_base(self, value: Any) -> str:
        """What the caller gave as the URL, or as its beginning."""
        text = to_text(value, self._base).strip()
        head, rest = _split_host(text)
        base = self._known.get(head)  # a run asks few hosts, so what was found fine is remembered
        if base is None:
            base = self._checked(head, text)
            if len(self._known) < _MOST_KNOWN:
                self._known[head] = base
        if not self._follows:
            return base + escape_after_host(rest)
        if "?" in rest or "#" in rest:
            raise ArgumentError(
                f"argument {self._base!r} begins the URL and may hold no query: {shorten(text)}"
            )
        return base + escape_after_host(rest.rstrip("/"))

    def _checked(self, head: str, text: str) -> str:
        """Scheme and host of what the caller gave, fit to be requested."""
        try:
            parts = urlsplit(text)
            fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
            fine = fine and parts.port != 0
            # Not of `parts`, which leaves out line breaks and tabs.
            fine = fine and not any(c in "@ " or not c.isprintable() for c in head)
        except ValueError:  # a port that is not a number, brackets that do not match
            fine = False
        if not fine:
            raise ArgumentError(
                f"argument {self._base!r} must be an http:// or https:// URL "
                f"that names no user, not {shorten(text)}"
            )
        return _ascii(head)


def _split_host(text: str) -> tuple[str, str]:
    """Scheme and host, and what follows them."""
    start = text.find("://")
    if start < 0:
        return text, ""
    match = (_HOST if "{{" in text else _PLAIN_HOST).match(text, start + 3)
    end = match.end() if match else len(text)
    return text[:end], text[end:]


def _ascii(head: str) -> str:
    """Scheme and host, an international name in the form DNS takes."""
    return head if head.isascii() else str(URL(head)).rstrip("/")


def _around_places(text: str, escape: Encode) -> str:
    """Escape what stands before, between and after places."""
    out, last = [], 0
    for match in PLACE.finditer(text):
        out += [escape(text[last : match.start()]), match.group(0)]
        last = match.end()
    return "".join([*out, escape(text[last:])])


class JsonTemplate:
    """A mapping or list with places in its strings; ``"{{arg}}"`` alone keeps the value's type.

    Attributes:
        names: the arguments it has places for.
    """

    def __init__(self, body: Any) -> None:
        self._body = _compile(body)
        self.names = tuple(dict.fromkeys(_names(self._body)))

    def fill(self, values: Values) -> Any:
        """The body with every place filled, fit for JSON."""
        return _fill(self._body, values)


class _Whole(TextTemplate):
    """A string that is one place from start to end."""

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
