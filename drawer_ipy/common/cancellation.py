"""Telling work to stop, in a way that does not depend on what the functions of buttons make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that an async function has for its clean-up after a cancellation, before it is abandoned."""


class Stop:
    """Whether what runs at one place of a run is to end.

    asyncio's own count does not tell for certain: a function that catches its cancellation may also call
    ``uncancel()``. Whoever cancels something sets this flag first, and it is never taken back.

    Attributes:
        wanted: nothing more may begin, and what still ends does so too late.
        abandoned: a function was left behind, since it did not end when this was wanted.
    """

    __slots__ = ("_inner", "_outer", "abandoned", "wanted")

    def __init__(self, outer: Stop | None = None) -> None:
        self.wanted: bool = outer is not None and outer.wanted
        self.abandoned = False
        self._outer = outer
        self._inner: set[Stop] = set()

    def want(self) -> None:
        """Set the flag here and in everything within."""
        self.wanted = True
        for inner in tuple(self._inner):
            inner.want()

    def want_all(self) -> None:
        """Set the flag of the whole run."""
        outer = self
        while outer._outer is not None:
            outer = outer._outer
        outer.want()

    @contextmanager
    def inner(self) -> Iterator[Stop]:
        """A part that can be stopped alone, and is stopped with the whole."""
        made = Stop(self)
        self._inner.add(made)
        try:
            yield made
        finally:
            self._inner.discard(made)


class BrokenOff(asyncio.CancelledError):
    """Raised into an async function that blocks the event loop while the user interrupts the run."""


class TimeIsUp(Exception):
    """Work took longer than it may; it was cancelled and has ended."""


def is_cancelled(stop: Stop) -> bool:
    """Whether the current task was asked to stop, by the engine or by somebody else.

    A function can also raise a CancelledError of its own, or await something that was cancelled.
    """
    task = asyncio.current_task()
    return stop.wanted or task is None or task.cancelling() > 0


def is_cancelling() -> bool:
    """Whether somebody has asked the current task to stop, and nobody has taken that back."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def forgive(stop: Stop) -> None:
    """Take back a cancellation of the current task that its button asked for itself.

    The task goes on with other items, and one of those must not be ended in this one's place.

    Raises:
        asyncio.CancelledError: the engine asked for one meanwhile.
    """
    task = asyncio.current_task()
    if task is None or not task.cancelling() or stop.wanted:
        return
    while task.uncancel():
        pass
    try:
        await asyncio.sleep(0)  # where it is raised, if the button did not wait for it
    except asyncio.CancelledError:
        if stop.wanted:
            raise


def is_closed() -> bool:
    """Whether a GeneratorExit comes from outside: the event loop is gone and its coroutines are closed."""
    try:
        return asyncio.current_task() is None
    except RuntimeError:
        return True


async def within(seconds: float, stop: Stop, work: Callable[[Stop], Coroutine[Any, Any, T]]) -> T:
    """What ``work(stop)`` gives, if it ends in time.

    It has a task of its own: a function that was abandoned may hold on to the task it began in
    (``asyncio.timeout`` and ``TaskGroup`` do), and must not cancel what its caller does next.

    Args:
        seconds: how long it may take.
        stop: the caller's; `work` gets one within it.
        work: called once.

    Raises:
        TimeIsUp: it took longer.
        asyncio.CancelledError: the caller was cancelled; `work` has ended.
        BaseException: whatever `work` raised.
    """
    with stop.inner() as own:
        task = asyncio.create_task(work(own))
        interrupted: asyncio.CancelledError | None = None
        try:
            await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError as error:
            interrupted = error
        late = not task.done()
        if late:
            own.want()
            interrupted = await end([task]) or interrupted
        stop.abandoned = stop.abandoned or own.abandoned
    if interrupted is None and not late:
        return task.result()
    if not task.cancelled():
        task.exception()  # looked at, so that asyncio does not complain
    if interrupted is not None:
        raise interrupted
    raise TimeIsUp


async def end(tasks: list[asyncio.Task[Any]]) -> asyncio.CancelledError | None:
    """Cancel `tasks` once and wait until they have ended; gives a cancellation of the caller meanwhile.

    Once only: an impatient second interrupt must not cut short the clean-up of the first. It does end, since
    a function that ignores this is abandoned by :func:`drawer_ipy.buttons.function.driving.drive`.
    """
    for task in tasks:
        task.cancel()
    interrupted: asyncio.CancelledError | None = None
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:
            interrupted = error
    return interrupted
