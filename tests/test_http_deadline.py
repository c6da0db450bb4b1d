"""Time limits that share one timer behave like those of asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from http_rig import RawServer, answer_of, raw_server
from virtual_time import VirtualLoop, run_in_virtual_time

from drawer_ipy import apress
from drawer_ipy.buttons.http.deadline import Deadlines
from drawer_ipy.common.cancellation import is_cancelling


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def sleep_until(deadlines: Deadlines, limit: float | None, seconds: float) -> float:
    """Sleep within a limit, and return how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with deadlines.until(None if limit is None else began + limit):
        await asyncio.sleep(seconds)
    return loop.time() - began


def test_a_block_that_takes_too_long_raises_a_timeout() -> None:
    async def main() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await sleep_until(Deadlines(), 0.05, 10)
        assert not is_cancelling()
        return asyncio.get_running_loop().time() - began

    assert 0.045 < run(main()) < 1


def test_a_limit_in_the_past_takes_effect_at_the_next_await() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await sleep_until(Deadlines(), -1, 10)

    run(main())


@pytest.mark.parametrize("limit", [None, 10])
def test_a_block_that_ends_in_time_is_not_interrupted(limit: float | None) -> None:
    async def main() -> None:
        deadlines = Deadlines()
        await sleep_until(deadlines, limit, 0.01)
        await asyncio.sleep(0.01)
        deadlines.close()

    run(main())


def test_each_of_many_limits_takes_effect_at_its_own_time() -> None:
    limits = [0.2, 0.05, None, 0.15, 0.1, 5]

    async def main(loop: VirtualLoop) -> None:
        deadlines = Deadlines()

        async def one(limit: float | None) -> tuple[float | None, float]:
            began = loop.time()
            try:
                await sleep_until(deadlines, limit, 0.25)
            except TimeoutError:
                return limit, loop.time() - began
            return None, 0

        ends = await asyncio.gather(*map(one, limits))
        assert [limit for limit, _ in ends] == [0.2, 0.05, None, 0.15, 0.1, None]
        assert all(limit is None or took == pytest.approx(limit, abs=0.001) for limit, took in ends)
        deadlines.close()

    run_in_virtual_time(main)


def test_a_limit_after_an_unused_one_takes_effect_in_time() -> None:
    async def main() -> float:
        deadlines = Deadlines()
        await sleep_until(deadlines, 0.05, 0)  # its timer is still set
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await sleep_until(deadlines, 0.1, 10)
        return asyncio.get_running_loop().time() - began

    assert 0.095 < run(main()) < 1


def test_a_cancellation_from_outside_is_not_a_timeout() -> None:
    async def main() -> None:
        deadlines = Deadlines()
        task = asyncio.create_task(sleep_until(deadlines, 0.05, 10))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)  # the limit must not take effect any more

    run(main())


def test_a_cancellation_in_the_same_turn_takes_precedence_over_a_timeout() -> None:
    async def main() -> None:
        deadlines = Deadlines()
        task = asyncio.create_task(sleep_until(deadlines, 0.02, 10))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.02, task.cancel)
        asyncio.get_running_loop().call_later(0.01, time.sleep, 0.05)  # so that both are due in one turn
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_another_error_of_the_block_is_raised_unchanged() -> None:
    async def main() -> None:
        deadlines = Deadlines()

        async def fail() -> None:
            with deadlines.until(asyncio.get_running_loop().time() + 0.01):
                try:
                    await asyncio.sleep(10)
                except asyncio.CancelledError:
                    raise ValueError("mine") from None

        with pytest.raises(ValueError, match="mine"):
            await fail()
        assert not is_cancelling()

    run(main())


async def fine(server: RawServer, target: str, writer: asyncio.StreamWriter) -> None:
    writer.write(answer_of(b"fine"))


def test_a_run_leaves_no_timer_on_the_loop() -> None:
    async def main() -> None:
        async with raw_server(fine) as server:
            page = {"url": server.url, "allow_private_networks": True}
            drawer = {"name": "d", "steps": [{"id": "p", "button": "page"}], "buttons": {"page": page}}
            results = await apress(drawer, quiet=True)
            assert [row.output for row in results] == ["fine"]
            left = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
            assert left == []

    run(main())
