"""The bytes of a request, and which responses are accepted as valid HTTP."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from http_rig import RawServer, answer_of, button, one_run, press, raw_server
from multidict import CIMultiDict
from yarl import URL

from drawer_ipy.buttons.http.connector import Connector
from drawer_ipy.buttons.http.manners import Timeouts
from drawer_ipy.buttons.http.request import Request
from drawer_ipy.buttons.http.wire import USER_AGENT, Wire

OK = answer_of(b"ok")
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


async def head_of(method: str = "GET", path: str = "/", **fields: Any) -> tuple[str, RawServer]:
    """The request line and headers that a press with these fields sends."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY)

    async with raw_server(answer) as server, one_run() as call:
        outcome = await press(button(f"{server.url}{path}", method=method, **fields), call)
        assert outcome.status == "ok", outcome
        return server.heads[0], server


def test_a_plain_request_has_only_the_necessary_headers() -> None:
    head, server = asyncio.run(head_of(path="/a%20b/ü?q=1&q=2#part"))
    lines = head.split("\r\n")
    assert lines[0] == "GET /a%20b/%C3%BC?q=1&q=2 HTTP/1.1"
    assert lines[1] == f"Host: {server.url.removeprefix('http://')}"
    assert lines[2:4] == [f"User-Agent: {USER_AGENT}", "Accept: */*"]
    assert re.fullmatch(r"Accept-Encoding: gzip, deflate.*", lines[4])
    assert lines[5:] == ["", ""]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", None, None),
        ("HEAD", None, None),
        ("OPTIONS", None, None),
        ("POST", None, "0"),
        ("PUT", None, "0"),
        ("DELETE", None, "0"),
        ("POST", "ü", "2"),
        ("GET", "x" * 10, "10"),
    ],
)
def test_content_length_is_sent_if_the_method_may_have_a_body(
    method: str, body: Any, length: str | None
) -> None:
    head, _ = asyncio.run(head_of(method, body=body, headers={"Content-Type": "text/plain"}))
    assert re.findall(r"(?im)^content-length: (\S*)", head) == ([] if length is None else [length])
    assert "transfer-encoding" not in head.lower()


def test_headers_of_a_button_replace_the_default_headers() -> None:
    fields = {
        "accept": "text/html",
        "USER-AGENT": "mine",
        "accept-encoding": "identity",
        "Host": "other.test",
    }
    head, _ = asyncio.run(head_of(headers=fields))
    found = [tuple(line.lower().split(": ")) for line in head.split("\r\n")[1:] if line]
    assert sorted(found) == sorted((name.lower(), value) for name, value in fields.items())


def test_bodies_of_all_sizes_arrive_whole_on_one_connection() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), content_type="application/octet-stream")

    async def main() -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            origin = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            fields = {"args": ["body"], "max_response_bytes": 2**26}
            sender = button(origin, method="POST", body="{{body}}", **fields)
            async with one_run() as call:
                for size in (1, 65_535, 65_536, 65_537, 5_000_000):
                    body = f"{size}{'ä' * (size // 2)}"
                    outcome = await press(sender, call, body=body)
                    assert outcome.output == body.encode()
        finally:
            await runner.cleanup()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("raw", "output"),
    [
        (EARLY + OK, "ok"),
        (b"HTTP/1.1 102 Processing\r\n\r\n" + answer_of(b"done"), "done"),
        (b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nto the end", "to the end"),
        (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000 + b"\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "HTTP 101"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n", "not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the server closed the connection without a response"),
    ],
)
def test_valid_responses_are_read_and_invalid_ones_are_errors(raw: bytes, output: str) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if b"Content-Length: 2\r\n\r\n" not in raw:
            await writer.drain()
            writer.close()

    async def main() -> None:
        async with raw_server(answer) as server, one_run(5) as call:
            outcome = await press(button(server.url), call)
            found = outcome.output if outcome.status == "ok" else outcome.error.message  # type: ignore[union-attr]
            assert output in found

    asyncio.run(main())


def test_the_last_check_before_sending_refuses_line_breaks() -> None:
    async def main() -> None:
        connector = Connector(resolver=aiohttp.ThreadedResolver(), ttl_dns_cache=1)
        async with raw_server(lambda *_: asyncio.sleep(0)) as server:
            wire, url = Wire(connector), URL(server.url)
            for headers, target in (
                ({"X": "a\r\nInjected: 1"}, url),
                ({"X": "a\0b"}, url),
                ({"X\nY": "a"}, url),
                ({}, URL(f"{server.url}/a b", encoded=True)),
                ({}, URL(f"{server.url}/a\r\nInjected: 1", encoded=True)),
            ):
                request = Request("GET", target, CIMultiDict(headers))
                with pytest.raises((ValueError, aiohttp.InvalidURL)):
                    await wire.send(request, Timeouts(), None, None)
            assert server.heads == []
        await connector.close()

    asyncio.run(main())


def test_concurrent_buttons_get_their_own_headers_and_responses() -> None:
    """Headers are encoded once for requests that share them, so different headers must not be shared."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        head = server.heads[-1]
        await asyncio.sleep(random.random() / 200)
        writer.write(answer_of(head.encode(), Content_Type="text/html"))

    async def main() -> None:
        async with raw_server(answer) as server, one_run() as call:
            plain = [button(f"{server.url}/{{{{id}}}}", headers={"X-Button": str(n)}) for n in range(3)]
            filled = button(f"{server.url}/{{{{id}}}}", headers={"X-Button": "{{id}}"})
            every = [(n, (plain[n % 4] if n % 4 < 3 else filled)) for n in range(200)]
            outcomes = await asyncio.gather(*(press(each, call, id=n) for n, each in every))
            for (n, each), outcome in zip(every, outcomes, strict=True):
                assert f"GET /{n} " in outcome.output
                assert f"X-Button: {n if each is filled else n % 4}\r\n" in outcome.output

    asyncio.run(main())
