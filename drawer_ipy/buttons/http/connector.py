"""Connections that are kept for further requests, and looked at before they are used again."""

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
    """aiohttp's, but a kept connection on which something came that nobody asked for is closed.

    A server may send more than it promised. aiohttp sees that while it reads an answer; what comes later it
    takes for the answer to the next request, so that an item would get a body that was never meant for it.

    It also connects through SOCKS proxies, which aiohttp does not: a request's ``proxy`` may be one.

    Args:
        resolver: looks up the hosts of requests.
        ttl_dns_cache: seconds for which what it found is used again.
        proxies: looks up SOCKS proxies themselves, which may be where requests may not go; `resolver` if not
            given.
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
        """A connection for `request`, and whether it is one that was kept and has been silent since.

        Raises:
            aiohttp.ClientError, TimeoutError: when there is none to be had.
        """
        while True:
            connection = await self.connect(request, [], timeout)
            protocol = connection.protocol
            assert protocol is not None  # it has one until it is released
            if protocol in self._new:
                self._new.discard(protocol)
                return connection, False  # where the server spoke first, reading says what is wrong
            if not protocol.should_close:
                return connection, True
            connection.close()

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        """See aiohttp's."""
        if req.proxy is not None and req.proxy.scheme.startswith("socks"):
            made = await self._through_socks(req, req.proxy, timeout)
        else:
            made = await super()._create_connection(req, traces, timeout)
        self._new.add(made)
        return made

    def _update_proxy_auth_header_and_build_proxy_req(
        self, req: aiohttp.ClientRequest
    ) -> aiohttp.ClientRequest:
        """See aiohttp's, which would greet a SOCKS proxy in HTTP."""
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
            if proxy.scheme == "socks4":  # which has no longer addresses
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
