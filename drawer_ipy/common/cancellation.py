"""Cancel work reliably, even if a button's function suppresses its cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds an async function has to clean up after a cancellation before it is abandoned."""


class Stop:
    """A flag that tells one part of a run to end.

    asyncio's own cancellation count is not reliable: a function that catches its cancellation may also call
    ``uncancel()``. The code that cancels something sets this flag first, and the flag is never cleared.

    Attributes:
        wanted: nothing more may start, and a result that still arrives comes too late.
        abandoned: a function was abandoned because it did not end after the flag was set.
    """

    __slots__ = ("_inner", "_outer", "abandoned", "wanted")

    def __init__(self, outer: Stop | None = None) -> None:
        self.wanted: bool = outer is not None and outer.wanted
        self.abandoned: bool = False
        self._outer = outer
        self._inner: set[Stop] = set()

    def want(self) -> None:
        """Set the flag of this part and of all parts inside it."""
        self.wanted = True
        for inner in tuple(self._inner):
            inner.want()

    def want_all(self) -> None:
        """Set the flag of the whole run."""
        outer = self
        while outer._outer is not None:
            outer = outer._outer
        outer.want()

    def check(self) -> None:
        """Return if something may still start.

        Whatever has waited calls this before it starts anything: the cancellation that follows on the flag
        may take some turns of the event loop to arrive.

        Raises:
            asyncio.CancelledError: the flag is set.
        """
        if self.wanted:
            raise asyncio.CancelledError

    @contextmanager
    def inner(self) -> Iterator[Stop]:
        """Open a part that can be stopped on its own and that stops with this one."""
        made = Stop(self)
        self._inner.add(made)
        try:
            yield made
        finally:
            self._inner.discard(made)


class BrokenOff(asyncio.CancelledError):
    """Raised inside an async function that blocks the event loop when the user interrupts the run."""


class TimeIsUp(Exception):
    """Work exceeded its timeout; it was cancelled and has ended."""


def is_cancelled(stop: Stop) -> bool:
    """Whether the current task was asked to stop, by the engine or by other code.

    A function can also raise a CancelledError of its own, or await something that was cancelled.
    """
    task = asyncio.current_task()
    return stop.wanted or task is None or task.cancelling() > 0


def is_cancelling(loop: asyncio.AbstractEventLoop | None = None) -> bool:
    """Whether the current task has a pending cancellation request.

    Args:
        loop: the running event loop if the caller knows it, since asyncio takes longer to find it.
    """
    task = asyncio.current_task(loop)
    return task is not None and task.cancelling() > 0


async def forgive(stop: Stop) -> None:
    """Undo a cancellation of the current task that its button requested itself.

    The task continues with other items, and none of those may be cancelled in place of this one.

    Raises:
        asyncio.CancelledError: the engine cancelled the task meanwhile.
    """
    task = asyncio.current_task()
    if task is None or not task.cancelling() or stop.wanted:
        return
    while task.uncancel():
        pass
    try:
        await asyncio.sleep(0)  # a cancellation the button did not await is raised here
    except asyncio.CancelledError:
        if stop.wanted:
            raise


def is_closed() -> bool:
    """Whether a GeneratorExit comes from outside, since the event loop is gone and closes its coroutines."""
    try:
        return asyncio.current_task() is None
    except RuntimeError:
        return True


async def within(
    seconds: float,
    stop: Stop,
    work: Callable[[Stop], Coroutine[Any, Any, T]],
    begun: asyncio.Future[None] | None = None,
) -> T:
    """Return the result of ``work(stop)`` if it ends in time.

    It runs in its own task: an abandoned function may keep a reference to the task it started in
    (``asyncio.timeout`` and ``TaskGroup`` do) and must not cancel what its caller does next.

    Args:
        seconds: the timeout.
        stop: the caller's flag; `work` receives one inside it.
        work: called once.
        begun: done when the seconds begin to count; ``None`` if they do at once.

    Raises:
        TimeIsUp: it took longer than `seconds`.
        asyncio.CancelledError: the caller was cancelled; `work` has ended.
        BaseException: any exception that `work` raised.
    """
    with stop.inner() as own:
        task = asyncio.create_task(work(own))
        interrupted: asyncio.CancelledError | None = None
        try:
            if begun is not None:
                either: list[asyncio.Future[Any]] = [task, begun]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
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
        task.exception()  # retrieved, so that asyncio does not log it as never retrieved
    if interrupted is not None:
        raise interrupted
    raise TimeIsUp


async def end(tasks: list[asyncio.Task[Any]]) -> asyncio.CancelledError | None:
    """Cancel `tasks` once, wait until they have ended, and return a cancellation of the caller, if any.

    They are cancelled only once, since a second interrupt must not cut the clean-up short. The wait does end:
    :func:`drawer_ipy.buttons.function.driving.drive` abandons a function that ignores its cancellation.
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
