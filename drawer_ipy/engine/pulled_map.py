"""The bounded map over items that come from an iterator, one for each place that is free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from drawer_ipy.common.cancellation import Stop
from drawer_ipy.engine.group import Enough
from drawer_ipy.engine.item_source import END, InterruptedPull, ItemSource, IteratorRaised
from drawer_ipy.engine.pool import GIVE_WAY, BoundedMap, Gate


class PulledMap(BoundedMap):
    """A :class:`BoundedMap` that takes its items from an iterator.

    An item is taken only when its body could start at once, so at most `width` items are taken and have not
    ended. One item is taken at a time.

    Args:
        indices: indices of items that were taken before, which come first.
        source: where the others come from.
        add: receives an item that was taken and returns its index, or ``None`` if it needs no body.
        ended: called when the iterator has ended; returns the number of failures to tolerate from then on.
        width, body, tolerated, stop: see :class:`BoundedMap`.
        gates: those that decide whether there is a place, passed before an item is taken, and those that
            decide when a body starts, passed with the item.
    """

    def __init__(
        self,
        indices: Iterable[int],
        source: ItemSource,
        add: Callable[[Any], int | None],
        ended: Callable[[], int | None],
        width: int,
        body: Callable[[int], Awaitable[bool]],
        tolerated: int | None,
        gates: tuple[Sequence[Gate], Sequence[Gate]],
        stop: Stop,
    ) -> None:
        super().__init__((), width, body, tolerated, (), stop)
        self._indices = iter(indices)
        self._width = max(1, width)
        self._source = source
        self._add = add
        self._on_end = ended
        self._places, self._gates = gates
        self._turn = asyncio.Lock()
        self._more = True

    async def _worker(self) -> None:
        body, source, stop = self._body, self._source, self._stop
        gated = bool(self._places or self._gates)
        while self._more:
            if stop.wanted:
                return self._stopped()
            try:
                if gated or not source.direct:
                    index = await self._next_in_turn()
                else:
                    index = self._next_now()
            except (IteratorRaised, InterruptedPull) as fault:
                return self._broken(fault)
            if index is None:
                await self._give_way()
                continue
            if self._stop.wanted:  # since it was taken
                return self._stopped()
            try:
                if not await body(index):
                    self._failed()
            finally:
                if gated:
                    self._leave(self._places, self._gates)
            now = time.perf_counter()
            if now - self._gave_way > GIVE_WAY:
                await asyncio.sleep(0)
                self._gave_way = time.perf_counter()
        return None

    async def _give_way(self) -> None:
        if time.perf_counter() - self._gave_way > GIVE_WAY:
            await asyncio.sleep(0)
            self._gave_way = time.perf_counter()

    def _next_now(self) -> int | None:
        for index in self._indices:
            return index
        item = self._source.take_now()
        return self._add(item) if item is not END else self._end()

    async def _next_in_turn(self) -> int | None:
        """Wait for a place and take an item; return ``None`` if there is none, or none may start."""
        async with self._turn:
            if not self._more or self._stop.wanted:
                return None
            for gate in self._places:
                await gate.enter(None)
            index = None
            try:
                index = await self._next()
                if index is not None:
                    for gate in self._gates:
                        await gate.enter(index)
            except BaseException:
                index = None
                raise
            finally:
                if index is None:
                    self._leave(self._places)
            return index

    async def _next(self) -> int | None:
        for index in self._indices:
            return index
        item = await self._source.take()
        return self._end() if item is END else self._add(item)

    def _leave(self, *gates: Sequence[Gate]) -> None:
        for gate in chain(*gates):
            gate.leave()

    def _end(self) -> int | None:
        """The iterator has ended, so the number of items is known."""
        self._more = False
        self._tolerated = self._on_end()
        self._stop_if_too_many()
        return None

    def _broken(self, fault: Exception) -> None:
        """The iterator has raised: the other items end, unless the loop stops at the first failure."""
        self._more = False
        if isinstance(fault, InterruptedPull):
            self._stop.want_all()
            raise asyncio.CancelledError
        if self._tolerated == 0:
            self._enough = True
            self._stop.want()
            raise Enough
