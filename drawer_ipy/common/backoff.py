"""How long to wait before another attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow from attempt to attempt.

    Attributes:
        initial: seconds after the first attempt.
        factor: growth per attempt; 1 keeps the wait as it is.
        cap: most seconds.
        jitter: share of a wait that is random, 0 to 1 (1 is full jitter).
    """

    initial: float
    factor: float
    cap: float
    jitter: float

    def delay(self, attempt: int, at_least: float | None = None) -> float:
        """Seconds to wait after attempt number `attempt`, which counts from 1.

        Args:
            at_least: what the server asked for; neither the cap nor the jitter makes the wait shorter.
        """
        try:
            delay = self.initial * self.factor ** (attempt - 1)
        except OverflowError:
            delay = self.cap if self.initial else 0.0
        delay = min(delay, self.cap)
        if self.jitter:
            delay *= 1 - self.jitter * random.random()
        return max(delay, at_least or 0.0)
