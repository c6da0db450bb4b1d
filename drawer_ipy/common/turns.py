"""Turns, first come, first served: places for concurrent work, and starts that keep a gap."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


class Places:
    """Places for concurrent work, and the queue of tasks that wait for one.

    The number of places is not fixed: each waiter brings a test that decides whether it fits now.

    Attributes:
        taken: the number of places in use.
    """

    __slots__ = ("_waiting", "taken")

    def __init__(self) -> None:
        self.taken: int = 0
        self._waiting: deque[tuple[Callable[[], bool], asyncio.Future[None]]] = deque()

    @property
    def awaited(self) -> bool:
        """Whether a task is waiting for a place."""
        return bool(self._waiting)

    async def take(
        self, fits: Callable[[], bool], pausing: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """Wait for a place and take it.

        Args:
            fits: tests whether there is a free place, given :attr:`taken`.
            pausing: returns the context in which the caller waits.
        """
        if not self._waiting and fits():
            self.taken += 1
            return
        with pausing():
            await self._wait(fits)

    async def _wait(self, fits: Callable[[], bool]) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((fits, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()  # it got the place at the moment it was cancelled
            raise

    def give_back(self) -> None:
        """Free a place and admit the next waiters."""
        self.taken -= 1
        self.let_in()

    def let_in(self) -> None:
        """Give places to the waiters at the head of the queue while they fit."""
        while self._waiting:
            fits, place = self._waiting[0]
            if not place.done():  # otherwise the waiter was cancelled
                if not fits():
                    return
                self.taken += 1
                place.set_result(None)
            self._waiting.popleft()


class SpacedTurns:
    """A queue whose waiters pass one by one, at least a gap apart.

    Args:
        gap: seconds between two waiters.
        catch_up: the share of the gap, from 0 to 1, by which it may be shorter after a late turn.

    Attributes:
        gap: the same; it may be changed.
    """

    __slots__ = ("_ahead", "_catch_up", "_due", "_first", "gap")

    def __init__(self, gap: float, *, catch_up: float = 0.0) -> None:
        self.gap: float = gap
        self._catch_up = catch_up
        self._due = 0.0
        self._ahead = 0.0  # seconds that the waiters add to the wait of the next one
        self._first = asyncio.Lock()  # only the first waiter waits for the clock; the lock is fair

    async def take(
        self, cost: float = 1.0, pausing: Callable[[float], AbstractContextManager[None]] | None = None
    ) -> None:
        """Wait for this caller's turn; turns come in the order of the calls.

        Args:
            cost: the number of gaps that the next waiter keeps from this one.
            pausing: returns the context in which the caller waits for a number of seconds.
        """
        seconds = max(0.0, self._due - asyncio.get_running_loop().time()) + self._ahead
        if pausing is None or seconds <= 0:
            await self._take(cost)
            return
        with pausing(seconds):
            await self._take(cost)

    async def _take(self, cost: float) -> None:
        clock = asyncio.get_running_loop().time
        gap = self.gap * cost
        self._ahead += gap
        try:
            async with self._first:
                now = clock()
                turn = max(self._due, now)
                if turn > now:
                    await asyncio.sleep(turn - now)
                self._due = max(turn, clock() - self._catch_up * gap) + gap
        finally:
            self._ahead -= gap
