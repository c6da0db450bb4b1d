"""The demo site as an object: a server in its own thread or on the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from html import escape
from types import TracebackType
from typing import Self

from aiohttp import web

from drawer_ipy.common.demo_origins import site_started, site_stopped
from drawer_ipy.common.platform import lacks
from drawer_ipy.demo import pages
from drawer_ipy.demo.catalogue import ITEM_COUNT, MIXED_MAX, Catalogue, Item
from drawer_ipy.demo.keys import CATALOGUE, STATE
from drawer_ipy.demo.routes import make_app
from drawer_ipy.demo.state import DemoState, Stats
from drawer_ipy.style.html_frame import block

HOST = "127.0.0.1"
"""The site is only for this computer, since some of its pages would cause trouble on a network."""

_BACKLOG = 1024  # connections that may wait to be accepted; benchmarks open hundreds at once
_GRACE_S = 0.1  # time for running requests to finish when the site stops
_JOIN_S = 5.0  # much longer than stopping takes

_HIGHLIGHTS = (
    ("/", "everything that can be fetched"),
    ("/catalogue?page=1", "lists of items, 20 each"),
    ("/item/1", f"item pages, 1 to {ITEM_COUNT}"),
    ("/mixed/1", "the same, some slow, 4 to 5 % with errors"),
    ("/api/items?limit=20", "the items as JSON"),
    ("/api/echo?a=1", "your request as JSON"),
    ("/slow/300", "a response after 300 ms"),
    ("/flaky/a?fail=2", "two failures, then success"),
    ("/limited/a?after=3&retry_after=1", "429 with Retry-After"),
)


class DemoSite:
    """A small web site on 127.0.0.1 for notebooks and tests; its content never changes.

    Create one with :meth:`start` (a background thread, for use from anywhere) or :meth:`serve` (on the
    running loop). As a context manager it stops at the end of the block.
    """

    def __init__(self, port: int, app: web.Application, ask_to_stop: Callable[[], None]) -> None:
        """Used by :meth:`start` and :meth:`serve`, which already serve ``app`` on ``port``."""
        self.url: str = f"http://{HOST}:{port}"
        self.items: tuple[Item, ...] = app[CATALOGUE].items
        self._state = app[STATE]
        self._ask_to_stop = ask_to_stop
        self._running = True
        site_started(self.url)

    @classmethod
    def start(cls, port: int = 0) -> DemoSite:
        """Serve from a daemon thread; the site accepts requests when this returns.

        In a browser, the site is served by :meth:`in_process`.

        Args:
            port: TCP port from 1 to 65535, or 0 for any free one.

        Raises:
            ValueError: the port is out of range.
            OSError: the port is not available; the message contains the reason and what to do.
        """
        if lacks("threads", "sockets"):
            return cls.in_process(port)
        app, sock = make_app(Catalogue.build(), DemoState()), _listen(port)
        bound_port = sock.getsockname()[1]
        ready: Future[Callable[[], None]] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(_serve_until_stopped(sock, app, ready)),
            name="drawer_ipy-demo",
            daemon=True,
        )
        thread.start()
        signal_stop = ready.result()

        def stop() -> None:
            signal_stop()
            thread.join(_JOIN_S)

        return cls(bound_port, app, stop)

    @classmethod
    def in_process(cls, port: int = 0) -> DemoSite:
        """Serve without a port: only for requests of this process, which do not leave it.

        :meth:`start` does this in a browser, where nothing can listen on a port. Requests of drawer_ipy, of
        aiohttp and of ``urllib.request.urlopen`` reach the site.

        Args:
            port: the number in the site's URL, or 0 for any free one.

        Raises:
            ValueError: the port is out of range.
            OSError: another site has the port.
        """
        from drawer_ipy.demo.in_process import Served

        _check_port(port)
        app = make_app(Catalogue.build(), DemoState())
        served = Served(app, port)
        served.start()
        return cls(served.port, app, served.stop)

    @classmethod
    @contextlib.asynccontextmanager
    async def serve(cls, port: int = 0) -> AsyncIterator[DemoSite]:
        """Serve on the running loop for the length of an ``async with`` block.

        Calling :meth:`stop` within the block only requests a stop; the server has stopped after the block.
        Arguments and errors are those of :meth:`start`.
        """
        app, sock = make_app(Catalogue.build(), DemoState()), _listen(port)
        bound_port = sock.getsockname()[1]
        ready: Future[Callable[[], None]] = Future()
        task = asyncio.create_task(_serve_until_stopped(sock, app, ready))
        with sock:  # a task that is cancelled before its first step does not close it
            try:
                site = cls(bound_port, app, await asyncio.shield(asyncio.wrap_future(ready)))
            except BaseException:
                task.cancel()
                await asyncio.wait([task])
                raise
            try:
                yield site
            finally:
                site.stop()
                await task

    def stop(self) -> None:
        """Close the listening socket and every connection; a second call does nothing.

        Takes less than a second, even with running requests.
        """
        if self._running:
            self._running = False
            site_stopped(self.url)
            self._ask_to_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the site still accepts requests."""
        return self._running

    @property
    def page_urls(self) -> list[str]:
        """The URLs of all item pages, in the order of their ids."""
        return [f"{self.url}/item/{item.id}" for item in self.items]

    @property
    def api_urls(self) -> list[str]:
        """The URLs of all items as JSON, in the order of their ids."""
        return [f"{self.url}/api/items/{item.id}" for item in self.items]

    def mixed_urls(self, count: int = ITEM_COUNT) -> list[str]:
        """The URLs of the first ``count`` mixed pages, of which 4 to 5 % fail.

        Raises ValueError unless ``count`` is between 0 and a million.
        """
        if not 0 <= count <= MIXED_MAX:
            raise ValueError(f"count must be from 0 to {MIXED_MAX}, not {count}.")
        return [f"{self.url}/mixed/{number}" for number in range(1, count + 1)]

    def stats(self) -> Stats:
        """The counters since the start or the last :meth:`reset`."""
        return self._state.stats()

    def reset(self) -> None:
        """Set the counters to zero and forget flaky keys and rate limits."""
        self._state.reset()

    def __repr__(self) -> str:
        if not self._running:
            return f"<DemoSite {self.url}, stopped>"
        lines = [f"<DemoSite {self.url}, running>"]
        lines += [f"  {path:<34}{note}" for path, note in _HIGHLIGHTS]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self._running:
            return block(f"<p>Demo site at {escape(self.url)}, stopped</p>")
        links = pages.links_fragment(self.url, _HIGHLIGHTS)
        return block(f"<p>Demo site running at {escape(self.url)}</p>{links}")


def _check_port(port: int) -> None:
    if not 0 <= port <= 65535:
        raise ValueError(f"port must be from 1 to 65535, or 0 for any free one, not {port}.")


def _listen(port: int) -> socket.socket:
    """A listening socket, created in the caller's thread so that errors reach the caller."""
    _check_port(port)
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).split(" (while")[0]
        raise OSError(
            error.errno,
            f"The demo site cannot listen on {HOST}:{port}: {reason}. "
            "Choose another port, or port 0 for any free one",
        ) from error


async def _serve_until_stopped(
    sock: socket.socket, app: web.Application, ready: Future[Callable[[], None]]
) -> None:
    """Handle requests on ``sock`` until stopped, then close everything.

    ``ready`` receives a function that stops the server; any thread may call it at any time. If the server
    cannot start, ``ready`` receives the error instead.
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def signal_stop() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stopping.set)

    runner = web.AppRunner(
        app,
        access_log=None,
        logger=logging.getLogger(__name__),
        handler_cancellation=True,  # cancel a handler when its client disconnects
        shutdown_timeout=_GRACE_S,
    )
    with sock:
        try:
            await runner.setup()
            listener = web.SockSite(runner, sock, backlog=_BACKLOG)
            await listener.start()
        except BaseException as error:
            ready.set_exception(error)
            await runner.cleanup()
            if isinstance(error, Exception):
                return  # the caller that waits for ready raises it
            raise
        ready.set_result(signal_stop)
        try:
            await stopping.wait()
        finally:
            await _stop_accepting(sock)
            await listener.stop()
            await _close(runner)


async def _stop_accepting(sock: socket.socket) -> None:
    """Stop accepting connections; the kernel refuses new ones once ``sock`` is closed.

    Otherwise asyncio leaks a connection that it has accepted but not yet passed to the server when the server
    closes.
    """
    with contextlib.suppress(NotImplementedError):  # Windows' default loop has no readers
        asyncio.get_running_loop().remove_reader(sock)
    await _settle()


async def _close(runner: web.AppRunner) -> None:
    """Cancel running requests and close their connections."""
    server = runner.server
    connections = list(server.connections) if server is not None else []
    transports = [connection.transport for connection in connections]
    await runner.cleanup()
    for transport in transports:
        # A normal close would wait for a client that does not read, possibly forever.
        if transport is not None:
            transport.abort()
    await _settle()


async def _settle() -> None:
    """Let the loop finish pending work: accepting, closing and cancelling take several iterations.

    A connection accepted just before the listener closed reaches the server in the third iteration.
    """
    for _ in range(5):
        await asyncio.sleep(0)
