"""Awaits the coroutine of a button in such a way that it cannot keep its caller from ending.

The coroutine runs in the task of its caller, as if it were awaited. This needs no task for each press, and
``asyncio.current_task()``, timeouts and task groups in the coroutine work. Two things differ. An exception is
returned as a value, so that a KeyboardInterrupt or SystemExit never reaches the event loop, which would stop.
And after its caller was cancelled, the coroutine has :data:`~drawer_ipy.common.cancellation.PATIENCE` seconds
to end; then it is abandoned and continues in a task of its own.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any

from drawer_ipy.buttons.base import Resources
from drawer_ipy.buttons.function.leftovers import Leftovers
from drawer_ipy.common import cancellation
from drawer_ipy.common.cancellation import Stop, forgive, is_cancelling


class Raised:
    """An exception of a function as a value, which event loops and futures do not handle specially."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException = error


async def drive(coro: Coroutine[Any, Any, Any], name: str, stop: Stop, resources: Resources) -> Any:
    """Return the result of `coro`, or a :class:`Raised` with its exception.

    Args:
        coro: a coroutine that has not started.
        name: the name of its button.
        stop: says that the press must stop.
        resources: those of the run, which keep abandoned coroutines.

    Raises:
        asyncio.CancelledError: the press was cancelled, however the coroutine handled that.
    """
    result = begin(coro, name, stop, resources)
    if type(result) is Driver:
        result = await result.run()
    if is_cancelling(resources.loop):
        await forgive(stop)
    return result


def begin(coro: Coroutine[Any, Any, Any], name: str, stop: Stop, resources: Resources) -> Any:
    """Run `coro` until it first waits for something: the first half of :func:`drive`.

    A press calls both halves itself, to avoid another coroutine for functions that return without waiting.

    Returns:
        The result of `coro`, a :class:`Raised` with its exception, or the :class:`Driver` that runs the
        rest of it.
    """
    asked = stop.wanted
    try:
        waiting = coro.send(None)
    except StopIteration as end:
        if stop.wanted and not asked:  # an interrupt arrived while the coroutine blocked the event loop
            raise asyncio.CancelledError from None
        return end.value
    except BaseException as error:
        return Raised(error)
    return Driver(coro, waiting, name, stop, resources)


class Driver:
    """A coroutine that has started and is waiting.

    Args:
        waiting: what it waits for: a future, or ``None`` for the next iteration of the loop.
    """

    __slots__ = ("_coro", "_deadline", "_name", "_resources", "_stop", "_waiting")

    def __init__(
        self, coro: Coroutine[Any, Any, Any], waiting: Any, name: str, stop: Stop, resources: Resources
    ) -> None:
        self._coro = coro
        self._waiting = waiting
        self._name = name
        self._stop = stop
        self._resources = resources
        self._deadline: float | None = None  # set when it was cancelled because it must stop

    @types.coroutine
    def run(self) -> Generator[Any, Any, Any]:  # noqa: C901 - once a press: calls cost more than they explain
        """Run the coroutine to its end; see :func:`drive`."""
        coro, stop, struck = self._coro, self._stop, False
        while True:
            waiting = self._waiting
            error: BaseException | None = None
            result: Any
            try:
                if self._deadline is None and (waiting is None or type(waiting) is asyncio.Future):
                    # Cancelling the task cancels these futures at once, which wakes it.
                    yield waiting
                else:
                    yield from self._watch()
                if stop.wanted and self._deadline is None:
                    yield from _until_cancelled()
            except GeneratorExit:  # the event loop was closed
                coro.close()
                raise
            except BaseException as thrown:
                error = thrown
                self._begin_grace()
            if self._deadline is not None and self._late():
                self._leave_behind()
                raise asyncio.CancelledError
            asked = stop.wanted
            try:
                self._waiting = coro.send(None) if error is None else coro.throw(error)
            except StopIteration as end:
                over, result = True, end.value
            except BaseException as raised:
                over, result = True, Raised(raised)
            else:
                over, result = False, None
            struck = struck or (stop.wanted and not asked)
            if over:
                if self._deadline is not None or struck:
                    raise asyncio.CancelledError
                return result

    def _begin_grace(self) -> None:
        if self._stop.wanted and self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + cancellation.PATIENCE

    def _leave_behind(self) -> None:
        self._stop.abandoned = True
        task = asyncio.create_task(_to_its_end(self._coro, self._waiting))
        self._resources.get(Leftovers).add(self._name, task)

    def _late(self) -> bool:
        return self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline

    def _watch(self) -> Generator[Any, Any, None]:
        """Wait for the coroutine's future, but not past the deadline.

        A task, or a future that gathers tasks, may ignore its cancellation. So the caller's task waits for a
        :class:`_Relay` or a future instead, which do not.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and the future cannot be.
            BaseException: the exception of the future.
        """
        waiting, loop = self._waiting, asyncio.get_running_loop()
        if waiting is None:
            yield None
            return
        if (
            not isinstance(waiting, asyncio.Future)
            or waiting.get_loop() is not loop
            or waiting is asyncio.current_task(loop)
        ):
            yield waiting  # the caller's task raises the right error
            return
        # `await` sets this flag on a future and a task clears it; driving by hand must do both.
        waiting._asyncio_future_blocking = False  # noqa: SLF001 - the protocol between futures and tasks
        if self._deadline is None and not waiting.done():
            try:
                yield _Relay(waiting)
                return
            except asyncio.CancelledError:
                self._begin_grace()
                if not waiting.cancel():
                    raise
        yield from self._until_done(waiting, loop)

    def _until_done(
        self, waiting: asyncio.Future[Any], loop: asyncio.AbstractEventLoop
    ) -> Generator[Any, Any, None]:
        """Wait for `waiting` on a separate future, which ends at once when the caller is cancelled."""
        while not waiting.done() and not self._late():
            woken = loop.create_future()

            def wake(_: Any = None, woken: asyncio.Future[None] = woken) -> None:
                if not woken.done():
                    woken.set_result(None)

            waiting.add_done_callback(wake)
            timer = None if self._deadline is None else loop.call_at(self._deadline, wake)
            try:
                yield from woken
            except asyncio.CancelledError:
                self._begin_grace()
                if not waiting.cancel():
                    raise
            finally:
                waiting.remove_done_callback(wake)
                if timer is not None:
                    timer.cancel()


_TURNS = 1_000
"""Iterations of the event loop in which the cancellation arrives after a stop was requested."""


@types.coroutine
def _until_cancelled() -> Generator[None, None, None]:
    """Wait for the cancellation of the task, which passes through the tasks around it first.

    Otherwise the coroutine could continue, and for example block the event loop that is to cancel it.

    Raises:
        asyncio.CancelledError: always.
    """
    for _ in range(_TURNS):
        yield
    raise asyncio.CancelledError


class _Relay:
    """Stand in for a future that a task waits for; cancelling the task wakes it whatever the future does.

    A task can wait for it, because it has the methods of a future that the task calls.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_message", "_waiting", "_wake")

    def __init__(self, waiting: asyncio.Future[Any]) -> None:
        self._asyncio_future_blocking = True
        self._waiting = waiting
        self._message: Any = None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop of the future."""
        return self._waiting.get_loop()

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Let the future call `wake` with itself: the task takes the result from there."""
        self._wake, self._context = wake, context
        self._waiting.add_done_callback(wake, context=context)

    def cancel(self, msg: Any = None) -> bool:
        """Wake the task with a CancelledError; return ``False`` if the future is about to wake it."""
        if not self._waiting.remove_done_callback(self._wake):
            return False
        self._message = msg
        self.get_loop().call_soon(self._wake, self, context=self._context)
        return True

    def result(self) -> Any:
        """Raise CancelledError; called by a task that :meth:`cancel` has woken."""
        raise asyncio.CancelledError(*(() if self._message is None else (self._message,)))


@types.coroutine
def _resumed(coro: Coroutine[Any, Any, Any], waiting: Any) -> Generator[Any, Any, None]:
    error: BaseException | None = None
    while True:
        try:
            if waiting is not None and not getattr(waiting, "_asyncio_future_blocking", True):
                waiting._asyncio_future_blocking = True  # noqa: SLF001 - as `await` sets it on a future
            yield waiting
        except GeneratorExit:
            coro.close()
            raise
        except BaseException as thrown:
            error = thrown
        try:
            waiting = coro.send(None) if error is None else coro.throw(error)
        except BaseException:  # its result and exception are dropped
            return
        error = None


async def _to_its_end(coro: Coroutine[Any, Any, Any], waiting: Any) -> None:
    """Continue an abandoned coroutine until it ends by itself."""
    await _resumed(coro, waiting)
