"""Requests on aiohttp's connections, without its ClientSession in between.

aiohttp resolves names, connects (TLS, proxies), keeps connections and takes answers apart. What its
ClientSession adds to each request (merged headers, redirects, authentication, hooks, a task for the body) is
settled once for a button or not wanted here, and would cost more than all the rest of a loop's item:
docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import math
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from drawer_ipy._version import __version__
from drawer_ipy.buttons.http.connector import Connector
from drawer_ipy.buttons.http.cookies import Cookies
from drawer_ipy.buttons.http.decode import ACCEPTED
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.request import IDEMPOTENT, Request
from drawer_ipy.buttons.http.upload import Upload, send_upload
from drawer_ipy.definition.trust import Trust

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from multidict import CIMultiDictProxy

USER_AGENT = f"drawer_ipy/{__version__}"
_DEFAULTS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": ACCEPTED}
_HEADER_LIMIT = 64 * 1024
"""Bytes of one header; sites' cookies and policies exceed aiohttp's own 8 KiB."""

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NO_TARGET = re.compile(r"[^!-~]")
_BREAK = re.compile(r"[\r\n\0]")
_SWITCHING = 101
_MOST_KNOWN = 1000
"""Destinations that are remembered; what is known of one is soon found out again."""

_Place = tuple[str, str, URL | None, Trust]
_ENCODING = ("utf-8", "surrogateescape")
"""Of headers, as aiohttp decodes them."""

_COALESCED = 64 * 1024
"""Bytes of a body that are worth a copy, to leave in one packet with the headers."""


class Timeouts:
    """How long the parts of a request may take; the whole is timed by whoever sends it.

    Args:
        connect: seconds until there is a connection; ``None`` for no limit of its own.
        read: seconds between two pieces of an answer; likewise.
    """

    __slots__ = ("connect", "read")

    def __init__(self, connect: float | None = None, read: float | None = None) -> None:
        # aiohttp would round longer times up to whole seconds.
        self.connect = aiohttp.ClientTimeout(total=None, connect=connect, ceil_threshold=math.inf)
        self.read = read


class Answer:
    """An answer whose body is still to be read; :meth:`close` or :meth:`release` it.

    Attributes:
        status, reason, headers: of the answer.
        content: its body as it was sent, with its Content-Encoding.
    """

    __slots__ = ("_connection", "content", "headers", "reason", "status")

    def __init__(
        self,
        connection: Connection,
        status: int,
        reason: str,
        headers: CIMultiDictProxy[str],
        content: aiohttp.StreamReader,
    ) -> None:
        self._connection = connection
        self.status = status
        self.reason = reason
        self.headers = headers
        self.content = content

    @property
    def length(self) -> int | None:
        """Bytes the body is said to have; ``None`` when nothing is said."""
        text = self.headers.get("Content-Length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    def release(self) -> None:
        """Keep the connection for further requests, if the body was read to its end; else close it."""
        self._connection.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Connecting(aiohttp.ClientRequest):
    """A request that stands for all to one destination when a connection is asked for."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """See aiohttp's, which makes it anew for each request."""
        return super().connection_key


class _Destination:
    """One origin, reached directly or through one proxy, and what all requests to it have in common."""

    __slots__ = ("_fields", "_greeting", "_head", "_loop", "_url", "connecting", "far")

    def __init__(self, url: URL, proxy: Proxy | None, trust: Trust, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._url = url.origin()
        self._fields: CIMultiDict[str] | None = None
        self._head = b""
        self._greeting = {} if proxy is None else proxy.greeting
        # aiohttp would add Host, and finds a tunnel again by what it was asked for with.
        host = {"Host": self._url.host_port_subcomponent or ""}
        # What aiohttp asks for to make a connection; it is not sent.
        self.connecting = _Connecting(
            "GET",
            self._url,
            loop=loop,
            ssl=trust,
            proxy=None if proxy is None else proxy.bare,
            proxy_headers={**host, **self._greeting} if self._greeting else None,
        )
        # An HTTP proxy forwards plain requests, and is told where to; TLS goes through it to the target.
        self.far = proxy is not None and not proxy.socks and url.scheme == "http"

    def head(self, request: Request, cookies: Cookies | None) -> bytes:
        """The lines of its headers. Most requests share their headers with the one before."""
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
        # aiohttp knows what Host has to look like.
        full = aiohttp.ClientRequest("GET", self._url, headers=merged, loop=self._loop).headers
        if self.far:
            full.update(self._greeting)
        for name, value in full.items():
            if _BREAK.search(value) or _BREAK.search(name):
                raise ValueError(f"the header {name[:60]!r} holds a line break")
        # What a server sent (cookies, validators) goes back byte for byte, also where it is not UTF-8.
        return "".join([f"{name}: {value}\r\n" for name, value in full.items()]).encode(*_ENCODING)


class Wire:
    """Sends requests and takes the beginnings of their answers.

    Args:
        connector: makes and keeps the connections; whoever made it closes it.
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
    ) -> Answer:
        """The answer to `request`, as soon as its headers are there; redirects are answers, too.

        A server may close a kept connection at the moment it is used. A request that may be repeated is
        then sent on another one, until that is a new one (RFC 9112, 9.3.1); any other fails.

        Args:
            cookies: what to send of, and where those of the answer are put; ``None`` for neither.
            proxy: what to go through, ``None`` for nothing.
            trust: whose word for a certificate counts; a connection is kept for the like only.

        Raises:
            aiohttp.ClientError, OSError: when there is no answer.
            ValueError: when a header cannot be sent.
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
            return await self._connector.take(destination.connecting, timeouts.connect)
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
    ) -> Answer:
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:  # closed between being found and being used
            raise aiohttp.ServerDisconnectedError
        head = _first_line(request, destination.far) + destination.head(request, cookies)
        protocol.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,  # see http_decode
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
        return Answer(connection, message.code, message.reason or "", message.headers, content)


def _first_line(request: Request, far: bool) -> bytes:
    url = request.url
    target = request.target
    if _NO_TARGET.search(target):
        raise aiohttp.InvalidURL(url, "it holds what no URL may hold")
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
    """The first message that is an answer, and not the news that one is being made (1xx)."""
    try:
        while True:
            message, content = await protocol.read()
            if not 100 <= message.code < 200 or message.code == _SWITCHING:
                return message, content
    except HttpProcessingError as error:
        raise aiohttp.ClientResponseError(
            destination.connecting.request_info, (), status=error.code, message=error.message
        ) from error
