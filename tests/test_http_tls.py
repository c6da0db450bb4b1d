"""HTTPS, directly and through the tunnel of a proxy: certificates, kept connections and headers.

The requests are made by a separate process, which trusts the tests' authority by ``SSL_CERT_FILE``; OpenSSL
reads that variable when a program starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from http_rig import listening

PRESS = """
import json, sys
import drawer_ipy

drawer, inputs = json.loads(sys.argv[1])
results = drawer_ipy.press(drawer, inputs, quiet=True, check=False)
print(json.dumps([row.output if row.status == "ok" else row.error.message for row in results]))
"""


@dataclass
class Proxy:
    """A proxy for tunnels.

    Attributes:
        port: the port it listens on.
        heads: the heads of all requests for a tunnel.
        verdict: the status line of its responses if it refuses every tunnel.
    """

    port: int = 0
    heads: list[str] = field(default_factory=list)
    verdict: str = ""


@contextlib.asynccontextmanager
async def tunnel_proxy(verdict: str = "", context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy that supports only CONNECT; every name leads to this machine. With `context` it speaks TLS."""
    proxy = Proxy(verdict=verdict)

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        proxy.heads.append(head)
        method, target, _ = head.split(" ", 2)
        if proxy.verdict or method != "CONNECT":
            refusal = proxy.verdict or "405 Method Not Allowed"
            writer.write(f"HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        there = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pour(reader, there[1]), pour(there[0], writer))

    async with listening(tunnel, context) as proxy.port:
        yield proxy


def context_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """The context of a server with a certificate for `names`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def secure_site(authority: trustme.CA, *names: str) -> AsyncIterator[int]:
    """The port of a site with a certificate for `names`; it returns the request and a connection number."""
    connections: dict[Any, int] = {}

    async def describe(request: web.Request) -> web.Response:
        number = connections.setdefault(request.transport, len(connections) + 1)
        return web.json_response(
            {
                "path": request.path_qs,
                "host": request.headers["Host"],
                "connection": number,
                "proxy": "Proxy-Authorization" in request.headers,
            }
        )

    app = web.Application()
    app.router.add_get("/{tail:.*}", describe)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context_for(authority, *names)).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def pressed(
    trusted: Path | None, url: str, ids: list[int], environment: dict[str, str] | None = None, **fields: Any
) -> list[Any]:
    """Run a loop over `ids`, two at once, in a process that trusts `trusted`; return outputs or messages."""
    step = {"id": "got", "button": "get", "args": {"id": "${id}"}}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.ids}", "as": "id", "steps": [step]}
    each |= {"parallelism": 2, "on_item_failure": "continue"}
    drawer = {
        "buttons": {"get": {"url": url, "args": ["id"], "allow_private_networks": True, **fields}},
        "inputs": {"ids": "list"},
        "steps": [each],
    }
    given = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    given |= environment or {}
    if trusted is not None:
        given["SSL_CERT_FILE"] = str(trusted)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        PRESS,
        json.dumps([drawer, {"ids": ids}]),
        env=given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0, err.decode()
    assert not err, err.decode()
    found: list[Any] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def test_https_connections_are_kept(authority: trustme.CA, trusted: Path) -> None:
    async def main() -> None:
        async with secure_site(authority, "localhost") as port:
            found = await pressed(trusted, f"https://localhost:{port}/{{{{id}}}}?x=1", list(range(8)))
            assert [each["path"] for each in found] == [f"/{n}?x=1" for n in range(8)]
            assert {each["connection"] for each in found} <= {1, 2}

    asyncio.run(main())


def test_a_certificate_from_an_unknown_authority_or_for_another_name_is_refused(
    authority: trustme.CA, trusted: Path
) -> None:
    async def main() -> None:
        async with secure_site(authority, "other.example") as port:
            (name,) = await pressed(trusted, f"https://localhost:{port}/{{{{id}}}}", [1])
            (chain,) = await pressed(None, f"https://localhost:{port}/{{{{id}}}}", [1])
            (plain,) = await pressed(trusted, f"http://localhost:{port}/{{{{id}}}}", [1])
        assert "no secure connection to localhost" in name
        assert "certificate is not valid for 'localhost'" in name
        assert "no secure connection to localhost" in chain
        assert "unable to get local issuer certificate" in chain or "self-signed" in chain
        assert "400" in plain or "closed the connection" in plain or "reset the connection" in plain

    asyncio.run(main())


@pytest.mark.parametrize("by", ["the button", "the environment"])
def test_https_requests_go_through_the_tunnel_of_a_proxy(
    by: str, authority: trustme.CA, trusted: Path
) -> None:
    """The proxy gets its password but no path, and the site gets no password. Tunnels are kept too."""

    async def main() -> None:
        async with secure_site(authority, "site.invalid") as port, tunnel_proxy() as proxy:
            address = f"http://me:hush@127.0.0.1:{proxy.port}"
            fields = {"proxy": address.replace("hush", "${env.WORD}")} if by == "the button" else {}
            environment = {"WORD": "hush"} if fields else {"HTTPS_PROXY": address}
            url = f"https://site.invalid:{port}/{{{{id}}}}"
            found = await pressed(trusted, url, list(range(8)), environment, **fields)
            assert [each["path"] for each in found] == [f"/{n}" for n in range(8)]
            assert {each["host"] for each in found} == {f"site.invalid:{port}"}
            assert not any(each["proxy"] for each in found)
            assert 1 <= len(proxy.heads) <= 2
            for head in proxy.heads:
                assert head.startswith(f"CONNECT site.invalid:{port} HTTP/1.1\r\n")
                assert "Proxy-Authorization: Basic bWU6aHVzaA==\r\n" in head

    asyncio.run(main())


def test_the_connection_to_the_proxy_may_use_tls(authority: trustme.CA, trusted: Path) -> None:
    async def main() -> None:
        context = context_for(authority, "localhost")
        async with secure_site(authority, "site.invalid") as port, tunnel_proxy(context=context) as proxy:
            address = f"https://me:hush@localhost:{proxy.port}"
            found = await pressed(
                trusted, f"https://site.invalid:{port}/{{{{id}}}}", [1, 2, 3], proxy=address
            )
            assert [each["path"] for each in found] == ["/1", "/2", "/3"]
            assert all("Basic bWU6aHVzaA==" in head for head in proxy.heads)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("407 Proxy Authentication Required", "the proxy responded with 407 Proxy Authentication Required"),
        ("502 Bad Gateway", "the proxy responded with 502 Bad Gateway"),
    ],
)
def test_a_refusal_of_the_tunnel_is_reported_without_the_password(
    verdict: str, words: str, authority: trustme.CA, trusted: Path
) -> None:
    async def main() -> None:
        async with tunnel_proxy(verdict) as proxy:
            address = f"http://me:hush@127.0.0.1:{proxy.port}"
            (found,) = await pressed(trusted, "https://site.invalid/{{id}}", [1], proxy=address)
        assert words in found
        assert "hush" not in found

    asyncio.run(main())


def test_private_networks_are_refused_behind_a_proxy(authority: trustme.CA, trusted: Path) -> None:
    async def main() -> None:
        async with secure_site(authority, "localhost") as port, tunnel_proxy() as proxy:
            address = f"http://127.0.0.1:{proxy.port}"
            for host in ("localhost", "127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"):
                url = f"https://{host}:{port}/{{{{id}}}}"
                (found,) = await pressed(trusted, url, [1], proxy=address, allow_private_networks=False)
                assert "private network" in found
            assert proxy.heads == []

    asyncio.run(main())
