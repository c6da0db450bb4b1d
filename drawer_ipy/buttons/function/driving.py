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
from collections.abc import Coroutine, Generator
from typing import Any

from drawer_ipy.buttons.base import Call
from drawer_ipy.buttons.function.leftovers import Leftovers
from drawer_ipy.common import cancellation
from drawer_ipy.common.cancellation import forgive


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
    stop = call.stop
    asked = stop.wanted
    result: Any
    try:
        waiting = coro.send(None)
    except StopIteration as end:
        result = end.value
        if stop.wanted and not asked:  # an interrupt has struck while it kept the event loop to itself
            raise asyncio.CancelledError from None
    except BaseException as error:
        result = Raised(error)
    else:
        result = await _Driver(coro, waiting, name, call).run()
    await forgive(stop)
    return result


class _Driver:
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
    def run(self) -> Generator[Any, Any, Any]:
        """To its end; see :func:`drive`."""
        stop, struck = self._stop, False
        while True:
            error: BaseException | None = None
            try:
                if self._deadline is None and (
                    self._waiting is None or type(self._waiting) is asyncio.Future
                ):
                    # Cancelling the task cancels these futures at once, which wakes it.
                    yield self._waiting
                else:
                    yield from self._watch()
            except GeneratorExit:  # the event loop is gone
                self._coro.close()
                raise
            except BaseException as thrown:
                error = thrown
                self._begin_grace()
            if self._late():
                self._leave_behind()
                raise asyncio.CancelledError
            asked = stop.wanted
            result = self._resume(error)
            struck = struck or (stop.wanted and not asked)
            if result is not None:
                if self._deadline is not None or struck:
                    raise asyncio.CancelledError
                return result[0]

    def _begin_grace(self) -> None:
        if self._stop.wanted and self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + cancellation.PATIENCE

    def _leave_behind(self) -> None:
        self._stop.abandoned = True
        task = asyncio.create_task(_to_its_end(self._coro, self._waiting))
        self._call.resources.get(Leftovers).add(self._name, task)

    def _resume(self, error: BaseException | None) -> tuple[Any] | None:
        """Let it go on, with `error` if there is one; gives its result, ``None`` while it has none."""
        try:
            self._waiting = self._coro.send(None) if error is None else self._coro.throw(error)
        except StopIteration as end:
            return (end.value,)
        except BaseException as raised:
            return (Raised(raised),)
        return None

    def _late(self) -> bool:
        return self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline

    def _watch(self) -> Generator[Any, Any, None]:
        """Wait for what the coroutine waits for, and no longer than it may.

        A task, or what gathers tasks, may ignore that it is cancelled. So the caller's task waits for a
        future of ours instead, which does not.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and what it waits for cannot be.
        """
        waiting, loop = self._waiting, asyncio.get_running_loop()
        if waiting is None:
            yield None
            return
        if (
            not isinstance(waiting, asyncio.Future)
            or waiting.get_loop() is not loop
            or waiting is asyncio.current_task()
        ):
            yield waiting  # the caller's task knows what to say to that
            return
        # What `await` on a future sets and a task looks at; a coroutine driven by hand does both itself.
        waiting._asyncio_future_blocking = False  # noqa: SLF001 - the protocol between futures and tasks
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
