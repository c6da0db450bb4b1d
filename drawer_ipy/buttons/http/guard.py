"""Checks that a request goes to a public address, unless the button allows private ones.

Public addresses are defined by IANA's special-purpose registries for IPv4 and IPv6, by IANA's allocations (of
IPv6 only 2000::/3), and by the IPv4 address that an IPv6 address contains. A host name is checked after it is
resolved, and the connection uses the addresses that were checked, so that a name that resolves to a different
address a moment later (DNS rebinding) cannot bypass the check.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator

from drawer_ipy.errors import Code, DrawerError

_Network4 = ipaddress.IPv4Network
_Network6 = ipaddress.IPv6Network

_BLOCKED_4 = tuple(
    _Network4(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, including cloud metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, including Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # deprecated relays of 6to4 and 6a44
        "192.168.0.0/16",
        "198.18.0.0/15",  # network benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, including the broadcast address
    )
)
_PUBLIC_4 = tuple(
    _Network4(text)
    for text in (
        "192.0.0.9/32",  # Port Control Protocol, anycast
        "192.0.0.10/32",  # TURN, anycast
    )
)
"""Addresses within blocked networks that are globally reachable according to IANA."""

_GLOBAL_6 = _Network6("2000::/3")
"""All global unicast addresses; IANA has allocated no others."""

_BLOCKED_6 = tuple(
    _Network6(text)
    for text in (
        "2001::/23",  # protocol assignments, including benchmarks (2001:2::/48) and ORCHIDs (not locators)
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
"""Networks whose addresses contain an IPv4 address in their last 32 bits."""

_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}", re.ASCII)
_OPEN_ENV = "BUTTONS_ALLOW_PRIVATE_NETWORKS"


class AddressRefused(DrawerError):
    """A request to a private network was refused."""

    default_code = Code.VALIDATION_ERROR


def is_private(address: str) -> bool:
    """Whether an IP address is not public, or contains one that is not (``::ffff:10.0.0.1``).

    Raises:
        ValueError: `address` is not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return _is_private_4(ip)
    return not _is_public_6(ip) or any(_is_private_4(inner) for inner in _carried(ip))


def _is_private_4(ip: ipaddress.IPv4Address) -> bool:
    return any(ip in network for network in _BLOCKED_4) and not any(ip in network for network in _PUBLIC_4)


def _is_public_6(ip: ipaddress.IPv6Address) -> bool:
    """Whether it is in a public network; an IPv4 address that it contains is checked separately."""
    if ip not in _GLOBAL_6:
        return any(ip in network for network in _IPV4_AT_END)
    if ip in _TEREDO or not any(ip in network for network in _BLOCKED_6):
        return True
    return any(ip in network for network in _PUBLIC_6)


def _carried(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address contains or is routed to."""
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
    number = int(ip)
    if any(ip in network for network in _IPV4_AT_END) or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)


def private_networks_open() -> bool:
    """Whether the environment allows private networks for all buttons."""
    return os.environ.get(_OPEN_ENV) == "1"


def refuse(host: str, address: str = "") -> AddressRefused:
    """Return the error for an address that is not public."""
    what = f"{host} ({address})" if address and address != host else host
    return AddressRefused(
        f"{what} is in a private network or a reserved range, which buttons may not access by default",
        remediation="set `allow_private_networks: true` on the button to allow it",
    )


def check_literal(host: str) -> None:
    """Refuse `host` if it is a private IP address; names are checked by the resolver.

    Operating systems also accept ``2130706433``, ``0x7f.1`` and ``017700000001`` for 127.0.0.1, so these
    forms are parsed in the same way.

    Raises:
        AddressRefused: it is a private address.
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
    """Whether `host` is an IP address in any notation, and not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _spelled(host) is not None
    return True


def _spelled(host: str) -> str | None:
    """Return the usual notation of an IPv4 address in one of its other notations; ``None`` otherwise."""
    if not _NUMERIC.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None
