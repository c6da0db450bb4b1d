"""What a run knows of each host it asks: requests on their way, and how long it wants to be left alone.

A host that answers 429 or 503 is left alone by the whole run: for the time its Retry-After says, else for
a second, two, four and so on. After that it is asked by half as many at once as before, and by one more
each time a round of them went well: the manner in which TCP finds out what a line bears.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial

from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.common.turns import Places

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
        window: most requests at once since it said that they were too many; ``None`` while it has not.
        paused_until: time of the loop until which it is left alone.
    """

    __slots__ = (
        "_begun",
        "_gap",
        "_next",
        "_places",
        "_strikes",
        "name",
        "paused_until",
        "window",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self._places = Places()
        self.window: float | None = None
        self.paused_until = 0.0
        self._strikes = 0
        self._begun = 0.0
        self._gap = 0.0
        self._next = 0.0

    @property
    def in_flight(self) -> int:
        """Requests on their way."""
        return self._places.taken

    def begin(self, limit: int) -> bool:
        """Count one request more, if it may begin right now, with at most `limit` at once (0: any number)."""
        if self._gap or self.paused_until or self._places.awaited or not self._fits(limit):
            return False
        self._places.taken += 1
        return True

    def _fits(self, limit: int) -> bool:
        taken = self._places.taken
        if limit and taken >= limit:
            return False
        return self.window is None or taken < max(1, int(self.window))

    async def enter(self, limit: int) -> None:
        """Count one request more, when its turn has come; they come in the order they were asked for.

        Raises:
            RequestFailed: when the host wants to be left alone for longer than a run waits.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._pause(loop)
            waited = await self._places.take(partial(self._fits, limit))
            # The place is held already; a pause that began meanwhile is kept to all the same.
            if not (waited and self.paused_until):
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
        self._places.give_back()

    def space(self, gap: float) -> None:
        """Keep at least `gap` seconds between two requests (robots.txt's Crawl-delay)."""
        self._gap = max(self._gap, gap)

    def went_well(self) -> None:
        """An answer came that was not a complaint."""
        self._strikes = 0
        if self.window is not None:
            self.window += 1.0 / self.window
            self._places.let_in()

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
