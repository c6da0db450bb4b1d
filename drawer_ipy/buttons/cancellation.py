"""Ending tasks that run users' async functions, which may ignore that they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

PATIENCE = 2.0
"""Seconds that an async function has for its clean-up after a cancellation, before it is abandoned."""

_LOOK_AGAIN = 0.5
"""Seconds between two looks at what still runs after that."""

Holder = Callable[["asyncio.Task[Any]"], "str | None"]
"""From a task to the name of the button whose function it waits for, ``None`` when it waits for none."""


class BrokenOff(asyncio.CancelledError):
    """Raised into an async function that blocks the event loop while the user interrupts the run."""


class Abandoned(asyncio.CancelledError):
    """A cancellation that a button's function ignored; the function was abandoned.

    Attributes:
        names: the buttons.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names


def is_cancelled(error: BaseException | None = None) -> bool:
    """Whether the current task was asked to stop.

    A function can also raise a CancelledError of its own, or await something that was cancelled.

    Args:
        error: the CancelledError that was caught, if any.
    """
    if isinstance(error, BrokenOff):
        return True
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def is_closed() -> bool:
    """Whether a GeneratorExit comes from outside: the event loop is gone and its coroutines are closed."""
    try:
        return asyncio.current_task() is None
    except RuntimeError:
        return True


class Ended:
    """What came of :func:`end`.

    Attributes:
        abandoned: names of the buttons whose functions still run.
        interrupted: a cancellation of the caller that arrived meanwhile, ``None`` when there was none.
    """

    __slots__ = ("abandoned", "interrupted")

    def __init__(self) -> None:
        self.abandoned: list[str] = []
        self.interrupted: asyncio.CancelledError | None = None


async def end(tasks: Collection[asyncio.Task[Any]], holder: Holder) -> Ended:
    """Cancel `tasks` once and wait until they have ended.

    The clean-up of the engine itself (a process that gets SIGKILL after some seconds, for example) is
    waited for as long as it takes. A task that waits for a user's function gets :data:`PATIENCE`.

    Args:
        holder: says for which button's function a task waits.
    """
    # Once only: an impatient second interrupt must not cut short the clean-up of the first.
    for task in tasks:
        task.cancel()
    out = Ended()
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while waiting := {task for task in tasks if not task.done()}:
        try:
            await asyncio.wait(waiting, timeout=max(0.0, until - loop.time()))
        except asyncio.CancelledError as error:
            out.interrupted = error
        if loop.time() < until:
            continue
        until = loop.time() + _LOOK_AGAIN
        held = {task: name for task in waiting if not task.done() and (name := holder(task)) is not None}
        for task in held:
            task.add_done_callback(_look_at)
        out.abandoned += held.values()
        tasks = [task for task in tasks if task not in held]
    return out


def _look_at(task: asyncio.Task[Any]) -> None:
    """Take an abandoned task's exception, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()


def abandonment(names: Collection[str]) -> list[str]:
    """A note for each button of `names` that was abandoned."""
    return [
        f"button {name!r} ignored its cancellation: its function was abandoned and may still be running"
        for name in dict.fromkeys(names)
    ]
