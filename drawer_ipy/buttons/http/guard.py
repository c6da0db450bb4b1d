"""Which addresses a request may go to: public ones only, unless the button opts out.

What is public is decided by IANA's special-purpose registries for IPv4 and IPv6, by what IANA has handed out
(of IPv6 only 2000::/3), and by the IPv4 address that an IPv6 address carries. A host name is checked after it
was resolved, and the connection goes to the very addresses that were checked, so a name that resolves to
something else a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator

from aiohttp.abc import AbstractResolver, ResolveResult

from drawer_ipy.errors import Code, DrawerError

_Network4 = ipaddress.IPv4Network
_Network6 = ipaddress.IPv6Network

_BLOCKED_4 = tuple(
    _Network4(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's address translation (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, with the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, with Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4 and 6a44, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks of networks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, with the broadcast address
    )
)
_PUBLIC_4 = tuple(
    _Network4(text)
    for text in (
        "192.0.0.9/32",  # Port Control Protocol, anycast
        "192.0.0.10/32",  # TURN, anycast
    )
)
"""Addresses within blocked networks that IANA says are globally reachable."""

_GLOBAL_6 = _Network6("2000::/3")
"""All global unicast addresses; IANA has handed out nothing else."""

_BLOCKED_6 = tuple(
    _Network6(text)
    for text in (
        "2001::/23",  # protocol assignments, with benchmarks (2001:2::/48) and ORCHIDs, which name no place
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_PUBLIC_6 = tuple(
    _Network6(text)
    for text in (
        "2001:1::1/128",  # Port Control Protocol, anycast
        "2001:1::2/128",  # TURN, anycast
        "2001:1::3/128",  # DNS-SD service registration, anycast
        "2001:3::/32",  # AMT
        "2001:4:112::/48",  # AS112
    )
)
_TEREDO = _Network6("2001::/32")
_IPV4_AT_END = tuple(
    _Network6(text)
    for text in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated (SIIT)
        "64:ff9b::/96",  # NAT64
    )
)
"""Networks whose addresses stand for the IPv4 address in their last 32 bits."""

_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}", re.ASCII)
_OPEN_ENV = "BUTTONS_ALLOW_PRIVATE_NETWORKS"


class AddressRefused(DrawerError):
    """A request would have gone to a private network."""

    default_code = Code.VALIDATION_ERROR


def is_private(address: str) -> bool:
    """Whether an IP address is not a public one, or carries one that is not (``::ffff:10.0.0.1``).

    Raises:
        ValueError: when `address` is not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_private_4(ip)
    return not _is_public_6(ip) or any(_is_private_4(inner) for inner in _carried(ip))


def _is_private_4(ip: ipaddress.IPv4Address) -> bool:
    return any(ip in network for network in _BLOCKED_4) and not any(ip in network for network in _PUBLIC_4)


def _is_public_6(ip: ipaddress.IPv6Address) -> bool:
    """Whether it is in a public network; what it carries is another question."""
    if ip not in _GLOBAL_6:
        return any(ip in network for network in _IPV4_AT_END)
    if ip in _TEREDO or not any(ip in network for network in _BLOCKED_6):
        return True
    return any(ip in network for network in _PUBLIC_6)


def _carried(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for or is routed to."""
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
    number = int(ip)
    if any(ip in network for network in _IPV4_AT_END) or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def private_networks_open() -> bool:
    """Whether the environment opens private networks to all buttons."""
    return os.environ.get(_OPEN_ENV) == "1"


def refuse(host: str, address: str = "") -> AddressRefused:
    """The error for an address that is not public."""
    what = f"{host} ({address})" if address and address != host else host
    return AddressRefused(
        f"{what} is in a private network or a reserved one, where buttons may not go unless they say so",
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
