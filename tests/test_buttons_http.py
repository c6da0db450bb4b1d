"""HTTP buttons against real servers on loopback, and the guard of private networks."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from drawer_ipy._version import __version__
from drawer_ipy.buttons import Call, Outcome, Resources
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.buttons.http.guard import AddressRefused, is_private
from drawer_ipy.buttons.http.guarded_resolver import GuardedResolver
from drawer_ipy.buttons.http.template import UrlTemplate
from drawer_ipy.definition.models import ArgSpec, ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError

Work = Callable[[str, Call], Awaitable[Any]]
BIG = 300_000


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": {k.lower(): v for k, v in request.headers.items()},
            "body": body.decode(),
        }
    )


async def answer(request: web.Request) -> web.StreamResponse:
    """Handle ``/answer/KIND``: send a response of that kind."""
    kind = request.match_info["kind"]
    origin = f"http://{request.host}"
    plain = {
        "json": web.Response(text='{"a": 9007199254740993}', content_type="application/json"),
        "html": web.Response(text="<p>42</p>", content_type="text/html"),
        "number": web.Response(text="42", content_type="text/plain"),
        "broken-json": web.Response(text="{nope", content_type="application/json"),
        "empty": web.Response(status=204),
        "png": web.Response(body=b"\x89PNG\0\xff", content_type="image/png"),
        "latin": web.Response(body="é".encode("latin-1"), headers={"Content-Type": "text/html"}),
        "declared": web.Response(
            body="é".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}
        ),
        "meta": web.Response(
            body='<meta charset="cp1251">я'.encode("cp1251"), headers={"Content-Type": "text/html"}
        ),
        "big": web.Response(body=b"x" * BIG, content_type="text/plain"),
        "missing": web.Response(status=404, text="no such page"),
        "busy": web.Response(status=429, headers={"Retry-After": "7"}),
        "busy-date": web.Response(
            status=503, headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)}
        ),
        "bomb": web.Response(
            body=gzip.compress(b"0" * 30_000_000),
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"},
        ),
        "bad-gzip": web.Response(body=b"not gzip at all", headers={"Content-Encoding": "gzip"}),
        "loop": web.Response(status=302, headers={"Location": "/answer/loop"}),
        "see-other": web.Response(status=303, headers={"Location": "/echo/there?x=1"}),
        "keep": web.Response(status=307, headers={"Location": "/echo/there"}),
        "to-private": web.Response(status=302, headers={"Location": "http://10.0.0.1/"}),
        "to-localhost": web.Response(
            status=302, headers={"Location": f"{origin.replace('127.0.0.1', 'localhost')}/echo/abroad"}
        ),
        "to-file": web.Response(status=302, headers={"Location": "file:///etc/passwd"}),
    }
    if kind in plain:
        return plain[kind]
    if kind == "slow":
        await asyncio.sleep(20)
    assert request.transport is not None
    if kind == "short":
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    if kind == "garbage":
        request.transport.write(b"ho ho ho\r\n\r\n")
    request.transport.close()
    return web.Response()


def run(work: Work, timeout: float | None = 10.0) -> Any:
    """Call `work` with the origin of a server and a call."""

    async def main() -> Any:
        app = web.Application()
        app.router.add_route("*", "/echo/{tail:.*}", echo)
        app.router.add_route("*", "/answer/{kind}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        resources = Resources()
        try:
            return await work(f"http://127.0.0.1:{runner.addresses[0][1]}", Call(resources, timeout))
        finally:
            await resources.aclose()
            await runner.cleanup()

    return asyncio.run(main())


def make(url: str, **fields: Any) -> HttpButton:
    fields.setdefault("allow_private_networks", True)
    return HttpButton(ButtonSpec.model_validate({"name": "b", "url": url, **fields}))


def press(
    path: str, args: dict[str, Any] | None = None, timeout: float | None = 10.0, **fields: Any
) -> Outcome:
    async def work(origin: str, call: Call) -> Outcome:
        button = make(origin + path, **fields)
        return await button.press(button.bind(args or {}), call)

    outcome = run(work, timeout)
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize(
    ("template", "args", "sent"),
    [
        ("/echo/{{p}}", {"p": "a/b c?d#e%"}, "/echo/a%2Fb%20c%3Fd%23e%25"),
        ("/echo/{{p}}/x", {"p": ".."}, "/echo/%2E%2E/x"),
        ("/echo/x?q={{q}}&r=1", {"q": "a b&r=2/é"}, "/echo/x?q=a+b%26r%3D2%2F%C3%A9&r=1"),
        ("/echo/{{ n }}?m={{m}}", {"n": 2.0, "m": [1, "x"]}, "/echo/2?m=%5B1%2C%22x%22%5D"),
        ("/echo/{{a}}{{b}}", {"a": "{{b}}", "b": "x"}, "/echo/%7B%7Bb%7D%7Dx"),
        ("/echo/é x%20y?z=é", {}, "/echo/%C3%A9%20x%20y?z=%C3%A9"),
        ("/echo/x#{{f}}", {"f": 1}, "/echo/x"),
    ],
)
def test_arguments_are_escaped_as_their_place_in_the_url_requires(
    template: str, args: Any, sent: str
) -> None:
    assert press(template, args).output["path"] == sent


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        ("", '{"a": "{{x}}"}', '{"a": "q\\"\\\\é\\n"}'),
        ("Application/JSON; charset=utf-8", '{"a": "{{x}}"}', '{"a": "q\\"\\\\é\\n"}'),
        ("application/x-www-form-urlencoded", "a={{x}}", "a=q%22%5C%C3%A9%0A"),
        ("text/plain", "{{x}}", 'q"\\é\n'),
        (
            "",
            {"a": "{{x}}", "b": ["{{n}}", "n={{n}}"], "c": 1},
            '{"a": "q\\"\\\\é\\n", "b": [[1, 2], "n=[1,2]"], "c": 1}',
        ),
        ("application/x-www-form-urlencoded", {"a": "{{x}}", "n": 1}, "a=q%22%5C%C3%A9%0A&n=1"),
    ],
)
def test_arguments_are_escaped_as_the_content_type_requires(content_type: str, body: Any, sent: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    args = {"x": 'q"\\é\n', "n": [1, 2]}
    got = press("/echo/", args, method="post", body=body, headers=headers).output
    assert got["method"] == "POST"
    assert got["body"] == sent
    assert got["headers"]["content-type"] == (content_type or "application/json")


def test_headers_accept_arguments_but_not_line_breaks() -> None:
    headers = {"X-Token": "t {{t}}", "X-Note": "{{unknown}}"}
    declared = [{"name": "t", "required": True}]

    async def work(origin: str, call: Call) -> Any:
        button = make(f"{origin}/echo/", headers=headers, args=declared)
        return (await button.press(button.bind({"t": "5"}), call)).output["headers"]

    got = run(work)
    assert (got["x-token"], got["x-note"]) == ("t 5", "{{unknown}}")
    assert got["user-agent"] == f"drawer_ipy/{__version__}"
    for evil in ("a\r\nX-Evil: 1", "a\n", "\0"):
        with pytest.raises(ArgumentError, match="line break"):
            make("http://h/", headers=headers, args=declared).bind({"t": evil})


def test_placeholders_are_the_arguments_if_none_are_declared() -> None:
    button = make("http://h/{{a}}?{{b}}", headers={"X": "{{c}}"}, body={"k": "{{d}}"})
    assert [(a.name, a.required) for a in button.args] == [(n, True) for n in "abcd"]
    with pytest.raises(ArgumentError) as caught:
        button.bind({"a": 1})
    assert caught.value.code == "MISSING_ARG"
    with pytest.raises(ArgumentError, match="'n' must be a whole number"):
        make("http://h/{{n}}", args=[ArgSpec(name="n", type="int")]).bind({"n": "x"})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "h/x",
        "http:///x",
        "http://u:p@h/",
        "http://{{h}}/",
        "http://a{{h}}.com/",
        "{{s}}://h/",
        "{{a}}b",
        "http://h:{{p}}/",
        "http://a b/{{id}}",
        "http://a%20b/",
    ],
)
def test_invalid_templates_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="url"):
        UrlTemplate(url, "b")


@pytest.mark.parametrize(
    "value", ["ftp://h/", "x", "http://", "http://u@h/", "http://h:x/", "javascript:1", "http://a b/"]
)
def test_invalid_urls_from_the_caller_are_refused(value: str) -> None:
    with pytest.raises(ArgumentError, match="'url'"):
        make("{{url}}").bind({"url": value})


def test_the_caller_can_set_the_url_or_its_beginning() -> None:
    async def work(origin: str, call: Call) -> Any:
        whole, beginning = make("{{url}}"), make("{{site}}/{{id}}?q={{q}}")
        first = await whole.press(whole.bind({"url": f"{origin}/echo/a%2Fb?x=1&y=é#f"}), call)
        args = {"site": f"{origin}/echo/", "id": "a/b", "q": "c d"}
        second = await beginning.press(beginning.bind(args), call)
        return first.output["path"], second.output["path"]

    assert run(work) == ("/echo/a%2Fb?x=1&y=%C3%A9", "/echo/a%2Fb?q=c+d")


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("json", {"a": 9007199254740993}),
        ("html", "<p>42</p>"),
        ("number", 42),
        ("empty", None),
        ("png", b"\x89PNG\0\xff"),
        ("latin", "é"),
        ("declared", "é"),
        ("meta", '<meta charset="cp1251">я'),
        ("big", "x" * BIG),
    ],
)
def test_the_output_is_the_body(kind: str, output: Any) -> None:
    outcome = press(f"/answer/{kind}")
    assert (outcome.status, outcome.exit_code, outcome.output) == ("ok", 0, output)


def test_an_error_status_fails_the_press() -> None:
    outcome = press("/answer/missing")
    assert (outcome.status, outcome.exit_code, outcome.output) == ("error", 404, None)
    assert (outcome.stdout, outcome.stderr) == ("no such page", "HTTP 404 Not Found")
    assert outcome.error is not None
    assert outcome.error.code == "HTTP_ERROR"
    assert outcome.error.status == 404
    assert outcome.error.message.startswith("HTTP 404 Not Found for GET http://127.0.0.1:")
    assert outcome.retry_after is None


def test_retry_after_is_read_as_seconds_or_a_date() -> None:
    assert press("/answer/busy").retry_after == 7
    seconds = press("/answer/busy-date").retry_after
    assert seconds is not None
    assert 50 < seconds <= 60


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("close", "without a response"),
        ("short", "is incomplete"),
        ("garbage", "not valid HTTP"),
        ("bad-gzip", "damaged|not valid HTTP"),
        ("loop", "more than 10 redirects"),
    ],
)
def test_broken_responses_have_readable_errors(kind: str, words: str) -> None:
    outcome = press(f"/answer/{kind}")
    assert (outcome.status, outcome.exit_code) == ("error", -1)
    assert outcome.error is not None
    assert outcome.error.code == "HTTP_ERROR"
    assert any(word in outcome.error.message for word in words.split("|")), outcome.error.message


def test_a_refused_connection_and_an_unknown_host_have_readable_errors() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        async def work(origin: str, call: Call) -> list[str]:
            return [
                (await make(u).press(make(u).bind({}), call)).error.message  # type: ignore[union-attr]
                for u in (url, "http://no-such-host.invalid/")
            ]

        refused, unknown = run(work)
    assert "refused the connection" in refused
    assert "the host 'no-such-host.invalid' was not found" in unknown


def test_a_request_ends_at_its_timeout() -> None:
    started = time.perf_counter()
    outcome = press("/answer/slow", timeout=0.2)
    assert time.perf_counter() - started < 2
    assert (outcome.status, outcome.exit_code) == ("timeout", -1)
    assert outcome.error is not None
    assert outcome.error.code == "TIMEOUT"
    assert outcome.error.message.startswith("timed out after 0.2 s")
    assert make("http://h/").timeout == 30


@pytest.mark.parametrize("kind", ["big", "bomb"])
def test_a_body_over_the_limit_is_an_error_and_not_cut(kind: str) -> None:
    outcome = press(f"/answer/{kind}", max_response_bytes=BIG - 1)
    assert outcome.error is not None
    assert f"longer than {BIG - 1:,} bytes" in outcome.error.message
    assert "max_response_bytes" in outcome.error.remediation


def test_redirects_are_followed_with_the_method_that_their_status_requires() -> None:
    got = press("/answer/see-other", method="POST", body="{}").output
    assert (got["method"], got["path"], got["body"]) == ("GET", "/echo/there?x=1", "")
    got = press("/answer/keep", method="POST", body="{}", headers={"X-Key": "k"}).output
    assert (got["method"], got["body"], got["headers"]["x-key"]) == ("POST", "{}", "k")


def test_headers_do_not_follow_a_redirect_to_another_origin() -> None:
    got = press(
        "/answer/to-localhost", headers={"X-Key": "k", "Authorization": "a", "Accept": "text/x"}
    ).output
    assert got["path"] == "/echo/abroad"
    assert "x-key" not in got["headers"]
    assert "authorization" not in got["headers"]
    assert got["headers"]["accept"] == "text/x"


def test_allowed_host_applies_to_redirects_too() -> None:
    async def work(origin: str, call: Call) -> list[Outcome]:
        host = origin.removeprefix("http://")
        button = make(f"{origin}/answer/to-localhost", allowed_host=host.upper())
        other = make("{{url}}", allowed_host="example.org")
        return [
            await button.press(button.bind({}), call),
            await other.press(other.bind({"url": origin}), call),
        ]

    for outcome in run(work):
        assert outcome.error.code == "VALIDATION_ERROR"
        assert "allowed_host" in outcome.error.remediation


@pytest.mark.parametrize("kind", ["to-private", "to-localhost", "to-file"])
def test_redirects_are_checked_like_the_first_request(kind: str) -> None:
    async def work(origin: str, call: Call) -> Outcome:
        spec = ButtonSpec(name="b", url=f"{origin}/answer/{kind}")
        button = HttpButton(spec, lambda: [origin])
        return await button.press(button.bind({}), call)

    outcome = run(work)
    assert outcome.error.code == "VALIDATION_ERROR"
    if kind != "to-file":
        assert "allow_private_networks: true" in outcome.error.remediation


PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fdff::1",
    "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
    "2002:a00:1::",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "169.253.1.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "2002:808:808::",
]


def test_private_ranges_are_recognized() -> None:
    assert [ip for ip in PRIVATE if not is_private(ip)] == []
    assert [ip for ip in PUBLIC if is_private(ip)] == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "localhost", "127.1", "2130706433", "0x7f000001"]
)
def test_private_hosts_are_not_requested(host: str) -> None:
    async def work(origin: str, call: Call) -> Outcome:
        button = make(f"http://{host}:{origin.rpartition(':')[2]}/echo/", allow_private_networks=False)
        return await button.press(button.bind({}), call)

    outcome = run(work)
    assert outcome.status == "error"
    assert outcome.output is None
    if host in ("127.0.0.1", "[::1]", "localhost"):
        assert outcome.error.code == "VALIDATION_ERROR"
        assert "allow_private_networks: true" in outcome.error.remediation


def test_private_networks_can_be_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(origin: str, call: Call) -> list[str]:
        spec = ButtonSpec(name="b", url=f"{origin}/echo/")
        guarded, known = HttpButton(spec), HttpButton(spec, lambda: {f"{origin}/"})
        out = [(await known.press(known.bind({}), call)).status]
        out.append((await guarded.press(guarded.bind({}), call)).status)
        monkeypatch.setenv("BUTTONS_ALLOW_PRIVATE_NETWORKS", "1")
        out.append((await guarded.press(guarded.bind({}), call)).status)
        return out

    assert run(work) == ["ok", "error", "ok"]


class Rebinding(AbstractResolver):
    """A resolver that first returns a public address and later a public and a private one."""

    def __init__(self) -> None:
        self.lookups = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.lookups += 1
        hosts = ["93.184.216.34"] if self.lookups == 1 else ["93.184.216.34", "10.0.0.1"]
        return [
            ResolveResult(hostname=host, host=h, port=port, family=socket.AF_INET, proto=0, flags=0)
            for h in hosts
        ]

    async def close(self) -> None:
        pass


def test_every_resolved_address_is_checked_and_used_for_the_connection() -> None:
    async def main() -> None:
        resolver = GuardedResolver(Rebinding())
        assert [e["host"] for e in await resolver.resolve("evil.test", 80)] == ["93.184.216.34"]
        with pytest.raises(AddressRefused, match=r"evil\.test \(10\.0\.0\.1\)"):
            await resolver.resolve("evil.test", 80)

    asyncio.run(main())


def test_behind_a_proxy_the_target_is_checked_but_not_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(origin: str, call: Call) -> list[Outcome]:
        monkeypatch.setenv("http_proxy", origin)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        out = []
        for host in ("only-the-proxy-knows.invalid", "localhost", "direct.invalid"):
            button = make(f"http://{host}/answer/json", allow_private_networks=False)
            out.append(await button.press(button.bind({}), call))
        return out

    through, private, direct = run(work)
    assert through.status == "ok", through
    assert private.error.code == "VALIDATION_ERROR"
    assert "was not found" in direct.error.message


def test_the_cancellation_of_a_request_is_passed_on() -> None:
    async def work(origin: str, call: Call) -> None:
        button = make(f"{origin}/answer/slow")
        task = asyncio.ensure_future(button.press(button.bind({}), call))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work)


def test_bound_values_can_be_written_as_json() -> None:
    bound = make("http://h/", body={"x": "{{x}}"}).bind({"x": {"a": (1, 2.0)}})
    assert json.loads(bound.request.body) == {"x": {"a": [1, 2]}}
