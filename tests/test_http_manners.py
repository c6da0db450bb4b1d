"""Polite requests: pauses for busy hosts, retries, robots.txt, cookies, proxies, compression, saving."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import VirtualLoop, run_in_virtual_time

from drawer_ipy.buttons import Call, Outcome, Resources
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.buttons.http.decode import ACCEPTED, Body, Damaged, TooLarge
from drawer_ipy.buttons.http.hosts import LONGEST_PAUSE, Host
from drawer_ipy.buttons.http.save import SavePath
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.errors import ArgumentError, UsageError

TEXT = "Grüße, " * 2000
ZSTD: Any = pytest.importorskip("backports.zstd") if "zstd" in ACCEPTED else None


class Server:
    """A site that records the path and time of each request, and how many it handles at once."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, float]] = []
        self.now = self.most = 0
        self.answers: dict[str, Callable[[web.Request, int], web.Response]] = {}
        self.url = ""

    def count(self, path: str) -> int:
        return sum(1 for one, _ in self.requests if one == path)

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, time.monotonic()))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.01)
            answer = self.answers.get(request.path)
            if answer is None:
                return web.Response(status=404)
            return answer(request, self.count(request.path))
        finally:
            self.now -= 1


def with_server(work: Callable[[Server, Call], Any], **call: Any) -> Any:
    async def main() -> Any:
        server = Server()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", server.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        resources = Resources()
        try:
            return await work(server, Call(resources, **{"timeout": 10.0, **call}))
        finally:
            await resources.aclose()
            await runner.cleanup()

    return asyncio.run(main())


def make(url: str, **fields: Any) -> HttpButton:
    fields = {"name": "b", "url": url, "allow_private_networks": True, **fields}
    return HttpButton(ButtonSpec.model_validate(fields))


async def press(button: HttpButton, call: Call, **args: Any) -> Outcome:
    return await button.press(button.bind(args), call)


def ok(request: web.Request, number: int) -> web.Response:
    return web.json_response({"number": number})


def test_a_429_pauses_all_requests_of_the_run_to_that_host() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/busy"] = lambda r, n: web.Response(status=429, headers={"Retry-After": "1"})
        server.answers["/other"] = ok
        busy, other = make(f"{server.url}/busy"), make(f"{server.url}/other")
        refused = await press(busy, call)
        assert (refused.status, refused.exit_code, refused.retry_after) == ("error", 429, 1)
        began = time.monotonic()
        outcomes = await asyncio.gather(*(press(other, call) for _ in range(6)))
        assert [o.status for o in outcomes] == ["ok"] * 6
        assert min(at for path, at in server.requests if path == "/other") - began > 0.9

    with_server(work)


def test_waiting_for_a_paused_host_does_not_count_as_a_timeout() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/busy"] = lambda r, n: web.Response(status=503, headers={"Retry-After": "1"})
        server.answers["/other"] = ok
        await press(make(f"{server.url}/busy"), call)
        assert (await press(make(f"{server.url}/other"), call)).status == "ok"

    with_server(work, timeout=0.5)


def test_a_run_does_not_wait_for_a_host_that_requires_a_long_pause() -> None:
    async def work(server: Server, call: Call) -> None:
        pause = str(int(LONGEST_PAUSE) + 100)
        server.answers["/busy"] = lambda r, n: web.Response(status=429, headers={"Retry-After": pause})
        button = make(f"{server.url}/busy", retries=3)
        assert (await press(button, call)).exit_code == 429
        again = await press(button, call)
        assert again.error is not None
        assert "requires a pause of another" in again.error.message
        assert server.count("/busy") == 1

    with_server(work)


@pytest.mark.parametrize(
    ("method", "status", "retries", "attempts", "ends"),
    [
        ("GET", 500, 2, 3, "ok"),
        ("GET", 500, 1, 2, "error"),
        ("GET", 500, 0, 1, "error"),
        ("PUT", 502, 2, 3, "ok"),
        ("POST", 500, 2, 1, "error"),
        ("POST", 429, 2, 3, "ok"),
        ("GET", 404, 2, 1, "error"),
    ],
)
def test_retries_depend_on_method_and_status(
    method: str, status: int, retries: int, attempts: int, ends: str
) -> None:
    def answer(request: web.Request, number: int) -> web.Response:
        return (
            ok(request, number) if number > 2 else web.Response(status=status, headers={"Retry-After": "0"})
        )

    async def work(server: Server, call: Call) -> None:
        server.answers["/x"] = answer
        lines: list[str] = []
        call.log = lines.append
        outcome = await press(make(f"{server.url}/x", method=method, retries=retries), call)
        assert (outcome.status, server.count("/x")) == (ends, attempts)
        assert outcome.about is not None
        assert outcome.about.get("attempts", 1) == attempts
        assert sum("; attempt " in line for line in lines) == attempts - 1

    with_server(work)


def test_each_further_attempt_waits_for_the_rate() -> None:
    async def work(server: Server, call: Call) -> None:
        turns = []

        async def turn() -> None:
            turns.append(1)

        call.turn = turn
        server.answers["/x"] = lambda r, n: web.Response(status=500)
        await press(make(f"{server.url}/x", retries=1), call)
        assert len(turns) == 1

    with_server(work)


def test_per_host_limits_concurrent_requests() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/x"] = ok
        button = make(f"{server.url}/x", per_host=3)
        outcomes = await asyncio.gather(*(press(button, call) for _ in range(20)))
        assert [o.status for o in outcomes] == ["ok"] * 20
        assert server.most == 3

    with_server(work)


def test_a_cancelled_wait_passes_its_slot_on() -> None:
    async def main() -> None:
        host = Host("h")
        await host.enter(1)
        first, second = asyncio.create_task(host.enter(1)), asyncio.create_task(host.enter(1))
        await asyncio.sleep(0)
        host.leave()  # the first has the slot now, but has not run since
        first.cancel()
        await asyncio.wait([first, second], timeout=1)
        assert first.cancelled()
        assert second.done()
        assert host.in_flight == 1

    asyncio.run(main())


def test_after_a_429_the_concurrency_is_halved_and_grows_slowly() -> None:
    async def main() -> None:
        host = Host("h")
        for _ in range(16):
            await host.enter(0)
        host.complained(0.0, 0.0)
        assert host.window == 8
        host.complained(0.0, 0.0)  # the response to a request that was already on its way changes nothing
        assert host.window == 8
        for _ in range(9):
            host.went_well()
        assert 9 <= host.window < 9.1

    asyncio.run(main())


ROBOTS = "User-agent: *\nDisallow: /private/\nUser-agent: nosy\nDisallow: /\n"


def test_robots_txt_is_requested_once_and_obeyed_on_redirects() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers |= {
            "/robots.txt": lambda r, n: web.Response(text=ROBOTS),
            "/open": ok,
            "/private/x": ok,
            "/to": lambda r, n: web.Response(status=302, headers={"Location": "/private/x"}),
        }
        paths = ("/open", "/private/x", "/to", "/open")
        presses = [press(make(server.url + path, robots=True), call) for path in paths]
        found = [outcome.status for outcome in await asyncio.gather(*presses)]
        assert found == ["ok", "error", "error", "ok"]
        assert (server.count("/robots.txt"), server.count("/private/x")) == (1, 0)
        nosy = await press(make(f"{server.url}/open", robots=True, headers={"User-Agent": "nosy/2"}), call)
        assert nosy.error is not None
        assert nosy.error.code == "VALIDATION_ERROR"
        assert "robots.txt" in nosy.error.message
        assert (await press(make(f"{server.url}/private/x"), call)).status == "ok"

    with_server(work)


@pytest.mark.parametrize(("status", "ends"), [(404, "ok"), (403, "ok"), (500, "error"), (503, "error")])
def test_a_missing_robots_txt_allows_everything_and_a_failing_one_nothing(status: int, ends: str) -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/x"] = ok
        server.answers["/robots.txt"] = lambda r, n: web.Response(status=status, headers={"Retry-After": "0"})
        assert (await press(make(f"{server.url}/x", robots=True), call)).status == ends

    with_server(work)


def test_requests_keep_to_the_crawl_delay() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/robots.txt"] = lambda r, n: web.Response(text="User-agent: *\nCrawl-delay: 0.2\n")
        server.answers["/x"] = ok
        button = make(f"{server.url}/x", robots=True)
        began = time.monotonic()
        await asyncio.gather(*(press(button, call) for _ in range(4)))
        times = [at for path, at in server.requests if path == "/x"]
        assert len(times) == 4
        # On a busy machine requests may arrive late, so only the total has a lower bound.
        assert max(times) - began > 0.6

    with_server(work)


@settings(deadline=None)
@given(
    limit=st.integers(0, 3),
    taking=st.lists(st.integers(0, 8), min_size=1, max_size=8),
    late=st.integers(0, 8),
    cancelled=st.integers(0, 8),
    after=st.integers(0, 20),
)
def test_requests_keep_the_gap_of_a_host_whenever_their_places_become_free(
    limit: int, taking: list[int], late: int, cancelled: int, after: int
) -> None:
    """Also if places become free together, the event loop wakes late or a waiting request is cancelled."""

    async def main(loop: VirtualLoop) -> tuple[list[float], int, int]:
        host = Host("h")
        host.space(2.0)
        starts: list[float] = []
        most = 0

        async def request(number: int, seconds: int) -> None:
            nonlocal most
            assert not host.begin(limit)
            await host.enter(limit)
            starts.append(loop.time())
            most = max(most, host.in_flight)
            try:
                await asyncio.sleep(seconds)
                if number == late:
                    loop.stall(3.0)
            finally:
                host.leave()

        tasks = [asyncio.create_task(request(*one)) for one in enumerate(taking)]
        await asyncio.sleep(after)
        for task in tasks[cancelled : cancelled + 1]:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        assert len(starts) >= len(tasks) - 1
        return starts, most, host.in_flight

    starts, most, left = run_in_virtual_time(main)
    assert all(later - before >= 2.0 for before, later in itertools.pairwise(starts)), starts
    assert most <= (limit or len(taking))
    assert left == 0


def test_a_host_that_does_not_delay_requests_is_asked_once_per_gap() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        host = Host("h")
        host.space(2.0)
        starts: list[float] = []
        for _ in range(4):
            await host.enter(1)
            starts.append(loop.time())
            host.leave()
        return starts

    assert run_in_virtual_time(main) == [0.0, 2.0, 4.0, 6.0]


def test_a_pause_applies_to_requests_that_wait_for_the_gap_of_the_host() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        host = Host("h")
        host.space(2.0)
        starts: list[float] = []

        async def request() -> None:
            await host.enter(2)
            starts.append(loop.time())
            host.leave()

        tasks = [asyncio.create_task(request()) for _ in range(3)]
        await asyncio.sleep(1.0)
        host.complained(0.0, 10.0)
        await asyncio.gather(*tasks)
        return starts

    first, second, third = run_in_virtual_time(main)
    assert first == 0.0
    assert second >= 11.0
    assert third >= second + 2.0


def test_cookies_are_kept_for_the_run_if_the_button_enables_them() -> None:
    async def work(server: Server, call: Call) -> None:
        def login(request: web.Request, number: int) -> web.Response:
            answer = web.Response(status=302, headers={"Location": "/see"})
            answer.set_cookie("session", "s3")
            return answer

        server.answers |= {"/login": login, "/see": lambda r, n: web.json_response(dict(r.cookies))}
        assert (await press(make(f"{server.url}/login", cookies=True), call)).output == {"session": "s3"}
        assert (await press(make(f"{server.url}/see", cookies=True), call)).output == {"session": "s3"}
        assert (await press(make(f"{server.url}/see"), call)).output == {}
        other = Resources()
        try:
            again = await press(make(f"{server.url}/see", cookies=True), Call(other, 5.0))
        finally:
            await other.aclose()
        assert again.output == {}

    with_server(work)


def test_the_proxy_of_a_button_can_take_its_password_from_a_battery() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/x"] = lambda r, n: web.json_response(
            {"host": r.headers["Host"], "auth": r.headers.get("Proxy-Authorization", "")}
        )
        address = server.url.replace("http://", "http://me:${batteries.PASSWORD}@")
        found = await press(make("http://only-the-proxy-knows.invalid/x", proxy=address), call)
        assert found.output == {"host": "only-the-proxy-knows.invalid", "auth": "Basic bWU6aHVzaA=="}
        with pytest.raises(UsageError, match="is not a valid proxy address"):
            make("http://h/", proxy="socks://h")
        with pytest.raises(UsageError, match="refers to 'inputs'"):
            make("http://h/", proxy="http://${inputs.x}")

    with_server(work, batteries={"PASSWORD": "hush"})


def test_headers_may_use_batteries_but_arguments_are_never_expressions() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers["/x"] = lambda r, n: web.json_response(
            [r.headers["Authorization"], r.headers["X-Note"]]
        )
        headers = {"Authorization": "Bearer ${batteries.KEY}", "X-Note": "{{note}} $ENV{NO_SUCH_THING}!"}
        button = make(f"{server.url}/x", headers=headers)
        found = await press(button, call, note="${batteries.KEY}")
        assert found.output == ["Bearer {{note}}", "${batteries.KEY} !"]
        missing = await press(make(f"{server.url}/x", headers={"A": "${batteries.NOPE}"}), call)
        assert missing.error is not None
        assert missing.error.code == "RESOLVE_ERROR"
        with pytest.raises(UsageError, match="'steps'"):
            make("http://h/", headers={"A": "${steps.x}"})

    with_server(work, batteries={"KEY": "{{note}}"})


def test_output_full_returns_the_whole_response_and_the_record_has_its_status() -> None:
    async def work(server: Server, call: Call) -> None:
        server.answers |= {
            "/json": lambda r, n: web.json_response({"a": 1}),
            "/text": lambda r, n: web.Response(text="42"),
            "/bytes": lambda r, n: web.Response(body=b"\0\1", content_type="image/png"),
            "/to": lambda r, n: web.Response(status=302, headers={"Location": "/json#there"}),
        }
        wholes = {
            path: (await press(make(server.url + path, output="full"), call)).output
            for path in ("/json", "/text", "/bytes", "/to")
        }
        assert wholes["/json"]["json"] == {"a": 1}
        assert wholes["/text"]["text"] == "42"
        assert wholes["/bytes"]["bytes"] == b"\0\1"
        assert wholes["/to"]["url"] == f"{server.url}/json#there"
        for whole in wholes.values():
            assert whole["status"] == 200
            assert 0 < whole["elapsed"] < 5
            assert whole["headers"]["server"].startswith("Python")
        plain = await press(make(f"{server.url}/json"), call)
        assert plain.output == {"a": 1}
        assert dict(plain.about or {})["status"] == 200
        failed = await press(make(f"{server.url}/none"), call)
        assert dict(failed.about or {})["status"] == 404

    with_server(work)


def zstd(data: bytes) -> bytes:
    return bytes(ZSTD.compress(data))


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]) + b"\0\0\0",
    "deflate": zlib.compress,
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)),
    "br": brotli.compress,
    "zstd": zstd,
    "identity": lambda data: data,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_compressed_responses_are_decompressed(coding: str) -> None:
    async def work(server: Server, call: Call) -> None:
        body = CODINGS[coding](TEXT.encode())
        headers = {"Content-Encoding": coding, "Content-Type": "text/plain; charset=utf-8"}
        server.answers["/x"] = lambda r, n: web.Response(body=body, headers=headers)
        outcome = await press(make(f"{server.url}/x"), call)
        assert outcome.output == TEXT, outcome.error

    with_server(work)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_bodies_above_the_limit_and_truncated_bodies_are_refused(coding: str, step: int) -> None:
    data = bytes(range(256)) * 8
    packed = CODINGS[coding](data)

    def decoded(packed: bytes, limit: int) -> bytes:
        body = Body(coding, limit)
        out = b"".join(body.feed(packed[at : at + step]) for at in range(0, len(packed), step))
        body.end()
        return out

    assert decoded(packed, 10_000) == data
    with pytest.raises(TooLarge):
        decoded(packed, len(data) - 1)
    if coding != "identity":
        with pytest.raises(Damaged):
            decoded(packed[: len(packed) // 2], 10_000)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_stopped_when_it_exceeds_the_limit(coding: str) -> None:
    packed = CODINGS[coding](bytes(50_000_000))
    with pytest.raises(TooLarge):
        Body(coding, 100_000).feed(packed[:100_000])
    with pytest.raises(Damaged, match="names 6 codings"):
        Body(",".join([coding] * 6), 100)


def test_a_body_is_saved_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def work(server: Server, call: Call) -> None:
        packed = gzip.compress(b"%PDF" * 9)
        server.answers |= {
            "/file": lambda r, n: web.Response(body=packed, headers={"Content-Encoding": "gzip"}),
            "/half": lambda r, n: web.Response(body=packed[:20], headers={"Content-Encoding": "gzip"}),
        }
        saved = await press(make(server.url + "/file", save="out/{{id}}.pdf"), call, id="../../a b")
        assert saved.output == "out/..%2F..%2Fa b.pdf"
        whole = await press(make(server.url + "/file", save="out/{{id}}.pdf", output="full"), call, id=1)
        assert (whole.output["path"], whole.output["size"]) == ("out/1.pdf", 36)
        half = await press(make(server.url + "/half", save="out/1.pdf"), call)
        assert half.status == "error"
        missing = await press(make(server.url + "/missing", save="out/2.pdf"), call)
        assert missing.exit_code == 404

    with_server(work)
    assert sorted(p.name for p in Path("out").iterdir()) == ["..%2F..%2Fa b.pdf", "1.pdf"]
    assert {p.read_bytes() for p in Path("out").iterdir()} == {b"%PDF" * 9}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("..", "__"),
        ("/etc/passwd", "%2Fetc%2Fpasswd"),
        ("a\\b:c", "a%5Cb%3Ac"),
        ("con", "_con_"),
        ("é" * 200, ""),
        ("a\0b", "a%00b"),
    ],
)
def test_saved_files_stay_in_their_folder(tmp_path: Path, value: str, name: str) -> None:
    path = SavePath(f"{tmp_path}/{{{{x}}}}", "b").fill({"x": value})
    assert path.parent == tmp_path
    assert len(path.name.encode()) <= 255
    assert path.name not in ("", ".", "..")
    if name:
        assert path.name == name
    path.touch()


def test_a_file_is_not_saved_through_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(ArgumentError, match="symbolic link"):
        SavePath(f"{tmp_path}/in/{{{{x}}}}/y", "b").fill({"x": "link"})


@pytest.mark.parametrize("text", ["out/", "out/{{x}}/../y", "{{x}}//y", "{{x}}/."])
def test_invalid_save_paths_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot save"):
        SavePath(text, "b")
