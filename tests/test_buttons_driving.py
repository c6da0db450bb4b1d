"""Awaiting in async functions works as without drawer_ipy, and as fast."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from drawer_ipy.buttons import Resources
from drawer_ipy.buttons.function.driving import Raised, drive
from drawer_ipy.common.cancellation import Stop, is_cancelling

Function = Callable[[], Coroutine[Any, Any, Any]]


def driven(function: Function) -> Any:
    async def main() -> Any:
        return await drive(function(), "f", Stop(), Resources())

    return asyncio.run(main())


async def soon(value: Any = 1) -> Any:
    await asyncio.sleep(0)
    return value


async def fail() -> None:
    await asyncio.sleep(0)
    raise ValueError("boom")


WAYS: dict[str, Callable[[], Awaitable[Any]]] = {
    "task": lambda: asyncio.create_task(soon()),
    "gather": lambda: asyncio.gather(soon(), soon()),
    "shield": lambda: asyncio.shield(soon()),
    "wait_for": lambda: asyncio.wait_for(soon(), 10),
    "sleep": lambda: asyncio.sleep(0.001, 1),
    "thread": lambda: asyncio.to_thread(int, "1"),
}


@pytest.mark.parametrize("way", WAYS)
def test_awaiting_returns_the_result(way: str) -> None:
    async def function() -> Any:
        return await WAYS[way]()

    assert driven(function) == ([1, 1] if way == "gather" else 1)


def test_a_failed_task_raises_in_the_function_that_awaits_it() -> None:
    async def function() -> str:
        try:
            await asyncio.create_task(fail())
        except ValueError as error:
            return str(error)
        return "nothing"

    assert driven(function) == "boom"


def test_a_cancelled_task_raises_in_the_function_and_cancels_nothing_else() -> None:
    async def function() -> Any:
        task = asyncio.create_task(asyncio.sleep(10))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    result = driven(function)
    assert isinstance(result, Raised)
    assert isinstance(result.error, asyncio.CancelledError)


def test_a_timeout_in_a_function_ends_its_wait_for_a_task() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("long")

    async def function() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.create_task(long())
        except TimeoutError:
            return "late" if not is_cancelling() else "still cancelling"
        return "nothing"

    assert driven(function) == "late"
    assert ended == ["long"]


def test_a_cancellation_keeps_its_message() -> None:
    async def function() -> Any:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel, "enough")
        waited = asyncio.get_running_loop().create_future()
        try:
            await asyncio.shield(waited)
        except asyncio.CancelledError as error:
            return error.args

    assert driven(function) == ("enough",)


def test_a_cancellation_after_the_task_has_ended_still_takes_effect() -> None:
    async def function() -> str:
        caller = asyncio.current_task()
        assert caller is not None
        task = asyncio.create_task(asyncio.sleep(0))
        # After the task has ended, and in the same turn, before the caller is woken.
        task.add_done_callback(lambda _: caller.cancel())
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"
        return "went on"

    assert driven(function) == "cancelled"


def test_awaiting_a_task_needs_no_additional_iteration_of_the_event_loop() -> None:
    async def turns(run: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]) -> int:
        count, loop, over = 0, asyncio.get_running_loop(), False

        def turn() -> None:
            nonlocal count
            count += 1
            if not over:
                loop.call_soon(turn)

        async def function() -> None:
            for _ in range(10):
                await asyncio.create_task(soon())

        loop.call_soon(turn)
        await run(function())
        over = True
        return count

    async def main() -> tuple[int, int]:
        async def bare(coro: Coroutine[Any, Any, Any]) -> Any:
            return await coro

        return await turns(bare), await turns(lambda coro: drive(coro, "f", Stop(), Resources()))

    bare, with_us = asyncio.run(main())
    assert with_us == bare
