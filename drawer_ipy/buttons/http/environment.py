"""The proxies from the environment, and the hosts that bypass them (NO_PROXY)."""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from collections.abc import Mapping

from yarl import URL

from drawer_ipy.buttons.http.proxy import Proxy, parse_proxy

_ENTRY = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:]*|[^/]*:[^/]*:.*))(?::(?P<port>\d+))?", re.ASCII)
_MOST_KNOWN = 1000

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProxyEnvironment:
    """The proxy settings of the environment when this object is created.

    Args:
        addresses: the proxies by scheme, ``all`` for any, as :func:`urllib.request.getproxies` returns them:
            lower-case variables take precedence, and ``HTTP_PROXY`` is ignored in a CGI script.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = {name: text for name, text in addresses.items() if name != "no" and text}
        self._excepted = Excepted(os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "")
        self._known: dict[tuple[str, str], Proxy | None] = {}

    def proxy_for(self, url: URL) -> Proxy | None:
        """Return the proxy for `url`; ``None`` if there is none, or the host bypasses it.

        Raises:
            ArgumentError: the proxy's address is invalid or not supported.
        """
        if not self._addresses:
            return None
        place = url.scheme, url.raw_authority
        if place in self._known:
            return self._known[place]
        found = self._find(url)
        if len(self._known) < _MOST_KNOWN:
            self._known[place] = found
        return found

    def _find(self, url: URL) -> Proxy | None:
        name = url.scheme if url.scheme in self._addresses else "all"
        text = self._addresses.get(name)
        host = url.host or ""
        if text is None or self._excepted.covers(host, url.port) or urllib.request.proxy_bypass(host):
            return None
        # GNOME writes socks:// and means SOCKS 5.
        return parse_proxy(re.sub(r"(?i)^socks://", "socks5h://", text), _source(name))


def _source(scheme: str) -> str:
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
        if os.environ.get(name):
            return f"the environment variable {name}"
    return "the system's proxy settings"


class Excepted:
    """``NO_PROXY``: hosts that are reached without a proxy.

    Args:
        text: entries separated by commas or spaces. A name matches itself and its subdomains, with or
            without a leading dot; an address matches itself, a network such as ``10.0.0.0/8`` its
            addresses, and ``*`` everything. An entry with a port matches only that port.
    """

    def __init__(self, text: str) -> None:
        self._all = False
        self._names: list[tuple[str, int | None]] = []
        self._networks: list[tuple[_Network, int | None]] = []
        for entry in re.split(r"[,\s]+", text):
            self._add(entry)

    def _add(self, entry: str) -> None:
        parts = _ENTRY.fullmatch(entry)
        if parts is None:
            return
        host = parts["six"] if parts["six"] is not None else parts["host"]
        port = int(parts["port"]) if parts["port"] else None
        try:
            self._networks.append((ipaddress.ip_network(host, strict=False), port))
            return
        except ValueError:
            name = _plain_name(host.removeprefix("*") if host != "*" else host)
        if name == "*":
            self._all = self._all or port is None
        elif name:
            self._names.append((name, port))

    def covers(self, host: str, port: int | None) -> bool:
        """Whether `host` is reached directly at `port`."""
        if self._all:
            return True
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            name = _plain_name(host)
            return any(
                allowed in (None, port) and (name == one or name.endswith(f".{one}"))
                for one, allowed in self._names
            )
        return any(
            allowed in (None, port) and address.version == network.version and address in network
            for network, allowed in self._networks
        )


def _plain_name(host: str) -> str:
    """Return a name in lower case and in the form that DNS uses, without leading and trailing dots."""
    host = host.strip(".").lower()
    if not host.isascii():
        try:
            host = URL.build(scheme="http", host=host).raw_host or host
        except ValueError:
            return host
    return host
