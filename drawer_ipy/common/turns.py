"""Places that are given in the order they were asked for, however many there are at the moment."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Places:
    """Places for whoever works on one thing at once with others, and the line of those who wait for one.

    How many there are is for the asker to say, each time it could be told a place: it may change meanwhile.

    Attributes:
        taken: how many are given.
    """

    __slots__ = ("_waiting", "taken")

    def __init__(self) -> None:
        self.taken = 0
        self._waiting: deque[tuple[Callable[[], bool], asyncio.Future[None]]] = deque()

    @property
    def awaited(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    async def take(self, fits: Callable[[], bool]) -> bool:
        """Return when there is a place for one more, with whether that had to be waited for.

        Args:
            fits: says whether there is a place, by :attr:`taken`.
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
                self.give_back()  # the place was given to it at the same moment
            raise
        return True

    def give_back(self) -> None:
        """One who had a place has gone, whatever way."""
        self.taken -= 1
        self.let_in()

    def let_in(self) -> None:
        """Give places to those at the head of the line, as long as they fit."""
        while self._waiting:
            fits, place = self._waiting[0]
            if not place.done():  # else it was cancelled
                if not fits():
                    return
                self.taken += 1
                place.set_result(None)
            self._waiting.popleft()
