"""The state that all requests of a run share: connections, cookies, proxies, and data about each host."""

from __future__ import annotations

import contextlib
import socket
import urllib.request

from aiohttp.abc import AbstractResolver
from yarl import URL

from drawer_ipy.buttons.http.by_page import PageWire
from drawer_ipy.buttons.http.connector import Connector, SystemResolver
from drawer_ipy.buttons.http.cookies import Cookies
from drawer_ipy.buttons.http.deadline import Deadlines
from drawer_ipy.buttons.http.environment import ProxyEnvironment
from drawer_ipy.buttons.http.guarded_resolver import GuardedResolver
from drawer_ipy.buttons.http.hosts import Host
from drawer_ipy.buttons.http.wire import Wire
from drawer_ipy.common.demo_origins import running_origins
from drawer_ipy.common.platform import lacks

_DNS_SECONDS = 60


class HttpSession:
    """The HTTP state of one run, created by the first request.

    Connections are kept for further requests, in two pools: guarded connections, whose addresses were checked
    when they were opened, and open ones. Only requests that opt in share cookies, because items must not see
    each other's by default. The number of connections is not limited here: the engine limits concurrency, and
    :class:`Host` the requests to one host.

    Args:
        resolver: resolves names; by default the system's resolver.

    Attributes:
        cookies: the cookies of the run.
        deadlines: the deadlines of its requests.
        environment: the proxies from the environment.
    """

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._names = resolver or SystemResolver()
        self._connectors: list[Connector] = []
        self._wires: dict[bool, Wire] = {}
        self.cookies: Cookies = Cookies()
        self.deadlines: Deadlines = Deadlines()
        self._hosts: dict[tuple[str | None, int | None], Host] = {}
        self._places: dict[tuple[str, str], Host] = {}
        self.environment: ProxyEnvironment = ProxyEnvironment(urllib.request.getproxies())
        self._guarded = GuardedResolver(self._names)

    def host(self, url: URL) -> Host:
        """Return the run's state for the host of `url`; each port counts as a host of its own."""
        place = url.scheme, url.raw_authority
        found = self._places.get(place)
        if found is None:
            key = url.host, url.port  # the same whether or not a default port is written
            found = self._hosts.setdefault(key, Host(url.host_port_subcomponent or url.authority))
            self._places[place] = found
        return found

    async def check_target(self, url: URL) -> None:
        """Refuse a private target of a request through a proxy, which resolves the name itself.

        Raises:
            AddressRefused: it is in a private or reserved network.
        """
        # A name that only the proxy can resolve is the proxy's responsibility.
        with contextlib.suppress(OSError):
            await self._guarded.resolve(url.host or "", url.port or 0, socket.AF_UNSPEC)

    def wire(self, guarded: bool, url: URL) -> Wire | PageWire:
        """Return the sender for checked addresses (`guarded`) or for all; the run closes it.

        Without sockets, the page sends the requests, except those to a demo site in this process.
        """
        if lacks("sockets") and str(url.origin()) not in running_origins():
            return PageWire()
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
