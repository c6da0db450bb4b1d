"""Runs with servers that fail in many ways: every item gets its own result, and no connection stays open.

:mod:`test_http_faults` tests each fault separately.
"""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_rig import (
    RawServer,
    answer_of,
    assert_nothing_open,
    button,
    connections,
    fetch_each,
    loop,
    one_run,
    press,
    raw_server,
    until,
)

from drawer_ipy.demo import DemoSite

BROKE_OFF = "the response is incomplete or damaged"
FAULTS = [
    ("/reset", "HTTP_ERROR", "reset the connection for GET"),
    (
        "/truncated",
        "HTTP_ERROR",
        "damaged (Not enough data to satisfy content length header",
    ),
    ("/bad-gzip", "HTTP_ERROR", BROKE_OFF),
    ("/endless", "HTTP_ERROR", "is longer than 50,000 bytes"),
    ("/binary/50001", "HTTP_ERROR", "is longer than 50,000 bytes"),
    ("/bomb", "HTTP_ERROR", "is longer than 50,000 bytes"),
    ("/slow/20000", "TIMEOUT", "timed out after 3 s"),
    ("/slow-headers/20000", "TIMEOUT", "timed out after 3 s"),
    ("/drip/1000?ms=20000", "TIMEOUT", "timed out after 3 s"),
    ("/redirect/50", "HTTP_ERROR", "more than 10 redirects"),
    ("/status/500", "HTTP_ERROR", "HTTP 500 Internal Server Error"),
]
"""Path, error code and words of the message, with limits of 50,000 bytes and 3 seconds."""


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as site:
        yield site
        assert_nothing_open(site)


def test_items_between_faults_succeed_in_one_run(site: DemoSite) -> None:
    good = [(f"/item/{number + 1}", "", "") for number in range(4 * len(FAULTS))]
    expected = [one for pair in zip(FAULTS * 4, good, strict=True) for one in pair]
    urls = [site.url + path for path, _, _ in expected]
    fields = {"max_response_bytes": 50_000, "timeout_seconds": 3}
    results = asyncio.run(fetch_each(loop("{{id}}", 30, **fields), urls))
    assert results["id"].tolist() == urls
    for row, (path, code, words) in zip(results, expected, strict=True):
        if code:
            assert row.status == "failed", path
            assert row.error.code == code, row.error
            assert words in row.error.message, row.error
            assert site.url in row.error.message
        else:
            assert row.status == "ok", row.error
            assert site.items[int(path.rpartition("/")[2]) - 1].price in row["got"]


def test_broken_responses_leave_no_files(site: DemoSite, tmp_path: Path) -> None:
    paths = [
        "/truncated",
        "/bad-gzip",
        "/endless",
        "/bomb",
        "/drip/1000?ms=20000",
        "/reset",
        "/status/500",
    ]
    old = tmp_path / f"{1}.bin"
    old.write_text("from the last time")
    fields = {"save": f"{tmp_path}/{{{{n}}}}.bin", "max_response_bytes": 50_000, "timeout_seconds": 1}
    drawer = loop("{{id}}#{{n}}", **fields)
    drawer["buttons"]["get"]["args"] = ["id", "n"]
    drawer["steps"][0]["steps"][0]["args"] = {"id": "${id.url}", "n": "${id.n}"}
    items = [{"url": site.url + path, "n": n} for n, path in enumerate([*paths, "/binary/1000"])]
    results = asyncio.run(fetch_each(drawer, items))
    assert [row.status for row in results] == ["failed"] * len(paths) + ["ok"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.bin", f"{len(paths)}.bin"]
    assert old.read_text() == "from the last time"
    assert (tmp_path / f"{len(paths)}.bin").stat().st_size == 1000


def test_a_compression_bomb_is_not_held_in_memory(site: DemoSite) -> None:
    tracemalloc.start()
    try:
        results = asyncio.run(fetch_each(loop(f"{site.url}/bomb#{{{{id}}}}"), [1]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "is longer than 10,485,760 bytes" in results[0].error.message
    assert peak < 50_000_000  # it expands to 100 MB and is cut off at 10 MiB


def test_bytes_that_arrive_late_on_a_kept_connection_are_not_used() -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(path.encode()))
        if path == "/first":
            await writer.drain()
            await asyncio.sleep(0.05)  # by then the client has the connection back
            writer.write(answer_of(b"poison"))

    async def main() -> None:
        async with raw_server(answer) as server, one_run() as call:
            get = button(server.url + "/{{path}}")
            for _ in range(2):
                assert (await press(get, call, path="first")).output == "/first"
                await asyncio.sleep(0.3)
                assert (await press(get, call, path="second")).output == "/second"
            assert server.connections == 3  # the one with extra bytes was closed, the others were kept

    asyncio.run(main())


def test_a_server_that_speaks_first_is_reported_as_not_http() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(writer)
        writer.write(b"220 mail.example ESMTP\r\n")
        await reader.read()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, one_run(2) as call:
            get = button(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            outcome = await press(get, call)
            assert outcome.status == "error", outcome
            assert "not valid HTTP" in outcome.error.message
            assert len(greeted) <= 2  # a GET is repeated once at most

    greeted: list[Any] = []
    asyncio.run(main())


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 900000000",
        "Content-Length: -5",
        "Content-Length: 5, 5",
        "Content-Length: abc",
        "Connection: close",
        "Location: /x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    ],
)
def test_no_declared_length_lifts_the_limit(head: str) -> None:
    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        status = "302 Found" if "Location" in head and path != "/x" else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode())
        piece = b"x" * 50_000
        for _ in range(400):
            sent.append(len(piece))
            writer.write(b"c350\r\n" + piece + b"\r\n" if "chunked" in head else piece)
            await writer.drain()

    async def main() -> None:
        async with raw_server(answer) as server, one_run(5) as call:
            outcome = await press(button(server.url, max_response_bytes=100_000), call)
        if outcome.status == "ok":
            assert outcome.output == "x" * 5
        else:
            message = outcome.error.message
            assert "longer than 100,000" in message or "not valid HTTP" in message, message
        # The server could send only what the socket buffers hold.
        assert sum(sent) < 20_000_000

    sent: list[int] = []
    asyncio.run(main())


def test_a_silent_server_is_distinguished_from_a_slow_one(site: DemoSite) -> None:
    drawer = loop("{{id}}", read_timeout_seconds=0.7)
    paths = ["/slow/20000", "/drip/20?ms=1500", "/slow-headers/1500", "/drip/2?ms=20000"]
    results = asyncio.run(fetch_each(drawer, [site.url + path for path in paths]))
    assert [row.status for row in results] == ["failed", "ok", "ok", "failed"]
    for row in results.failed:
        assert row.error.code == "TIMEOUT"
        assert "sent nothing for too long" in row.error.message
        assert "read_timeout_seconds" in row.error.remediation


def test_a_cancellation_in_the_middle_leaves_nothing_open(site: DemoSite, tmp_path: Path) -> None:
    paths = ["/slow/20000", "/endless", "/drip/1000?ms=20000", "/slow-headers/20000"] * 50
    drawer = loop("{{id}}", 40, save=f"{tmp_path}/x/one.bin", max_response_bytes=2**31)

    async def main() -> float:
        task = asyncio.ensure_future(fetch_each(drawer, [site.url + path for path in paths]))
        assert await asyncio.to_thread(until, lambda: site.stats().in_flight == 40)
        port = int(site.url.rpartition(":")[2])
        assert len(connections(port)) == 80  # this process has both ends of each
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 5
    assert list(tmp_path.rglob("*.*")) == []
    assert site.stats().requests == 40  # no request starts after the cancellation


def test_a_loop_that_stops_leaves_nothing_open(site: DemoSite) -> None:
    paths = ["/slow/20000", "/endless", "/drip/1000?ms=20000"] * 10 + ["/status/500"] + ["/item/1"] * 50
    drawer = loop("{{id}}", 31, "stop", max_response_bytes=2**31)
    results = asyncio.run(fetch_each(drawer, [site.url + path for path in paths]))
    assert results.counts == {"ok": 0, "failed": 1, "cancelled": 30, "skipped": 50}
    assert results[30].error.message == f"HTTP 500 Internal Server Error for GET {site.url}/status/500"
    assert site.stats().requests == 31


def test_a_site_that_stops_during_a_run_fails_the_remaining_items(site: DemoSite) -> None:
    """Stopping the site closes all connections: items in flight fail, later ones are refused.

    A stopped site is no longer allowed as the demo site's address, so the button must allow private networks.
    """
    paths = ["/item/1"] * 10 + ["/drip/1000?ms=20000"] * 10 + ["/item/2"] * 10

    async def main() -> Any:
        drawer = loop("{{id}}", 5, allow_private_networks=True)
        task = asyncio.ensure_future(fetch_each(drawer, [site.url + path for path in paths]))
        drips = "/drip/1000"
        assert await asyncio.to_thread(until, lambda: site.stats().by_path.get(drips) == 5)
        await asyncio.to_thread(site.stop)
        return await task

    results = asyncio.run(main())
    assert [row.status for row in results] == ["ok"] * 10 + ["failed"] * 20
    assert all(BROKE_OFF in row.error.message for row in results[10:15]), results[10].error
    assert all("refused" in row.error.message for row in results[15:]), results[15].error
