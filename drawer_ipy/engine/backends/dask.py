"""The backend ``dask``: presses run on the workers of a Dask cluster that the user already has.

Presses that wait for the same worker travel together in a batch, which is one task of Dask, pinned to its
worker: Dask would run a task again, without a word, after its worker died. A batch is sized for about 0.1 s
of work.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import pickle
from collections import deque
from collections.abc import Callable

from drawer_ipy.engine.backends.answers import answer_of
from drawer_ipy.engine.backends.base import Answer, BackendError, Need, Work
from drawer_ipy.engine.backends.dask_cluster import Cluster, WorkerLost, modules_of
from drawer_ipy.engine.backends.dask_press import BatchedPress, WorkerPlace
from drawer_ipy.engine.backends.press_places import PressPlaces
from drawer_ipy.engine.backends.press_prints import PressPrints
from drawer_ipy.engine.backends.sending import Packed, Sender

BATCH_SECONDS = 0.1
"""Seconds of work in one batch."""

MOST_IN_BATCH = 64
_SHORT = 0.025
"""Seconds of presses that travel in batches; longer ones travel alone."""

_LONG = 0.25
"""Longer presses, in seconds, are not sent ahead: the way to a worker and back takes a small part of them."""

END_SECONDS = 0.3
"""Seconds that an interrupted press has before its worker is restarted."""


class DaskBackend:
    """The workers of a cluster; see :class:`~drawer_ipy.engine.backends.base.Backend`.

    Args:
        address: the scheduler's address; ``""`` for the current client.
    """

    name = "dask"
    ends_presses = True

    def __init__(self, address: str = "") -> None:
        self.places: int | None = None
        self.sender: Sender = Sender()
        self._cluster = Cluster(address, self._joined, self._left, self._heard, self._lost)
        self._workers: dict[str, WorkerPlace] = {}
        self._free = PressPlaces(self._find)
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        self._presses: dict[str, list[BatchedPress]] = {}
        self._seconds = math.inf  # of one press, as measured lately
        self._note: Callable[[str], None] = lambda _text: None
        self._flushing = False
        self._closed = False

    def check(self, need: Need) -> None:
        """See :class:`~drawer_ipy.engine.backends.base.Backend`."""
        self._cluster.find()
        for sent in need.sent:
            self.sender.check(sent)

    async def open(self, need: Need) -> None:
        """Connect to the cluster, and give the functions to its workers."""
        self._note = need.note
        packed = [self.sender.function(sent.button, sent.function) for sent in need.sent]
        functions = {one.key: one.body for one in packed}
        modules = {name for one in packed for name in modules_of(one.parts[-1])}
        address = await self._cluster.open(functions, modules)
        self.places = sum(worker.threads for worker in self._workers.values())
        if not address.startswith(("tls://", "wss://", "inproc://", "tcp://127.", "tcp://[::1]", "ucxs://")):
            self._note(
                f"the connection to the Dask cluster at {address} is not encrypted; arguments can be read"
            )

    # Places

    @property
    def _in_batch(self) -> int:
        """How many presses a batch has."""
        if self._seconds > _SHORT:
            return 1
        return min(MOST_IN_BATCH, round(BATCH_SECONDS / self._seconds))

    def _batches(self, alone: bool) -> int:
        """How many batches each thread of a worker has: the one that runs, and those that were sent ahead.

        Args:
            alone: whether each is one press.
        """
        if self._seconds > _LONG:
            return 1
        return 1 + min(MOST_IN_BATCH, math.ceil(BATCH_SECONDS / self._seconds)) if alone else 2

    def _find(self, at_once: bool) -> WorkerPlace | None:
        """Return the worker with the fewest presses for each of its threads, if it has a place."""
        best = self._least_busy()
        depth = 1 if at_once else self._in_batch * self._batches(self._in_batch == 1)
        return best if best is not None and best.load < depth else None

    def _least_busy(self, but: WorkerPlace | None = None) -> WorkerPlace | None:
        others = (one for one in self._workers.values() if one is not but)
        return min(others, key=lambda one: one.load, default=None)

    def has_place(self, *, at_once: bool = False) -> bool:
        """See :class:`~drawer_ipy.engine.backends.base.Backend`."""
        return self._free.has(at_once=at_once)

    async def ticket(self, *, at_once: bool = False) -> DaskTicket:
        """Wait for a place on a worker."""
        return DaskTicket(self, await self._free.take(at_once=at_once))

    def give_back(self, place: WorkerPlace) -> None:
        """Free a place."""
        self._free.give_back(place)

    def _joined(self, address: str, threads: int, name: str) -> None:
        self._workers[address] = WorkerPlace(address, threads, f"Dask worker {name}")
        self._free.serve()

    def _left(self, address: str) -> None:
        place = self._workers.pop(address, None)
        if place is None:
            return
        place.gone = True
        if place.killing:
            self._withdraw(place)
        else:
            self._give_up(place)
        waiting, place.waiting = list(place.waiting), deque()
        for press in waiting:  # never sent, so another worker may run it
            self._move(press, place)

    def _give_up(self, place: WorkerPlace) -> None:
        """Fail what has begun on a worker that is lost, and give the rest to others.

        Dask forgets all of it, so that no other worker runs it again.
        """
        for task in place.tasks.values():
            task.cancel()
        for presses in place.batches.values():
            for press in presses:
                if press.is_ahead and not press.has_begun:
                    self._move(press, place)
                else:
                    press.lose(place.where)

    def _lost(self, error: BackendError) -> None:
        """Fail all presses, since nothing is heard from the cluster any more."""
        self._closed = True
        for address in tuple(self._workers):
            self._left(address)
        self._free.close(error)

    async def _kill(self, place: WorkerPlace, stuck: list[tuple[str, int]]) -> bool:
        place.killing = True
        killed = await self._cluster.kill(place.address, stuck)
        place.killing = killed
        if killed:
            self._withdraw(place)
        return killed

    def _withdraw(self, place: WorkerPlace) -> None:
        """Take the batches back from a worker that was killed, on which only cancelled presses had begun."""
        presses = [one for batch in place.batches.values() for one in batch if not one.answer.done()]
        for task in place.tasks.values():
            task.cancel()
        place.batches.clear()
        for press in presses:
            self._move(press, place)

    def _move(self, press: BatchedPress, place: WorkerPlace) -> None:
        other = None if self._closed else self._least_busy(but=place)
        if other is None:
            press.lose(place.where)
            return
        other.waiting.append(press)
        self._flush_soon()

    # Presses

    async def teach(self, function: Packed) -> None:
        """Give a function that a sub-drawer presses to the workers, unless they have it."""
        if not self._cluster.knows(function.key):
            await self._cluster.teach(function.key, function.body)

    async def press(self, place: WorkerPlace, press: BatchedPress) -> Answer:
        """Run a press on the worker `place`; a cancellation ends it there."""
        if place.gone:
            self._move(press, place)
        else:
            place.waiting.append(press)
            self._flush_soon()
        try:
            return await press.answer
        except asyncio.CancelledError:
            if not press.answer.done() or press.answer.cancelled():
                await asyncio.shield(self._end(press))
            raise

    def _flush_soon(self) -> None:
        if not self._flushing and not self._closed:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Send what waits."""
        self._flushing = False
        if self._closed:
            return
        for place in self._workers.values():
            while batch := self._next_batch(place):
                self._send(place, batch)

    def _next_batch(self, place: WorkerPlace) -> list[BatchedPress]:
        """Take a batch from what waits for `place`; it is empty if the worker has enough."""
        waiting = place.waiting
        if not waiting:
            return []
        # A press that may time out travels alone: the others would be lost with its worker.
        alone = self._in_batch == 1 or waiting[0].begun is not None
        left = place.threads * self._batches(alone) - len(place.batches)
        if left <= 0:
            return []
        size = 1 if alone else min(self._in_batch, math.ceil(len(waiting) / left))
        batch = [waiting.popleft()]
        while len(batch) < size and waiting[0].begun is None:
            batch.append(waiting.popleft())
        return batch

    def _send(self, place: WorkerPlace, presses: list[BatchedPress]) -> None:
        batch = str(next(self._numbers))
        # Not for batches: it would cost as much as some of their short presses.
        ahead = self._in_batch == 1 and len(place.batches) >= place.threads
        place.batches[batch] = self._presses[batch] = presses
        for number, press in enumerate(presses):
            press.batch, press.number = batch, number
            press.is_ahead, press.has_begun = ahead, False
        task = place.tasks[batch] = asyncio.create_task(self._run(place, batch, presses))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, place: WorkerPlace, batch: str, presses: list[BatchedPress]) -> None:
        sent = [(one.number, one.function.key, one.says, one.arguments) for one in presses]
        try:
            answers = pickle.loads(await self._cluster.press(place.address, batch, sent))
        except WorkerLost:
            for press in presses:
                press.lose(place.where)
        else:
            for press, (kind, body, seconds, events, rest) in zip(presses, answers, strict=True):
                self._measure(seconds)
                await press.all_heard(events)
                for stream, text in rest:
                    press.prints.add(text, is_error=stream == "e")
                press.finish(answer_of(kind, body, press.button))
        finally:
            place.batches.pop(batch, None)
            place.tasks.pop(batch, None)
            self._presses.pop(batch, None)
            self._flush_soon()
            self._free.serve()

    def _measure(self, seconds: float) -> None:
        """Take note of how long a press took on its worker."""
        before = seconds if self._seconds == math.inf else self._seconds
        self._seconds = max(1e-4, 0.8 * before + 0.2 * seconds)

    async def _end(self, press: BatchedPress) -> None:
        """End a press: on the worker by an exception in its thread, else by restarting the worker."""
        for one in self._workers.values():
            if press in one.waiting:
                one.waiting.remove(press)
                return
        place = next((one for one in self._workers.values() if press.batch in one.batches), None)
        cluster = self._cluster
        if place is None or await cluster.interrupt(place.address, press.batch, press.number, END_SECONDS):
            return
        stuck = [
            (one.batch, one.number)
            for batch in place.batches.values()
            for one in batch
            if one.answer.cancelled()
        ]
        why = ""
        if await cluster.others_on(place.address, place.batches):
            why = "that worker runs other tasks or holds their results, so it was not restarted"
        elif not await self._kill(place, stuck):
            why = "the worker has no nanny that could restart it, or runs other presses"
        if why:
            what = f"a press of `{press.button}` could not be ended and may still run on {place.where}"
            self._note(f"{what}: {why}")

    def _heard(self, batch: str, number: int, kind: str, text: str) -> None:
        presses = self._presses.get(batch)
        if presses is not None:
            presses[number].heard(kind, text)

    async def aclose(self) -> None:
        """Disconnect; presses have ended before, since each ends its own on a cancellation."""
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._free.close(BackendError("the run has ended"))
        await self._cluster.aclose()


class DaskTicket:
    """A place on a worker; see :class:`~drawer_ipy.engine.backends.base.Ticket`."""

    __slots__ = ("_backend", "_place", "where")

    def __init__(self, backend: DaskBackend, place: WorkerPlace) -> None:
        self._backend, self._place = backend, place
        self.where: str = place.where

    async def press(
        self, work: Work, begun: Callable[[], None] | None, log: Callable[[str], None] | None
    ) -> Answer:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        backend = self._backend
        packed = backend.sender.press(work)
        if isinstance(packed, Answer):
            return packed
        function, arguments = packed
        await backend.teach(function)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        press = BatchedPress(work.button, function, arguments, begun, answer, PressPrints(log))
        return await backend.press(self._place, press)

    def give_back(self) -> None:
        """See :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        self._backend.give_back(self._place)
