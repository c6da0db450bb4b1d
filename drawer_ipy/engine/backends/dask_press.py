"""Presses on their way to the workers of a Dask cluster, and the workers as the kernel sees them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from drawer_ipy.engine.backends.base import Answer
from drawer_ipy.engine.backends.press_prints import PressPrints
from drawer_ipy.engine.backends.sending import Packed
from drawer_ipy.engine.backends.worker.on_dask import SURELY
from drawer_ipy.errors import Code, ErrorInfo

_EVENT_SECONDS = 1.0
"""Most seconds to wait for prints that were sent before the result."""


@dataclass(slots=True, eq=False)
class BatchedPress:
    """A press on its way: waiting for a batch, or in one.

    Attributes:
        button: the name of the button, for messages.
        function, arguments: what is sent.
        begun: called when the press begins on its worker; ``None`` if that does not matter.
        answer: done with the result.
        batch, number: its batch, and its place in it, once it was sent.
        is_ahead: whether it was sent alone while others ran in its place; it surely says when it begins.
        has_begun: whether it has said that it begins.
    """

    button: str
    function: Packed
    arguments: bytes
    begun: Callable[[], None] | None
    answer: asyncio.Future[Answer]
    prints: PressPrints
    batch: str = ""
    number: int = -1
    is_ahead: bool = False
    has_begun: bool = False
    _events: int = 0
    _expected: int = -1
    _complete: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def says(self) -> int:
        """Whether it is to say when it begins; see ``press_batch`` in ``on_dask``."""
        return SURELY if self.is_ahead else int(self.begun is not None)

    def heard(self, kind: str, text: str) -> None:
        """Take note of an event: ``b`` when the press begins, ``o`` and ``e`` for printed lines."""
        self._events += 1
        if kind != "b":
            self.prints.add(text, is_error=kind == "e")
        else:
            self.has_begun = True
            if self.begun is not None:
                self.begun()
        if 0 <= self._expected <= self._events:
            self._complete.set()

    async def all_heard(self, count: int) -> None:
        """Wait until the `count` events that were sent before the result have arrived."""
        self._expected = count
        if self._events < count:
            try:
                async with asyncio.timeout(_EVENT_SECONDS):
                    await self._complete.wait()
            except TimeoutError:
                pass

    def finish(self, answer: Answer) -> None:
        """Answer the press, unless it was answered or cancelled."""
        answer.stdout = self.prints.stdout
        if not self.answer.done():
            self.answer.set_result(answer)

    def lose(self, what: str) -> None:
        """Answer that `what` was lost: the worker, or the connection to it."""
        message = f"{what} was lost while it pressed `{self.button}`"
        error = ErrorInfo(Code.WORKER_LOST, message, "`retry` presses the item again")
        self.finish(Answer(error=error))


@dataclass(slots=True, eq=False)
class WorkerPlace:
    """A worker: its threads, what waits for it and what runs there.

    Attributes:
        address: its address.
        threads: the number of its threads.
        where: the worker in words.
        taken: the number of places on it that are taken.
        gone: whether it has left the cluster.
        killing: whether it is being killed, to end a press.
        waiting: presses that were not sent yet.
        batches, tasks: what was sent, and the tasks that wait for the results, by batch.
    """

    address: str
    threads: int
    where: str
    taken: int = 0
    gone: bool = False
    killing: bool = False
    waiting: deque[BatchedPress] = field(default_factory=deque)
    batches: dict[str, list[BatchedPress]] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def load(self) -> float:
        """Places taken for each of its threads."""
        return self.taken / self.threads
