"""(j) What storing a run on disk costs, and how long stored runs take to open."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import drawer_ipy
from benchmarks import ways
from benchmarks.cached import longest_pause, own_folder
from benchmarks.loops import noop
from benchmarks.measure import Values, side_by_side
from benchmarks.report import Answer, Check, Row, Table, compared
from drawer_ipy import Results, press
from drawer_ipy.journal.folder import files

MOST_ADDED, MOST_OF_A_PRESS = 1.5, 1.25
"""Microseconds of processor time per item, and times the processor time without it."""

MOST_BYTES = 40.0
"""Bytes per item beside the values themselves."""

OPENED = {"ints": 0.15, "dicts": 0.6}
"""Most seconds of processor time to open a run of 100,000 items."""

MOST_LISTED, RUNS = 0.2, 500
MOST_PAUSED = 20.0
"""Milliseconds."""

MOST_STRICT = 1.15
WIDTH = 100
_OFF, _ON = "not stored", "stored"


def answer(quick: bool) -> Answer:
    """Processor time, size, opening, listing, pauses of the event loop, and the mode ``strict``."""
    items, rounds = (5_000, 2) if quick else (100_000, 5)
    found = Answer("j", "runs on disk")
    with own_folder() as folder:
        _processor_time(found, items, rounds)
        _opening(found, folder, items, rounds)
        _listing(found, folder, 20 if quick else RUNS, rounds)
        _pauses(found, items)
        _strict(found, 100 if quick else 2_000, rounds)
    return found


def _stored(function: Any, xs: list[Any], durable: str, width: int = WIDTH) -> Results:
    results = press(
        ways.drawer(), {"xs": xs}, parallelism=width, buttons={"work": function}, quiet=True, durable=durable
    )
    if results.counts["ok"] != len(xs):
        raise AssertionError(f"{results.counts} for {len(xs)} items")
    return results


def _processor_time(found: Answer, items: int, rounds: int) -> None:
    xs = list(range(items))
    both: dict[str, Callable[[], object]] = {
        _ON: lambda: _stored(noop, xs, "on"),
        _OFF: lambda: _stored(noop, xs, "off"),
    }
    taken = side_by_side(both, rounds, time.process_time)
    values = {name: seconds.times(1e6 / items) for name, seconds in taken.items()}
    found.tables.append(compared(f"processor time, {items:,} items, P={WIDTH}", "us an item", values, _ON))
    added = [on - off for on, off in zip(values[_ON].all, values[_OFF].all, strict=True)]
    found.checks.append(Check("added by storing", Values(tuple(added)).median, MOST_ADDED, "us an item"))
    found.checks.append(Check(f"{_ON} / {_OFF}", values[_ON].over(values[_OFF]).median, MOST_OF_A_PRESS))


async def _page(x: int) -> dict[str, Any]:
    return {"id": x, "title": f"page {x}", "price": x / 100}


def _opening(found: Answer, folder: Path, items: int, rounds: int) -> None:
    for name, function in (("ints", noop), ("dicts", _page)):
        for path in files(folder / "runs"):
            path.unlink()
        xs = list(range(items))
        results = _stored(function, xs, "on")
        (path,) = files(folder / "runs")
        payload = len(pickle.dumps(xs, 5)) + len(
            pickle.dumps(results.run.steps[-1].output.record.columns[0].outputs, 5)
        )
        beside = (path.stat().st_size - payload) / items
        opened = side_by_side(
            {"open": lambda path=path: Results.open(path.stem[-16:])}, rounds, time.process_time
        )["open"]
        title = f"{items:,} {name}: {beside:.0f} bytes an item beside the values"
        found.tables.append(Table(title, "s", [Row("Results.open", opened)]))
        found.checks.append(Check(f"size beside {name}", beside, MOST_BYTES, "bytes an item"))
        found.checks.append(Check(f"opening {name}", opened.median, OPENED[name] * items / 100_000, "s"))


def _listing(found: Answer, folder: Path, count: int, rounds: int) -> None:
    for path in files(folder / "runs"):
        path.unlink()
    _stored(noop, [1, 2, 3], "on")
    (path,) = files(folder / "runs")
    for number in range(1, count):
        name = path.name.replace(path.stem[-16:], f"{number:016x}")
        shutil.copyfile(path, path.with_name(name))
    listed = side_by_side({"runs": drawer_ipy.runs}, rounds, time.process_time)["runs"]
    if len(drawer_ipy.runs()) != count:
        raise AssertionError("not all runs are listed")
    found.tables.append(Table(f"{count} runs", "s", [Row("runs()", listed)]))
    found.checks.append(Check("listing runs", listed.median, MOST_LISTED, "s"))


def _pauses(found: Answer, items: int) -> None:
    numbers = itertools.count()
    taken: dict[str, list[float]] = {_ON: [], _OFF: []}
    for _ in range(3):
        for name, durable in ((_OFF, "off"), (_ON, "on")):
            pause = longest_pause(_page, items, next(numbers), durable=durable)
            taken[name].append(asyncio.run(pause))
    rows = [Row(name, Values(tuple(pauses))) for name, pauses in taken.items()]
    found.tables.append(Table(f"longest pause of the loop, {items:,} dicts", "ms", rows))
    more = rows[0].values.median - rows[1].values.median
    found.checks.append(Check("storing holds the loop up", more, MOST_PAUSED, "ms more"))


async def _nap(x: int) -> int:
    await asyncio.sleep(0.05)
    return x


def _strict(found: Answer, items: int, rounds: int) -> None:
    xs = list(range(items))
    both: dict[str, Callable[[], object]] = {
        "strict": lambda: _stored(_nap, xs, "strict", 32),
        _OFF: lambda: _stored(_nap, xs, "off", 32),
    }
    values = side_by_side(both, rounds)
    found.tables.append(compared(f"{items:,} items of 50 ms, P=32", "s", values, "strict"))
    found.checks.append(Check(f"strict / {_OFF}", values["strict"].over(values[_OFF]).median, MOST_STRICT))
