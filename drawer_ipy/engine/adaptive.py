"""``parallelism: auto``: how many bodies at once bring the most, found out while they run.

The manner is TCP's. The width doubles while that makes more items end in a second; from then on it grows
by one a round (additive increase). It is halved when the other side says that it has too much to do, once
for all the bodies that were under way together (multiplicative decrease), and gives back a quarter when a
body takes more than twice as long as it did when the width was found: a server may queue in silence.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from drawer_ipy.common.turns import Places

_START = 2.0
_LEAST_ROUND = 8
"""Bodies a round has at least; fewer tell nothing about the time they take."""

_GAIN = 1.3
"""How many times more must end in a second for another doubling of the width to be worth it."""

_SLOW = 2.0
"""How many times longer than at first a body may take until the width is taken back."""


class AdaptiveWidth:
    """The width of a loop that finds its own.

    Args:
        most: never more than so many at once, from 1 up.
        changed: called with the first width and each new one.
        clock: seconds on a monotonic clock.

    Attributes:
        width: how many may be under way now, 1 to `most`.
    """

    def __init__(
        self,
        most: int,
        changed: Callable[[int], None] = lambda _width: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._most = float(max(1, most))
        self._clock = clock
        self._changed = changed
        self._exact = min(_START, self._most)
        self.width = int(self._exact)
        self._places = Places()
        self._ramping = True
        self._usual: float | None = None  # seconds a body took when the width was found
        self._rate = 0.0  # bodies a second in the round before
        self._cut_at = float("-inf")
        self._begin_round(clock())
        changed(self.width)

    def _begin_round(self, now: float) -> None:
        self._since = now
        self._ended = 0
        self._seconds = 0.0

    async def enter(self) -> None:
        """Return when there is a place for one body more; they come in the order they asked."""
        await self._places.take(self._fits)

    def leave(self) -> None:
        """A body that had entered has ended, whatever way."""
        self._places.give_back()

    def _fits(self) -> bool:
        return self._places.taken < self.width

    def learn(self, began: float, asked_for_less: bool) -> None:
        """Draw conclusions from a body that ended by itself.

        Args:
            began: the clock's time when it began.
            asked_for_less: whether the other side said that it has too much to do.
        """
        now = self._clock()
        if asked_for_less:
            # What had begun before the last cut only says again what led to it.
            if began >= self._cut_at:
                self._cut_at = now
                self._ramping = False
                self._resize(self._exact / 2, now)
            return
        self._ended += 1
        self._seconds += now - began
        if self._ended >= max(_LEAST_ROUND, 2 * self.width):
            self._end_round(now)

    def _end_round(self, now: float) -> None:
        rate = self._ended / max(now - self._since, 1e-9)
        took = self._seconds / self._ended
        if self._ramping:
            gained = rate >= self._rate * _GAIN
            self._ramping = gained and self._exact < self._most
            if gained:
                self._rate, self._usual = rate, took
            # Without a gain the width before was as good, and kinder.
            self._resize(self._exact * 2 if gained else self._exact / 2, now)
            return
        if self._usual is None or self.width == 1:
            self._usual = took  # alone, a body takes as long as it takes
        slow = took > self._usual * _SLOW
        self._resize(self._exact * 0.75 if slow else self._exact + 1, now)

    def _resize(self, exact: float, now: float) -> None:
        self._exact = min(self._most, max(1.0, exact))
        self._begin_round(now)
        width = int(self._exact)
        if width != self.width:
            self.width = width
            self._changed(width)
            self._places.let_in()
