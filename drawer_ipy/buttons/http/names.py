"""Names looked up by the system, on threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any, cast

from aiohttp.resolver import ThreadedResolver

from drawer_ipy.common.threads import Threads


class SystemResolver(ThreadedResolver):
    """aiohttp's resolver on daemon threads, as many as are needed.

    An event loop would look names up on its own threads. Those are few, which bounds a run that asks many
    hosts, and a program waits for them at its end: cancelled, it would go on until a server that does not
    answer has been given up, and that takes the system up to a minute.
    """

    def __init__(self) -> None:
        self._threads = Threads()
        # It asks a loop for these two things only.
        super().__init__(cast(asyncio.AbstractEventLoop, _Lookups(self._threads)))

    async def close(self) -> None:
        """Let the threads go."""
        await self._threads.aclose()


class _Lookups:
    """The two methods of an event loop that look names up."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def getaddrinfo(self, host: str, port: int, **more: int) -> list[Any]:
        return await self._threads.submit(partial(socket.getaddrinfo, host, port, **more))

    async def getnameinfo(self, address: tuple[Any, ...], flags: int = 0) -> tuple[str, str]:
        return await self._threads.submit(partial(socket.getnameinfo, address, flags))
