"""The state of a running demo site: request counts, flaky keys, rate-limited keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_PATHS = 10_000
"""Number of distinct paths that are counted separately; further ones count as ``(other)``."""


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of the counters.

    ``requests`` counts requests since the start or the last reset, ``by_path`` splits them by path
    (without the query), ``in_flight`` is the number of handlers that are running now and ``max_in_flight``
    the largest number at once. Requests for pages without a wait never overlap: to see how many requests a
    client makes at once, use ``/slow/{ms}`` or ``/mixed/{id}``.
    """

    requests: int
    by_path: dict[str, int]
    in_flight: int
    max_in_flight: int


@dataclass(slots=True)
class _Window:
    """The number of requests of a rate-limited key, and when it opens again (None: it is open)."""

    used: int = 0
    opens_at: float | None = None


@dataclass(slots=True)
class DemoState:
    """Counters of one site.

    The server's loop writes while another thread may read or reset, so every method takes the lock.
    ``clock`` returns monotonic seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: int = 0
    _in_flight: int = 0
    _max_in_flight: int = 0
    _by_path: dict[str, int] = field(default_factory=dict)
    _flaky: dict[str, int] = field(default_factory=dict)
    _limited: dict[str, _Window] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=dict)

    def enter(self, path: str) -> None:
        """Count a new request for ``path``."""
        with self._lock:
            self._requests += 1
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
            if path not in self._by_path and len(self._by_path) >= MAX_PATHS:
                path = "(other)"
            self._by_path[path] = self._by_path.get(path, 0) + 1

    def leave(self) -> None:
        """Count the end of a request."""
        with self._lock:
            self._in_flight -= 1

    def stats(self) -> Stats:
        """Return a snapshot that later requests do not change."""
        with self._lock:
            return Stats(self._requests, dict(self._by_path), self._in_flight, self._max_in_flight)

    def reset(self) -> None:
        """Reset counts, flaky keys and rate limits; running requests stay in ``in_flight``."""
        with self._lock:
            self._requests = 0
            self._max_in_flight = self._in_flight
            self._by_path.clear()
            self._flaky.clear()
            self._limited.clear()
            self._spent.clear()

    def flaky_attempt(self, key: str) -> int:
        """Count one more request for a flaky key; return its number, starting at 1."""
        with self._lock:
            attempt = self._flaky[key] = self._flaky.get(key, 0) + 1
            return attempt

    def limited_wait(self, key: str, after: int, retry_after: float) -> float:
        """Request one use of a rate-limited key.

        Returns 0 if it is allowed, and otherwise the seconds until the key opens again. ``after`` requests
        are allowed; the next one closes the key for ``retry_after`` seconds, and then as many are allowed
        again.
        """
        with self._lock:
            window = self._limited.setdefault(key, _Window())
            now = self.clock()
            if window.opens_at is not None and now >= window.opens_at:
                window.used, window.opens_at = 0, None
            if window.opens_at is None and window.used < after:
                window.used += 1
                return 0.0
            if window.opens_at is None:
                window.opens_at = now + retry_after
            return window.opens_at - now

    def spend(self, key: str, amount: float, per_second: float) -> float:
        """Spend `amount` of a budget that grows by `per_second` and holds what grows in one second.

        Returns:
            0 where the budget had some left, else the seconds until it has; then nothing is spent.
        """
        with self._lock:
            now = self.clock()
            # The moment at which everything spent so far is paid for.
            paid = max(self._spent.get(key, now), now)
            if paid - now > 1.0:
                return paid - now - 1.0
            self._spent[key] = paid + amount / per_second
            return 0.0
