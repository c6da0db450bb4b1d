"""A semaphore whose size may change, with a first-in, first-out queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


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

    async def take(self, fits: Callable[[], bool]) -> bool:
        """Wait for a place and take it; return whether it had to wait.

        Args:
            fits: tests whether there is a free place, given :attr:`taken`.
        """
        if not self._waiting and fits():
            self.taken += 1
            return False
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((fits, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()  # it got the place at the moment it was cancelled
            raise
        return True

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
