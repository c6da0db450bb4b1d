"""Proxies of buttons and of the environment: which one is used, what is sent to it, and its errors."""

from __future__ import annotations

import asyncio
import base64
import re
import sys
from typing import Any

import pytest
from free_ports import free_port
from http_rig import RawServer, answer_of, button, one_run, press, raw_server
from socks_rig import socks_proxy
from yarl import URL

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.environment import Excepted, ProxyEnvironment
from drawer_ipy.buttons.http.session import HttpSession
from drawer_ipy.errors import ArgumentError, UsageError

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def ok(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(answer_of())


# SOCKS


@pytest.mark.parametrize(
    ("scheme", "version", "host"),
    [
        ("socks5h", 5, "localhost"),
        ("socks5", 5, "127.0.0.1"),
        ("socks4a", 4, "localhost"),
        ("socks4", 4, "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("by", ["button", "environment"])
def test_a_request_goes_through_a_socks_proxy_of_each_version(
    scheme: str, version: int, host: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with raw_server(ok) as server, socks_proxy() as proxy:
            address = f"{scheme}://127.0.0.1:{proxy.port}"
            fields = {"proxy": address} if by == "button" else {}
            if not fields:
                monkeypatch.setenv("ALL_PROXY", address)
            url = server.url.replace("127.0.0.1", "localhost")
            async with one_run() as call:
                for path in ("/a", "/b"):
                    outcome = await press(button(f"{url}{path}?x", **fields), call)
                    assert outcome.output == "ok", outcome
            assert {(one[0], one[1].replace("::1", "127.0.0.1")) for one in proxy.requests} == {
                (version, host)
            }
            assert len(proxy.requests) == 1  # the connection was kept
            assert [head.split("\r\n")[0] for head in server.heads] == [
                "GET /a?x HTTP/1.1",
                "GET /b?x HTTP/1.1",
            ]
            assert all("proxy" not in head.lower() for head in server.heads)

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["socks5h", "socks4a"])
def test_the_login_of_a_socks_proxy_may_have_escapes(scheme: str) -> None:
    async def main() -> None:
        async with (
            raw_server(ok) as server,
            socks_proxy(login=("m:e", "h@sh/ %")) as proxy,
            one_run() as call,
        ):
            address = f"{scheme}://m%3Ae:h%40sh%2f%20%25@127.0.0.1:{proxy.port}"
            outcome = await press(button(server.url, proxy=address), call)
            assert outcome.output == "ok", outcome
            assert proxy.requests[0][2] == "m:e"

    asyncio.run(main())
    with pytest.raises(UsageError, match="not ASCII") as found:
        button("http://h/", proxy=f"{scheme}://m%C3%A9:hush@h")
    assert "hush" not in str(found.value)


@pytest.mark.parametrize("scheme", ["socks5h", "socks5", "socks4a", "socks4"])
def test_a_socks_proxy_that_refuses_is_named_without_its_password(scheme: str) -> None:
    async def main(**proxy: Any) -> Outcome:
        async with socks_proxy(**proxy) as started, one_run() as call:
            address = f"{scheme}://me:hush@127.0.0.1:{started.port}"
            outcome = await press(button("http://127.0.0.1:9/", proxy=address), call)
            assert f"the proxy 127.0.0.1:{started.port} did not connect" in str(outcome.error)
            return outcome

    for settings in ({"refuses": True}, {"login": ("you", "other")}):
        outcome = asyncio.run(main(**settings))
        assert outcome.error is not None
        assert "hush" not in f"{outcome.error}{outcome.error.remediation}{outcome.stderr}"


def test_a_server_that_is_not_a_socks_proxy_is_named() -> None:
    async def main() -> Outcome:
        async def shut(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with raw_server(shut) as server, one_run(2) as call:
            return await press(
                button("http://127.0.0.1:9/", proxy=server.url.replace("http", "socks5h")), call
            )

    assert asyncio.run(main()).status in ("error", "timeout")


@pytest.mark.parametrize(
    ("scheme", "requests"), [("socks5", 0), ("socks5h", 0), ("socks4", 0), ("socks4a", 0)]
)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433"])
def test_private_networks_are_refused_behind_a_socks_proxy(scheme: str, requests: int, host: str) -> None:
    async def main() -> None:
        async with socks_proxy() as proxy, one_run() as call:
            pressed = button(
                f"http://{host}:9/", proxy=f"{scheme}://127.0.0.1:{proxy.port}", allow_private_networks=False
            )
            outcome = await press(pressed, call)
            assert "private network" in str(outcome.error)
            assert len(proxy.requests) == requests

    asyncio.run(main())


def test_a_name_that_only_the_proxy_can_resolve_is_sent_to_it() -> None:
    async def main() -> None:
        async with raw_server(ok) as server, socks_proxy() as proxy, one_run() as call:
            url = server.url.replace("127.0.0.1", "only-there.invalid")
            for scheme in ("socks5h", "socks4a"):
                address = f"{scheme}://127.0.0.1:{proxy.port}"
                pressed = button(url, proxy=address, allow_private_networks=False)
                assert (await press(pressed, call)).output == "ok"
                assert proxy.requests[-1][1] == "only-there.invalid"
            outcome = await press(button(url, proxy=f"socks5://127.0.0.1:{proxy.port}"), call)
            assert "the host 'only-there.invalid' was not found" in str(outcome.error)

    asyncio.run(main())


def test_without_python_socks_a_socks_proxy_is_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(UsageError) as found:
        button("http://h/", proxy="socks5://me:hush@h:1080")
    assert "SOCKS" in found.value.message
    assert "hush" not in found.value.message
    assert ".[socks]" in found.value.remediation
    monkeypatch.setenv("ALL_PROXY", "socks5h://me:hush@h:1080")

    async def main() -> Outcome:
        async with one_run() as call:
            return await press(button("http://h/"), call)

    outcome = asyncio.run(main())
    assert "the environment variable ALL_PROXY is a SOCKS proxy" in str(outcome.error)
    assert "hush" not in str(outcome.error)


# Which proxy


def test_the_proxy_variables_have_the_usual_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(url: str = "http://h.test/") -> tuple[str, str] | None:
        proxy = HttpSession().environment.proxy_for(URL(url))
        return None if proxy is None else (proxy.place, proxy.source)

    assert found() is None
    monkeypatch.setenv("ALL_PROXY", "all.test:1")
    assert found() == ("all.test:1", "the environment variable ALL_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://upper.test:2/")
    assert found() == ("upper.test:2", "the environment variable HTTP_PROXY")
    assert found("https://h.test/") == ("all.test:1", "the environment variable ALL_PROXY")
    monkeypatch.setenv("http_proxy", "lower.test")
    assert found() == ("lower.test:80", "the environment variable http_proxy")
    monkeypatch.setenv("http_proxy", "")
    assert found() == ("all.test:1", "the environment variable ALL_PROXY")
    monkeypatch.setenv("all_proxy", "socks://gnome.test")
    assert found("https://h.test/") == ("gnome.test:1080", "the environment variable all_proxy")
    # In a CGI script, HTTP_PROXY would be the client's `Proxy:` header.
    monkeypatch.delenv("http_proxy")
    monkeypatch.delenv("all_proxy")
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert found() == ("all.test:1", "the environment variable ALL_PROXY")


@pytest.mark.parametrize("address", ["ftp://h:1", "http://", "http://h:x", "http://h:0", "http://me:hush@:1"])
def test_an_invalid_proxy_is_refused_with_the_name_of_its_variable(address: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("https_proxy", address)
        environment = ProxyEnvironment({"https": address})
        with pytest.raises(ArgumentError) as found:
            environment.proxy_for(URL("https://h.test/"))
        assert found.value.message.startswith(
            "the environment variable https_proxy is not a valid proxy address"
        )
        assert "hush" not in found.value.message
        assert environment.proxy_for(URL("http://h.test/")) is None


@pytest.mark.parametrize(
    ("text", "host", "port", "covered"),
    [
        ("", "h.test", 80, False),
        ("*", "h.test", 80, True),
        ("a.test, *", "h.test", 80, True),
        ("h.test", "h.test", 80, True),
        ("H.Test", "h.test", 80, True),
        ("h.test", "H.TEST", 80, True),
        ("h.test", "a.h.test", 80, True),
        ("h.test", "ah.test", 80, False),
        (".h.test", "a.h.test", 80, True),
        (".h.test", "h.test", 80, True),
        (".h.test", "ah.test", 80, False),
        ("*.h.test", "a.h.test", 80, True),
        ("h.test.", "h.test", 80, True),
        ("h.test", "h.test.", 80, True),
        ("a.test,h.test", "h.test", 80, True),
        (" a.test , h.test ", "h.test", 80, True),
        ("a.test h.test", "h.test", 80, True),
        ("bücher.test", "xn--bcher-kva.test", 80, True),
        ("xn--bcher-kva.test", "bücher.test", 80, True),
        ("h.test:8080", "h.test", 8080, True),
        ("h.test:8080", "h.test", 80, False),
        ("h.test:80", "h.test", 80, True),
        (".h.test:443", "a.h.test", 443, True),
        (".h.test:443", "a.h.test", 80, False),
        ("localhost:8080", "localhost", 8080, True),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3:81", "10.1.2.3", 81, True),
        ("10.1.2.3:81", "10.1.2.3", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.1.2.3/8", "10.9.9.9", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.0/8", "10.test", 80, False),
        ("10.0.0.0/8:81", "10.1.2.3", 81, True),
        ("0.0.0.0/0", "10.1.2.3", 80, True),
        ("0.0.0.0/0", "::1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:81", "::1", 81, True),
        ("[::1]:81", "::1", 80, False),
        ("0:0:0:0:0:0:0:1", "::1", 80, True),
        ("fe80::/10", "fe80::5", 80, True),
        ("fe80::/10", "fe80::5%eth0", 80, True),
        ("fd00::/8", "fe80::5", 80, False),
        ("1", "10.1.2.1", 80, False),
        (",,;:]", "h.test", 80, False),
    ],
)
def test_no_proxy_excludes_matching_hosts(text: str, host: str, port: int, covered: bool) -> None:
    assert Excepted(text).covers(host, port) is covered


def test_an_excluded_port_is_reached_directly_and_another_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with raw_server(ok) as direct, raw_server(ok) as through, raw_server(ok) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", direct.url.removeprefix("http://"))
            async with one_run() as call:
                for server in (direct, through):
                    assert (await press(button(f"{server.url}/x"), call)).output == "ok"
            assert (len(direct.heads), len(through.heads)) == (1, 0)
            assert proxy.heads[0].startswith(f"GET {through.url}/x HTTP/1.1\r\n")

    asyncio.run(main())


@pytest.mark.parametrize("word", ["none", "None", " NONE "])
def test_a_button_can_bypass_the_proxy_of_the_environment(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        async with raw_server(ok) as server, one_run() as call:
            assert (await press(button(server.url, proxy=word), call)).output == "ok"
            refused = await press(button(server.url, proxy="none", allow_private_networks=False), call)
            assert "private network" in str(refused.error)

    asyncio.run(main())


# Errors of proxies


@pytest.mark.parametrize("scheme", ["http", "socks5h", "socks4"])
@pytest.mark.parametrize("by", ["button", "environment"])
def test_an_unreachable_proxy_is_reported_with_its_setting(
    scheme: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> Outcome:
        address = f"{scheme}://me:hush@127.0.0.1:{port}"
        fields = {"proxy": address} if by == "button" else {}
        if not fields:
            monkeypatch.setenv("HTTP_PROXY", address)
        async with one_run() as call:
            return await press(button("http://127.0.0.1:9/", **fields), call)

    port = free_port()
    outcome = asyncio.run(main())
    assert outcome.error is not None
    assert f"no connection to the proxy 127.0.0.1:{port}" in outcome.error.message
    source = "`proxy` of button 'b'" if by == "button" else "the environment variable HTTP_PROXY"
    assert source in outcome.error.remediation
    assert ("`proxy: none`" in outcome.error.remediation) is (by == "environment")
    assert "hush" not in f"{outcome.error}{outcome.error.remediation}{outcome.stderr}"


def test_the_error_for_an_unknown_proxy_name_names_the_proxy_and_not_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> list[Outcome]:
        found = []
        for scheme in ("http", "socks5h"):
            monkeypatch.setenv("HTTP_PROXY", f"{scheme}://me:hush@no-proxy.invalid:1")
            async with one_run() as call:
                found.append(await press(button("http://127.0.0.1:9/"), call))
        return found

    for outcome in asyncio.run(main()):
        assert outcome.error is not None
        assert "the proxy's host 'no-proxy.invalid' was not found" in outcome.error.message
        assert "the environment variable HTTP_PROXY" in outcome.error.remediation
        assert "hush" not in f"{outcome.error}{outcome.stderr}"


def test_a_login_with_escapes_is_sent_to_an_http_proxy_in_utf_8() -> None:
    async def main() -> str:
        async with raw_server(ok) as proxy, one_run() as call:
            address = proxy.url.replace("//", "//m%40e:h%3Ash%2F%C3%BC%E2%82%AC@")
            outcome = await press(button("http://127.0.0.1:9/", proxy=address), call)
            assert outcome.output == "ok", outcome
            return proxy.heads[0]

    found = re.search(r"Proxy-Authorization: Basic (\S+)\r\n", asyncio.run(main()))
    assert found is not None
    assert base64.b64decode(found.group(1)).decode() == "m@e:h:sh/ü€"


def test_the_error_for_an_invalid_response_of_a_proxy_has_no_password() -> None:
    async def main(url: str, raw: bytes) -> Outcome:
        async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()
            writer.close()

        async with raw_server(answer) as proxy, one_run(3) as call:
            return await press(button(url, proxy=proxy.url.replace("//", "//me:hush@")), call)

    for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/"):
        for raw in (b"", b"SSH-2.0\r\n", answer_of(b"", "407 Auth"), answer_of(b"", "200 OK") + b"x" * 99):
            outcome = asyncio.run(main(url, raw))
            texts = f"{outcome.error}{outcome.error and outcome.error.remediation}{outcome.stderr}"
            assert "hush" not in texts
            assert "bWU6aHVzaA" not in texts
