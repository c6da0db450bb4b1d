"""(d) Sync functions, which run in threads. For comparison only: there is no target."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import ways
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, compared
from drawer_ipy import press

Sync = Callable[[Any], Any]
_EXECUTOR = "ThreadPoolExecutor.map"


def noop(x: Any) -> Any:
    """Nothing."""
    return x


def doze(x: Any) -> Any:
    """What a call into a blocking library does."""
    time.sleep(0.01)
    return x


def answer(quick: bool) -> Answer:
    """Functions that do nothing, and functions that wait."""
    rounds = 2 if quick else 5
    found = Answer("d", "sync functions, in threads")
    _compare(found, "functions that do nothing", noop, 500 if quick else 10_000, 8, rounds)
    _compare(found, "functions that wait 10 ms", doze, 40 if quick else 400, 20, rounds)
    return found


def _compare(found: Answer, title: str, function: Sync, count: int, width: int, rounds: int) -> None:
    xs = list(range(count))
    ways_here: dict[str, Callable[[], list[Any]]] = {
        ways.OURS: lambda: _ours(function, xs, width),
        _EXECUTOR: lambda: _executor(function, xs, width),
    }
    peers = {"joblib": _joblib, "dask": _dask}
    for name in ways.installed(*peers):
        ways_here[f"{name}, threads"] = _peer(peers[name], function, xs, width)
    jobs = {name: _checked(way, xs) for name, way in ways_here.items()}
    values = {name: v.times(1e6 / count) for name, v in side_by_side(jobs, rounds).items()}
    found.tables.append(compared(f"{count:,} {title}, P={width}", "us an item", values, ways.OURS))


def _checked(way: Callable[[], list[Any]], xs: list[int]) -> Callable[[], None]:
    def job() -> None:
        if way() != xs:
            raise AssertionError("the results are not those of the items, in order")

    return job


def _peer(way: Callable[[Sync, list[int], int], list[Any]], function: Sync, xs: list[int], width: int) -> Any:
    return lambda: way(function, xs, width)


def _ours(function: Sync, xs: list[int], width: int) -> list[Any]:
    results = press(ways.drawer(), {"xs": xs}, parallelism=width, buttons={"work": function}, quiet=True)
    return [row.output for row in results]


def _executor(function: Sync, xs: list[int], width: int) -> list[Any]:
    with ThreadPoolExecutor(width) as executor:
        return list(executor.map(function, xs))


def _joblib(function: Sync, xs: list[int], width: int) -> list[Any]:
    joblib: Any = importlib.import_module("joblib")

    return list(joblib.Parallel(width, backend="threading")(joblib.delayed(function)(x) for x in xs))


def _dask(function: Sync, xs: list[int], width: int) -> list[Any]:
    dask: Any = importlib.import_module("dask")

    made = dask.delayed(function)
    return list(dask.compute(*(made(x) for x in xs), scheduler="threads", num_workers=width))
