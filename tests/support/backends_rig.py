"""Press Python functions on a backend, and look at the processes that remain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from drawer_ipy import Results, press

Rows = Sequence[Any]


def loop_on(
    backend: str, items: Rows, work: Callable[..., Any], *, step: dict[str, Any] | None = None, **fields: Any
) -> Results:
    """Press a ``for_each`` over `items` on `backend`, whose only step passes the item to `work` as ``x``."""
    pressed = {"id": "work", "button": "work", "args": {"x": "${x}"}, **(step or {})}
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "backend": backend,
        "parallelism": 0, "steps": [pressed], **fields,
    }  # fmt: skip
    drawer = {"name": "t", "inputs": ["xs"], "steps": [loop]}
    return press(drawer, {"xs": items}, check=False, buttons={"work": work}, quiet=True, durable="off")


def workers() -> list[psutil.Process]:
    """Return the worker processes of this process, and their children."""
    found = []
    for one in psutil.Process().children(recursive=True):
        try:
            # The resource tracker of multiprocessing, which Dask starts, lives as long as this process.
            if one.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(one.cmdline()):
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


def gone(pid: int, within: float = 2.0) -> bool:
    """Whether the process `pid` has ended, or does so soon."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False
