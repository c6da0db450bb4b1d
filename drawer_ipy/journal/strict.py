"""The ledger of a strict run: the run waits for the disk, and many items wait for one write.

The engine calls it on the event loop. The writer's thread takes what has come together since its last write,
and reports when that is on disk. Until then, what has ended still counts as running in the record.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.step import StepResult

_PATIENCE = 1.0
"""Seconds for which a run that was cancelled waits for the disk."""


@dataclass(slots=True)
class Batch:
    """What one write is to bring to the disk.

    Attributes:
        waiting: what waits for it.
        ended: what to call when it is there.
    """

    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    ended: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for it."""
        return not (self.waiting or self.ended)


class LoopAhead:
    """What has happened in a loop and does not show in its record yet.

    The event loop's thread changes it; the writer's thread reads it.

    Attributes:
        loop: the loop.
        begun: the items that have begun or are about to -> when, in seconds since the loop's epoch.
        ended: the items that have ended -> their states.
        touched: the items in which steps, or items of loops, have ended since the writer looked.
        inner: id of the record of a loop in one of the items -> the same for that one.
    """

    def __init__(self, loop: LoopRecord) -> None:
        self.loop = loop
        self.begun: dict[int, float] = {}
        self.ended: dict[int, int] = {}
        self.touched: set[int] = set()
        self.inner: dict[int, LoopAhead] = {}

    def as_recorded(self) -> LoopRecord:
        """Return the loop with the states that its items have ended in."""
        ended = dict(self.ended)  # before the states: one that is removed meanwhile is among them then
        if not ended:
            return self.loop
        ahead = copy.copy(self.loop)
        ahead.states = bytearray(ahead.states)
        for index, state in ended.items():
            ahead.states[index] = state
        return ahead

    def with_inner(self, index: int) -> LoopRecord:
        """Return the loop as :meth:`as_recorded`, and likewise the loops inside item `index`."""
        ahead = copy.copy(self.loop)
        ahead.columns = []
        for column in self.loop.columns:
            output = column.entries[index]
            inner = self.inner.get(id(output.record)) if isinstance(output, LoopOutput) else None
            ahead.columns.append(column)
            if inner is not None:
                own = ahead.columns[-1] = copy.copy(column)
                own.outputs = _OneOutput(LoopOutput(inner.as_recorded(), output.hidden))
        return ahead

    def take_touched(self) -> set[int]:
        """Return the items that were touched, and forget them."""
        found = set()
        with contextlib.suppress(KeyError):
            while True:  # one by one: the other thread may add to them meanwhile
                found.add(self.touched.pop())
        return found


class _OneOutput(list[LoopOutput]):
    """The outputs of a column of which only one is read."""

    def __init__(self, output: LoopOutput) -> None:
        super().__init__([output])

    def __getitem__(self, key: object) -> object:  # type: ignore[override]
        return list(self) if isinstance(key, slice) else super().__getitem__(0)


class StrictLedger:
    """Makes a run wait for its writer; see :class:`~drawer_ipy.engine.ledger.Ledger`.

    Attributes:
        steps: id of the result of a top-level step that has ended -> its status, until that is on disk.
    """

    def __init__(self) -> None:
        self.steps: dict[int, str] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._batch = Batch()
        self._loops: dict[int, LoopAhead] = {}
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._open: set[Callable[[], None]] = set()
        self._broken = False

    # The engine's side

    def items(self, loop: LoopRecord, outer: tuple[LoopRecord, int] | None) -> ItemsAhead:
        """See :meth:`~drawer_ipy.engine.ledger.Ledger.items`."""
        ahead = LoopAhead(loop)
        if outer is None:
            self._loops[id(loop)] = ahead
            return ItemsAhead(self, ahead, None)
        around = self._loops[id(outer[0])]
        around.inner[id(loop)] = ahead
        return ItemsAhead(self, ahead, (around, outer[1]))

    async def step_begins(self) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.Ledger.step_begins`."""
        await self.written()

    async def step_ended(self, result: StepResult) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.Ledger.step_ended`."""
        status, key = result.status, id(result)

        def done() -> None:
            result.status = status
            self.steps.pop(key, None)

        self.steps[key], result.status = status, "running"
        await self.until_done(self.add(done))

    async def written(self) -> None:
        """Wait until everything up to now is on disk."""
        await self._ticket()

    def add(self, done: Callable[[], None]) -> Callable[[], None]:
        """Call `done` when everything up to now is on disk; return it."""
        if self._broken:
            done()
            return done
        self._open.add(done)
        with self._lock:
            self._batch.ended.append(done)
        self._wake.set()
        return done

    async def until_done(self, *wanted: Callable[[], None]) -> None:
        """Wait until all of `wanted`, which were added, have been called.

        Raises:
            asyncio.CancelledError: the caller was cancelled; they have been called.
        """
        if not _is_running():
            return
        interrupted: asyncio.CancelledError | None = None
        while not self._open.isdisjoint(wanted):
            ticket = self._ticket()
            try:
                await asyncio.wait({ticket}, timeout=None if interrupted is None else _PATIENCE)
            except asyncio.CancelledError as error:
                interrupted = error
                continue
            if interrupted is not None and not ticket.done():
                for done in wanted:  # the disk does not respond, and the user is waiting
                    self._call(done)
        if interrupted is not None:
            raise interrupted

    def _ticket(self) -> asyncio.Future[None]:
        made = asyncio.get_running_loop().create_future()
        if not self._broken:  # else the run is being cancelled
            with self._lock:
                self._batch.waiting.append(made)
            self._wake.set()
        return made

    def _call(self, done: Callable[[], None]) -> None:
        if done in self._open:
            self._open.discard(done)
            done()

    def attach(self, event_loop: asyncio.AbstractEventLoop) -> None:
        """Take note of the loop on which the run has started."""
        self._event_loop = event_loop

    # The writer's side

    def wait(self, seconds: float) -> None:
        """Wait until there is something to write, at most for `seconds`."""
        self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """End the writer's wait."""
        self._wake.set()

    def take(self) -> Batch:
        """Return what the next write is to bring to the disk."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
        return batch

    def ahead_of(self, loop: LoopRecord) -> LoopAhead:
        """Return what does not show in the record of a top-level loop."""
        found = self._loops.get(id(loop))
        return LoopAhead(loop) if found is None or found.loop is not loop else found

    def written_now(self, batch: Batch) -> None:
        """Report that `batch` is on disk."""
        if not batch.is_empty:
            self._later(lambda: self._finish(batch))

    def failed(self, report: Callable[[], None]) -> None:
        """Report that nothing can be written; calls `report` on the event loop."""

        def fail() -> None:
            self._broken = True
            report()
            for done in list(self._open):
                self._call(done)

        self._later(fail)

    def _later(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits any more
            if self._event_loop is not None:
                self._event_loop.call_soon_threadsafe(call)

    def _finish(self, batch: Batch) -> None:
        for done in batch.ended:
            self._call(done)
        for future in batch.waiting:
            if not future.done():
                future.set_result(None)


def _is_running() -> bool:
    """Whether there is an event loop; there is none if it was stopped and its coroutines are closed."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class ItemsAhead:
    """The ledger of the items of one loop; see :class:`~drawer_ipy.engine.ledger.ItemLedger`.

    Args:
        ledger: the ledger of the run.
        ahead: receives what happens.
        outer: the same of the loop around it, and the item in that; ``None`` for a top-level loop.
    """

    def __init__(self, ledger: StrictLedger, ahead: LoopAhead, outer: tuple[LoopAhead, int] | None) -> None:
        self._ledger = ledger
        self._ahead = ahead
        self._outer = outer
        self._unsettled: set[Callable[[], None]] = set()

    async def begin(self, index: int) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.ItemLedger.begin`."""
        self._ahead.begun[index] = perf_counter() - self._ahead.loop.epoch
        self._touch(None)
        try:
            await self._ledger.written()
        except BaseException:
            self._ahead.begun.pop(index, None)
            raise

    async def step_ended(self, index: int) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.ItemLedger.step_ended`."""
        self._touch(index)
        await self._ledger.written()

    def ended(self, index: int, state: int, done: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.ItemLedger.ended`."""
        ahead = self._ahead

        def recorded() -> None:
            self._unsettled.discard(recorded)
            ahead.begun.pop(index, None)
            done()
            ahead.ended.pop(index, None)

        ahead.ended[index] = state
        self._unsettled.add(recorded)
        self._touch(None)
        self._ledger.add(recorded)

    async def settle(self) -> None:
        """See :meth:`~drawer_ipy.engine.ledger.ItemLedger.settle`."""
        try:
            await self._ledger.until_done(*self._unsettled)
        finally:
            if self._outer is not None:
                self._outer[0].inner.pop(id(self._ahead.loop), None)

    def _touch(self, index: int | None) -> None:
        """Have the item written with the loops inside it, if something has changed in it."""
        if self._outer is not None:
            around, index_around = self._outer
            around.touched.add(index_around)
        elif index is not None:
            self._ahead.touched.add(index)


def in_flight(ahead: LoopAhead) -> Mapping[int, float]:
    """Return the items that have begun and not ended -> when they began."""
    ended = dict(ahead.ended)
    return {index: at for index, at in sorted(dict(ahead.begun).items()) if index not in ended}
