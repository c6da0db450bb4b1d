"""``parallelism: auto``: find the number of concurrent bodies with the best throughput while they run.

It works like TCP's congestion control. The width doubles while that raises the throughput; after that it
grows by one per round (additive increase). When the server reports overload, the width is halved, once for
all bodies that were running together (multiplicative decrease). When bodies take more than twice as long as
when the width was found, it shrinks by a quarter, since a server may queue requests without reporting it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from drawer_ipy.common.turns import Places

_START = 2.0
_LEAST_ROUND = 8
"""Least number of bodies in a round; with fewer, their mean time is not reliable."""

_GAIN = 1.3
"""Factor by which the throughput must grow for the width to be doubled again."""

_SLOW = 2.0
"""Factor by which bodies may become slower before the width is reduced."""


class AdaptiveWidth:
    """A loop's width that adapts itself.

    Args:
        most: the largest width, at least 1.
        changed: called with the first width and each new one.
        clock: a monotonic clock, in seconds.

    Attributes:
        width: how many bodies may run now, from 1 to `most`.
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
        self.width: int = int(self._exact)
        self._places = Places()
        self._ramping = True
        self._usual: float | None = None  # seconds per body when the width was found
        self._rate = 0.0  # bodies per second in the previous round
        self._cut_at = float("-inf")
        self._begin_round(clock())
        changed(self.width)

    def _begin_round(self, now: float) -> None:
        self._since = now
        self._ended = 0
        self._seconds = 0.0

    async def enter(self, index: int | None = None) -> None:  # noqa: ARG002 - as Gate
        """Wait until one more body may run; bodies start in the order in which they called."""
        await self._places.take(self._fits)

    def leave(self) -> None:
        """Report that a body which had entered has ended, for any reason."""
        self._places.give_back()

    def _fits(self) -> bool:
        return self._places.taken < self.width

    def learn(self, began: float, asked_for_less: bool) -> None:
        """Adapt the width after a body that ended by itself.

        Args:
            began: the clock's time when the body began.
            asked_for_less: whether the server reported overload.
        """
        now = self._clock()
        if asked_for_less:
            # A body that began before the last cut only repeats the reason for it.
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
            # There was no gain, so return to the previous width, which loads the server less.
            self._resize(self._exact * 2 if gained else self._exact / 2, now)
            return
        if self._usual is None or self.width == 1:
            self._usual = took  # a body that runs alone sets its own pace
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
