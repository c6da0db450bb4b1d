"""Which addresses a request may go to: private networks are refused unless the button opts out.

The ranges are the original's, with the forms of IPv6 that carry an IPv4 address inside added. A host
name is checked after it was resolved, and the connection goes to the very addresses that were checked,
so a name that resolves to something else a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator

from aiohttp.abc import AbstractResolver, ResolveResult

from drawer_ipy.errors import Code, DrawerError

_BLOCKED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",  # loopback
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local, with the metadata services of clouds
        "100.64.0.0/10",  # behind a provider's address translation (CGNAT)
        "0.0.0.0/8",
        "192.0.0.0/24",  # protocol assignments, with Oracle's metadata service
        "198.18.0.0/15",  # benchmarks of networks
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",  # translation within a network
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",  # link-local's predecessor
        "ff00::/8",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}", re.ASCII)
_OPEN_ENV = "BUTTONS_ALLOW_PRIVATE_NETWORKS"


class AddressRefused(DrawerError):
    """A request would have gone to a private network."""

    default_code = Code.VALIDATION_ERROR


def is_private(address: str) -> bool:
    """Whether an IP address is in a refused range, also inside of another (``::ffff:10.0.0.1``).

    Raises:
        ValueError: when `address` is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if _blocked(ip):
        return True
    return isinstance(ip, ipaddress.IPv6Address) and any(_blocked(inner) for inner in _carried(ip))


def _blocked(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(ip in network for network in _BLOCKED if network.version == ip.version)


def _carried(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for or is routed to."""
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
    number = int(ip)
    last = ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if ip in _NAT64 or ip in _COMPATIBLE or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield last


def private_networks_open() -> bool:
    """Whether the environment opens private networks to all buttons."""
    return os.environ.get(_OPEN_ENV) == "1"


def refuse(host: str, address: str = "") -> AddressRefused:
    """The error for a private address."""
    what = f"{host} ({address})" if address and address != host else host
    return AddressRefused(
        f"{what} is in a private network, where buttons may not go unless they say so",
        remediation="set `allow_private_networks: true` on the button if that is where it should go",
    )


def check_literal(host: str) -> None:
    """Refuse `host` when it is a private IP address written out; names are left to the resolver.

    Systems also take ``2130706433``, ``0x7f.1`` and ``017700000001`` for 127.0.0.1, so these are read as
    they read them.

    Raises:
        AddressRefused: when it is.
    """
    address = host.rstrip(".")
    try:
        private = is_private(address)
    except ValueError:
        number = _spelled(address)
        if number is None:
            return
        address, private = number, is_private(number)
    if private:
        raise refuse(host, address)


def is_address(host: str) -> bool:
    """Whether `host` is an IP address in any spelling, and not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _spelled(host) is not None
    return True


def _spelled(host: str) -> str | None:
    """The usual form of an IPv4 address in one of its other spellings; ``None`` when it is none."""
    if not _NUMERIC.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those of which any address is private.

    Args:
        inner: what does the resolving.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`.

        Raises:
            AddressRefused: when one of them is private.
            OSError: when the name cannot be resolved.
        """
        found = await self._inner.resolve(host, port, family)
        for entry in found:
            if is_private(entry["host"]):
                raise refuse(host, entry["host"])
        return found

    async def close(self) -> None:
        """Let the inner resolver go."""
        await self._inner.close()
