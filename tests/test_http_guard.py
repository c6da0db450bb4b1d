"""Forbidden targets of requests: private ranges, other spellings of their addresses, names that change."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from drawer_ipy.buttons import Call, Outcome, Resources
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.buttons.http.guard import is_private
from drawer_ipy.buttons.http.session import HttpSession
from drawer_ipy.definition.models import ButtonSpec

RANGES = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "fec0::1"],
    "metadata": ["169.254.169.254", "192.0.0.192", "fd00:ec2::254"],
    "CGNAT": ["100.64.0.1", "100.127.255.254"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "reserved": ["240.0.0.1", "255.255.255.255", "198.18.0.1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:a00:1", "0:0:0:0:0:ffff:c0a8:0101"],
    "IPv4-compatible": ["::127.0.0.1", "::10.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1"],
    "Teredo": ["2001:0:7f00:1::", "2001:0:808:808:0:0:f5ff:fffe"],
    "SIIT": ["::ffff:0:127.0.0.1", "::ffff:0:a00:1", "::ffff:0:192.168.1.1%eth0"],
    "documentation": [
        "192.0.2.0", "192.0.2.255", "198.51.100.7", "203.0.113.255", "2001:db8::1", "2001:db8:ffff::1",
        "3fff::", "3fff:fff:ffff::1",
    ],
    "withdrawn relays": ["192.88.99.0", "192.88.99.1", "192.88.99.2", "192.88.99.255"],
    "discard-only": ["100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"],
    "protocol assignments": [
        "192.0.0.0", "192.0.0.8", "192.0.0.11", "192.0.0.170", "192.0.0.171", "192.0.0.255", "2001:1::",
        "2001:1::4", "2001:2::1", "2001:4:111::1", "2001:4:113::1", "2001:1ff:ffff::1",
    ],
    "ORCHID": ["2001:10::1", "2001:1f:ffff::1", "2001:20::1", "2001:2f:ffff::1", "2001:30::1"],
    "segment routing": ["5f00::1", "5f00:ffff::1"],
    "not handed out": ["::1:0:0:1", "1::1", "200::1", "400::1", "1fff:ffff::1", "4000::1", "fe00::1"],
    "carried, then not public": [
        "::ffff:192.0.2.1", "::ffff:0:192.88.99.1", "::203.0.113.1", "64:ff9b::198.51.100.1",
        "2002:c000:201::1",
        "2002:c058:6301::", "2606:4700::5efe:192.0.2.1", "2606:4700::200:5efe:100.64.0.1",
    ],
    "ISATAP": ["2001:db8::5efe:10.0.0.1", "2001:db8::200:5efe:7f00:1"],
}  # fmt: skip
PUBLIC = [
    "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.1.1",
    "223.255.255.255", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::", "64:ff9b::808:808",
    "::ffff:0:8.8.8.8", "192.0.0.9", "192.0.0.10", "191.255.255.255", "192.0.1.255", "192.0.3.0",
    "192.31.196.1", "192.52.193.1", "192.175.48.1", "192.88.98.255", "192.88.100.0", "198.17.255.255",
    "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "2001:1::1",
    "2001:1::2", "2001:1::3",
    "2001:3::1", "2001:4:112::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2000::1", "3ffe::1",
    "3fff:1000::1", "2620:4f:8000::1", "2606:4700::1111%eth0", "2001:0:808:808:0:0:f7f7:f7f7",
    "2606:4700::5efe:8.8.8.8",
]  # fmt: skip
SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1", "017700000001",
    "127.0.0.1.", "0", "[::1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "①②⑦.0.0.1", "127。0。0。1", "localhost",
]  # fmt: skip


@pytest.mark.parametrize("kind", RANGES)
def test_addresses_of_each_private_range_are_refused(kind: str) -> None:
    assert [ip for ip in RANGES[kind] if not is_private(ip)] == []


def test_public_addresses_are_not_refused() -> None:
    assert [ip for ip in PUBLIC if is_private(ip)] == []


class Names(AbstractResolver):
    """A resolver that returns the given addresses in turn; the last ones are returned again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.lookups = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.lookups += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        kind = [socket.AF_INET6 if ":" in ip else socket.AF_INET for ip in found]
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip, family in zip(found, kind, strict=True)
        ]

    async def close(self) -> None:
        pass


def connected(urls: list[str], names: Names | None = None, **fields: Any) -> tuple[list[Outcome], list[str]]:
    """The outcomes of requests, and the addresses that they tried to connect to; every connection fails."""

    async def main() -> tuple[list[Outcome], list[str]]:
        loop, tried = asyncio.get_running_loop(), []

        async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
            tried.append(address[0])
            raise ConnectionRefusedError(111, "nobody is there")

        loop.sock_connect = connect  # type: ignore[method-assign,assignment]
        resources, outcomes = Resources(), []
        if names is not None:
            resources._open[HttpSession] = HttpSession(names)
        try:
            for url in urls:
                button = HttpButton(ButtonSpec.model_validate({"name": "b", "url": "{{url}}", **fields}))
                outcomes.append(await button.press(button.bind({"url": url}), Call(resources, 5.0)))
        finally:
            await resources.aclose()
        return outcomes, tried

    return asyncio.run(main())


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    [outcome], tried = connected([f"http://{host}:8123/"])
    assert tried == []
    assert outcome.error is not None
    assert outcome.error.code == "VALIDATION_ERROR"
    assert "allow_private_networks: true" in outcome.error.remediation


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:169.254.169.254"]]
)
def test_a_name_with_any_private_address_is_not_connected_to(addresses: list[str]) -> None:
    [outcome], tried = connected(["http://evil.test/"], Names(addresses))
    assert tried == []
    assert outcome.error is not None
    assert outcome.error.code == "VALIDATION_ERROR"
    assert "evil.test (" in outcome.error.message


def test_a_request_connects_to_the_address_that_was_checked() -> None:
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    outcomes, tried = connected(["http://evil.test/a", "http://evil.test/b"], names)
    assert [o.status for o in outcomes] == ["error", "error"]
    assert "127.0.0.1" not in tried
    assert set(tried) == {"93.184.216.34"}


def test_a_name_that_becomes_private_is_refused_at_the_next_lookup() -> None:
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    outcomes, tried = connected(["http://evil.test/", "http://evil.test:81/"], names)
    assert set(tried) == {"93.184.216.34"}
    assert names.lookups == 2
    assert outcomes[1].error is not None
    assert outcomes[1].error.code == "VALIDATION_ERROR"


def test_a_button_may_allow_private_networks() -> None:
    [outcome], tried = connected(["http://inner.test/"], Names(["10.0.0.1"]), allow_private_networks=True)
    assert tried == ["10.0.0.1"]
    assert outcome.error is not None
    assert "refused the connection" in outcome.error.message


def test_a_host_has_one_record_with_and_without_its_default_port() -> None:
    async def main() -> None:
        session = HttpSession(Names(["93.184.216.34"]))
        one, two = session.host(URL("http://a.test/x")), session.host(URL("http://A.test:80/y"))
        assert one is two
        assert session.host(URL("http://a.test:81/")) is not one
        await session.aclose()

    asyncio.run(main())
