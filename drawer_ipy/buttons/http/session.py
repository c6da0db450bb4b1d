"""What all requests of a run share: connections, cookies, proxies, and what is known of each host."""

from __future__ import annotations

import contextlib
import socket
import urllib.request

from aiohttp.abc import AbstractResolver
from yarl import URL

from drawer_ipy.buttons.http.connector import Connector, SystemResolver
from drawer_ipy.buttons.http.cookies import Cookies
from drawer_ipy.buttons.http.deadline import Deadlines
from drawer_ipy.buttons.http.environment import ProxyEnvironment
from drawer_ipy.buttons.http.guard import GuardedResolver
from drawer_ipy.buttons.http.hosts import Host
from drawer_ipy.buttons.http.wire import Wire

_DNS_SECONDS = 60


class HttpSession:
    """The HTTP side of one run, made when the first request comes.

    Connections are kept for further requests. There are two pools of them: guarded ones, whose addresses
    were checked when they were made, and open ones. Cookies are kept only for the requests that ask for
    it, since items must not see one another's unless they are meant to. There is no limit on connections
    here: the engine bounds what runs at once, and :class:`Host` what one host gets.

    Args:
        resolver: what resolves names; the system's resolver when not given.

    Attributes:
        cookies: of the run.
        deadlines: of its requests.
        environment: its proxies.
    """

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._names = resolver or SystemResolver()
        self._connectors: list[Connector] = []
        self._wires: dict[bool, Wire] = {}
        self.cookies = Cookies()
        self.deadlines = Deadlines()
        self._hosts: dict[tuple[str | None, int | None], Host] = {}
        self._places: dict[tuple[str, str], Host] = {}
        self.environment = ProxyEnvironment(urllib.request.getproxies())
        self._guarded = GuardedResolver(self._names)

    def host(self, url: URL) -> Host:
        """What the run knows of the host of `url`; two ports are two hosts."""
        place = url.scheme, url.raw_authority
        found = self._places.get(place)
        if found is None:
            key = url.host, url.port  # a port may be written out or not
            found = self._hosts.setdefault(key, Host(url.host_port_subcomponent or url.authority))
            self._places[place] = found
        return found

    async def check_target(self, url: URL) -> None:
        """Refuse the private target of a request that goes through a proxy, which resolves it by itself.

        Raises:
            AddressRefused: when it is in a private or reserved network.
        """
        # A name that only the proxy can resolve is the proxy's to keep watch over.
        with contextlib.suppress(OSError):
            await self._guarded.resolve(url.host or "", url.port or 0, socket.AF_UNSPEC)

    def wire(self, guarded: bool) -> Wire:
        """What sends requests, to addresses that were checked or to any; the run closes it."""
        wire = self._wires.get(guarded)
        if wire is None:
            names = self._guarded if guarded else self._names
            connector = Connector(resolver=names, ttl_dns_cache=_DNS_SECONDS, proxies=self._names)
            self._connectors.append(connector)
            wire = self._wires[guarded] = Wire(connector)
        return wire

    async def aclose(self) -> None:
        """Close all connections."""
        self.deadlines.close()
        for connector in self._connectors:
            await connector.close()
        await self._names.close()
        self._connectors.clear()
        self._wires.clear()
