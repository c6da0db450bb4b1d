"""The state of each host during a run: its requests in flight, and how long it must not be contacted.

After a response of 429 or 503, the whole run pauses requests to the host: for the time in Retry-After, or
else for one second, two, four and so on. Then it sends half as many requests concurrently as before, and adds
one after each successful round. TCP's congestion control works in the same way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.common.turns import Places, SpacedTurns
from drawer_ipy.record.waits import Reason, Why

LONGEST_PAUSE = 300.0
"""Longest pause in seconds; a request to a host that asks for a longer one fails at once."""

_FIRST_PAUSE = 1.0
_LONGEST_GUESS = 60.0
_SPREAD = 0.25
"""Share of a pause (at most of one second) that is added at random, so that waiting requests do not all
start at the same moment.
"""


Pausing = Callable[[Reason, float | None], AbstractContextManager[None]]
"""Returns the context in which a press waits; see :meth:`~drawer_ipy.buttons.base.Waiter.pausing`."""


def _unseen(_reason: Reason, _seconds: float | None) -> AbstractContextManager[None]:
    return nullcontext()


class Host:
    """One host of a run.

    Args:
        name: host and port, for messages.

    Attributes:
        window: limit on concurrent requests since the host first complained; ``None`` before that.
        paused_until: the time of the event loop until which no requests are sent to it.
    """

    __slots__ = (
        "_begun",
        "_places",
        "_starts",
        "_strikes",
        "_turns",
        "name",
        "paused_until",
        "window",
    )

    def __init__(self, name: str) -> None:
        self.name: str = name
        self._places = Places()
        self.window: float | None = None
        self.paused_until: float = 0.0
        self._strikes = 0
        self._begun = 0.0
        # A request takes its turn before its place, so that it holds no place while it waits for the gap. It
        # takes another one with its place, since several places may become free together.
        self._turns = SpacedTurns(0.0)
        self._starts = SpacedTurns(0.0)

    @property
    def in_flight(self) -> int:
        """The number of requests in flight."""
        return self._places.taken

    def begin(self, limit: int) -> bool:
        """Count a request if it may start now, with at most `limit` in flight (0: no limit)."""
        if self._turns.gap or self.paused_until or self._places.awaited or not self._fits(limit):
            return False
        self._places.taken += 1
        return True

    def _fits(self, limit: int) -> bool:
        taken = self._places.taken
        if limit and taken >= limit:
            return False
        return self.window is None or taken < max(1, int(self.window))

    async def enter(self, limit: int, pausing: Pausing = _unseen) -> None:
        """Wait for a turn, first come, first served, and count a request.

        Args:
            limit: most requests in flight, 0 for no limit.
            pausing: shows what the request waits for.

        Raises:
            RequestFailed: the host requires a longer pause than a run waits.
        """
        fits = partial(self._fits, limit)
        while True:
            await self._pause(pausing)
            await self._space_out(self._turns, pausing)
            await self._places.take(fits, partial(pausing, Reason(Why.BUSY, self.name), None))
            try:
                await self._space_out(self._starts, pausing)
            except BaseException:
                self.leave()
                raise
            # A pause that began while this request waited applies to it, too.
            if not self.paused_until:
                return
            self.leave()

    async def _space_out(self, turns: SpacedTurns, pausing: Pausing) -> None:
        """Wait for a turn if requests must keep a gap."""
        if turns.gap:
            await turns.take(pausing=partial(pausing, Reason(Why.BUSY, self.name)))

    async def _pause(self, pausing: Pausing) -> None:
        """Wait until the end of a pause."""
        loop = asyncio.get_running_loop()
        while self.paused_until:
            wait = self.paused_until - loop.time()
            if wait > LONGEST_PAUSE:
                raise RequestFailed(
                    f"{self.name} requires a pause of another {wait:,.0f} s",
                    remediation="run it again later; a run waits for a host up to "
                    f"{LONGEST_PAUSE / 60:.0f} minutes",
                    sent=False,
                    final=True,
                    retry_after=wait,
                )
            if wait <= 0:
                self.paused_until = 0.0
                break
            with pausing(Reason(Why.ASKED, self.name), wait):
                await asyncio.sleep(wait + _SPREAD * random.random() * min(wait, 1.0))

    def leave(self) -> None:
        """Count the end of a request that had entered, whether it succeeded or not."""
        self._places.give_back()

    def space(self, gap: float) -> None:
        """Keep at least `gap` seconds between two requests (robots.txt's Crawl-delay)."""
        for turns in (self._turns, self._starts):
            turns.gap = max(turns.gap, gap)

    def went_well(self) -> None:
        """Record a response that was not a complaint."""
        self._strikes = 0
        if self.window is not None:
            self.window += 1.0 / self.window
            self._places.let_in()

    def complained(self, began: float, retry_after: float | None) -> float:
        """Record a 429 or 503 for a request sent at `began`; return the length of the pause in seconds.

        Responses to requests that were already in flight at the first complaint do not extend the pause.
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
