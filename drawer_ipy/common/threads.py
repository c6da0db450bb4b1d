"""Threads that last as long as a run, for work that would block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from drawer_ipy.errors import Code, DrawerError

T = TypeVar("T")


class NoThread(DrawerError):
    """The system gives this process no further thread."""

    default_code = Code.SCRIPT_ERROR


class Threads:
    """Daemon threads, made when none is idle and reused after that.

    There is no upper bound here, since the engine bounds how much runs at once. A thread cannot be ended
    from outside in Python: one whose caller was cancelled or timed out goes on until its function
    returns, and what it returns is dropped. That is why they are daemons: such a thread never keeps the
    kernel from exiting.
    """

    def __init__(self) -> None:
        self._idle: deque[_Worker] = deque()
        self._numbers = itertools.count(1)
        self._closed = False

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run `work` in a thread; the future belongs to the running loop.

        `work` must not raise StopIteration (a future cannot carry it). Cancelling the future abandons
        the work without ending it.

        Raises:
            NoThread: when the system gives no further one.
            RuntimeError: after :meth:`aclose`.
        """
        if self._closed:
            raise RuntimeError("these threads are closed: the run they belong to has ended")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        try:
            worker = self._idle.pop()  # the latest: its stack is still warm
        except IndexError:
            worker = self._new()
        worker.jobs.put((loop, future, work))
        return future

    def _new(self) -> _Worker:
        number = next(self._numbers)
        try:
            return _Worker(self, number)
        except RuntimeError as error:  # "can't start new thread"
            raise NoThread(
                f"the system gives this process no further thread than the {number - 1} that it has: {error}",
                remediation="lower `parallelism`",
            ) from None

    def rest(self, worker: _Worker) -> bool:
        """Called by a thread that has nothing to do: whether it should wait for more."""
        self._idle.append(worker)
        # Looked at after the append: either aclose finds the worker among the idle, or it sees this.
        return not self._closed

    async def aclose(self) -> None:
        """Let idle threads end now and busy ones as soon as they have finished."""
        self._closed = True
        ended = []
        while self._idle:
            worker = self._idle.pop()
            worker.jobs.put(None)
            ended.append(worker)
        for worker in ended:  # they are waiting on their queue, so this takes microseconds
            worker.thread.join(1.0)


class _Worker:
    """One thread and the queue it lives from."""

    __slots__ = ("_owner", "jobs", "thread")

    def __init__(self, owner: Threads, number: int) -> None:
        self._owner = owner
        self.jobs: queue.SimpleQueue[
            tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]] | None
        ] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._live, name=f"drawer-{number}", daemon=True)
        self.thread.start()

    def _live(self) -> None:
        while True:
            job = self.jobs.get()
            if job is None:
                return
            loop, future, work = job
            result: Any = None
            error: BaseException | None = None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            # Idle before the result is delivered, so that the next piece of work finds this thread.
            goes_on = self._owner.rest(self)
            with contextlib.suppress(RuntimeError):  # a closed loop: nobody waits for this any more
                loop.call_soon_threadsafe(_deliver, future, result, error)
            # Nothing of the job may live on in an idle thread.
            del job, loop, future, work, result, error
            if not goes_on:
                return


def _deliver(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
