"""The demo site without a port, as in a browser: requests reach it inside the process."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import Any

import aiohttp
import pytest

from drawer_ipy import aeach
from drawer_ipy.demo import DemoSite


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own; the site is closed on it."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        async def whole() -> None:
            await test(**fixtures)
            for one in fixtures.values():
                one.stop()
            await asyncio.sleep(0.2)

        asyncio.run(whole())

    return run


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite.in_process() as running:
        yield running


@on_a_loop
async def test_aiohttp_reaches_it_and_the_site_counts_what_is_in_flight(site: DemoSite) -> None:
    async def waited(session: aiohttp.ClientSession) -> int:
        async with session.get(f"{site.url}/slow/50") as response:
            found: int = (await response.json())["waited_ms"]
            return found

    async with aiohttp.ClientSession() as session:
        assert await asyncio.gather(*(waited(session) for _ in range(12))) == [50] * 12
    assert site.stats().requests == site.stats().max_in_flight == 12


@on_a_loop
async def test_buttons_reach_it(site: DemoSite) -> None:
    pages = await aeach(site.url + "/api/items/{{n}}", [1, 2, 3], parallelism=3, quiet=True)
    assert list(pages["title"]) == [item.title for item in site.items[:3]]
    for path in ("/gzip/1", "/redirect/3", "/drip/500?ms=20", "/binary/200000"):
        done = await aeach(site.url + path + ("&" if "?" in path else "?") + "n={{n}}", [1], quiet=True)
        assert done[0].status == "ok", path
    tried = await aeach(site.url + "/flaky/{{n}}?fail=1", ["a"], retries=1, quiet=True)
    assert tried["attempt"] == [2]


@on_a_loop
async def test_two_sites_are_apart_and_one_that_stopped_is_gone(site: DemoSite) -> None:
    with DemoSite.in_process() as other:
        assert other.url != site.url
        async with aiohttp.ClientSession() as session, session.get(f"{other.url}/item/1") as response:
            assert response.status == 200
        assert (site.stats().requests, other.stats().requests) == (0, 1)
        with pytest.raises(OSError, match="another site of this process"):
            DemoSite.in_process(int(other.url.rpartition(":")[2]))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{other.url}/item/1")
        async with session.get(f"{site.url}/item/1") as response:
            assert response.status == 200


@on_a_loop
async def test_a_request_that_is_cancelled_leaves_the_site_working(site: DemoSite) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.get(f"{site.url}/slow/20000")
        await asyncio.sleep(0.05)
        assert site.stats().in_flight == 0
        async with session.get(f"{site.url}/item/1") as response:
            assert response.status == 200


def test_urlopen_says_that_it_cannot_wait_where_it_cannot(site: DemoSite) -> None:
    with pytest.raises(urllib.error.URLError, match="async client"):
        urllib.request.urlopen(f"{site.url}/item/1")


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        DemoSite.in_process(70000)
