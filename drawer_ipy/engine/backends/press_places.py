"""The places of a backend for presses, which are given out first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class HasPlaces(Protocol):
    """A worker, as :class:`PressPlaces` sees it.

    Attributes:
        taken: the number of places on it that are taken.
    """

    taken: int


W = TypeVar("W", bound=HasPlaces)


@dataclass(slots=True, eq=False)
class _Waiting(Generic[W]):
    """A press that waits for a place."""

    worker: asyncio.Future[W]
    at_once: bool


class PressPlaces(Generic[W]):
    """Gives out places on workers.

    Args:
        free: returns a worker with a free place, ``None`` if there is none. Its argument says whether a press
            in that place must begin at once.
    """

    def __init__(self, free: Callable[[bool], W | None]) -> None:
        self._free = free
        self._waiting: deque[_Waiting[W]] = deque()
        self._closed: BaseException | None = None

    def has(self, *, at_once: bool) -> bool:
        """Whether :meth:`take` returns at once."""
        return not self._waiting and self._free(at_once) is not None

    async def take(self, *, at_once: bool, first: bool = False) -> W:
        """Wait for a place, take it, and return its worker.

        Args:
            at_once: whether a press in this place must begin at once.
            first: whether to wait before all others, for a press that has had a place.

        Raises:
            BaseException: what :meth:`close` was called with.
        """
        if self._closed is not None:
            raise self._closed
        worker = None if self._waiting else self._free(at_once)
        if worker is not None:
            worker.taken += 1
            return worker
        waiting = _Waiting[W](asyncio.get_running_loop().create_future(), at_once)
        if first:
            self._waiting.appendleft(waiting)
            self.serve()
        else:
            self._waiting.append(waiting)
        try:
            return await waiting.worker
        except BaseException:
            found = waiting.worker
            if found.done() and not found.cancelled() and found.exception() is None:
                self.give_back(found.result())
            elif waiting in self._waiting:
                self._waiting.remove(waiting)
                self.serve()  # another may need less than this one
            raise

    def give_back(self, worker: W) -> None:
        """Free a place on `worker`."""
        worker.taken -= 1
        self.serve()

    def serve(self) -> None:
        """Give free places to those who wait; call it when there may be new ones."""
        while self._waiting:
            first = self._waiting[0]
            if not first.worker.done():
                worker = self._free(first.at_once)
                if worker is None:
                    return
                worker.taken += 1
                first.worker.set_result(worker)
            self._waiting.popleft()

    def close(self, error: BaseException) -> None:
        """Let those who wait, and who come later, fail with `error`."""
        self._closed = error
        for waiting in self._waiting:
            if not waiting.worker.done():
                waiting.worker.set_exception(error)
