"""The time of a run: seconds since the epoch that never jump."""

from __future__ import annotations

import time


class Clock:
    """The wall clock when it is made, and monotonic time from then on.

    Differences between its times are true durations, also when the system's clock is set meanwhile.

    Attributes:
        zero: what to add to ``time.perf_counter()``, for code that is too busy for a call.
    """

    __slots__ = ("zero",)

    def __init__(self) -> None:
        self.zero = time.time() - time.perf_counter()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.zero + time.perf_counter()
