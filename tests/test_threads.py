"""A run's threads return every result to the event loop, whatever happens to the others."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from threads_rig import run_with

from drawer_ipy.common.threads import Threads


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_every_result_arrives_at_its_future(at_once: int) -> None:
    async def work(threads: Threads) -> list[list[int]]:
        async def series(first: int) -> list[int]:
            return [await threads.submit(lambda n=n: n) for n in range(first, first + 2_000 // at_once)]

        return await asyncio.gather(*(series(1000 * k) for k in range(at_once)))

    found = run_with(Threads, work)
    assert found == [[1000 * k + n for n in range(2_000 // at_once)] for k in range(at_once)]


def test_results_of_abandoned_and_failed_work_do_not_hold_up_the_others() -> None:
    all_ready = threading.Barrier(10)

    def together(number: int) -> int:
        all_ready.wait(10)  # so that the results arrive in the same turn of the loop
        if number % 3 == 1:
            raise ValueError(number)
        return number

    async def work(threads: Threads) -> list[Any]:
        futures = [threads.submit(lambda n=n: together(n)) for n in range(9)]
        for future in futures[::3]:
            future.cancel()
        all_ready.wait(10)
        return await asyncio.gather(*futures, return_exceptions=True)

    found = run_with(Threads, work)
    assert [type(value) for value in found] == [asyncio.CancelledError, ValueError, int] * 3
    assert found[2::3] == [2, 5, 8]


def test_an_interrupt_between_two_results_loses_at_most_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(asyncio.Future[Any]):
        def set_result(self, result: Any) -> None:
            super().set_result(result)
            raise RuntimeError("as an interrupt raises between two lines")

    async def work(threads: Threads) -> list[int]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        monkeypatch.setattr(loop, "create_future", lambda: Interrupting(loop=loop), raising=False)
        futures = [threads.submit(lambda n=n: n) for n in range(20)]
        monkeypatch.undo()
        time.sleep(0.2)  # noqa: ASYNC251 - all have arrived when the loop goes on
        return list(await asyncio.gather(*futures))

    assert run_with(Threads, work) == list(range(20))


def test_work_that_ends_after_its_loop_was_closed_ends_its_thread() -> None:
    released = threading.Event()

    async def main() -> None:
        threads = Threads()
        threads.submit(lambda: released.wait(10))
        await threads.aclose()

    before = set(threading.enumerate())
    asyncio.run(main())
    ours = set(threading.enumerate()) - before
    assert len(ours) == 1
    released.set()
    for thread in ours:
        thread.join(10)
        assert not thread.is_alive()
