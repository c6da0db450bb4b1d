"""Servers that break the protocol: every item has a result, and nothing stays open."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from drawer_ipy import Results, press
from drawer_ipy.demo import DemoSite


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite.start() as started:
        yield started


@pytest.fixture(autouse=True)
def unclosed_objects_warn() -> Iterator[None]:
    """Collect garbage, so that an object that was not closed warns; the tests turn warnings into errors."""
    yield
    gc.collect()


def connections_to(port: int) -> int:
    found = psutil.Process().net_connections("tcp")
    return sum(1 for c in found if c.raddr and c.raddr.port == port and c.status == psutil.CONN_ESTABLISHED)


def fetch(urls: list[str], width: int = 10, **button: Any) -> Results:
    drawer = {
        "name": "faults",
        "inputs": ["urls"],
        "buttons": {"page": {"url": "{{url}}", "args": ["url"], "allow_private_networks": True, **button}},
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.urls}",
                "as": "url",
                "parallelism": width,
                "on_item_failure": "continue",
                "steps": [{"id": "page", "button": "page", "args": {"url": "${url}"}}],
            }
        ],
    }
    return press(drawer, {"urls": urls}, check=False, quiet=True)


def message(results: Results, index: int = 0) -> str:
    error = results.failed[index].error
    assert error is not None
    return error.message


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/reset", {}, "reset the connection|without a response"),
        ("/truncated", {}, "is incomplete"),
        ("/bad-gzip", {}, "damaged"),
        ("/half-headers", {}, "without a response|not valid HTTP|is incomplete"),
        ("/endless", {"max_response_bytes": 100_000}, "longer than 100,000 bytes"),
        ("/bomb", {"max_response_bytes": 1_000_000}, "longer than 1,000,000 bytes"),
        ("/bomb", {}, "longer than 10,485,760 bytes"),
        ("/endless", {"timeout_seconds": 0.3, "max_response_bytes": 10**9}, "timed out after 0.3 s"),
        ("/slow-headers/20000", {"timeout_seconds": 0.3}, "timed out after 0.3 s"),
        ("/slow/5000", {"read_timeout_seconds": 0.2}, "sent nothing for too long"),
        ("/drip/20?ms=10000", {"read_timeout_seconds": 0.2}, "sent nothing for too long"),
    ],
)
def test_each_fault_fails_only_its_item(
    site: DemoSite, path: str, fields: dict[str, Any], words: str
) -> None:
    urls = [site.url + path, *(f"{site.url}/item/{n}" for n in range(1, 6))]
    began = time.perf_counter()
    results = fetch(urls, width=2, **fields)
    assert time.perf_counter() - began < 10
    assert any(word in message(results) for word in words.split("|")), message(results)
    assert [row.output is not None for row in results] == [False, True, True, True, True, True]
    port = int(site.url.rpartition(":")[2])
    assert connections_to(port) == 0
    for _ in range(100):
        if site.stats().in_flight == 0:
            break
        time.sleep(0.02)
    assert site.stats().in_flight == 0


def test_excess_bytes_of_a_response_never_answer_another_request(site: DemoSite) -> None:
    urls = [f"{site.url}/excess", f"{site.url}/item/7", f"{site.url}/excess", f"{site.url}/item/8"]
    results = fetch(urls, width=1)
    assert results[1].output is not None
    assert results[3].output is not None
    assert [row.output for row in (results[0], results[2])] == ["four", "four"]


def test_one_per_cent_of_faults_fails_exactly_those_items_of_ten_thousand() -> None:
    """The site is a separate process, as a real server would be."""
    command = [sys.executable, "-m", "drawer_ipy.demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().split()[3]
            count = 10_000
            results = fetch([f"{url}/faulty/{n}" for n in range(count)], width=100)
            record = results.run.step("each").output.record
            assert Counter(row.status for row in results) == {"ok": count - 100, "failed": 100}
            assert all(results[n].output == {"id": n} for n in range(count) if n % 100 != 99)
            failed = [row.index for row in results.failed]
            assert failed == list(range(99, count, 100))
            assert all(row.error.code == "HTTP_ERROR" for row in results.failed)
            assert sum(record.counts) == count
            assert connections_to(int(url.rpartition(":")[2])) == 0
        finally:
            server.terminate()


def test_a_cancelled_run_leaves_no_connection_open(site: DemoSite) -> None:
    from drawer_ipy import apress

    async def main() -> None:
        drawer = {
            "name": "slow",
            "inputs": ["urls"],
            "buttons": {"page": {"url": "{{url}}", "allow_private_networks": True}},
            "steps": [
                {
                    "id": "each",
                    "kind": "for_each",
                    "over": "${inputs.urls}",
                    "as": "url",
                    "parallelism": 5,
                    "steps": [{"id": "page", "button": "page", "args": {"url": "${url}"}}],
                }
            ],
        }
        task = asyncio.create_task(apress(drawer, {"urls": [f"{site.url}/slow/9000"] * 9}, quiet=True))
        await asyncio.sleep(0.4)
        assert connections_to(int(site.url.rpartition(":")[2])) == 5
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert connections_to(int(site.url.rpartition(":")[2])) == 0
