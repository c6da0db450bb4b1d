"""One of the processes of a pool: started when it is needed, and replaced when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.backends.base import BackendError
from drawer_ipy.engine.backends.sending import Sender
from drawer_ipy.engine.backends.worker_process import WorkerProcess
from drawer_ipy.engine.backends.worker_start import spawn

START_SECONDS = 120.0
"""Most seconds until a worker process can run presses."""

_STARTS = 3
"""Most attempts to start a process."""


class ProcessSlot:
    """A worker process, or the place of one.

    Args:
        sender: knows the functions that a new process gets.
        threads: where processes are started, which blocks for milliseconds.
        measured: see :class:`~drawer_ipy.engine.backends.worker_process.WorkerProcess`.

    Attributes:
        taken: the number of places for presses that are taken.
        rested: when the last of them was given back, in the event loop's time.
    """

    def __init__(self, sender: Sender, threads: Threads, measured: Callable[[float], None]) -> None:
        self._sender, self._threads, self._measured = sender, threads, measured
        self._worker: WorkerProcess | None = None
        self._all: set[WorkerProcess] = set()  # also those that were killed and have not ended yet
        self._starting: asyncio.Task[WorkerProcess] | None = None
        self.taken = 0
        self.rested: float = 0.0

    @property
    def worker(self) -> WorkerProcess | None:
        """The process, if there is one that can run presses."""
        return self._worker if self._worker is not None and self._worker.is_alive else None

    async def ready(self) -> WorkerProcess:
        """Return the process, and start it if there is none.

        Raises:
            BackendError: it cannot be started.
        """
        if self.worker is not None:
            return self.worker
        if self._starting is None:
            self._starting = asyncio.create_task(self._started())
            self._starting.add_done_callback(self._start_ended)
        # Shielded, since the process can be used by another press.
        return await asyncio.shield(self._starting)

    def _start_ended(self, starting: asyncio.Task[WorkerProcess]) -> None:
        self._starting = None
        if not starting.cancelled() and starting.exception() is None:
            self._worker = starting.result()

    async def _started(self) -> WorkerProcess:
        """Return a new process; one that ends while it starts is replaced, since no press is lost with it."""
        for _ in range(_STARTS - 1):
            with contextlib.suppress(BackendError):
                return await self._start()
        return await self._start()

    async def _start(self) -> WorkerProcess:
        starting = self._threads.submit(spawn)
        try:
            started = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # This takes milliseconds. After the run's end, nobody could end the process.
            await asyncio.wait([starting])
            if starting.exception() is None:
                starting.result().abandon()
            raise
        except OSError as error:
            raise BackendError(f"a worker process could not be started: {error}") from None
        worker = WorkerProcess(started, self._measured)
        self._all.add(worker)
        worker.ended.add_done_callback(lambda _: self._all.discard(worker))
        try:
            await worker.ready(self._sender.functions(), START_SECONDS)
        except BaseException:
            worker.kill()
            raise
        return worker

    def rest(self) -> None:
        """End the process; another one is started when it is needed."""
        if self._worker is not None:
            self._worker.kill()

    async def aclose(self, patience: float) -> None:
        """End the process and its children; an idle one has `patience` seconds to end as programs do."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await asyncio.gather(*(worker.end(patience) for worker in tuple(self._all)))
