"""(m) What a press costs on a Dask cluster, beside ``client.map``."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.backends import check_outputs, pressed
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared
from benchmarks.small_functions import REST_SECONDS, nothing, rest

MOST_A_PRESS = 250.0  # microseconds, of functions that do nothing
MOST_OVER_IDEAL = 1.1  # functions of 10 ms, over the time in which the workers could do them
WORKERS = 2
WIDTH = 400
_OURS, _MAP, _BATCHES = "dask", "client.map", "client.map(batch_size=50)"


def answer(quick: bool) -> Answer:
    """Time per press of functions that do nothing and of functions that wait for 10 ms."""
    found = Answer("m", f"presses on a Dask cluster of {WORKERS} processes with one thread each, P={WIDTH}")
    if importlib.util.find_spec("distributed") is None:
        found.notes.append("distributed is not installed")
        return found
    with _cluster() as client:
        _nothing(found, client, 500 if quick else 5_000, 1 if quick else 3)
        _short(found, client, 100 if quick else 1_000, 1 if quick else 3)
    found.note_load()
    return found


def _nothing(found: Answer, client: Any, items: int, rounds: int) -> None:
    values = {name: v.times(1e6 / items) for name, v in _side_by_side(client, nothing, items, rounds).items()}
    found.tables.append(compared(f"{items:,} functions that do nothing", "us a press", values, _OURS))
    found.checks.append(Check("a press that does nothing", values[_OURS].median, MOST_A_PRESS, "us"))


def _short(found: Answer, client: Any, items: int, rounds: int) -> None:
    ideal = items * REST_SECONDS / WORKERS
    values = {name: v.times(1 / ideal) for name, v in _side_by_side(client, rest, items, rounds).items()}
    title = f"{items:,} functions that wait for 10 ms; {ideal:g} s is the least possible"
    found.tables.append(compared(title, "x the least", values, _OURS))
    found.checks.append(Check("10 ms / the least possible", values[_OURS].median, MOST_OVER_IDEAL))


def _side_by_side(client: Any, function: Callable[..., Any], items: int, rounds: int) -> dict[str, Any]:
    xs = list(range(items))
    ways = {
        _OURS: lambda: pressed(function, xs, "dask", WIDTH),
        _MAP: lambda: _mapped(client, function, xs),
        _BATCHES: lambda: _mapped(client, function, xs, batch_size=50),
    }
    return side_by_side(ways, rounds)


def _mapped(client: Any, function: Callable[..., Any], xs: list[int], **options: Any) -> None:
    check_outputs(client.gather(client.map(function, xs, pure=False, **options)), xs)


@contextmanager
def _cluster() -> Iterator[Any]:
    """A cluster of processes on this machine, whose client is the current one."""
    from distributed import Client, LocalCluster

    with (
        warnings.catch_warnings(action="ignore"),
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(WORKERS, timeout=60)
        yield client
