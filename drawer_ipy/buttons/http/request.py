"""Requests, and the templates they are made from: a button's URL, headers and body with places in them."""

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
"""Methods that do no more when they are repeated than once (RFC 9110, 9.2.2)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding"})
"""Set from the body; a wrong one would let it run over into the next request."""

_KEPT_ABROAD = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""Headers that go along when a redirect leaves the origin; any other may be a credential.

The original sends all of them (docs/original.md#processes-requests-history, number 72)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What makes a request for one address conditional.

    Attributes:
        address: the URL, without its fragment, that gave these validators: they mean nothing to another.
        headers: ``If-None-Match`` and ``If-Modified-Since``.
    """

    address: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Request:
    """A request ready to be sent; not changed once it is made (but not frozen, which would double its cost).

    Attributes:
        method: in capitals.
        url: escaped as it is to be sent; a fragment is for whoever reads it, no server gets it.
        headers: to send beside those that every request has; shared with other requests, so not to be
            changed.
        body: to send, ``None`` for none.
        address: the URL as text where it is at hand; ``""`` where it has to be made.
        condition: asked at the address it is for, whichever redirects lead there; ``None`` for none.
    """

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | Upload | None = None
    address: str = ""
    condition: Condition | None = None

    def with_headers(self, more: Mapping[str, str]) -> Request:
        """The same with further headers; they replace those of the same name."""
        headers = self.headers.copy()
        headers.update(more)
        return replace(self, headers=headers)

    def conditional(self) -> Request:
        """The same with the headers of its condition, where that is for this address."""
        condition, address = self.condition, self.address or str(self.url)
        if condition is None or condition.address != address.partition("#")[0]:
            return self
        return self.with_headers(condition.headers)

    @property
    def target(self) -> str:
        """Path and query as they stand in the request's first line."""
        # The text that was given, where it is at hand: a URL object leaves out a `?` with nothing behind it.
        return target_of(self.address) if self.address else self.url.raw_path_qs

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def abroad(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Those of `headers` that may be sent to another origin."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() in _KEPT_ABROAD)


class RequestTemplate:
    """A button's request with places for arguments.

    Args:
        spec: with a ``url``, already checked by
            :func:`~drawer_ipy.definition.checking.requests.request_troubles`.

    Attributes:
        names: the arguments it has places for, in order.
        has_secrets: whether something in it refers to batteries or the environment.
        has_credentials: whether ``auth`` gives it an Authorization header.

    Raises:
        UsageError: when the URL, the method or a header cannot be right whatever the arguments are.
    """

    def __init__(self, spec: ButtonSpec) -> None:
        self._method = spec.sent_method
        if not _TOKEN.fullmatch(self._method):
            raise UsageError(f"button {spec.name!r} has the method {shorten(spec.method)}, which is invalid")
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
        self.has_credentials = self._credentials is not None
        self.has_secrets = bool(self._secret) or self._secret_query or self.has_credentials
        self.names = self._names(headers)

    def _names(self, headers: list[HeaderTemplate]) -> tuple[str, ...]:
        several: list[tuple[str, ...]] = [self._url.names]
        several += [part.names for part in (self._query, *headers, self._body, self._credentials) if part]
        return tuple(dict.fromkeys(name for names in several for name in names))

    def fill(self, values: Mapping[str, Any]) -> Request:
        """The request for these arguments, still without what :meth:`with_secrets` adds.

        Raises:
            ArgumentError: when one is missing or does not fit its place.
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
            # Everything is escaped by now, and must stay as it is.
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
        """`request` with what refers to batteries or the environment, and with credentials.

        Args:
            followed: whether its address was given by a server, which then has its query already.

        Raises:
            ResolveError: when there is no such battery or variable.
            ArgumentError: when one does not fit its place.
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
    """The Content-Type that a button declares; ``""`` for none, and for one that its arguments decide."""
    given = next((v for n, v in spec.headers.items() if n.strip().lower() == "content-type"), "")
    return "text/plain" if "{{" in given or "$" in given else given


def with_query(url: str, query: str) -> str:
    """`url` with more parameters at the end of its query."""
    if not query:
        return url
    address, sharp, fragment = url.partition("#")
    joint = "?" if "?" not in address else "" if address.endswith(("?", "&")) else "&"
    return f"{address}{joint}{query}{sharp}{fragment}"


class HeaderTemplate:
    """A header: text with places for arguments and with references to ``batteries`` and ``env``.

    Attributes:
        name: of the header.
        names: the arguments it has places for.
        secret: whether it has references, which are resolved only when a request is sent.
        is_fixed: whether it is always the same.

    Raises:
        UsageError: when its name is none, or it refers to something else.
    """

    def __init__(self, name: str, text: str, owner: str) -> None:
        self.name = name.strip()
        where = f"button {owner!r}: the header {shorten(name)}"
        if not _TOKEN.fullmatch(self.name):
            raise UsageError(f"{where} has no name that a header can have")
        self._place = TextTemplate(text.strip())
        try:
            # References are resolved in what was written; never in what an argument brings.
            self._literals = [compile_value(literal) for literal in self._place.literals]
        except ResolveError as error:
            raise UsageError(f"{where} cannot be read: {error.message}") from None
        roots = {ref.root for literal in self._literals for ref in literal.references}
        if roots - SECRET_ROOTS:
            raise UsageError(
                f"{where} refers to {min(roots - SECRET_ROOTS)!r}; only batteries and env can be used there",
                remediation="give the step an argument, and write {{argument}} in the header",
            )
        self.names = self._place.names
        self.secret = any(not literal.is_constant for literal in self._literals)
        self.is_fixed = not self.names and not self.secret
        if self.is_fixed:
            self.fill({})  # a line break in the definition is told now

    def fill(self, values: Mapping[str, Any], scope: Mapping[str, Any] | None = None) -> str:
        """Its value. Raises ArgumentError for a control character, ResolveError for a missing name."""
        literals = [str(literal.resolve(scope or {})) for literal in self._literals]
        value = self._place.fill(values, literals)
        if not value.isascii():
            check_text(value, f"the header {self.name!r}")
        if _CONTROL.search(value):
            raise ArgumentError(
                f"the header {self.name!r} would hold a line break or another control character, "
                "which could smuggle further headers in",
                remediation="take control characters out of the argument",
            )
        return value
