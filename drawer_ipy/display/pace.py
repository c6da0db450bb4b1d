"""Recent throughput and the time left."""

from __future__ import annotations

from collections import deque

_WINDOW = 10.0
_APART = 0.25
_SAMPLES = 256
_SOONEST = 0.05


class Pace:
    """A rate over a sliding window of samples, for items of milliseconds as well as minutes.

    The window is the last 10 seconds, or longer if too few items ended in them: at least twice the number of
    items that run at once, since items that start together end together.

    Args:
        now: seconds on the caller's monotonic clock when the first item may begin.
        width: the number of items that run at once.
        done: the number of items that had ended by then.
    """

    __slots__ = ("_began", "_enough", "_first", "_rate", "_samples")

    def __init__(self, now: float, width: int, done: int = 0) -> None:
        self._began = now
        self._rate = 0.0  # the last rate that was measured while items could end
        self._first = min(max(1, width), 5)
        self._enough = max(5, 2 * width)
        self._samples: deque[tuple[float, int]] = deque([(now, done)], maxlen=_SAMPLES)

    def measure(
        self, now: float, done: int, left: int, stays: float | None = None
    ) -> tuple[float, float | None]:
        """The rate at `now`, when `done` items have ended and `left` have not.

        Args:
            stays: seconds for which no item can end, since all wait; ``None`` if one can. The time left is
                then that of the wait, and of the other items at the rate before it.

        Returns:
            Items per second, finite and not negative, and the seconds until all have ended: ``None`` if there
            are too few samples or no items are left.
        """
        samples = self._samples
        if stays is not None and done == samples[-1][1]:
            known = left and self._rate and done >= self._first
            return self._measured(now, done), stays + left / self._rate if known else None
        if done != samples[-1][1] and now - samples[-1][0] >= _APART:
            samples.append((now, done))
        while len(samples) > 1 and now - samples[1][0] >= _WINDOW and done - samples[1][1] >= self._enough:
            samples.popleft()
        rate = self._rate = self._measured(now, done)
        if not left or not rate or done < self._first or now - self._began < 1.0:
            return rate, None
        return rate, left / rate

    def _measured(self, now: float, done: int) -> float:
        since, before = self._samples[0]
        # Right after the start, the elapsed time is too small to divide by.
        return max(0, done - before) / max(now - since, _SOONEST)
