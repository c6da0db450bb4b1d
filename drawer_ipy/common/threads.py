"""A run's threads, for work that would block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from drawer_ipy.common.platform import has_threads
from drawer_ipy.errors import Code, DrawerError

T = TypeVar("T")


class NoThread(DrawerError):
    """The system refuses to start another thread for this process."""

    default_code = Code.SCRIPT_ERROR


class Threads:
    """Daemon threads that are created when none is idle and reused afterwards.

    There is no upper bound here, since the engine limits how much runs at once. Python cannot end a thread
    from outside: if its caller is cancelled or times out, the thread continues until its function returns,
    and the result is dropped. The threads are daemons, so that such a thread never keeps the kernel from
    exiting.

    On a platform without threads, work is done at once where it is submitted.
    """

    def __init__(self) -> None:
        self._idle: deque[_Worker] = deque()
        self._numbers = itertools.count(1)
        self._deliveries: Deliveries | None = None
        self._closed = False

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run `work` in a thread and return a future of the running loop.

        `work` must not raise StopIteration (a future cannot carry it). Cancelling the future abandons
        the work without ending it.

        Raises:
            NoThread: the system refuses another thread.
            RuntimeError: after :meth:`aclose`.
        """
        if self._closed:
            raise RuntimeError("these threads are closed: the run they belong to has ended")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not has_threads():
            _do(work, future)
            return future
        deliveries = self._deliveries
        if deliveries is None or deliveries.loop is not loop:
            deliveries = self._deliveries = Deliveries(loop)
        try:
            worker = self._idle.pop()  # the most recently used: its stack is still in the cache
        except IndexError:
            worker = self._new()
        worker.jobs.put((deliveries, future, work))
        return future

    def _new(self) -> _Worker:
        number = next(self._numbers)
        try:
            return _Worker(self, number)
        except RuntimeError as error:  # "can't start new thread"
            raise NoThread(
                f"the system refuses to start another thread; {number - 1} are running: {error}",
                remediation="lower `parallelism`",
            ) from None

    def rest(self, worker: _Worker) -> bool:
        """Tell a thread that has finished its work whether to wait for more."""
        self._idle.append(worker)
        # Read after the append: either aclose finds the worker among the idle, or the worker sees the flag.
        return not self._closed

    async def aclose(self) -> None:
        """End idle threads now, and busy threads as soon as their work has finished."""
        self._closed = True
        ended = []
        while self._idle:
            worker = self._idle.pop()
            worker.jobs.put(None)
            ended.append(worker)
        for worker in ended:  # they are waiting on their queue, so this takes microseconds
            worker.thread.join(1.0)


class _Worker:
    """One thread and its work queue."""

    __slots__ = ("_owner", "jobs", "thread")

    def __init__(self, owner: Threads, number: int) -> None:
        self._owner = owner
        self.jobs: queue.SimpleQueue[tuple[Deliveries, asyncio.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self.thread: threading.Thread = threading.Thread(
            target=self._live, name=f"drawer-{number}", daemon=True
        )
        self.thread.start()

    def _live(self) -> None:
        while True:
            job = self.jobs.get()
            if job is None:
                return
            deliveries, future, work = job
            result: Any = None
            error: BaseException | None = None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            # Marked idle before the result is delivered, so that the next piece of work finds this thread.
            goes_on = self._owner.rest(self)
            deliveries.add((future, result, error))
            # An idle thread must not keep references to its last job.
            del job, deliveries, future, work, result, error
            if not goes_on:
                return


Arrived = tuple[asyncio.Future[Any], Any, BaseException | None]
"""A result: where it goes, and what it is, or else the exception."""


class Deliveries:
    """Results on their way from threads to futures of `loop`, which wakes once for all that have arrived.

    Attributes:
        loop: the event loop.
    """

    __slots__ = ("_arrived", "_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop = loop
        self._arrived: deque[Arrived] = deque()
        self._woken = False

    def add(self, *results: Arrived) -> None:
        """Deliver results, from any thread."""
        self._arrived.extend(results)
        # Read after the append: either the loop finds the result, or this thread sees that it must wake it.
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing awaits this result
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False
        try:
            while (arrived := self._next()) is not None:
                future, result, error = arrived
                if future.done():  # cancelled meanwhile
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
        finally:
            if self._arrived:  # an interrupt between two of them must not lose the others
                self.loop.call_soon(self._deliver)

    def _next(self) -> Arrived | None:
        # Without the GIL, taking is ordered after the change of _woken; a test for being empty is not.
        try:
            return self._arrived.popleft()
        except IndexError:
            return None


def _do(work: Callable[[], T], future: asyncio.Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as raised:  # for the code that awaits the future, as from a thread
        future.set_exception(raised)


class OneThread:
    """A thread that does one piece of work after the other; without threads, work is done at once.

    Args:
        name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name) if has_threads() else None

    def submit(self, work: Callable[[], object]) -> None:
        """Do `work` when the earlier work is done. What it raises is lost."""
        if self._pool is not None:
            self._pool.submit(work)
            return
        with contextlib.suppress(Exception):
            work()

    def close(self) -> None:
        """Drop the work that has not begun, and end the thread after the rest."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
