"""(f) HTTP buttons, beside the client they are made of and the loop that people write with another."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from benchmarks import ways
from benchmarks.http_server import PAGE, running
from benchmarks.measure import Values, side_by_side
from benchmarks.report import Answer, Check, compared
from drawer_ipy import press

AIOHTTP = "aiohttp, bare"
HTTPX = "httpx, Semaphore + gather"
LEAST_OF_AIOHTTP = 0.9
LEAST_OF_HTTPX = 3.0
Way = Callable[[Sequence[str], int], list[str]]


def answer(quick: bool) -> Answer:
    """Requests a second at two widths, on one server."""
    found = Answer("f", "HTTP buttons, one local server")
    count, rounds = (200, 2) if quick else (3_000, 11)
    with running() as origin:
        for width in (10, 100):
            _compare(found, origin, count, width, rounds)
    found.notes.append("the server is a process of its own and answers each GET with the same page of 2 kB")
    return found


def _compare(found: Answer, origin: str, count: int, width: int, rounds: int) -> None:
    urls = [f"{origin}/item/{number}" for number in range(count)]
    contenders: dict[str, tuple[Way, Sequence[str]]] = {
        ways.OURS: (_ours, urls),
        AIOHTTP: (_aiohttp, urls),
    }
    if ways.installed("httpx"):
        contenders[HTTPX] = (_httpx, urls[: max(count // 6, width)])  # it takes its time
    jobs = {name: _checked(way, given, width) for name, (way, given) in contenders.items()}
    seconds = side_by_side(jobs, rounds)
    rates = {
        name: Values(tuple(len(contenders[name][1]) / s for s in taken.all))
        for name, taken in seconds.items()
    }
    mine = rates[ways.OURS]
    found.tables.append(compared(f"{count:,} requests, P={width}", "a second", rates, ways.OURS))
    slower = rates[AIOHTTP].over(mine).median
    found.checks.append(Check(f"{AIOHTTP} / press at P={width}", slower, 1 / LEAST_OF_AIOHTTP))
    if HTTPX in rates:
        share = rates[HTTPX].over(mine).median
        found.checks.append(Check(f"{HTTPX} / press at P={width}", share, 1 / LEAST_OF_HTTPX))


def _checked(way: Way, urls: Sequence[str], width: int) -> Callable[[], None]:
    def job() -> None:
        texts = way(urls, width)
        if len(texts) != len(urls) or texts[-1] != PAGE or texts[0] != PAGE:
            raise AssertionError("the results are not the pages that were asked for")

    return job


def _ours(urls: Sequence[str], width: int) -> list[str]:
    page = {"url": "{{url}}", "args": ["url"], "allow_private_networks": True}
    drawer = ways.drawer("page", buttons={"page": page})
    drawer["steps"][0]["steps"][0]["args"] = {"url": "${x}"}
    results = press(drawer, {"xs": list(urls)}, parallelism=width, quiet=True)
    return [row.output for row in results]


def _aiohttp(urls: Sequence[str], width: int) -> list[str]:
    """What a careful user of aiohttp writes: one session, P workers on one iterator."""

    async def main() -> list[str]:
        texts = [""] * len(urls)
        numbered = iter(enumerate(urls))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=width)) as session:

            async def worker() -> None:
                for index, url in numbered:
                    async with session.get(url) as response:
                        texts[index] = await response.text()

            await asyncio.gather(*(worker() for _ in range(width)))
        return texts

    return asyncio.run(main())


def _httpx(urls: Sequence[str], width: int) -> list[str]:
    """What people write with httpx."""
    httpx: Any = importlib.import_module("httpx")

    async def main() -> list[str]:
        limit = asyncio.Semaphore(width)
        async with httpx.AsyncClient() as client:

            async def one(url: str) -> str:
                async with limit:
                    text: str = (await client.get(url)).text
                    return text

            return await asyncio.gather(*(one(url) for url in urls))

    return asyncio.run(main())
