"""The backend ``processes``: presses run in worker processes on this machine, one at a time in each.

Presses that end soon are sent ahead, so that a worker has its next press before the kernel has read the
answer of the last one. Those that wait behind a press that takes longer are withdrawn, and go to another
worker.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.backends.base import Answer, BackendError, Need, Work
from drawer_ipy.engine.backends.press_places import PressPlaces
from drawer_ipy.engine.backends.press_prints import PressPrints
from drawer_ipy.engine.backends.process_slot import ProcessSlot
from drawer_ipy.engine.backends.sending import Sender
from drawer_ipy.engine.backends.worker_process import WorkerProcess

IDLE_SECONDS = 30.0
"""Seconds after which an idle worker process ends."""

AHEAD_SECONDS = 0.02
"""Seconds of work that a worker process may have."""

MOST_AHEAD = 16
"""Most presses that a worker process may have."""

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
        count = int(address) if address else usable_cores()
        self.places: int | None = count
        self.sender: Sender = Sender()
        self._threads = Threads()
        self._slots = [ProcessSlot(self.sender, self._threads, self._measure) for _ in range(count)]
        self._free = PressPlaces(self._find)
        self._seconds: float | None = None  # of one press, as measured lately
        self._resting: asyncio.TimerHandle | None = None
        self._relieving: asyncio.TimerHandle | None = None

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

    # Places

    def _find(self, at_once: bool) -> ProcessSlot | None:
        """Return an idle process, else the one with the fewest presses if they end soon."""
        best = min(self._slots, key=_load)
        return best if best.taken == 0 or (not at_once and best.taken < self._ahead(best)) else None

    def _ahead(self, slot: ProcessSlot) -> int:
        """How many presses a process may have."""
        seconds = self._seconds
        if seconds is None or slot.worker is None or slot.worker.seconds > AHEAD_SECONDS:
            return 1
        return min(MOST_AHEAD, max(1, int(AHEAD_SECONDS / seconds)))

    def _measure(self, seconds: float) -> None:
        """Take note of how long a press took."""
        before = seconds if self._seconds is None else self._seconds
        self._seconds = max(1e-5, 0.8 * before + 0.2 * seconds)

    def has_place(self, *, at_once: bool = False) -> bool:
        """See :class:`~drawer_ipy.engine.backends.base.Backend`."""
        return self._free.has(at_once=at_once)

    async def ticket(self, *, at_once: bool = False) -> ProcessTicket:
        """Wait for a place, and for its process, which is started if there is none."""
        return ProcessTicket(self, *await self.place(at_once=at_once))

    async def place(self, *, at_once: bool = False, first: bool = False) -> tuple[ProcessSlot, WorkerProcess]:
        """Take a place, see :meth:`PressPlaces.take`, and return it with its process."""
        slot = await self._free.take(at_once=at_once, first=first)
        try:
            worker = slot.worker or await slot.ready()
        except BaseException:
            self.give_back(slot)
            raise
        if slot.taken > 1 and self._relieving is None:
            self._relieving = asyncio.get_running_loop().call_later(AHEAD_SECONDS, self._relieve)
        return slot, worker

    def give_back(self, slot: ProcessSlot) -> None:
        """Free a place, see :class:`PressPlaces`; a process that stays idle ends."""
        if slot.taken == 1:
            loop = asyncio.get_running_loop()
            slot.rested = loop.time()
            if self._resting is None:
                self._resting = loop.call_later(IDLE_SECONDS, self._end_idle)
        self._free.give_back(slot)

    def _relieve(self) -> None:
        """Withdraw presses that wait behind one that takes longer than expected."""
        self._relieving = None
        if any(slot.taken > 1 for slot in self._slots):
            self._relieving = asyncio.get_running_loop().call_later(AHEAD_SECONDS, self._relieve)
        for slot in self._slots:
            if slot.worker is not None and slot.worker.seconds > AHEAD_SECONDS:
                slot.worker.relieve()

    def _end_idle(self) -> None:
        """End the processes that have been idle for long."""
        self._resting = None
        loop = asyncio.get_running_loop()
        idle = [slot for slot in self._slots if slot.taken == 0 and slot.worker is not None]
        for slot in idle:
            if loop.time() - slot.rested >= IDLE_SECONDS * 0.9:
                slot.rest()
        if any(slot.worker is not None for slot in idle):
            self._resting = loop.call_later(IDLE_SECONDS / 3, self._end_idle)

    async def aclose(self) -> None:
        """End all processes and their children."""
        for timer in (self._resting, self._relieving):
            if timer is not None:
                timer.cancel()
        self._free.close(BackendError("the run has ended"))
        await asyncio.gather(*(slot.aclose(_PATIENCE) for slot in self._slots))
        await self._threads.aclose()


class ProcessTicket:
    """A place in a worker process; see :class:`~drawer_ipy.engine.backends.base.Ticket`."""

    __slots__ = ("_backend", "_slot", "_worker", "where")

    def __init__(self, backend: ProcessesBackend, slot: ProcessSlot, worker: WorkerProcess) -> None:
        self._backend = backend
        self._slot: ProcessSlot | None = slot
        self._worker = worker
        self.where: str = worker.where

    async def press(
        self, work: Work, begun: Callable[[], None] | None, log: Callable[[str], None] | None
    ) -> Answer:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        packed = self._backend.sender.press(work)
        if isinstance(packed, Answer):
            return packed
        prints = PressPrints(log)
        while True:
            answer = await self._worker.press(work.button, *packed, begun, prints)
            if answer is not None:
                return answer
            await self._move()

    async def _move(self) -> None:
        """Change to another process; this press was withdrawn."""
        self.give_back()
        self._slot, self._worker = await self._backend.place(first=True)
        self.where = self._worker.where

    def give_back(self) -> None:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        slot, self._slot = self._slot, None
        if slot is not None:
            self._backend.give_back(slot)


def _load(slot: ProcessSlot) -> tuple[int, bool]:
    """What a process has to do; of idle ones, those come first that need not be started."""
    return slot.taken, slot.worker is None


def usable_cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0)) or 1
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
