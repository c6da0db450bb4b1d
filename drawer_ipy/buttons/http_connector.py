"""Connections that are kept for further requests, and looked at before they are used again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """aiohttp's, but a kept connection on which something came that nobody asked for is closed.

    A server may send more than it promised. aiohttp sees that while it reads an answer; what comes later it
    takes for the answer to the next request, so that an item would get a body that was never meant for it.
    """

    def __init__(self, *, resolver: aiohttp.abc.AbstractResolver, ttl_dns_cache: int) -> None:
        super().__init__(limit=0, limit_per_host=0, resolver=resolver, ttl_dns_cache=ttl_dns_cache)
        self._used: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()

    async def connect(
        self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """A connection for `req`: a kept one that has been silent, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None:
                return connection
            if not protocol.should_close:
                self._used.add(protocol)
                return connection
            if protocol not in self._used:
                return connection  # new, and the server spoke first: reading it says what is wrong
            connection.close()
