"""Connections that are kept alive and checked before they are reused."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp.resolver import ThreadedResolver

from drawer_ipy.buttons.http.socks import closed_on_failure, open_through
from drawer_ipy.common.threads import Threads

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from yarl import URL


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, but it closes a kept connection that has received unexpected data.

    A server may send more than Content-Length. aiohttp notices that while it reads a response, but data that
    arrives later would count as the response to the next request, so an item would get the wrong body.

    This connector also supports SOCKS proxies, which aiohttp does not: a request's ``proxy`` may be one.

    Args:
        resolver: resolves the hosts of requests.
        ttl_dns_cache: seconds for which a resolved address is reused.
        proxies: resolves the hosts of SOCKS proxies, which may be in networks that requests may not go to;
            defaults to `resolver`.
    """

    def __init__(
        self,
        *,
        resolver: aiohttp.abc.AbstractResolver,
        ttl_dns_cache: int,
        proxies: aiohttp.abc.AbstractResolver | None = None,
    ) -> None:
        super().__init__(limit=0, limit_per_host=0, resolver=resolver, ttl_dns_cache=ttl_dns_cache)
        self._proxies = proxies or resolver
        self._new: set[ResponseHandler] = set()

    async def take(
        self, request: aiohttp.ClientRequest, timeout: aiohttp.ClientTimeout
    ) -> tuple[Connection, bool]:
        """Return a connection for `request`, and whether it is a reused one without unexpected data.

        Raises:
            aiohttp.ClientError, TimeoutError: no connection can be made.
        """
        while True:
            connection = await self.connect(request, [], timeout)
            protocol = connection.protocol
            assert protocol is not None  # a connection has one until it is released
            if protocol in self._new:
                self._new.discard(protocol)
                return connection, False  # if the server sent data first, reading reports the error
            if not protocol.should_close:
                return connection, True
            connection.close()

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        """See aiohttp's method."""
        if req.proxy is not None and req.proxy.scheme.startswith("socks"):
            made = await self._through_socks(req, req.proxy, timeout)
        else:
            made = await super()._create_connection(req, traces, timeout)
        self._new.add(made)
        return made

    def _update_proxy_auth_header_and_build_proxy_req(
        self, req: aiohttp.ClientRequest
    ) -> aiohttp.ClientRequest:
        """See aiohttp's method, which would speak HTTP to a SOCKS proxy."""
        if req.proxy is not None and req.proxy.scheme.startswith("socks"):
            return req
        return super()._update_proxy_auth_header_and_build_proxy_req(req)

    async def _through_socks(
        self, req: aiohttp.ClientRequest, proxy: URL, timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        host, port = req.url.raw_host or "", req.port or 0
        key = req.connection_key
        there = key._replace(host=proxy.raw_host or "", port=proxy.port)
        if proxy.scheme in ("socks4", "socks5"):
            try:
                found = await self._resolve_host(host, port)
            except OSError as error:
                raise aiohttp.ClientConnectorDNSError(key, error) from error
            if proxy.scheme == "socks4":  # which has no IPv6 addresses
                found = [one for one in found if one["family"] == socket.AF_INET] or found
            host = found[0]["host"]
        try:
            at = await self._proxies.resolve(proxy.raw_host or "", proxy.port or 0, socket.AF_UNSPEC)
        except OSError as error:
            raise aiohttp.ClientConnectorDNSError(there, error) from error
        try:
            opened = await open_through(proxy, at[0]["host"], host, port)
        except OSError as error:
            raise aiohttp.ClientProxyConnectionError(there, error) from error
        context = self._get_ssl_context(req)
        with closed_on_failure(opened):
            _, protocol = await self._wrap_existing_connection(
                self._factory,
                timeout=timeout,
                ssl=context,
                sock=opened,
                server_hostname=(req.url.raw_host or "").rstrip(".") if context else None,
                req=req,
            )
        return protocol


class SystemResolver(ThreadedResolver):
    """aiohttp's resolver on daemon threads, as many as needed.

    An event loop resolves names on its own thread pool. That pool is small, which slows down a run with many
    hosts, and the program waits for it at exit: a cancelled program would hang until an unresponsive DNS
    server times out, which can take a minute.
    """

    def __init__(self) -> None:
        self._threads = Threads()
        # aiohttp's resolver uses only these two methods of a loop.
        super().__init__(cast(asyncio.AbstractEventLoop, _Lookups(self._threads)))

    async def close(self) -> None:
        """Release the threads."""
        await self._threads.aclose()


class _Lookups:
    """The two methods of an event loop that resolve names."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def getaddrinfo(self, host: str, port: int, **more: int) -> list[Any]:
        return await self._threads.submit(partial(socket.getaddrinfo, host, port, **more))

    async def getnameinfo(self, address: tuple[Any, ...], flags: int = 0) -> tuple[str, str]:
        return await self._threads.submit(partial(socket.getnameinfo, address, flags))
