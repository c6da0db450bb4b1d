"""(c) Functions that wait: how near the bounded loop comes to the least time there is."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from benchmarks import ways
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared

_SECONDS = 0.05
_WIDTH = 20
MOST_OVER_IDEAL = 1.05


async def wait(x: Any) -> Any:
    """What a page that takes 50 ms does."""
    await asyncio.sleep(_SECONDS)
    return x


def answer(quick: bool) -> Answer:
    """Wall time over ceil(N / P) x t."""
    count, rounds = (100, 2) if quick else (200, 5)
    ideal = math.ceil(count / _WIDTH) * _SECONDS
    xs = list(range(count))
    contenders: dict[str, ways.Way] = {
        ways.OURS: ways.ours,
        "drawer_ipy: apress": ways.ours_awaited,
        ways.POOL: ways.pool,
        ways.SEMAPHORE: ways.semaphore,
    }
    jobs = {name: _job(way, xs) for name, way in contenders.items()}
    values = {name: v.times(1 / ideal) for name, v in side_by_side(jobs, rounds).items()}
    found = Answer("c", f"async functions that wait {_SECONDS * 1000:g} ms, P={_WIDTH}")
    title = f"{count} items; {ideal:g} s is the least possible"
    found.tables.append(compared(title, "x the least", values, ways.OURS))
    found.checks.append(Check("press / the least possible", values[ways.OURS].median, MOST_OVER_IDEAL))
    return found


def _job(way: ways.Way, xs: list[int]) -> Any:
    def job() -> None:
        if len(way(wait, xs, _WIDTH)) != len(xs):
            raise AssertionError("items were lost")

    return job
