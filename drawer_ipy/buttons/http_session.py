"""The connections of a run: one pool for requests that are guarded, one for those that may go anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from drawer_ipy._version import __version__
from drawer_ipy.buttons.http_guard import GuardedResolver

USER_AGENT = f"drawer_ipy/{__version__}"
_DNS_SECONDS = 60
_HEADER_LIMIT = 64 * 1024
"""Bytes of one header; sites' cookies and policies exceed aiohttp's own 8 KiB."""


class HttpSession:
    """What all requests of a run share, made when the first one comes.

    There is no limit on connections here, since the engine bounds how much runs at once, and no cookie
    jar, since items must not see one another's cookies. Proxies are the environment's.
    """

    def __init__(self) -> None:
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._proxies: dict[str, str] = urllib.request.getproxies()
        self._resolver: GuardedResolver | None = None

    async def route(self, url: URL, guarded: bool) -> tuple[aiohttp.ClientSession, str | None]:
        """The session to reach `url` through, and the proxy to use.

        A proxy resolves the name itself and may well be in a private network; so behind one the target is
        checked here, and the connection to the proxy is not.

        Raises:
            AddressRefused: when the target behind a proxy is in a private network.
        """
        proxy = self._proxy_for(url) if self._proxies else None
        if proxy is None:
            return self._session(guarded), None
        if guarded:
            await self._check_target(url.host or "", url.port or 0)
        return self._session(False), proxy

    def _proxy_for(self, url: URL) -> str | None:
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        if proxy is None or urllib.request.proxy_bypass(url.host or ""):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    async def _check_target(self, host: str, port: int) -> None:
        if self._resolver is None:
            self._resolver = GuardedResolver()
        # A name that only the proxy can resolve is the proxy's to keep watch over.
        with contextlib.suppress(OSError):
            await self._resolver.resolve(host, port)

    def _session(self, guarded: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(guarded)
        if session is None:
            loop = asyncio.get_running_loop()
            resolver: AbstractResolver = GuardedResolver() if guarded else ThreadedResolver(loop)
            connector = aiohttp.TCPConnector(
                limit=0, limit_per_host=0, ttl_dns_cache=_DNS_SECONDS, resolver=resolver
            )
            session = self._sessions[guarded] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # a press has a time limit of its own
                headers={"User-Agent": USER_AGENT},
                max_line_size=_HEADER_LIMIT,
                max_field_size=_HEADER_LIMIT,
            )
        return session

    async def aclose(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
