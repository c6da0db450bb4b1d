"""(a) What the engine itself costs: a loop over async functions that do nothing."""

from __future__ import annotations

from typing import Any

from benchmarks import ways
from benchmarks.measure import Values, side_by_side
from benchmarks.memory import peak
from benchmarks.report import Answer, Check, compared

MOST_MICROSECONDS = 15.0
MOST_BESIDE = 0.5  # of the time of Semaphore + gather
MOST_MEGABYTES = 600.0
_PEERS: dict[str, tuple[str, ways.Way]] = {
    "anyio": ("anyio task group", ways.anyio_group),
    "aiometer": ("aiometer", ways.aiometer_all),
}
_MEMORY = {ways.OURS: "ours", ways.POOL: "pool", ways.SEMAPHORE: "semaphore"}


async def noop(x: Any) -> Any:
    """Nothing, so that all that is measured is what goes on around it."""
    return x


def answer(quick: bool) -> Answer:
    """Time per item at two widths, and the most memory at many items."""
    items, many, rounds = (5_000, 50_000, 2) if quick else (100_000, 1_000_000, 5)
    found = Answer("a", "for_each over async functions that do nothing")
    _time(found, items, 100, rounds, peers=True)
    _time(found, items, 8, rounds)
    _memory(found, many)
    return found


def _time(found: Answer, items: int, width: int, rounds: int, peers: bool = False) -> None:
    xs = list(range(items))
    contenders: dict[str, ways.Way] = {
        ways.OURS: ways.ours,
        "drawer_ipy: apress": ways.ours_awaited,
        ways.POOL: ways.pool,
        ways.SEMAPHORE: ways.semaphore,
    }
    if peers:  # at one width only: they take as long as all the others together
        contenders.update(_PEERS[name] for name in ways.installed(*_PEERS))
    jobs = {name: _job(way, xs, width) for name, way in contenders.items()}
    values = {name: v.times(1e6 / items) for name, v in side_by_side(jobs, rounds).items()}
    table = compared(f"{items:,} items, P={width}", "us an item", values, ways.OURS)
    found.tables.append(table)
    mine = values[ways.OURS]
    beside = mine.over(values[ways.SEMAPHORE])
    found.checks += [
        Check(f"press at P={width}", mine.median, MOST_MICROSECONDS, "us an item"),
        Check(f"press / {ways.SEMAPHORE} at P={width}", beside.median, MOST_BESIDE),
    ]


def _job(way: ways.Way, xs: list[int], width: int) -> Any:
    def job() -> None:
        results = way(noop, xs, width)
        if len(results) != len(xs):
            raise AssertionError(f"{len(results)} results for {len(xs)} items")

    return job


def _memory(found: Answer, items: int) -> None:
    """Once each: the peak hardly varies, and a million tasks take their time."""
    peaks = {name: Values((peak(way, items, 100),)) for name, way in _MEMORY.items()}
    mine = peaks[ways.OURS]
    found.tables.append(compared(f"memory at {items:,} items, P=100", "MB", peaks, ways.OURS))
    found.checks += [
        Check(f"memory of press at {items:,} items", mine.median, MOST_MEGABYTES, "MB"),
        Check(f"memory of press / {ways.SEMAPHORE}", mine.over(peaks[ways.SEMAPHORE]).median, 1.0),
    ]
    found.notes.append(
        "memory: highest resident size of a fresh process less its size after all imports, "
        "so the list of items (integers) and all results are counted, Python itself is not"
    )
