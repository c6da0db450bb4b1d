"""(k) What a press costs in a worker process, and what all cores bring, beside pools of processes."""

from __future__ import annotations

import importlib.util
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.http_server import page_of, running
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared
from benchmarks.small_functions import compute, nothing
from drawer_ipy import press
from drawer_ipy.engine.backends.processes import usable_cores

MOST_OF_THREADS = 1.2  # a press in a process over one in a thread, for functions that do nothing
LEAST_SPEEDUP = 1.8  # all of two cores over one thread
WIDTH = 8
LEAST_OF_SCRAPE = 1.6  # a scrape whose pages are read in processes, over one in the kernel, on two cores
_ROWS = 100
_PROCESSES, _THREADS, _ONE, _KERNEL = "processes", "threads", "one thread", "the kernel"


def answer(quick: bool) -> Answer:
    """Time per press of functions that do nothing and of functions that compute."""
    found = Answer("k", f"presses in processes, on {usable_cores()} cores")
    _nothing(found, 1_000 if quick else 20_000, 2 if quick else 5)
    _compute(found, 8 if quick else 60, 1 if quick else 3)
    _scrape(found, 40 if quick else 3_000, 1 if quick else 3)
    found.note_load()
    return found


def _nothing(found: Answer, items: int, rounds: int) -> None:
    xs = list(range(items))
    ways: dict[str, Callable[[], object]] = {
        _PROCESSES: lambda: pressed(nothing, xs, "processes", WIDTH),
        _THREADS: lambda: pressed(nothing, xs, "threads", WIDTH),
    }
    ways |= _pools(nothing, xs)
    values = {name: v.times(1e6 / items) for name, v in side_by_side(ways, rounds).items()}
    title = f"{items:,} functions that do nothing, P={WIDTH}, with the start of the processes"
    found.tables.append(compared(title, "us a press", values, _PROCESSES))
    ratio = values[_PROCESSES].over(values[_THREADS]).median
    found.checks.append(Check(f"{_PROCESSES} / {_THREADS}", ratio, MOST_OF_THREADS))


def _compute(found: Answer, items: int, rounds: int) -> None:
    xs = list(range(items))
    cores = usable_cores()
    ways: dict[str, Callable[[], object]] = {
        _PROCESSES: lambda: pressed(compute, xs, "processes", cores),
        _ONE: lambda: pressed(compute, xs, "threads", 1),
    }
    ways |= _pools(compute, xs)
    values = {name: v.times(1e3 / items) for name, v in side_by_side(ways, rounds).items()}
    found.tables.append(
        compared(f"{items} functions that compute for 50 ms", "ms a press", values, _PROCESSES)
    )
    ratio = values[_PROCESSES].over(values[_ONE]).median
    found.checks.append(Check(f"{_PROCESSES} / {_ONE}", ratio, 1 / LEAST_SPEEDUP))


def _scrape(found: Answer, pages: int, rounds: int) -> None:
    with running(_ROWS) as origin:
        urls = [f"{origin}/{n}" for n in range(pages)]
        ways: dict[str, Callable[[], object]] = {
            _PROCESSES: lambda: _scraped(urls, "processes"),
            _KERNEL: lambda: _scraped(urls, None),
        }
        values = {name: v.times(1e3 / pages) for name, v in side_by_side(ways, rounds).items()}
    title = f"{pages:,} pages of {len(page_of(_ROWS)) / 1e3:.0f} kB with {_ROWS} entries each, P={WIDTH}"
    found.tables.append(compared(title, "ms a page", values, _PROCESSES))
    ratio = values[_PROCESSES].over(values[_KERNEL]).median
    found.checks.append(Check(f"{_PROCESSES} / {_KERNEL}, a scrape", ratio, 1 / LEAST_OF_SCRAPE))


def _scraped(urls: list[str], backend: str | None) -> None:
    items = {
        "each": "css:li.product", "name": "css:.name", "url": "css:a::attr(href)",
        "price": "css:.price |float", "text": "css:.text",
    }  # fmt: skip
    shop = {
        "url": "{{url}}", "args": ["url"], "allow_private_networks": True, "extract": {"items": items},
    }  # fmt: skip
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.urls}", "as": "url", "parallelism": WIDTH,
        "steps": [{"id": "shop", "button": "shop", "args": {"url": "${url}"}}],
    }  # fmt: skip
    drawer = {"inputs": ["urls"], "buttons": {"shop": shop}, "steps": [loop]}
    results = press(drawer, {"urls": urls}, backend=backend, quiet=True, durable="off")
    if any(len(output["items"]) != _ROWS for output in results.outputs):
        raise AssertionError("pages without all of their entries")


def pressed(function: Callable[..., Any], xs: list[int], backend: str, width: int) -> None:
    """Press `function` for each of `xs`, `width` at once, on `backend`."""
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": width,
        "backend": backend, "steps": [step],
    }  # fmt: skip
    drawer = {"inputs": ["xs"], "steps": [loop]}
    results = press(drawer, {"xs": xs}, buttons={"work": function}, quiet=True, durable="off")
    check_outputs(results.outputs.to_list(), xs)


def _pools(function: Callable[..., Any], xs: list[int]) -> dict[str, Callable[[], object]]:
    """Other pools of processes, one item for each message as with a press."""
    ways: dict[str, Callable[[], object]] = {"ProcessPoolExecutor": lambda: _executor(function, xs)}
    if importlib.util.find_spec("loky"):
        ways["loky"] = lambda: _loky(function, xs)
    if importlib.util.find_spec("pebble"):
        ways["pebble"] = lambda: _pebble(function, xs)
    return ways


def _executor(function: Callable[..., Any], xs: list[int]) -> None:
    spawned = multiprocessing.get_context("spawn")  # a kernel with threads must not be forked
    with ProcessPoolExecutor(usable_cores(), mp_context=spawned) as pool:
        check_outputs(list(pool.map(function, xs)), xs)


def _loky(function: Callable[..., Any], xs: list[int]) -> None:
    import loky

    with loky.ProcessPoolExecutor(usable_cores()) as pool:
        check_outputs(list(pool.map(function, xs)), xs)


def _pebble(function: Callable[..., Any], xs: list[int]) -> None:
    import pebble

    with pebble.ProcessPool(usable_cores(), context=multiprocessing.get_context("spawn")) as pool:
        check_outputs([future.result() for future in [pool.schedule(function, args=(x,)) for x in xs]], xs)


def check_outputs(outputs: list[Any], xs: list[int]) -> None:
    """Raise if `outputs` are not exactly `xs`."""
    if outputs != xs:
        raise AssertionError(f"{len(outputs)} results for {len(xs)} items, or others")
