"""The backend ``processes``: presses run in worker processes on this machine, one at a time in each."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.backends.base import Answer, BackendError, Need, Work
from drawer_ipy.engine.backends.press_prints import PressPrints
from drawer_ipy.engine.backends.sending import Sender
from drawer_ipy.engine.backends.worker_process import Started, WorkerProcess, spawn

START_SECONDS = 120.0
"""Most seconds until a worker process can run presses."""

IDLE_SECONDS = 30.0
"""Seconds after which an idle worker process ends."""

_STARTS = 3
"""Most attempts to start a process."""

_PATIENCE = 0.5
"""Seconds that an idle worker has to end at the end of the run."""


class ProcessesBackend:
    """A pool of processes that are started when presses need them.

    See :class:`~drawer_ipy.engine.backends.base.Backend`. Each process has its own connection and process
    group, so that one can be killed without the others noticing.

    Args:
        address: the number of processes; ``""`` for one per usable core.
    """

    name = "processes"
    ends_presses = True

    def __init__(self, address: str = "") -> None:
        self.places: int | None = int(address) if address else usable_cores()
        self.sender = Sender()
        self._places = asyncio.Semaphore(self.places or 1)
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._threads = Threads()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def check(self, need: Need) -> None:
        """See :class:`~drawer_ipy.engine.backends.base.Backend`."""
        if not hasattr(os, "killpg"):
            raise BackendError("the backend 'processes' needs a POSIX system", remediation="use threads")
        for sent in need.sent:
            self.sender.check(sent)

    async def open(self, need: Need) -> None:
        """Pickle the functions; processes start when presses need them."""
        for sent in need.sent:
            self.sender.function(sent.button, sent.function)

    def has_place(self, *, at_once: bool = False) -> bool:  # noqa: ARG002 - a press never waits here
        """See :class:`~drawer_ipy.engine.backends.base.Backend`."""
        return not self._places.locked()

    async def ticket(self, *, at_once: bool = False) -> ProcessTicket:  # noqa: ARG002 - a press never waits here
        """Wait for a place and a process, which is started if none is idle."""
        await self._places.acquire()
        try:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_idle:
                    return ProcessTicket(self, worker)
            return ProcessTicket(self, await self._started())
        except BaseException:
            self._places.release()
            raise

    async def _started(self) -> WorkerProcess:
        """Return a new process; one that ends while it starts is replaced, since no press is lost with it."""
        for _ in range(_STARTS - 1):
            with contextlib.suppress(BackendError):
                return await self._start()
        return await self._start()

    async def _start(self) -> WorkerProcess:
        starting = self._threads.submit(spawn)  # starting a process blocks for milliseconds
        try:
            process, connection, life = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_abandon)
            raise
        except OSError as error:
            raise BackendError(f"a worker process could not be started: {error}") from None
        worker = WorkerProcess(process, connection, life)
        self._workers.add(worker)
        worker.ended.add_done_callback(lambda _: self._workers.discard(worker))
        try:
            await worker.ready(self.sender.functions(), START_SECONDS)
        except BaseException:
            worker.kill()
            raise
        return worker

    def give_back(self, worker: WorkerProcess) -> None:
        """Free the place of `worker`, and keep the process if it can be used again."""
        if worker.is_idle and not self._closed:
            worker.rested = asyncio.get_running_loop().time()
            self._idle.append(worker)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_idle)
        self._places.release()

    def _end_idle(self) -> None:
        """End the processes that have been idle for long."""
        self._timer = None
        loop = asyncio.get_running_loop()
        now, kept = loop.time(), []
        for worker in self._idle:
            if now - worker.rested >= IDLE_SECONDS * 0.9:
                worker.kill()
            else:
                kept.append(worker)
        self._idle = kept
        if kept:
            self._timer = loop.call_later(IDLE_SECONDS / 3, self._end_idle)

    async def aclose(self) -> None:
        """End all processes and their children."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._idle.clear()
        await asyncio.gather(*(worker.end(_PATIENCE) for worker in tuple(self._workers)))
        await self._threads.aclose()


class ProcessTicket:
    """A place in a worker process; see :class:`~drawer_ipy.engine.backends.base.Ticket`."""

    __slots__ = ("_backend", "_worker", "where")

    def __init__(self, backend: ProcessesBackend, worker: WorkerProcess) -> None:
        self._backend, self._worker = backend, worker
        self.where = worker.where

    async def press(
        self, work: Work, begun: Callable[[], None] | None, log: Callable[[str], None] | None
    ) -> Answer:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        packed = self._backend.sender.press(work)
        if isinstance(packed, Answer):
            return packed
        return await self._worker.press(work.button, *packed, begun, PressPrints(log))

    def give_back(self) -> None:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        self._backend.give_back(self._worker)


def _abandon(starting: asyncio.Future[Started]) -> None:
    """End a process that nobody waits for any more."""
    if starting.cancelled() or starting.exception() is not None:
        return
    process, connection, life = starting.result()
    connection.close()
    os.close(life)
    process.kill()
    process.wait()


def usable_cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0)) or 1
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
