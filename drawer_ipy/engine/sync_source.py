"""Items of a sync iterator: taken on the event loop while that is quick, else in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from types import FrameType
from typing import Any

from drawer_ipy.common import cancellation
from drawer_ipy.common.threads import Threads
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.engine.context import Session
from drawer_ipy.engine.item_source import END, ItemSource, is_called_by

SLOW = 0.02
"""Seconds after which taking an item counts as blocking: the items after it are taken in a thread."""

_CALM = 1_000
"""Items in a row that must be quick in the thread before the event loop takes them again. It doubles each
time, since a source that fetches page after page blocks again."""


class SyncItems(ItemSource):
    """See :class:`~drawer_ipy.engine.item_source.ItemSource`.

    A pull cannot be ended from outside. If the loop ends meanwhile, the thread goes on until the iterator
    returns: a generator is closed there, and an item of another iterator is kept for a retry.
    """

    def __init__(self, value: Any, iterator: Iterator[Any], base: Any, chunked: bool) -> None:
        super().__init__(value, iterator, base, chunked)
        self.direct: bool = True
        self._threads: Threads | None = None
        self._context = contextvars.copy_context()
        self._pull: _Pull | None = None
        self._quick = 0
        self._enough = _CALM

    def begin(self, session: Session) -> None:
        """See :meth:`ItemSource.begin`."""
        super().begin(session)
        self._context = contextvars.copy_context()

    def take_now(self) -> Any:
        """See :meth:`ItemSource.take_now`."""
        began = perf_counter()
        try:
            item = next(self._iterator)
        except StopIteration:
            return self._end()
        except BaseException as error:
            raise self._raised(error) from None
        if perf_counter() - began > SLOW and not _is_bound_to_thread(self._base):
            self.direct = False
        return item

    async def take(self) -> Any:
        """See :meth:`ItemSource.take`."""
        if self.direct:
            return self.take_now()
        pull = self._pull = self._pull or _Pull(self._iterator, self._base)
        await self._in_thread(pull.run)
        self._pull = None  # not if the wait was cancelled: the item is still to come
        if pull.error is not None:
            raise self._raised(pull.error) from None
        if pull.item is END:
            return self._end()
        self._judge(pull.seconds)
        return pull.item

    @property
    def is_pulling(self) -> bool:
        """See :meth:`ItemSource.is_pulling`."""
        return self._pull is not None

    def _judge(self, seconds: float) -> None:
        self._quick = 0 if seconds > SLOW else self._quick + 1
        if self._quick >= self._enough and not _is_bound_to_thread(self._base):
            self.direct, self._quick, self._enough = True, 0, 2 * self._enough

    def _in_thread(self, work: Callable[[], None]) -> asyncio.Future[None]:
        if self._threads is None:
            self._threads = Threads()  # its own: one pull at a time means always the same thread
        context = self._context.copy()
        return self._threads.submit(lambda: context.run(work))

    async def _let_go(self, close: bool) -> None:
        pull, threads = self._pull, self._threads
        try:
            if close and (pull is None or not pull.close_afterwards()):
                await self._close()
        finally:
            self._threads = None
            if threads is not None:
                await threads.aclose()

    async def _close(self) -> None:
        errors: list[BaseException] = []

        def close() -> None:
            try:
                self._base.close()
            except BaseException as error:
                errors.append(error)

        if self.direct:
            close()
        else:
            closing = self._in_thread(close)
            await asyncio.wait({closing}, timeout=cancellation.PATIENCE)
            if not closing.done():
                closing.cancel()
        for error in errors:
            pass_on_interrupt(error)
            self._close_failed(error)


class _Pull:
    """One item that is taken in a thread.

    Attributes:
        item: the item or END, once it is there; `error` is what the iterator raised instead.
        seconds: how long that took.
    """

    def __init__(self, iterator: Iterator[Any], base: Any) -> None:
        self.item: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0
        self._iterator = iterator
        self._base = base
        self._pulling = threading.Lock()
        self._changing = threading.Lock()
        self._done = False
        self._close = False

    def run(self) -> None:
        """Take the item; if another thread is taking it, wait until that has ended."""
        with self._pulling:
            if self._done:
                return
            began = perf_counter()
            try:
                self.item = next(self._iterator)
            except StopIteration:
                self.item = END
            except BaseException as error:
                self.error = error
            self.seconds = perf_counter() - began
            with self._changing:
                self._done, close = True, self._close
            if close and self.error is None and self.item is not END:
                try:
                    self._base.close()
                except BaseException as error:
                    self.error = error

    def close_afterwards(self) -> bool:
        """Close the generator in the thread once the item is there; return False if it is there already."""
        with self._changing:
            self._close = not self._done
            return self._close


def _is_bound_to_thread(iterator: Any) -> bool:
    """Whether `iterator` may be used only in the thread that made it: rows of SQLite, also in a generator."""
    sqlite = sys.modules.get("sqlite3")
    if sqlite is None:
        return False
    bound = (sqlite.Cursor, sqlite.Connection)
    frame = getattr(iterator, "gi_frame", None)
    held = [] if frame is None else frame.f_locals.values()
    return isinstance(iterator, bound) or any(isinstance(value, bound) for value in held)


def is_pulling(frame: FrameType | None) -> bool:
    """Whether the code of `frame` is that of a sync iterator which is giving an item on an event loop."""
    return is_called_by(frame, SyncItems.take_now)
