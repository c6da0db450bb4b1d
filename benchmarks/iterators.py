"""(h) What it costs that the items come from a generator: the same loop over it and over a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from benchmarks import ways
from benchmarks.loops import noop
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared

MOST_OF_A_LIST = 1.5
WIDTH = 100
_LIST, _GENERATOR, _ASYNC = "over a list", "over a generator", "over an async generator"


def answer(quick: bool) -> Answer:
    """Time per item over a generator beside that over a list."""
    items, few, rounds = (20_000, 5_000, 2) if quick else (1_000_000, 100_000, 3)
    found = Answer("h", "for_each over a generator")
    _compare(found, items, {_GENERATOR: _counted}, rounds, judged=True)
    _compare(found, few, {_ASYNC: _counted_async}, rounds, judged=False)
    return found


def _compare(
    found: Answer, items: int, sources: dict[str, Callable[[int], Any]], rounds: int, judged: bool
) -> None:
    whole = list(range(items))
    makers: dict[str, Callable[[int], Any]] = {**sources, _LIST: lambda _items: whole}
    jobs = {name: _job(make, items) for name, make in makers.items()}
    values = {name: v.times(1e6 / items) for name, v in side_by_side(jobs, rounds).items()}
    first = next(iter(sources))
    found.tables.append(compared(f"{items:,} items, P={WIDTH}", "us an item", values, first))
    if judged:
        ratio = values[first].over(values[_LIST]).median
        found.checks.append(Check(f"press {first} / {_LIST}", ratio, MOST_OF_A_LIST))


def _job(make: Callable[[int], Any], items: int) -> Callable[[], None]:
    def job() -> None:
        results = ways.ours(noop, make(items), WIDTH)
        if len(results) != items:
            raise AssertionError(f"{len(results)} results for {items} items")

    return job


def _counted(items: int) -> Iterator[int]:
    yield from range(items)


async def _counted_async(items: int) -> AsyncIterator[int]:
    for item in range(items):
        yield item
