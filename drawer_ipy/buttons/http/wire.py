"""Requests on aiohttp's connections, without its ClientSession.

aiohttp resolves names, connects (TLS, proxies), keeps connections and parses responses. What its
ClientSession does for each request (merged headers, redirects, authentication, hooks, a task for the body) is
done once for a button or not needed here. It would cost more than everything else in a loop's item:
docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import math
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from drawer_ipy._version import __version__
from drawer_ipy.buttons.http.connector import Connector
from drawer_ipy.buttons.http.cookies import Cookies
from drawer_ipy.buttons.http.decode import ACCEPTED
from drawer_ipy.buttons.http.manners import Timeouts
from drawer_ipy.buttons.http.open_response import OpenResponse
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import IDEMPOTENT, Request
from drawer_ipy.buttons.http.upload import Upload
from drawer_ipy.buttons.http.upload_sending import send_upload
from drawer_ipy.definition.trust import Trust

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

USER_AGENT = f"drawer_ipy/{__version__}"
_DEFAULTS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": ACCEPTED}
_HEADER_LIMIT = 64 * 1024
"""Maximum size of one header in bytes; cookies and policies of sites exceed aiohttp's default of 8 KiB."""

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NO_TARGET = re.compile(r"[^!-~]")
_BREAK = re.compile(r"[\r\n\0]")
_SWITCHING = 101
_MOST_KNOWN = 1000
"""Number of destinations that are remembered; a forgotten one is quickly set up again."""

_Place = tuple[str, str, URL | None, Trust]
_ENCODING = ("utf-8", "surrogateescape")
"""Encoding of headers, the same as aiohttp's decoding."""

_COALESCED = 64 * 1024
"""Maximum size in bytes of a body that is copied, so that it is sent in one packet with the headers."""


@lru_cache(maxsize=64)
def _connecting(seconds: float | None) -> aiohttp.ClientTimeout:
    # aiohttp would round longer times up to full seconds.
    return aiohttp.ClientTimeout(total=None, connect=seconds, ceil_threshold=math.inf)


class _Connecting(aiohttp.ClientRequest):
    """A request that represents all requests to one destination when a connection is acquired."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """See aiohttp's property, which computes it for each request."""
        return super().connection_key


class _Destination:
    """One origin, reached directly or through one proxy, with the data that its requests share."""

    __slots__ = ("_fields", "_greeting", "_head", "_loop", "_url", "connecting", "far")

    def __init__(self, url: URL, proxy: Proxy | None, trust: Trust, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._url = url.origin()
        self._fields: CIMultiDict[str] | None = None
        self._head = b""
        self._greeting = {} if proxy is None else proxy.greeting
        # aiohttp would add Host, and identifies a tunnel by the headers of its CONNECT request.
        host = {"Host": self._url.host_port_subcomponent or ""}
        # Only used to acquire a connection; it is not sent.
        self.connecting = _Connecting(
            "GET",
            self._url,
            loop=loop,
            ssl=trust,
            proxy=None if proxy is None else proxy.bare,
            proxy_headers={**host, **self._greeting} if self._greeting else None,
        )
        # An HTTP proxy forwards plain requests and needs the full URL; TLS is tunnelled to the target.
        self.far = proxy is not None and not proxy.socks and url.scheme == "http"

    def head(self, request: Request, cookies: Cookies | None) -> bytes:
        """Return the header lines. Most requests share their headers with the previous one."""
        if cookies is not None:
            found = cookies.header(request.url, request.headers.get("Cookie", ""))
            if found:
                headers = request.headers.copy()
                headers["Cookie"] = found
                return self._write(headers)
        if request.headers is not self._fields:
            self._head = self._write(request.headers)
            self._fields = request.headers
        return self._head

    def _write(self, fields: CIMultiDict[str]) -> bytes:
        merged = CIMultiDict(_DEFAULTS)
        merged.update(fields)
        # aiohttp knows how to write Host.
        full = aiohttp.ClientRequest("GET", self._url, headers=merged, loop=self._loop).headers
        if self.far:
            full.update(self._greeting)
        for name, value in full.items():
            if _BREAK.search(value) or _BREAK.search(name):
                raise ValueError(f"the header {name[:60]!r} contains a line break")
        # Values from a server (cookies, validators) are sent back byte for byte, even if they are not UTF-8.
        return "".join([f"{name}: {value}\r\n" for name, value in full.items()]).encode(*_ENCODING)


class Wire:
    """Send requests and receive the headers of their responses.

    Args:
        connector: opens and keeps the connections; its creator closes it.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._destinations: dict[_Place, _Destination] = {}

    async def send(
        self,
        request: Request,
        timeouts: Timeouts,
        cookies: Cookies | None,
        proxy: Proxy | None,
        trust: Trust = True,
    ) -> OpenResponse:
        """Send `request` and return the response once its headers arrive; redirects are responses, too.

        A server may close a kept connection at the moment it is used. A request that may be repeated is then
        sent on another one, until that is a new one (RFC 9112, 9.3.1); any other request fails.

        Args:
            cookies: the cookies to send, and where to store those of the response; ``None`` for neither.
            proxy: the proxy, ``None`` for a direct connection.
            trust: which certificates to trust; connections with different settings are kept separately.

        Raises:
            aiohttp.ClientError, OSError: there is no response.
            ValueError: a header cannot be sent.
        """
        url = request.url
        place = url.scheme, url.raw_authority, None if proxy is None else proxy.url, trust
        destination = self._destinations.get(place) or self._begin(place, url, proxy)
        while True:
            connection, kept = await self._connect(destination, timeouts)
            try:
                return await self._ask(connection, destination, request, timeouts, cookies)
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                connection.close()
                if not kept or request.method not in IDEMPOTENT:
                    raise
            except BaseException:
                connection.close()
                raise

    def _begin(self, place: _Place, url: URL, proxy: Proxy | None) -> _Destination:
        if len(self._destinations) >= _MOST_KNOWN:
            self._destinations.clear()
        made = self._destinations[place] = _Destination(url, proxy, place[-1], self._loop)
        return made

    async def _connect(self, destination: _Destination, timeouts: Timeouts) -> tuple[Connection, bool]:
        try:
            return await self._connector.take(destination.connecting, _connecting(timeouts.connect))
        except TimeoutError as error:
            host = destination.connecting.host
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {host}") from error

    async def _ask(
        self,
        connection: Connection,
        destination: _Destination,
        request: Request,
        timeouts: Timeouts,
        cookies: Cookies | None,
    ) -> OpenResponse:
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:  # closed after it was taken from the pool
            raise aiohttp.ServerDisconnectedError
        head = _first_line(request, destination.far) + destination.head(request, cookies)
        protocol.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,  # decode.Body does this, within a limit
            read_timeout=timeouts.read,
            timeout_ceil_threshold=math.inf,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )
        if isinstance(request.body, Upload):
            message, content = await send_upload(
                protocol, head, request.body, lambda: _read(protocol, destination)
            )
        else:
            _write(protocol.transport, head, request.body, request.method)
            if timeouts.read is not None:
                protocol.start_timeout()
            message, content = await _read(protocol, destination)
        if cookies is not None:
            for one in message.headers.getall("Set-Cookie", ()):
                cookies.take(one, request.url)
        return OpenResponse(connection, message.code, message.reason or "", message.headers, content)


def _first_line(request: Request, far: bool) -> bytes:
    url = request.url
    target = request.target
    if _NO_TARGET.search(target):
        raise aiohttp.InvalidURL(url, "it contains a character that is not allowed")
    if far:
        target = f"{url.scheme}://{url.raw_authority}{target}"
    return f"{request.method} {target} HTTP/1.1\r\n".encode()


def _write(transport: asyncio.Transport, head: bytes, body: bytes | None, method: str) -> None:
    if body is None:
        length = b"" if method in _WITHOUT_BODY else b"Content-Length: 0\r\n"
        transport.write(b"%b%b\r\n" % (head, length))
        return
    raw = b"%bContent-Length: %d\r\n\r\n" % (head, len(body))
    if len(body) <= _COALESCED:
        transport.write(raw + body)
    else:
        transport.writelines((raw, body))


async def _read(protocol: ResponseHandler, destination: _Destination) -> Any:
    """Return the first message that is a final response, not an interim one (1xx)."""
    try:
        while True:
            message, content = await protocol.read()
            if not 100 <= message.code < 200 or message.code == _SWITCHING:
                return message, content
    except HttpProcessingError as error:
        raise aiohttp.ClientResponseError(
            destination.connecting.request_info, (), status=error.code, message=error.message
        ) from error
