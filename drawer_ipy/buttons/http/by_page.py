"""Requests by the page's ``fetch``, for Python in the browser, which cannot open connections.

The browser decides what a page may send and read (CORS), and keeps connections, certificates, proxies and
cookies to itself. Settings that it would ignore are refused by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, NoReturn

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from drawer_ipy.buttons.http.cookies import Cookies
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.manners import Timeouts
from drawer_ipy.buttons.http.open_response import OpenResponse
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.upload import Upload
from drawer_ipy.definition.trust import Trust

_FORBIDDEN = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
"""Headers that no page may set, besides those that begin with ``proxy-`` or ``sec-`` (the Fetch standard)."""

_FORBIDDEN_METHODS = frozenset({"CONNECT", "TRACE", "TRACK"})

_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length"})
"""Headers that no longer describe a body which the browser has decoded."""

_CORS = (
    "a page may read only what its server permits (CORS): the server must send Access-Control-Allow-Origin, "
    "and permit the method and the headers. The browser's console says what happened"
)


class PageWire:
    """Sends requests by the page, as :class:`~drawer_ipy.buttons.http.wire.Wire` does on connections."""

    async def send(
        self,
        request: Request,
        timeouts: Timeouts,
        cookies: Cookies | None,
        proxy: Proxy | None,
        trust: Trust = True,
    ) -> OpenResponse:
        """Send `request` and return the response once its headers arrive.

        Raises:
            RequestFailed: a page cannot send it, the browser refuses it, or the server redirects it.
            aiohttp.ServerTimeoutError: nothing came in time.
        """
        _check(request, cookies, proxy, trust)
        from js import AbortController, Object, fetch
        from pyodide.ffi import to_js

        controller = AbortController.new()
        held = _Fetch(controller)
        options: dict[str, Any] = {
            "method": request.method,
            "headers": list(map(list, request.headers.items())),
            "credentials": "omit",
            # The browser would follow it before anyone could check where it leads.
            "redirect": "manual",
            "cache": "no-store",
            "signal": controller.signal,
        }
        body = await _body(request)
        if body is not None:
            options["body"] = body
        address = (request.address or str(request.url)).partition("#")[0]
        try:
            asked = fetch(address, to_js(options, dict_converter=Object.fromEntries))
            found = await _within(_of_page(asked, request), timeouts.read)
            if found.type == "opaqueredirect":
                _refuse(request, "is redirected, and a page is not told where to", "write the final address")
            pairs = [(name, value) for name, value in Object.fromEntries(found.headers).to_py().items()]
        except BaseException:
            held.close()
            raise
        headers = CIMultiDict(pair for pair in pairs if pair[0].lower() not in _OF_THE_TRANSFER)
        content = _PageContent(found, held, request, timeouts.read)
        return OpenResponse(held, found.status, found.statusText, CIMultiDictProxy(headers), content)


def _check(request: Request, cookies: Cookies | None, proxy: Proxy | None, trust: Trust) -> None:
    """Refuse what a page cannot set."""
    if proxy is not None:
        _refuse(request, "cannot use a proxy of its own: the browser has its own settings", "remove `proxy`")
    if trust is not True:
        _refuse(request, "cannot choose which certificates to trust: the browser does", "remove `verify`")
    if cookies is not None:
        _refuse(request, "cannot keep cookies: the browser hides them from a page", "remove `cookies`")
    if request.method in _FORBIDDEN_METHODS:
        _refuse(request, "has a method that no page may use", "")
    for name in request.headers:
        if name.lower() in _FORBIDDEN or name.lower().startswith(("proxy-", "sec-")):
            _refuse(request, f"has the header {name!r}, which no page may set", "remove the header")


def _refuse(request: Request, why: str, remediation: str) -> NoReturn:
    message = f"Python in the browser sends requests by the page, and {request} {why}"
    raise RequestFailed(message, remediation=remediation, sent=False, final=True)


async def _body(request: Request) -> Any:
    """The body as JavaScript takes it; ``None`` for none."""
    from pyodide.ffi import to_js

    body = request.body
    if isinstance(body, Upload):
        body = b"".join([chunk async for chunk in body.chunks(body.sizes())])
    return None if body is None else to_js(body)


async def _of_page(promise: Awaitable[Any], request: Request) -> Any:
    """Wait for `promise`; turn what it is rejected with into an error that names the usual cause."""
    from pyodide.ffi import JsException

    try:
        return await promise
    except JsException as error:
        message = f"the browser gave no response, because of CORS or of the connection: {request} ({error})"
        raise RequestFailed(message, remediation=_CORS, detail=str(error)) from None


async def _within(waiting: Awaitable[Any], seconds: float | None) -> Any:
    try:
        return await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        raise aiohttp.ServerTimeoutError(f"Nothing came for {seconds} s") from None


class _Fetch:
    """One request of the page, which is stopped unless its response was read to the end."""

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self.ended = False

    def release(self) -> None:
        """Stop it if it has not ended; the browser keeps its connections itself."""
        self.close()

    def close(self) -> None:
        """Stop it if it has not ended."""
        if not self.ended:
            self.ended = True
            self._controller.abort()


class _PageContent:
    """The body of a response, decoded by the browser."""

    def __init__(self, response: Any, held: _Fetch, request: Request, seconds: float | None) -> None:
        self._reader = None if response.body is None else response.body.getReader()
        self._held = held
        self._request = request
        self._seconds = seconds
        if self._reader is None:
            held.ended = True

    def is_eof(self) -> bool:
        """Whether it has been read to its end."""
        return self._held.ended

    def read_nowait(self) -> bytes:
        """Return what has arrived and was not read: nothing, since the browser keeps it."""
        return b""

    async def read(self) -> bytes:
        """Return the rest."""
        return b"".join([piece async for piece in self.iter_any()])

    async def iter_any(self) -> AsyncIterator[bytes]:
        """Yield each piece as it arrives."""
        while self._reader is not None and not self._held.ended:
            found = await _within(_of_page(self._reader.read(), self._request), self._seconds)
            if found.done:
                self._held.ended = True
            else:
                yield found.value.to_bytes()
