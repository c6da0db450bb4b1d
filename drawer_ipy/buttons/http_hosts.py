"""What a run knows of each host it asks: requests on their way, and how long it wants to be left alone.

A host that answers 429 or 503 is left alone by the whole run: for the time its Retry-After says, else for
a second, two, four and so on. After that it is asked by half as many at once as before, and by one more
each time a round of them went well: the manner in which TCP finds out what a line bears.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque

from drawer_ipy.buttons.http_failure import RequestFailed

LONGEST_PAUSE = 300.0
"""Seconds a request waits for a host at most; one that asks for more is not asked at all meanwhile."""

_FIRST_PAUSE = 1.0
_LONGEST_GUESS = 60.0
_SPREAD = 0.25
"""Share of a pause (of a second, where it is longer) that is added at random, so that waiting requests do not
come back all at once."""


class Host:
    """One host of a run.

    Args:
        name: host and port, for messages.

    Attributes:
        in_flight: requests on their way.
        window: most requests at once since it said that they were too many; ``None`` while it has not.
        paused_until: time of the loop until which it is left alone.
    """

    __slots__ = (
        "_begun",
        "_gap",
        "_next",
        "_strikes",
        "_waiting",
        "in_flight",
        "name",
        "paused_until",
        "window",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.in_flight = 0
        self.window: float | None = None
        self.paused_until = 0.0
        self._strikes = 0
        self._begun = 0.0
        self._gap = 0.0
        self._next = 0.0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def is_free(self, limit: int) -> bool:
        """Whether a request may begin right now, with at most `limit` at once (0: any number)."""
        return not self._waiting and not self._gap and not self.paused_until and self._fits(limit)

    def _fits(self, limit: int) -> bool:
        if limit and self.in_flight >= limit:
            return False
        return self.window is None or self.in_flight < max(1, int(self.window))

    async def enter(self, limit: int) -> None:
        """Count one request more, when its turn has come; they come in the order they were asked for.

        Raises:
            RequestFailed: when the host wants to be left alone for longer than a run waits.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._pause(loop)
            if not self._waiting and self._fits(limit):
                self.in_flight += 1
                return
            place: asyncio.Future[None] = loop.create_future()
            self._waiting.append((limit, place))
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self.leave()  # the place was given to it at the same moment
                raise
            # The place is held already; a pause that began meanwhile is kept to all the same.
            if not self.paused_until:
                return
            self.leave()

    async def _pause(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait while the host is to be left alone, and for the next turn where turns have a gap."""
        while self.paused_until:
            wait = self.paused_until - loop.time()
            if wait > LONGEST_PAUSE:
                raise RequestFailed(
                    f"{self.name} asks to be left alone for another {wait:,.0f} s",
                    remediation="run it again later; a run waits for a host up to "
                    f"{LONGEST_PAUSE / 60:.0f} minutes",
                    sent=False,
                    final=True,
                    retry_after=wait,
                )
            if wait <= 0:
                self.paused_until = 0.0
                break
            await asyncio.sleep(wait + _SPREAD * random.random() * min(wait, 1.0))
        if self._gap:
            turn = max(loop.time(), self._next)
            self._next = turn + self._gap
            if turn > loop.time():
                await asyncio.sleep(turn - loop.time())

    def leave(self) -> None:
        """A request that had entered has ended, whatever way."""
        self.in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        waiting = self._waiting
        while waiting:
            limit, place = waiting[0]
            if place.done():  # it was cancelled
                waiting.popleft()
            elif self._fits(limit):
                waiting.popleft()
                self.in_flight += 1
                place.set_result(None)
            else:
                return

    def space(self, gap: float) -> None:
        """Keep at least `gap` seconds between two requests (robots.txt's Crawl-delay)."""
        self._gap = max(self._gap, gap)

    def went_well(self) -> None:
        """An answer came that was no complaint."""
        self._strikes = 0
        if self.window is not None:
            self.window += 1.0 / self.window
            self._let_in()

    def complained(self, began: float, retry_after: float | None) -> float:
        """It answered 429 or 503 to a request that began at `began`; returns the seconds it is left alone.

        Answers to requests that were on their way already when it first complained say nothing new.
        """
        now = asyncio.get_running_loop().time()
        if began >= self._begun:
            self._begun = now
            self._strikes += 1
            self.window = max(1.0, (self.in_flight if self.window is None else self.window) / 2)
            guess = min(_LONGEST_GUESS, _FIRST_PAUSE * 2.0 ** (self._strikes - 1))
            self.paused_until = max(self.paused_until, now + (guess if retry_after is None else retry_after))
        elif retry_after is not None:
            self.paused_until = max(self.paused_until, now + retry_after)
        return max(0.0, self.paused_until - now)
