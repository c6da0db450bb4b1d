"""(g) What a cache costs: a result that is there, one that is not, and how long writing holds the loop up."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import ways
from benchmarks.measure import Values, side_by_side
from benchmarks.report import Answer, Check, Row, Table, compared
from drawer_ipy import apress, button, press

_PAGE = "<p>what a page says about its item</p>\n" * 50  # 2 KB, as a small answer has
_LARGE = os.urandom(50_000).hex()  # 100 KB that hardly get smaller
_HIT, _MISS = "cached, there", "cached, not there"
MOST_HIT, MOST_MISS = 10.0, 18.0  # times a function that does nothing and is not cached
MOST_HELD_UP = 100.0  # milliseconds; what a person begins to notice


async def work(x: Any) -> Any:
    """A result of 2 KB, at once."""
    return {"x": x, "page": _PAGE}


@button(name="work", cache="1h")
async def kept(x: Any) -> Any:
    """The same, kept."""
    return {"x": x, "page": _PAGE}


@button(name="work", cache="1h")
async def large(x: Any) -> Any:
    """A result of 100 KB after 1 ms."""
    await asyncio.sleep(0.001)
    return f"{x}{_LARGE}"


async def large_plain(x: Any) -> Any:
    """The same, not kept."""
    await asyncio.sleep(0.001)
    return f"{x}{_LARGE}"


def answer(quick: bool) -> Answer:
    """Time per item beside the same function without a cache, and the longest pause of the loop."""
    items, rounds = (500, 2) if quick else (5_000, 5)
    found = Answer("g", "cache: a function that gives 2 KB at once")
    with own_folder():
        _time(found, items, rounds)
        _held_up(found, 50 if quick else 1_000)
    return found


@contextmanager
def own_folder() -> Iterator[Path]:
    """A workspace and a user's folder that are gone afterwards."""
    names = ("BUTTONS_HOME", "XDG_CACHE_HOME")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(dict.fromkeys(names, folder))
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _time(found: Answer, items: int, rounds: int) -> None:
    fresh = itertools.count(items, items)
    there = list(range(items))
    press(ways.drawer(), {"xs": there}, parallelism=8, buttons={"work": kept}, quiet=True)

    def new() -> list[int]:
        start = next(fresh)
        return list(range(start, start + items))

    jobs = {
        _HIT: lambda: _pressed(kept, there, cached=items),
        _MISS: lambda: _pressed(kept, new(), cached=0),
        "no cache": lambda: _pressed(work, there, cached=0),
    }
    values = {name: v.times(1e6 / items) for name, v in side_by_side(jobs, rounds).items()}
    found.tables.append(compared(f"{items:,} items, P=8", "us an item", values, _HIT))
    plain = values["no cache"]
    found.checks += [
        Check("a result that is there / no cache", values[_HIT].over(plain).median, MOST_HIT),
        Check("one that is not / no cache", values[_MISS].over(plain).median, MOST_MISS),
    ]


def _pressed(function: Callable[[Any], Any], xs: list[int], cached: int) -> None:
    results = press(ways.drawer(), {"xs": xs}, parallelism=8, buttons={"work": function}, quiet=True)
    if [row.output["x"] for row in results] != xs or results.run.steps[0].output.record.cached != cached:
        raise AssertionError("the results are not those of the items, or not from where they should be")


def _held_up(found: Answer, items: int) -> None:
    # Whatever else the machine does holds the loop up, too, so the two are measured in turns.
    plain, written = [], []
    for number in range(3):
        plain.append(asyncio.run(longest_pause(large_plain, items, number)))
        written.append(asyncio.run(longest_pause(large, items, number)))
    title = f"longest pause of the loop, {items:,} results of 100 KB"
    rows = [Row(_MISS, Values(tuple(written))), Row("no cache", Values(tuple(plain)))]
    found.tables.append(Table(title, "ms", rows))
    more = rows[0].values.median - rows[1].values.median
    found.checks.append(Check("writing holds the loop up", more, MOST_HELD_UP, "ms more"))


async def longest_pause(function: Any, items: int, number: int, **options: Any) -> float:
    """Milliseconds by which a task that sleeps 1 ms at a time was late at most."""
    worst, done = 0.0, asyncio.Event()

    async def beat() -> None:
        nonlocal worst
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - began - 0.001)

    beating = asyncio.create_task(beat())
    xs = list(range(number * items, (number + 1) * items))
    await apress(ways.drawer(), {"xs": xs}, parallelism=8, buttons={"work": function}, quiet=True, **options)
    done.set()
    await beating
    return worst * 1000
