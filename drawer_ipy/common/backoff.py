"""Backoff: how long to wait before a retry."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow with each attempt.

    Attributes:
        initial: delay after the first attempt, in seconds.
        factor: growth per attempt; 1 keeps the delay constant.
        cap: the longest delay, in seconds.
        jitter: the random share of a delay, from 0 to 1 (1 is full jitter).
    """

    initial: float
    factor: float
    cap: float
    jitter: float

    def delay(self, attempt: int, at_least: float | None = None) -> float:
        """Return the delay in seconds after attempt number `attempt`, counted from 1.

        Args:
            at_least: seconds the server asked for; neither the cap nor the jitter makes the delay shorter.
        """
        try:
            delay = self.initial * self.factor ** (attempt - 1)
        except OverflowError:
            delay = self.cap if self.initial else 0.0
        delay = min(delay, self.cap)
        if self.jitter:
            delay *= 1 - self.jitter * random.random()
        return max(delay, at_least or 0.0)
