"""The demo site without a port: requests to it go to its application in this process.

In a browser, nothing can listen on a port. Connections of aiohttp, which drawer_ipy uses as well, then end at
the site's own protocol, through a pair of transports in memory; ``urllib.request.urlopen`` asks over such a
connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.message
import io
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from drawer_ipy.common.platform import can_wait, wait

_FIRST_PORT = 8000
_SERVED: dict[str, Served] = {}
"""The sites of this process by origin, as the connections of other code find them."""


class Served:
    """One site.

    Args:
        app: the application.

    Attributes:
        port: a number that no other such site of this process has.
    """

    def __init__(self, app: web.Application, port: int = 0) -> None:
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        self._ready: asyncio.Task[None] | None = None
        used = {URL(origin).port for origin in _SERVED}
        self.port: int = port or next(n for n in range(_FIRST_PORT, 65536) if n not in used)
        if self.port in used:
            raise OSError(f"The demo site cannot use port {port}: another site of this process has it.")
        self._origin = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Let requests of this process reach the site."""
        if not _SERVED:
            _divert()
        _SERVED[self._origin] = self

    def stop(self) -> None:
        """Refuse further requests, and close the connections."""
        if _SERVED.pop(self._origin, None) is None:
            return
        if not _SERVED:
            _restore()
        if self._ready is None:
            return
        with contextlib.suppress(RuntimeError):  # no loop is running: the connections ended with theirs
            loop = asyncio.get_running_loop()
            _TASKS.add(task := loop.create_task(self._runner.cleanup()))
            task.add_done_callback(_TASKS.discard)

    async def connect(self, client: asyncio.Protocol) -> None:
        """Connect `client` to the site."""
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._runner.setup())
        await asyncio.shield(self._ready)
        server = self._runner.server
        assert server is not None  # after setup
        join(client, server())


_TASKS: set[asyncio.Task[None]] = set()
"""Sites that are closing; the event loop holds tasks only weakly."""


class _End(asyncio.Transport):
    """One end of a connection in memory; what is written arrives in the next iteration of the loop."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.other: _End | None = None
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._paused = False
        self._waiting: list[bytes] = []

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 0) if name in ("peername", "sockname") else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def write(self, data: Any) -> None:
        if not self._closing and self.other is not None and data:
            self._loop.call_soon(self.other.receive, bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def receive(self, data: bytes) -> None:
        """Pass `data` to the protocol, or keep it while reading is paused."""
        if self._paused:
            self._waiting.append(data)
        elif not self._closing:
            self.protocol.data_received(data)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self.receive(data)

    def is_reading(self) -> bool:
        return not self._paused

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self.ended()
        if self.other is not None:  # after what was written
            self._loop.call_soon(self.other.ended)

    def abort(self) -> None:
        self.close()

    def ended(self) -> None:
        """Tell the protocol, once, that the connection is closed."""
        if self._closing:
            return
        self._closing = True
        self._loop.call_soon(self.protocol.connection_lost, None)


def join(client: asyncio.Protocol, server: asyncio.Protocol) -> None:
    """Connect two protocols with each other."""
    ends = _End(client), _End(server)
    ends[0].other, ends[1].other = ends[1], ends[0]
    server.connection_made(ends[1])
    client.connection_made(ends[0])


# How other code reaches the sites

_METHOD = "_create_connection"
"""The method of aiohttp that opens a connection; tests/test_demo_in_process.py notices if it is gone."""

_Connect = Callable[..., Any]
_BEFORE: list[_Connect] = []


def _divert() -> None:
    original = getattr(aiohttp.TCPConnector, _METHOD)

    async def create(self: Any, req: Any, traces: Any, timeout: Any) -> Any:
        served = _SERVED.get(str(req.url.origin())) if req.proxy is None else None
        if served is None:
            return await original(self, req, traces, timeout)
        protocol = self._factory()
        await served.connect(protocol)
        return protocol

    _BEFORE.append(original)
    setattr(aiohttp.TCPConnector, _METHOD, create)
    urllib.request.install_opener(urllib.request.build_opener(_Handler))


def _restore() -> None:
    setattr(aiohttp.TCPConnector, _METHOD, _BEFORE.pop())
    urllib.request.install_opener(None)


class _Handler(urllib.request.HTTPHandler):
    """Opens URLs of the sites; others as usual."""

    def http_open(self, req: urllib.request.Request) -> Any:
        origin = f"http://{req.host}"
        if origin not in _SERVED:
            return super().http_open(req)
        if not can_wait():
            raise urllib.error.URLError(
                "a blocking call cannot wait for the demo site here, since the browser cannot switch stacks "
                "(JSPI): use an async client, such as aiohttp"
            )
        status, reason, headers, body = wait(_ask(req))
        message = email.message.Message()
        for name, value in headers:
            message[name] = value
        response = urllib.response.addinfourl(io.BytesIO(body), message, req.full_url, status)
        response.msg = reason  # type: ignore[attr-defined]  # as http.client sets it
        return response


async def _ask(req: urllib.request.Request) -> tuple[int, str, list[tuple[str, str]], bytes]:
    data = req.data if isinstance(req.data, bytes) else None
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(
            req.get_method(),
            URL(req.full_url, encoded=True),
            headers=dict(req.header_items()),
            data=data,
            allow_redirects=False,
        ) as response,
    ):
        return response.status, response.reason or "", [*response.headers.items()], await response.read()
