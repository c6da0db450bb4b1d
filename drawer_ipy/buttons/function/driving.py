"""Awaiting the coroutine of a button in such a way that it cannot keep its caller from ending.

The coroutine runs in the task of its caller, as if it were awaited: that costs no task a press, and
``asyncio.current_task()``, timeouts and task groups within it work. Two things differ. What it raises is a
value here, so that a KeyboardInterrupt or SystemExit never reaches the event loop, which would stop at it.
And once its caller was told to stop, it has :data:`~drawer_ipy.common.cancellation.PATIENCE` seconds to
end; after that it is abandoned: it goes on in a task of its own.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.function.leftovers import Leftovers
from drawer_ipy.common import cancellation
from drawer_ipy.common.cancellation import forgive, is_cancelling


class Raised:
    """What a function raised, as a value: no event loop and no future gets to see it."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def drive(coro: Coroutine[Any, Any, Any], name: str, call: Call) -> Any:
    """What `coro` returns, or a :class:`Raised` with what it raises.

    Args:
        coro: not begun yet.
        name: the button it belongs to.
        call: says whether it is to stop, and takes what has to be left behind.

    Raises:
        asyncio.CancelledError: it was told to stop meanwhile, whatever it made of that.
    """
    result = begin(coro, name, call)
    if type(result) is Driver:
        result = await result.run()
    if is_cancelling():
        await forgive(call.stop)
    return result


def begin(coro: Coroutine[Any, Any, Any], name: str, call: Call) -> Any:
    """Run `coro` until it first waits for something: the beginning of :func:`drive`.

    A press spends no coroutine on a function that returns without waiting, so it calls the parts itself.

    Returns:
        What `coro` returned, a :class:`Raised` with what it raised, or the :class:`Driver` that runs the
        rest of it.
    """
    stop = call.stop
    asked = stop.wanted
    try:
        waiting = coro.send(None)
    except StopIteration as end:
        if stop.wanted and not asked:  # an interrupt has struck while it kept the event loop to itself
            raise asyncio.CancelledError from None
        return end.value
    except BaseException as error:
        return Raised(error)
    return Driver(coro, waiting, name, call)


class Driver:
    """A coroutine that has begun and waits for something.

    Args:
        waiting: what it waits for: a future, or ``None`` for its next turn.
    """

    __slots__ = ("_call", "_coro", "_deadline", "_name", "_stop", "_waiting")

    def __init__(self, coro: Coroutine[Any, Any, Any], waiting: Any, name: str, call: Call) -> None:
        self._coro = coro
        self._waiting = waiting
        self._name = name
        self._call = call
        self._stop = call.stop
        self._deadline: float | None = None  # set when it was cancelled because it is to stop

    @types.coroutine
    def run(self) -> Generator[Any, Any, Any]:  # noqa: C901 - once a press: calls cost more than they explain
        """To its end; see :func:`drive`."""
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
            except GeneratorExit:  # the event loop is gone
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
        self._call.resources.get(Leftovers).add(self._name, task)

    def _late(self) -> bool:
        return self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline

    def _watch(self) -> Generator[Any, Any, None]:
        """Wait for what the coroutine waits for, and no longer than it may.

        A task, or what gathers tasks, may ignore that it is cancelled. So the caller's task waits for a
        :class:`_Relay` or a future instead, which do not.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and what it waits for cannot be.
            BaseException: what it waits for has ended with that.
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
            yield waiting  # the caller's task knows what to say to that
            return
        # What `await` on a future sets and a task looks at; a coroutine driven by hand does both itself.
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
        """Wait for `waiting` on a future of our own, which ends at once when the caller is cancelled."""
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


class _Relay:
    """Stands for a future that a task waits for; cancelling the task wakes it, whatever the future does.

    It is what asyncio lets a task wait for: it has the methods of a future that the task calls.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_message", "_waiting", "_wake")

    def __init__(self, waiting: asyncio.Future[Any]) -> None:
        self._asyncio_future_blocking = True
        self._waiting = waiting
        self._message: Any = None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """That of the future."""
        return self._waiting.get_loop()

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Have the future call `wake` with itself: the task takes its result from there."""
        self._wake, self._context = wake, context
        self._waiting.add_done_callback(wake, context=context)

    def cancel(self, msg: Any = None) -> bool:
        """Wake the task with a CancelledError; ``False`` where the future is about to wake it."""
        if not self._waiting.remove_done_callback(self._wake):
            return False
        self._message = msg
        self.get_loop().call_soon(self._wake, self, context=self._context)
        return True

    def result(self) -> Any:
        """Asked for by a task that was woken by :meth:`cancel`."""
        raise asyncio.CancelledError(*(() if self._message is None else (self._message,)))


@types.coroutine
def _resumed(coro: Coroutine[Any, Any, Any], waiting: Any) -> Generator[Any, Any, None]:
    error: BaseException | None = None
    while True:
        try:
            if waiting is not None and not getattr(waiting, "_asyncio_future_blocking", True):
                waiting._asyncio_future_blocking = True  # noqa: SLF001 - as a future that is awaited sets it
            yield waiting
        except GeneratorExit:
            coro.close()
            raise
        except BaseException as thrown:
            error = thrown
        try:
            waiting = coro.send(None) if error is None else coro.throw(error)
        except BaseException:  # what it returns or raises is dropped
            return
        error = None


async def _to_its_end(coro: Coroutine[Any, Any, Any], waiting: Any) -> None:
    """A coroutine that its caller goes on without: it ends when it likes to."""
    await _resumed(coro, waiting)
