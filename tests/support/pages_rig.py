"""A small site on loopback whose pages a test writes; it records the requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from drawer_ipy.common.demo_origins import site_started, site_stopped

Page = str | tuple[int, str, Mapping[str, str]]


@dataclass
class Site:
    """Pages by path and query; a page may be text, (status, text, headers), or a function of the request.

    Attributes:
        url: the address of the site.
        pages: the pages; any other path gets a 404.
        requests: path and query of every request, in the order of arrival.
        headers: the headers of every request.
        pause: seconds that every response takes.
        most: the most requests at once so far.
    """

    url: str = ""
    pages: dict[str, Page | Callable[[web.Request], Page]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    pause: float = 0.0
    most: int = 0
    _now: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        self.headers.append(dict(request.headers))
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(self.pause)
        self._now -= 1
        page: Any = self.pages.get(request.path_qs, (404, "nothing here", {}))
        if callable(page):
            page = page(request)
        status, text, headers = page if isinstance(page, tuple) else (200, page, {})
        headers = {"Content-Type": "text/html; charset=utf-8", **headers}
        return web.Response(status=status, body=text.encode(), headers=headers)


@contextmanager
def running() -> Iterator[Site]:
    """Run a site until the block ends."""
    site, ready = Site(), threading.Event()
    loop = asyncio.new_event_loop()

    def live() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def begin() -> None:
        await runner.setup()
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    ready.wait(10)
    site_started(site.url)
    try:
        yield site
    finally:
        site_stopped(site.url)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
