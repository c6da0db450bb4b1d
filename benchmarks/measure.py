"""Timing several ways of doing one job in turns, so that whatever slows the machine slows all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Values:
    """What the rounds gave, in any one unit."""

    all: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.all)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.all)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.all)

    def times(self, factor: float) -> Values:
        """The same in another unit."""
        return Values(tuple(value * factor for value in self.all))

    def over(self, other: Values) -> Values:
        """Round by round, this over `other`: neighbours in time are compared with one another."""
        return Values(tuple(a / b for a, b in zip(self.all, other.all, strict=True)))


def side_by_side(
    ways: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Values]:
    """Seconds each of `ways` takes on `clock`, `rounds` times each, after one round that does not count.

    The first round loads modules and wakes caches. Each round begins with another way, since the one
    that follows a hungry neighbour finds the memory untidy.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds + 1):
        for name in order:
            gc.collect()
            began = clock()
            ways[name]()
            seconds = clock() - began
            if number:
                taken[name].append(seconds)
        order.append(order.pop(0))
    return {name: Values(tuple(seconds)) for name, seconds in taken.items()}
