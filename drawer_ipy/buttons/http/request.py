"""Requests, and the templates that they are made from: a button's URL, headers and body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from drawer_ipy.buttons.arguments import check_text, shorten
from drawer_ipy.buttons.http.credentials import credentials_of
from drawer_ipy.buttons.http.field import Pairs, encoded
from drawer_ipy.buttons.http.request_body import read_body
from drawer_ipy.buttons.http.template import TextTemplate, UrlTemplate
from drawer_ipy.buttons.http.upload import Upload
from drawer_ipy.buttons.http.url import target_of
from drawer_ipy.definition.media import read_media
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.own_texts import SECRET_ROOTS
from drawer_ipy.errors import ArgumentError, ResolveError, UsageError
from drawer_ipy.expressions import compile_value

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods whose repetition has no further effect (RFC 9110, 9.2.2)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding"})
"""Headers that are computed from the body; a wrong one would corrupt the next request."""

_KEPT_ABROAD = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""Headers that are kept when a redirect leaves the origin; any other may be a credential.

The original sends all of them (docs/original.md#processes-requests-history, number 72)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a request, for one address.

    Attributes:
        address: the URL, without its fragment, that sent these validators: they mean nothing to another URL.
        headers: ``If-None-Match`` and ``If-Modified-Since``.
    """

    address: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Request:
    """A request ready to be sent. Do not modify it (it is not frozen because that would double its cost).

    Attributes:
        method: in upper case.
        url: escaped as it is sent; a fragment is for the reader and not sent.
        headers: the headers besides those of every request; shared with other requests, so do not modify
            them.
        body: the body, ``None`` for none.
        address: the URL as text if available; ``""`` if it must be formatted.
        condition: applied at the address it belongs to, whatever redirects lead there; ``None`` for none.
    """

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | Upload | None = None
    address: str = ""
    condition: Condition | None = None

    def with_headers(self, more: Mapping[str, str]) -> Request:
        """Return a copy with further headers; they replace those of the same name."""
        headers = self.headers.copy()
        headers.update(more)
        return replace(self, headers=headers)

    def conditional(self) -> Request:
        """Return a copy with the headers of its condition, if that is for this address."""
        condition, address = self.condition, self.address or str(self.url)
        if condition is None or condition.address != address.partition("#")[0]:
            return self
        return self.with_headers(condition.headers)

    @property
    def target(self) -> str:
        """The path and query as in the first line of the request."""
        # Prefer the text, if available: a URL object drops a `?` with nothing after it.
        return target_of(self.address) if self.address else self.url.raw_path_qs

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def abroad(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return `headers` without those that must not be sent to another origin."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() in _KEPT_ABROAD)


class RequestTemplate:
    """A button's request with placeholders for arguments.

    Args:
        spec: a specification with a ``url``, already checked by
            :func:`~drawer_ipy.definition.checking.requests.request_troubles`.

    Attributes:
        names: the arguments that it has placeholders for, in order.
        has_secrets: whether a part of it refers to batteries or the environment.
        has_credentials: whether ``auth`` adds an Authorization header.

    Raises:
        UsageError: the URL, the method or a header is invalid for any arguments.
    """

    def __init__(self, spec: ButtonSpec) -> None:
        self._method = spec.sent_method
        if not _TOKEN.fullmatch(self._method):
            raise UsageError(f"button {spec.name!r} has the invalid method {shorten(spec.method)}")
        self._url = UrlTemplate(spec.url, spec.name)
        headers = [
            HeaderTemplate(name, value, spec.name)
            for name, value in spec.headers.items()
            if name.strip().lower() not in _OWN_HEADERS
        ]
        self._query = Pairs(spec.query, "query parameter") if spec.query else None
        self._media = read_media(content_type_of(spec))
        self._body = read_body(spec, self._media)
        self._credentials = None if spec.auth is None else credentials_of(spec.auth)
        self._fixed: CIMultiDict[str] = CIMultiDict(
            (header.name, header.fill({})) for header in headers if header.is_fixed
        )
        if self._body is not None and not self._media.type:
            self._fixed["Content-Type"] = "application/json"
        self._filled = [header for header in headers if not header.is_fixed and not header.secret]
        self._secret = [header for header in headers if header.secret]
        self._secret_query = self._query is not None and self._query.secret
        self.has_credentials: bool = self._credentials is not None
        self.has_secrets: bool = bool(self._secret) or self._secret_query or self.has_credentials
        self.names: tuple[str, ...] = self._names(headers)

    def _names(self, headers: list[HeaderTemplate]) -> tuple[str, ...]:
        several: list[tuple[str, ...]] = [self._url.names]
        several += [part.names for part in (self._query, *headers, self._body, self._credentials) if part]
        return tuple(dict.fromkeys(name for names in several for name in names))

    def fill(self, values: Mapping[str, Any]) -> Request:
        """Return the request for these arguments, without the additions of :meth:`with_secrets`.

        Raises:
            ArgumentError: an argument is missing or invalid in its position.
        """
        url = self._url.fill(values)
        if self._query is not None and not self._secret_query:
            url = with_query(url, encoded(self._query.fill(values)))
        headers = self._fixed
        if self._filled:
            headers = headers.copy()
            headers.update({header.name: header.fill(values) for header in self._filled})
        body = None
        if self._body is not None:
            filled = self._body.fill(values)
            body = filled.body
            if filled.content_type or body is None:
                headers = headers.copy()
                headers["Content-Type"] = filled.content_type
                if body is None:
                    del headers["Content-Type"]
        try:
            # Everything is escaped already, and must stay as it is.
            target = URL(url, encoded=True)
        except ValueError as error:
            raise ArgumentError(f"{url!r} is not a URL: {error}") from None
        return Request(self._method, target, headers, body, url)

    def with_secrets(
        self,
        request: Request,
        values: Mapping[str, Any],
        scope: Mapping[str, Mapping[str, str]],
        *,
        followed: bool = False,
    ) -> Request:
        """Return `request` with the values that refer to batteries or the environment, and with credentials.

        Args:
            followed: whether a server provided its address, which then includes the query.

        Raises:
            ResolveError: a battery or variable is missing.
            ArgumentError: a value is invalid in its position.
        """
        if self._secret_query and self._query is not None:
            pairs = self._query.fill(values, scope, only_secret=followed)
            if followed:
                pairs = [(name, value) for name, value in pairs if name not in request.url.query]
            address = with_query(request.address or str(request.url), encoded(pairs))
            request = replace(request, url=URL(address, encoded=True), address=address)
        more = {header.name: header.fill(values, scope) for header in self._secret}
        if self._credentials is not None:
            more["Authorization"] = self._credentials.fill(values, scope)
        return request.with_headers(more) if more else request


def content_type_of(spec: ButtonSpec) -> str:
    """Return the Content-Type that a button declares; ``""`` if it has none or it depends on arguments."""
    given = next((v for n, v in spec.headers.items() if n.strip().lower() == "content-type"), "")
    return "text/plain" if "{{" in given or "$" in given else given


def with_query(url: str, query: str) -> str:
    """Return `url` with further parameters at the end of its query."""
    if not query:
        return url
    address, sharp, fragment = url.partition("#")
    joint = "?" if "?" not in address else "" if address.endswith(("?", "&")) else "&"
    return f"{address}{joint}{query}{sharp}{fragment}"


class HeaderTemplate:
    """A header: text with placeholders for arguments and with references to ``batteries`` and ``env``.

    Attributes:
        name: the name of the header.
        names: the arguments that it has placeholders for.
        secret: whether it has references, which are resolved only when a request is sent.
        is_fixed: whether its value is always the same.

    Raises:
        UsageError: its name is invalid, or it refers to something else.
    """

    def __init__(self, name: str, text: str, owner: str) -> None:
        self.name: str = name.strip()
        where = f"button {owner!r}: the header {shorten(name)}"
        if not _TOKEN.fullmatch(self.name):
            raise UsageError(f"{where} has an invalid name")
        self._place = TextTemplate(text.strip())
        try:
            # References are resolved only in the definition, never in the value of an argument.
            self._literals = [compile_value(literal) for literal in self._place.literals]
        except ResolveError as error:
            raise UsageError(f"{where} cannot be read: {error.message}") from None
        roots = {ref.root for literal in self._literals for ref in literal.references}
        if roots - SECRET_ROOTS:
            raise UsageError(
                f"{where} refers to {min(roots - SECRET_ROOTS)!r}; only batteries and env can be used there",
                remediation="pass it to the step as an argument, and write {{argument}} in the header",
            )
        self.names: tuple[str, ...] = self._place.names
        self.secret: bool = any(not literal.is_constant for literal in self._literals)
        self.is_fixed: bool = not self.names and not self.secret
        if self.is_fixed:
            self.fill({})  # reports a line break in the definition early

    def fill(self, values: Mapping[str, Any], scope: Mapping[str, Any] | None = None) -> str:
        """Return its value. Raises ArgumentError for a control character, ResolveError for a missing name."""
        literals = [str(literal.resolve(scope or {})) for literal in self._literals]
        value = self._place.fill(values, literals)
        if not value.isascii():
            check_text(value, f"the header {self.name!r}")
        if _CONTROL.search(value):
            raise ArgumentError(
                f"the header {self.name!r} would contain a line break or another control character, "
                "which could inject further headers",
                remediation="remove control characters from the argument",
            )
        return value
