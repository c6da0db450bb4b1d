"""Connections that are kept for further requests, and looked at before they are used again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection


class Connector(aiohttp.TCPConnector):
    """aiohttp's, but a kept connection on which something came that nobody asked for is closed.

    A server may send more than it promised. aiohttp sees that while it reads an answer; what comes later it
    takes for the answer to the next request, so that an item would get a body that was never meant for it.
    """

    def __init__(self, *, resolver: aiohttp.abc.AbstractResolver, ttl_dns_cache: int) -> None:
        super().__init__(limit=0, limit_per_host=0, resolver=resolver, ttl_dns_cache=ttl_dns_cache)
        self._used: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()

    async def take(
        self, request: aiohttp.ClientRequest, timeout: aiohttp.ClientTimeout
    ) -> tuple[Connection, bool]:
        """A connection for `request`, and whether it is one that was kept and has been silent since.

        Raises:
            aiohttp.ClientError, TimeoutError: when there is none to be had.
        """
        while True:
            connection = await self.connect(request, [], timeout)
            protocol = connection.protocol
            assert protocol is not None  # it has one until it is released
            if protocol not in self._used:
                self._used.add(protocol)
                return connection, False  # where the server spoke first, reading says what is wrong
            if not protocol.should_close:
                return connection, True
            connection.close()
