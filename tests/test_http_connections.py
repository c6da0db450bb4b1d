"""Connections of a run: how many it opens, its time limits, its retries, and its pauses for busy hosts."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from http_rig import RawServer, answer_of, button, fetch_each, loop, one_run, press, raw_server, until

from drawer_ipy._version import __version__
from drawer_ipy.buttons import Outcome
from drawer_ipy.buttons.http.client import Retries
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.session import HttpSession
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.demo import DemoSite

GZIP_OF_NOTHING = bytes.fromhex("1f8b08000000000000ff03000000000000000000")
QUICK = {"connect_timeout_seconds": 0.1}
ENDINGS: dict[str, bytes] = {
    "json": answer_of(b'{"a": 1}', Content_Type="application/json"),
    "empty": answer_of(b""),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "gzip": answer_of(GZIP_OF_NOTHING, Content_Encoding="gzip"),
    "404": answer_of(b"no", "404 Not Found"),
    "500": answer_of(b"no", "500 Internal Server Error"),
    "redirect": answer_of(b"see there", "302 Found", Location="/json"),
}


async def by_path(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(ENDINGS.get(path.strip("/"), ENDINGS["json"]))


def test_one_connection_serves_a_sequential_run_whatever_the_responses() -> None:
    async def main() -> None:
        async with raw_server(by_path) as server:
            drawer = loop(f"{server.url}/{{{{id}}}}", 1, allow_private_networks=True)
            results = await fetch_each(drawer, [*ENDINGS] * 5)
            assert len(results.failed) == 10
            assert (len(server.heads), server.connections) == (45, 1)
            assert await asyncio.to_thread(until, lambda: server.open == 0)
            await fetch_each(drawer, ["json"])
            assert server.connections == 2  # another run, another session

    asyncio.run(main())


def test_parallelism_and_per_host_limit_the_number_of_connections() -> None:
    async def slowly(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(ENDINGS["json"])

    async def main(most: int, **fields: Any) -> None:
        async with raw_server(slowly) as one, raw_server(slowly) as two:
            drawer = loop("{{id}}", 12, allow_private_networks=True, **fields)
            urls = [f"{server.url}/{n}" for n in range(40) for server in (one, two)]
            results = await fetch_each(drawer, urls)
            assert results.counts["ok"] == 80
            assert one.connections <= most
            assert two.connections <= most
            assert len(one.heads) == len(two.heads) == 40

    asyncio.run(main(12))
    asyncio.run(main(3, per_host=3))  # three for each of the two hosts


def test_a_head_request_has_no_body_to_wait_for() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Encoding: gzip\r\n\r\n")

    async def main() -> None:
        async with raw_server(answer) as server, one_run(3) as call:
            head = button(server.url, method="HEAD", output="full")
            for _ in range(3):
                outcome = await press(head, call)
                assert outcome.status == "ok", outcome.error
                assert outcome.output["headers"]["content-length"] == "5000"
            assert server.connections == 1

    asyncio.run(main())


def test_the_user_agent_names_drawer_ipy_unless_the_button_sets_it() -> None:
    async def main() -> None:
        async with raw_server(by_path) as server, one_run() as call:
            await press(button(server.url), call)
            await press(button(server.url, headers={"user-agent": "mine/1"}), call)
            first, second = server.heads
            assert f"User-Agent: drawer_ipy/{__version__}\r\n" in first
            assert "user-agent: mine/1\r\n" in second.lower()
            assert second.lower().count("user-agent:") == 1

    asyncio.run(main())


def test_connecting_has_its_own_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Outcome:
        async def connect(*args: object) -> None:
            await asyncio.sleep(60)  # as if packets were dropped

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
        async with one_run(20) as call:
            return await press(button("http://127.0.0.1:9/", connect_timeout_seconds=0.2), call)

    began = time.monotonic()
    outcome = asyncio.run(main())
    assert time.monotonic() - began < 5
    assert outcome.status == "timeout"
    assert outcome.error is not None
    assert "no connection was established in time" in outcome.error.message


@pytest.mark.parametrize(
    ("fields", "words"), [({}, "timed out after 0.4 s"), (QUICK, "no connection was established")]
)
def test_a_slow_name_lookup_ends_at_the_time_limit(fields: dict[str, float], words: str) -> None:
    class Slow(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            await asyncio.sleep(60)
            return []

        async def close(self) -> None:
            pass

    async def main() -> Outcome:
        async with one_run(0.4) as call:
            call.resources._open[HttpSession] = HttpSession(Slow())
            return await press(button("http://slow.test/", **fields), call)

    began = time.monotonic()
    outcome = asyncio.run(main())
    assert time.monotonic() - began < 5
    assert outcome.status == "timeout"
    assert outcome.error is not None
    assert words in outcome.error.message


def test_a_cancelled_run_does_not_wait_for_name_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the event loop does not wait either, although it waits for its own threads."""
    released = threading.Event()

    def unanswered(*args: Any, **more: Any) -> list[Any]:
        released.wait(20)
        return []

    async def main() -> None:
        async with one_run() as call:
            pressing = asyncio.create_task(press(button("http://slow.test/"), call))
            await asyncio.sleep(0.2)
            pressing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pressing

    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10
    released.set()


def test_many_host_names_are_looked_up_concurrently(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(60, timeout=20)

    def lookup(*args: Any, **more: Any) -> list[Any]:
        together.wait()  # until sixty lookups run at once
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", args[1]))]

    async def main() -> None:
        async with raw_server(by_path) as server:
            port = server.url.rpartition(":")[2]
            monkeypatch.setattr(socket, "getaddrinfo", lookup)
            drawer = loop("{{id}}", 60, allow_private_networks=True)
            results = await fetch_each(drawer, [f"http://host{n}.test:{port}/" for n in range(60)])
            monkeypatch.undo()
            assert [row.output for row in results] == [{"a": 1}] * 60

    asyncio.run(main())


def test_the_time_limit_includes_every_redirect() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(answer_of(b"", "302 Found", Location=f"{path}x"))

    async def main() -> tuple[Outcome, int]:
        async with raw_server(answer) as server, one_run(0.5) as call:
            return await press(button(f"{server.url}/"), call), len(server.heads)

    outcome, hops = asyncio.run(main())
    assert outcome.status == "timeout"
    assert outcome.error is not None
    assert outcome.error.message.startswith("timed out after 0.5 s")
    assert hops <= 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("kept", [False, True])
def test_only_idempotent_requests_on_a_broken_kept_connection_are_repeated(method: str, kept: bool) -> None:
    """A server may close a kept connection at the moment it is used; on a new connection that is an error."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/first" or server.connections > 1:
            writer.write(ENDINGS["204"])
        else:
            writer.close()

    async def main() -> None:
        async with raw_server(answer) as server, one_run() as call:
            if kept:
                assert (await press(button(f"{server.url}/first"), call)).status == "ok"
            outcome = await press(button(f"{server.url}/x", method=method), call)
            repeated = kept and method not in ("POST", "PATCH")
            assert outcome.status == ("ok" if repeated else "error"), outcome
            assert [head.split()[1] for head in server.heads].count("/x") == 1 + repeated
            if not repeated:
                assert outcome.error is not None
                assert "the server closed the connection without a response" in outcome.error.message

    asyncio.run(main())


def test_a_restarted_server_fails_no_item_of_a_run_with_kept_connections() -> None:
    """All ten kept connections are dead when the second half of the requests uses them."""

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if len(writers) == 10:
            together.set()
        await together.wait()
        writer.write(ENDINGS["json"])

    async def main() -> None:
        async with raw_server(answer) as server, one_run() as call:
            one = button(f"{server.url}/{{{{id}}}}")
            await asyncio.gather(*(press(one, call, id=n) for n in range(10)))
            for writer in writers:
                writer.transport.abort()
            outcomes = await asyncio.gather(*(press(one, call, id=n) for n in range(10, 20)))
            assert [outcome.status for outcome in outcomes] == ["ok"] * 10
            assert server.connections <= 20

    writers: list[asyncio.StreamWriter] = []
    together = asyncio.Event()
    asyncio.run(main())


def test_broken_requests_are_repeated_with_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawer_ipy.buttons.http.client._BACKOFF", Backoff(0.01, 2.0, 30.0, 0.5))

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        tries.append(path)
        if len(tries) == 3:
            writer.write(ENDINGS["json"])
        elif len(tries) == 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            writer.close()
        else:
            writer.close()

    async def main() -> Outcome:
        async with raw_server(answer) as server, one_run() as call:
            return await press(button(server.url, retries=2), call)

    tries: list[str] = []
    outcome = asyncio.run(main())
    assert outcome.output == {"a": 1}
    assert len(tries) == 3
    assert dict(outcome.about or {})["attempts"] == 3


def test_a_request_that_was_never_sent_is_retried_whatever_its_method() -> None:
    retries = Retries(1)
    unsent, sent = RequestFailed("x", sent=False), RequestFailed("x")
    assert retries.covers_failure("POST", unsent, 1)
    assert not retries.covers_failure("POST", sent, 1)
    assert retries.covers_failure("GET", sent, 1)
    assert not retries.covers_failure("GET", sent, 2)
    assert not retries.covers_failure("GET", RequestFailed("x", final=True), 1)


def test_the_wait_between_attempts_doubles_and_half_of_it_is_random() -> None:
    def delays(attempt: int, required: float | None = None) -> list[float]:
        return [Retries(9).delay(attempt, required) for _ in range(300)]

    for attempt, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (8, 30.0), (1000, 30.0)):
        found = delays(attempt)
        assert longest / 2 <= min(found) <= max(found) <= longest
        assert max(found) - min(found) > longest / 4
    assert min(delays(1, 7.0)) == 7.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_run_pauses_for_a_busy_host_only(status: int) -> None:
    """Twenty workers: after the first 429 or 503, nothing reaches that host for a second, while requests to
    another host continue.
    """

    def site(busy: bool, times: list[float]) -> Callable[..., Any]:
        async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
            times.append(time.monotonic())
            refuse = busy and len(times) == 5
            await asyncio.sleep(0.02)
            writer.write(answer_of(b"", f"{status} Busy", Retry_After="1") if refuse else ENDINGS["json"])

        return answer

    async def main() -> None:
        async with raw_server(site(True, at_busy)) as busy, raw_server(site(False, at_other)) as other:
            urls = [f"{busy.url}/{n}" for n in range(40)] + [f"{other.url}/{n}" for n in range(40)]
            urls = urls[::2] + urls[1::2]
            drawer = loop("{{id}}", 60, allow_private_networks=True, per_host=20)
            results = await fetch_each(drawer, urls)
            assert results.counts == {"ok": 79, "failed": 1, "cancelled": 0, "skipped": 0}
            assert f"HTTP {status} Busy" in results.failed[0].error.message

    at_busy: list[float] = []
    at_other: list[float] = []
    asyncio.run(main())
    assert (len(at_busy), len(at_other)) == (40, 40)
    gaps = [later - earlier for earlier, later in itertools.pairwise(at_busy)]
    assert max(gaps) > 0.9, gaps  # one pause of the requested second
    before = gaps.index(max(gaps)) + 1
    assert before <= 25  # requests that were already on their way
    assert at_other[-1] < at_busy[before], "the other host waited too"


def test_a_run_keeps_to_its_rate() -> None:
    with DemoSite.start() as site:
        began = time.monotonic()
        drawer = loop(f"{site.url}/item/{{{{id}}}}", 10, rate="20/s")
        results = asyncio.run(fetch_each(drawer, list(range(1, 16))))
        assert results.counts["ok"] == 15
        assert time.monotonic() - began > 0.6  # 15 starts, 0.05 s apart


def test_a_run_with_retries_gets_all_items_of_a_limited_site() -> None:
    """The demo site sends 429 for more than four requests a second; with retries every item succeeds."""
    with DemoSite.start() as site:
        url = f"{site.url}/limited/run?after=6&retry_after=0.3#{{{{id}}}}"
        results = asyncio.run(fetch_each(loop(url, 4, retries=5), list(range(14))))
        assert results.counts == {"ok": 14, "failed": 0, "cancelled": 0, "skipped": 0}
        requests = site.stats().requests
        assert 14 < requests <= 14 + 2 * 4  # at each of two pauses, only the requests on their way fail
