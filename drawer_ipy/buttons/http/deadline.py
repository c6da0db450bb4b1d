"""Time limits for requests that share one timer.

``asyncio.timeout`` sets and cancels a timer of the event loop for each request, which costs about as much
processor time as sending it. Requests rarely time out, so one timer serves all requests of a run.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Deadlines:
    """The time limits of all requests of a run, on one event loop."""

    __slots__ = ("_due", "_limits", "_timer")

    def __init__(self) -> None:
        self._limits: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def until(self, when: float | None) -> Deadline:
        """Return a context manager whose body may run until `when` (loop time); ``None`` for no limit.

        It behaves like ``asyncio.timeout_at``: at that time it cancels the task, and the body raises
        TimeoutError.
        """
        return Deadline(self, when)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, limit: Deadline, when: float) -> None:
        """Start watching `limit`."""
        self._limits.add(limit)
        if self._timer is None or when < self._due:
            self._wake_at(when)

    def discard(self, limit: Deadline) -> None:
        """Stop watching `limit`. The timer keeps running: another request is likely before it is due."""
        self._limits.discard(limit)

    def _wake_at(self, when: float) -> None:
        self.close()
        self._due = when
        self._timer = asyncio.get_running_loop().call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        # A timer may fire early by the resolution of the loop's clock.
        now = max(asyncio.get_running_loop().time(), self._due)
        over = [limit for limit in self._limits if limit.when <= now]
        for limit in over:
            self._limits.discard(limit)
            limit.expire()
        if self._limits:
            self._wake_at(min(limit.when for limit in self._limits))


class Deadline:
    """The time limit of one request; see :meth:`Deadlines.until`."""

    __slots__ = ("_all", "_before", "_expired", "_task", "when")

    def __init__(self, everyone: Deadlines, when: float | None) -> None:
        self._all = everyone
        self._expired = False
        self.when: float = float("inf") if when is None else when

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit must be used inside a task")
        self._task: asyncio.Task[Any] = task
        self._before = task.cancelling()
        if self.when != float("inf"):
            self._all.add(self, self.when)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.discard(self)
        # If something else cancels the task at the same moment, that cancellation wins.
        if self._expired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task, because its time is up."""
        self._expired = True
        self._task.cancel()
