"""The proxies of the environment, and the hosts it excepts from them (NO_PROXY)."""

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
    """What the environment says about proxies, as it is when this is made.

    Args:
        addresses: of the proxies by scheme, ``all`` for any, as :func:`urllib.request.getproxies` gives them:
            the lower-case variables count before those in capitals, and ``HTTP_PROXY`` not in a CGI script.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = {name: text for name, text in addresses.items() if name != "no" and text}
        self._excepted = Excepted(os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "")
        self._known: dict[tuple[str, str], Proxy | None] = {}

    def proxy_for(self, url: URL) -> Proxy | None:
        """The proxy for `url`; ``None`` when there is none, or the host is excepted.

        Raises:
            ArgumentError: when what is named for it is not a proxy that can be used.
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
            return f"{name} of the environment"
    return "the proxy of this computer's settings"


class Excepted:
    """``NO_PROXY``: hosts that are reached directly.

    Args:
        text: entries with commas or blanks between them. A name stands for itself and all below it, with or
            without a dot in front; an address for itself or, as ``10.0.0.0/8``, for a network; ``*`` for
            all. A port behind it excepts that port only.
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
    """In lower case, as DNS takes it, without dots around it."""
    host = host.strip(".").lower()
    if not host.isascii():
        try:
            host = URL.build(scheme="http", host=host).raw_host or host
        except ValueError:
            return host
    return host
