"""A separate event loop for one run, in its own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.common.tracebacks import describe

_TIDYING = 1.0
"""Seconds that buttons' leftover tasks, and threads, have to end after they are cancelled."""


def run_on_own_loop(
    main: Callable[[], Coroutine[Any, Any, object]],
    notes: list[str],
    over: Callable[[BaseException | None], None],
) -> None:
    """Run `main` on a new event loop, in a thread that may continue afterwards.

    Tasks that buttons left running are cancelled, as by asyncio.run. Unlike there, a task that ignores the
    cancellation does not block: after a second, a note is added, `over` is called, and this thread continues
    to run the task.

    Args:
        main: returns the coroutine to run.
        notes: receives a note about tasks that do not end.
        over: called once when the wait is over, with the exception of `main` or ``None``.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    fault: BaseException | None = None
    running: set[asyncio.Task[Any]] = set()
    try:
        try:
            task = loop.create_task(main())
            _drive(loop, task, notes)
            running = _tidied(loop)
            task.result()
        except BaseException as error:
            fault = error
        if running:
            count = number_of(len(running), "task")
            notes.append(
                f"{count} that buttons started did not end when cancelled; they may still be running"
            )
        else:
            _finish(loop)
        over(fault)
        if running:
            _drive(loop, loop.create_task(_all_ended(running)), notes)
            _finish(loop)
    finally:
        asyncio.set_event_loop(None)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _drive(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], notes: list[str]) -> None:
    """Run `loop` until `task` has ended, even if something else stops the loop."""
    while not task.done():
        try:
            loop.run_until_complete(asyncio.wait({task}))
        except (RuntimeError, SystemExit, KeyboardInterrupt) as error:
            # A callback stopped the loop or raised an exception that passes through it; the run continues.
            if loop.is_closed():
                raise
            notes.append(f"a callback on the event loop raised {describe(error)}; the run continued")


def _tidied(loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
    """Cancel remaining tasks and end threads; return the tasks that still run after a second."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()

    async def tidy() -> set[asyncio.Task[Any]]:
        threads = asyncio.create_task(loop.shutdown_default_executor())
        _, running = await asyncio.wait({threads, *left}, timeout=_TIDYING)
        return running

    return loop.run_until_complete(tidy())


async def _all_ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.wait(tasks)
