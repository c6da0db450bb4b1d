"""What needs threads: run until it is closed, and in a process that gets no more of them."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drawer_ipy.buttons.base import ClosableT


def run_with(kind: type[ClosableT], work: Callable[[ClosableT], Awaitable[Any]]) -> Any:
    """The result of `work` with a resource of this kind, which is closed afterwards."""

    async def main() -> Any:
        resource = kind()
        try:
            return await asyncio.wait_for(work(resource), 60)
        finally:
            await resource.aclose()

    return asyncio.run(main())


def grant_threads(monkeypatch: pytest.MonkeyPatch, prefix: str, count: int) -> None:
    """Let no more than `count` threads start whose names begin so."""
    start, starts = threading.Thread.start, itertools.count(1)

    def sparing(thread: threading.Thread) -> None:
        if thread.name.startswith(prefix) and next(starts) > count:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", sparing)
