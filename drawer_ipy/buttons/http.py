"""Buttons that are HTTP requests: a URL, headers and a body with places for arguments."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import aiohttp
from yarl import URL

from drawer_ipy.buttons.arguments import Arguments, to_text
from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.http_guard import AddressRefused, check_literal, private_networks_open
from drawer_ipy.buttons.http_response import TooLarge, connection_failure, outcome_of, read_body
from drawer_ipy.buttons.http_session import HttpSession
from drawer_ipy.buttons.http_template import Encode, JsonTemplate, Template, UrlTemplate, in_json, raw
from drawer_ipy.definition.models import ArgSpec, ButtonSpec
from drawer_ipy.errors import ArgumentError, Code, DrawerError, ErrorInfo

DEFAULT_TIMEOUT = 30.0
DEFAULT_LIMIT = 10 * 1024 * 1024
_LARGEST_LIMIT = 2 * 1024**3
_REDIRECTS = 10
_ANY_HOST_ENV = "BUTTONS_ALLOW_ANY_HOST"
_KEPT_ABROAD = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that go along when a redirect leaves the origin; any other may be a credential (defect 72)."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request ready to be sent."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes | None


class HttpButton:
    """A request as a button; the output is the body (JSON as its value, text, or bytes).

    The host is the template's; arguments only fill the path, the query, headers and the body, each
    escaped for its place. A template may also leave the URL, or its beginning, to the caller: ``{{url}}``,
    ``{{site}}/items/{{id}}``. Redirects are followed, each checked like the first request.

    Args:
        spec: a specification with a ``url``. Where it declares no arguments, the places in the templates
            are the arguments.
        allowed_origins: origins (``http://127.0.0.1:8000``) that are no danger though they are private:
            the demo sites this process serves. Asked at every request.

    Raises:
        UsageError: when the URL is not one, see UrlTemplate.
    """

    kind = "http"
    open_args = True

    def __init__(self, spec: ButtonSpec, allowed_origins: Callable[[], Collection[str]] = tuple) -> None:
        self.name = spec.name
        self.timeout: float | None = spec.timeout_seconds or DEFAULT_TIMEOUT
        self.output_schema: Mapping[str, Any] | None = spec.output_schema
        self.rate = spec.rate
        self.queue = spec.queue
        self._method = spec.method.strip().upper() or "GET"
        self._url = UrlTemplate(spec.url, spec.name)
        self._headers = [(name, Template(value)) for name, value in spec.headers.items()]
        self._content_type = next((v for n, v in spec.headers.items() if n.lower() == "content-type"), "")
        self._body = _body_template(spec.body, self._content_type)
        self._limit = min(spec.max_response_bytes or DEFAULT_LIMIT, _LARGEST_LIMIT)
        self._open = spec.allow_private_networks
        self._allowed_host = spec.allowed_host.strip().lower()
        self._allowed_origins = allowed_origins
        self.args = tuple(spec.args) or self._implied()
        self._arguments = Arguments(self.args, self.name)

    def _implied(self) -> tuple[ArgSpec, ...]:
        names = dict.fromkeys(self._url.names)
        for _, header in self._headers:
            names.update(dict.fromkeys(header.names))
        if self._body is not None:
            names.update(dict.fromkeys(self._body.names))
        return tuple(ArgSpec(name=name, type="any", required=True) for name in names)

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request `args` come to, as the entry ``request``. Raises ArgumentError, see base.Button."""
        values = self._arguments.values(args)
        url = self._url.fill(values)
        headers = {name: self._header(name, template.fill(values)) for name, template in self._headers}
        body = self._fill_body(values)
        if body is not None and not self._content_type:
            headers["Content-Type"] = "application/json"
        try:
            # Everything is escaped by now, and must stay as it is.
            target = URL(url, encoded=True)
        except ValueError as error:
            raise ArgumentError(f"{url!r} is no URL: {error}") from None
        return {"request": _Request(self._method, target, headers, body)}

    def _header(self, name: str, value: str) -> str:
        if "\r" in value or "\n" in value or "\0" in value:
            raise ArgumentError(
                f"the header {name!r} would hold a line break, which could smuggle further headers in",
                remediation="take line breaks out of the argument",
            )
        return value

    def _fill_body(self, values: Mapping[str, Any]) -> bytes | None:
        template = self._body
        if template is None:
            return None
        if isinstance(template, Template):
            return template.fill(values).encode("utf-8", errors="replace")
        body = template.fill(values)
        if "x-www-form-urlencoded" in self._content_type.lower() and isinstance(body, dict):
            return urlencode({key: to_text(value, key) for key, value in body.items()}).encode()
        return json.dumps(body, ensure_ascii=False).encode("utf-8", errors="replace")

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        """Send it once; see base.Button."""
        request: _Request = bound["request"]
        try:
            async with asyncio.timeout(call.timeout) as limit:
                return await self._send(request, call.resources.get(HttpSession))
        except DrawerError as error:
            return Outcome(status="error", error=error.info(), exit_code=-1)
        except TooLarge:
            return self._too_large(request)
        except aiohttp.InvalidURL as error:
            info = ErrorInfo(Code.VALIDATION_ERROR, f"{request.url} is no URL that can be requested: {error}")
            return Outcome(status="error", error=info, exit_code=-1)
        except TimeoutError as error:
            if not limit.expired():
                return connection_failure(error, request.method, str(request.url))
            return _timed_out(call.timeout, request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return connection_failure(error, request.method, str(request.url))

    async def _send(self, request: _Request, sessions: HttpSession) -> Outcome:
        method, url, headers, body = request.method, request.url, request.headers, request.body
        for _ in range(_REDIRECTS + 1):
            guarded = self._check(url)
            session, proxy = await sessions.route(url, guarded)
            async with session.request(
                method, url, headers=headers, data=body, allow_redirects=False, proxy=proxy
            ) as response:
                target = response.headers.get("Location") if response.status in _REDIRECTING else None
                if target is None:
                    return outcome_of(response, await read_body(response, self._limit))
                there = url.join(URL(target))
                if response.status == 303 or (response.status in (301, 302) and method == "POST"):
                    method, body = "HEAD" if method == "HEAD" else "GET", None
                    headers = {n: v for n, v in headers.items() if n.lower() != "content-type"}
            if _origin(there) != _origin(url):
                headers = {n: v for n, v in headers.items() if n.lower() in _KEPT_ABROAD}
            url = there
        raise DrawerError(
            f"more than {_REDIRECTS} redirects for {request.method} {request.url}", code=Code.HTTP_ERROR
        )

    def _check(self, url: URL) -> bool:
        """Refuse what may not be requested; returns whether the address must be checked once it is known.

        Raises:
            AddressRefused: for a private address written out.
            ArgumentError: for a scheme, a user or a host that is not allowed.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise ArgumentError(f"{url} is no http or https URL, so it is not requested")
        if url.user is not None or url.password is not None:
            raise ArgumentError(f"a URL that names a user is not requested: {url.with_user(None)}")
        self._check_host(url)
        if self._open or private_networks_open():
            return False
        origins = self._allowed_origins()
        if origins and _origin(url) in {_origin(URL(origin)) for origin in origins}:
            return False
        check_literal(url.host)
        return True

    def _check_host(self, url: URL) -> None:
        allowed = self._allowed_host
        if not allowed:
            return
        if allowed == "*":
            if os.environ.get(_ANY_HOST_ENV) != "1":
                raise ArgumentError(
                    f"button {self.name!r} has `allowed_host: '*'`, which the environment must agree to",
                    remediation=f"set {_ANY_HOST_ENV}=1, or name the host",
                )
            return
        if allowed not in (url.authority.lower(), (url.host_port_subcomponent or "").lower()):
            raise AddressRefused(
                f"{url.authority} is not the host button {self.name!r} may go to, which is {allowed}",
                remediation="change `allowed_host` of the button",
            )

    def _too_large(self, request: _Request) -> Outcome:
        info = ErrorInfo(
            Code.HTTP_ERROR,
            f"the answer to {request.method} {request.url} is longer than {self._limit:,} bytes",
            "raise `max_response_bytes` of the button (it may be up to 2 GiB)",
        )
        return Outcome(status="error", error=info, exit_code=-1)


_REDIRECTING = frozenset({301, 302, 303, 307, 308})


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


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


def _timed_out(seconds: float | None, request: _Request) -> Outcome:
    info = ErrorInfo(
        Code.TIMEOUT,
        f"timed out after {seconds:g} s: {request.method} {request.url}",
        "raise `timeout_seconds` of the step or the button if the server needs longer",
    )
    return Outcome(status="timeout", error=info, exit_code=-1)
