"""Values that try to break out of their place in a request, and redirects to forbidden targets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from aiohttp import web
from http_rig import RawServer, answer_of, button, one_run, press, raw_server

from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.common.demo_origins import running_origins
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.demo import DemoSite
from drawer_ipy.errors import ArgumentError, DrawerError, UsageError

HOSTILE = [
    "/", "//evil.test/", "../..", ".", "?x=1", "#top", "&a=b", "a=b;c", "{{x}}", "{{other}}",
    "${batteries.KEY}", "@evil.test", ":8080", "\\evil.test", "%2F", "%", "+ +", "a b",
    "\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1", "\n",
    "\t", "\0", "\x7f", '"', "'", '"}, "admin": true, "', "<b>", "é😀", "\u202e", "\u2028", "e\u0301",
    "[::1]", "x" * 5000,
]  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as started:
        yield started


def name_of(value: str) -> str:
    return ascii(value)[:24]


async def echo(request: web.Request) -> web.Response:
    body = (await request.read()).decode()
    return web.json_response({"path": request.raw_path, "body": body, "headers": dict(request.headers)})


def echoed(path: str, values: list[str], **fields: Any) -> list[Any]:
    """The requests that a server receives with each of `values` as ``{{x}}``."""

    async def main() -> list[Any]:
        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", r"/{rest:[\s\S]*}", echo)
        # Accept longer lines than aiohttp's default of 8 KiB, as applications behind a proxy do.
        runner = web.AppRunner(app, shutdown_timeout=0.1, max_line_size=65536, max_field_size=65536)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with one_run() as call:
                pressed = button(f"http://127.0.0.1:{runner.addresses[0][1]}{path}", **fields)
                outcomes = [await press(pressed, call, x=value) for value in values]
        finally:
            await runner.cleanup()
        assert [outcome.error for outcome in outcomes] == [None] * len(values)
        return [outcome.output for outcome in outcomes]

    return asyncio.run(main())


def test_a_value_in_the_path_stays_one_segment() -> None:
    for value, seen in zip(HOSTILE, echoed("/a/{{x}}/z?q=1", HOSTILE), strict=True):
        path, _, query = seen["path"].partition("?")
        assert query == "q=1"
        assert [unquote(part) for part in path.split("/")] == ["", "a", value, "z"], ascii(value)
        assert seen["path"].isascii()


def test_a_value_in_the_query_stays_one_value() -> None:
    for value, seen in zip(HOSTILE, echoed("/a?q={{x}}&r=1", HOSTILE), strict=True):
        parts = urlsplit(seen["path"])
        assert parts.path == "/a"
        assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value], "r": ["1"]}, ascii(value)


def test_a_value_in_the_fragment_stays_there_and_is_not_sent() -> None:
    assert {seen["path"] for seen in echoed("/a?q=1#at-{{x}}", HOSTILE)} == {"/a?q=1"}
    for value in HOSTILE:
        url = str(button("http://h.test/a?q=1#at-{{x}}").bind({"x": value}).request.url)
        assert url.startswith("http://h.test/a?q=1#at-")
        assert unquote(url.partition("#at-")[2]) == value
        assert url.isascii()


def test_a_value_in_a_json_body_stays_one_string() -> None:
    for body in ('{"a": "{{x}}", "admin": false}', {"a": "{{x}}", "admin": False}):
        seen = echoed("/", HOSTILE, method="POST", body=body)
        assert [json.loads(one["body"]) for one in seen] == [{"a": v, "admin": False} for v in HOSTILE]


def test_a_value_in_a_form_stays_one_field() -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in ("a={{x}}&admin=0", {"a": "{{x}}", "admin": "0"}):
        seen = echoed("/", HOSTILE, method="POST", body=body, headers=headers)
        found = [parse_qs(one["body"], keep_blank_values=True) for one in seen]
        assert found == [{"a": [value], "admin": ["0"]} for value in HOSTILE]


def test_a_value_in_a_header_is_sent_unchanged_or_refused() -> None:
    breaks = [value for value in HOSTILE if any(c in value for c in "\r\n\0\x7f")]
    assert len(breaks) == 4
    pressed = button("http://h.test/", headers={"X-Note": "<{{x}}>"}, args=["x"])
    for value in breaks:
        with pytest.raises(ArgumentError, match="X-Note"):
            pressed.bind({"x": value})
    rest = [value for value in HOSTILE if value not in breaks]
    seen = echoed("/", rest, headers={"X-Note": "<{{x}}>"}, args=["x"])
    assert [one["headers"]["X-Note"] for one in seen] == [f"<{value}>" for value in rest]
    assert all("X-Evil" not in one["headers"] for one in seen)


def test_a_battery_with_a_line_break_is_refused_and_not_shown() -> None:
    async def main() -> Outcome:
        async with one_run() as call:
            call.batteries = {"KEY": "hush\r\nX-Evil: 1"}
            pressed = button("http://127.0.0.1:9/", headers={"Authorization": "Bearer ${batteries.KEY}"})
            return await press(pressed, call)

    outcome = asyncio.run(main())
    assert outcome.error is not None
    assert "Authorization" in outcome.error.message
    assert "hush" not in repr(outcome)


@pytest.mark.parametrize("value", HOSTILE, ids=name_of)
@pytest.mark.parametrize("template", ["https://h.test/{{x}}", "https://h.test?{{x}}", "https://h.test#{{x}}"])
def test_no_value_changes_the_host(template: str, value: str) -> None:
    url = button(template).bind({"x": value}).request.url
    assert (url.scheme, url.host, url.port, url.raw_user) == ("https", "h.test", 443, None)


def test_a_placeholder_directly_after_the_host_is_refused() -> None:
    for template in ("https://h.test{{x}}", "https://h.test:{{x}}/", "https://h.test{{x}}/"):
        with pytest.raises(UsageError, match="scheme or host"):
            button(template)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://2130706433:1/",
        "http://0x7f.1:1/",
        "http://0177.0.0.1:1/",
        "http://localhost:1/",
        "//10.0.0.1/",
        "https://192.168.1.1/",
        "http://100.64.0.1/",
    ],
)
def test_requests_to_the_demo_site_are_allowed_but_not_its_redirects_elsewhere(
    site: DemoSite, target: str
) -> None:
    async def main() -> list[Outcome]:
        async with one_run() as call:
            spec = ButtonSpec.model_validate({"name": "b", "url": f"{site.url}/redirect-to?url={{{{x}}}}"})
            pressed = HttpButton(spec, running_origins)
            return [await press(pressed, call, x="/item/1"), await press(pressed, call, x=target)]

    good, led = asyncio.run(main())
    assert good.status == "ok", good.error
    assert led.error is not None
    assert led.error.code == "VALIDATION_ERROR"
    assert "private network" in led.error.message
    assert "allow_private_networks: true" in led.error.remediation


def test_requests_to_a_stopped_demo_site_are_refused() -> None:
    with DemoSite.start() as stopped:
        pressed = HttpButton(ButtonSpec(name="b", url=f"{stopped.url}/item/1"), running_origins)
        assert asyncio.run(_once(pressed)).status == "ok"
    error = asyncio.run(_once(pressed)).error
    assert error is not None
    assert error.code == "VALIDATION_ERROR"


async def _once(pressed: HttpButton) -> Outcome:
    async with one_run() as call:
        return await press(pressed, call)


@pytest.mark.parametrize(
    "location",
    [
        "http://user:pass@127.0.0.1/",
        "javascript:alert(1)",
        "ftp://h/",
        "http://[",
        "http://h:99999/",
        "http:///x",
    ],
)
def test_a_redirect_to_an_invalid_address_has_a_readable_error(location: str) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(b"", "302 Found", Location=location))

    async def main() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(server.url), call)

    outcome = asyncio.run(main())
    assert outcome.status == "error"
    assert outcome.error is not None
    assert outcome.error.message
    assert "pass" not in outcome.error.message


def test_a_location_with_a_line_break_does_not_split_the_request() -> None:
    """Every byte of a Location is escaped before it is requested."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        location = server.url.encode() + b"/b\x01 c\xc3\xa9\td?e=%0d%0aX-Evil:1"
        writer.write(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
            if path == "/a"
            else answer_of(b"there")
        )

    async def main() -> tuple[Outcome, list[str]]:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(f"{server.url}/a"), call), server.heads

    outcome, heads = asyncio.run(main())
    if outcome.status == "ok":
        line, *headers = heads[1].split("\r\n")
        assert line.split(" ") == ["GET", line.split(" ")[1], "HTTP/1.1"]
        assert not any(header.lower().startswith("x-evil") for header in headers)
    else:
        assert outcome.error is not None
        assert len(heads) == 1


def test_credentials_stay_dropped_after_a_redirect_to_another_host_and_back() -> None:
    urls: dict[str, str] = {}

    async def home(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/":
            writer.write(answer_of(b"", "302 Found", Location=f"{urls['other']}/x"))
        else:
            writer.write(answer_of())

    async def other(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(b"", "307 Temporary Redirect", Location=f"{urls['home']}/back"))

    async def main() -> tuple[list[str], list[str]]:
        async with raw_server(home) as one, raw_server(other) as two, one_run() as call:
            urls.update(home=one.url, other=two.url)
            call.batteries = {"KEY": "hush"}
            headers = {"Authorization": "Bearer ${batteries.KEY}", "X-Api-Key": "k", "Cookie": "a=b"}
            outcome = await press(button(f"{one.url}/", headers=headers), call)
            assert outcome.status == "ok", outcome.error
            return one.heads, two.heads

    at_home, elsewhere = asyncio.run(main())
    assert "Bearer hush" in at_home[0]
    for head in (*elsewhere, *at_home[1:]):
        for secret in ("hush", "X-Api-Key", "Cookie"):
            assert secret not in head
    assert len(at_home) == 2


def test_cookies_of_one_host_are_not_sent_to_another() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(Set_Cookie="id=s3; Path=/"))

    async def main() -> list[str]:
        async with raw_server(answer) as server, one_run() as call:
            for host in ("127.0.0.1", "localhost", "127.0.0.1"):
                url = server.url.replace("127.0.0.1", host)
                outcome = await press(button(url, cookies=True), call)
                assert outcome.status == "ok", outcome.error
            return server.heads

    first, other, again = asyncio.run(main())
    assert "Cookie: id=s3" in again
    assert "Cookie" not in first
    assert "Cookie" not in other


def test_every_refusal_is_an_error_of_drawer_ipy() -> None:
    """Any value as a URL either makes a request or gets a readable error, never another exception."""
    pressed = button("{{url}}")
    more = (
        "http://h\n.test/",
        "http://h.test\t:80/",
        "http://h\u3000.test/",
        "http://h.test:0/",
        "http://h%00/",
    )
    for value in [
        *more,
        *HOSTILE,
        *(f"http://h.test{v}" for v in HOSTILE),
        *(f"http://{v}/" for v in HOSTILE),
    ]:
        try:
            url = pressed.bind({"url": value}).request.url
        except DrawerError:
            assert value not in ("http://h.test", "http://h.test/", "http://h.test?x=1", "http://[::1]/")
            continue
        assert value not in more[:4]
        assert url.scheme in ("http", "https")
        assert url.host
        assert not any(ord(c) < 33 or ord(c) > 126 for c in str(url)), (value, str(url))
