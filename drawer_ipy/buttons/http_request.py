"""Requests, and the templates they are made from: a button's URL, headers and body with places in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from multidict import CIMultiDict
from yarl import URL

from drawer_ipy.buttons.arguments import shorten, to_text
from drawer_ipy.buttons.http_template import Encode, JsonTemplate, Template, UrlTemplate, in_json, raw
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, ResolveError, UsageError
from drawer_ipy.expressions import compile_value

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Methods that do no more when they are repeated than once (RFC 9110, 9.2.2)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding"})
"""Set from the body; a wrong one would let it run over into the next request."""

_KEPT_ABROAD = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""Headers that go along when a redirect leaves the origin; any other may be a credential (defect 72)."""

_SECRET_ROOTS = frozenset({"batteries", "env"})


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
    body: bytes | None = None
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

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def abroad(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Those of `headers` that may be sent to another origin."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() in _KEPT_ABROAD)


class RequestTemplate:
    """A button's request with places for arguments.

    Args:
        spec: with a ``url``.

    Attributes:
        names: the arguments it has places for, in order.
        has_secrets: whether a header refers to batteries or the environment.

    Raises:
        UsageError: when the URL, the method or a header cannot be right whatever the arguments are.
    """

    def __init__(self, spec: ButtonSpec) -> None:
        self._method = spec.method.strip().upper() or "GET"
        if not _TOKEN.fullmatch(self._method):
            raise UsageError(f"button {spec.name!r} has the method {shorten(spec.method)}, which is none")
        self._url = UrlTemplate(spec.url, spec.name)
        headers = [
            HeaderTemplate(name, value, spec.name)
            for name, value in spec.headers.items()
            if name.strip().lower() not in _OWN_HEADERS
        ]
        self._content_type = next((v for n, v in spec.headers.items() if n.lower() == "content-type"), "")
        self._body = _body_template(spec.body, self._content_type)
        self._form = "x-www-form-urlencoded" in self._content_type.lower()
        self._fixed: CIMultiDict[str] = CIMultiDict(
            (header.name, header.fill({})) for header in headers if header.is_fixed
        )
        if self._body is not None and not self._content_type:
            self._fixed["Content-Type"] = "application/json"
        self._filled = [header for header in headers if not header.is_fixed and not header.secret]
        self._secret = [header for header in headers if header.secret]
        self.has_secrets = bool(self._secret)
        self.names = self._names(headers)

    def _names(self, headers: list[HeaderTemplate]) -> tuple[str, ...]:
        names = dict.fromkeys(self._url.names)
        for header in headers:
            names.update(dict.fromkeys(header.names))
        if self._body is not None:
            names.update(dict.fromkeys(self._body.names))
        return tuple(names)

    def fill(self, values: Mapping[str, Any]) -> Request:
        """The request for these arguments, still without what :meth:`with_secrets` adds.

        Raises:
            ArgumentError: when one is missing or does not fit its place.
        """
        url = self._url.fill(values)
        headers = self._fixed
        if self._filled:
            headers = headers.copy()
            headers.update({header.name: header.fill(values) for header in self._filled})
        body = None if self._body is None else self._fill_body(self._body, values)
        try:
            # Everything is escaped by now, and must stay as it is.
            target = URL(url, encoded=True)
        except ValueError as error:
            raise ArgumentError(f"{url!r} is no URL: {error}") from None
        return Request(self._method, target, headers, body, url)

    def with_secrets(
        self, request: Request, values: Mapping[str, Any], scope: Mapping[str, Mapping[str, str]]
    ) -> Request:
        """`request` with the headers that refer to batteries or the environment.

        Raises:
            ResolveError: when there is no such battery or variable.
            ArgumentError: when one does not fit into a header.
        """
        return request.with_headers({header.name: header.fill(values, scope) for header in self._secret})

    def _fill_body(self, template: Template | JsonTemplate, values: Mapping[str, Any]) -> bytes:
        if isinstance(template, Template):
            return template.fill(values).encode("utf-8", errors="replace")
        body = template.fill(values)
        if self._form and isinstance(body, dict):
            return urlencode({key: to_text(value, key) for key, value in body.items()}).encode()
        return json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")


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
        self._place = Template(text.strip())
        try:
            # References are resolved in what was written; never in what an argument brings.
            self._literals = [compile_value(literal) for literal in self._place.literals]
        except ResolveError as error:
            raise UsageError(f"{where} cannot be read: {error.message}") from None
        roots = {ref.root for literal in self._literals for ref in literal.references}
        if roots - _SECRET_ROOTS:
            raise UsageError(
                f"{where} refers to {min(roots - _SECRET_ROOTS)!r}; only batteries and env can be used there",
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
        if _CONTROL.search(value):
            raise ArgumentError(
                f"the header {self.name!r} would hold a line break or another control character, "
                "which could smuggle further headers in",
                remediation="take control characters out of the argument",
            )
        return value


def _body_template(body: Any, content_type: str) -> Template | JsonTemplate | None:
    """What fills the body, escaping as its Content-Type asks for (the original's rule)."""
    if body is None or body == "":
        return None
    if not isinstance(body, str):
        return JsonTemplate(body)
    kind = content_type.partition(";")[0].strip().lower()
    encode: Encode = raw
    if kind in ("", "application/json", "text/json"):
        encode = in_json
    elif kind == "application/x-www-form-urlencoded":
        encode = quote_plus
    return Template(body, encode)
