"""The clock of a run: seconds since the epoch that never jump."""

from __future__ import annotations

import time


class Clock:
    """The wall clock at creation, and monotonic time from then on.

    Differences between its times are true durations, even if the system clock is set meanwhile.

    Attributes:
        zero: the offset to add to ``time.perf_counter()``, for hot code that avoids the call.
    """

    __slots__ = ("zero",)

    def __init__(self) -> None:
        self.zero: float = time.time() - time.perf_counter()

    def __call__(self) -> float:
        """Return the seconds since the epoch."""
        return self.zero + time.perf_counter()
