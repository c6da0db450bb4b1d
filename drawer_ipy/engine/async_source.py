"""Items of an async iterator, taken in one task that belongs to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

from drawer_ipy.buttons.function.leftovers import Leftovers
from drawer_ipy.common import cancellation
from drawer_ipy.common.cancellation import is_closed
from drawer_ipy.common.notes import Note
from drawer_ipy.engine.item_source import END, ItemSource, is_called_by


class AsyncItems(ItemSource):
    """See :class:`~drawer_ipy.engine.item_source.ItemSource`.

    The iterator runs in a single task: timeouts, task groups and context variables that it holds across its
    items belong to the task they were entered in. A generator that is being pulled when its loop ends is
    cancelled, which closes it.
    """

    def __init__(self, value: Any, iterator: AsyncIterator[Any], base: Any, chunked: bool) -> None:
        super().__init__(value, iterator, base, chunked)
        self._task: asyncio.Task[None] | None = None
        self._asked: asyncio.Event
        self._answer: asyncio.Future[Any] | None = None
        self._late: deque[Any] = deque()
        self._pulling = False
        self._leaving = False
        self._close = False

    @property
    def is_pulling(self) -> bool:
        """See :meth:`ItemSource.is_pulling`."""
        return self._pulling

    def take_now(self) -> Any:
        """See :meth:`ItemSource.take_now`."""
        raise NotImplementedError("an async iterator is awaited")

    async def take(self) -> Any:
        """See :meth:`ItemSource.take`."""
        if self._late:
            return self._item(self._late.popleft())
        if self._task is None or self._task.done():
            self._asked = asyncio.Event()
            self._leaving = False
            self._task = asyncio.create_task(self._serve(), name=f"items of a {self.kind}")
            self._task.add_done_callback(self._served)
        self._answer = asyncio.get_running_loop().create_future()
        self._asked.set()
        return self._item(await self._answer)

    def _item(self, outcome: Any) -> Any:
        if outcome is END:
            return self._end()
        if isinstance(outcome, _Fault):
            raise self._raised(outcome.error) from None
        return outcome

    async def _serve(self) -> None:
        """Answer each call of :meth:`take` until the iterator or the loop over it ends."""
        try:
            while await self._is_asked():
                self._pulling = True
                try:
                    outcome = await self.give()
                finally:
                    self._pulling = False
                if self._leaving:  # an iterator that took no notice of its cancellation
                    self._late.append(outcome)
                    return
                self._give(outcome)
                if outcome is END or isinstance(outcome, _Fault):
                    return
        finally:
            if self._close:
                await self._aclose()

    def _served(self, _task: asyncio.Task[None]) -> None:
        """Answer a call that still waits if other code has ended the task."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(_Fault(asyncio.CancelledError("the task that pulls was cancelled")))

    async def _is_asked(self) -> bool:
        """Wait for a call of :meth:`take`; return False if the loop has ended instead."""
        while True:
            try:
                await self._asked.wait()
            except asyncio.CancelledError:
                if self._leaving:
                    return False
                _undo_cancellation()  # by other code: the loop goes on
                continue
            self._asked.clear()
            return True

    def _give(self, outcome: Any) -> None:
        assert self._answer is not None
        if self._answer.done():  # the worker that asked was cancelled
            self._late.append(outcome)
        else:
            self._answer.set_result(outcome)

    async def give(self) -> Any:
        """Return the next item, END, or what the iterator raised."""
        try:
            return await anext(self._iterator)
        except StopAsyncIteration:
            return END
        except BaseException as error:
            if self._leaving or (isinstance(error, GeneratorExit) and is_closed()):
                raise
            _undo_cancellation()  # of its own task by the iterator
            return _Fault(error)

    async def _aclose(self) -> None:
        try:
            await self._base.aclose()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if isinstance(error, GeneratorExit) and is_closed():
                raise
            self._close_failed(error)

    async def _let_go(self, close: bool) -> None:
        task = self._task
        if task is None or task.done():
            if not close:
                return
            task = asyncio.create_task(self._aclose())
        else:
            if self._pulling and self._is_generator and not close:
                self._lose("was being pulled when the loop stopped, which closed it")
            self._leaving = True
            self._close = self._is_generator and (close or self._pulling)
            task.cancel()
        await asyncio.wait({task}, timeout=cancellation.PATIENCE)
        self._task = None
        if not task.done():
            self._session.resources.get(Leftovers).hold(task)
            self._session.note(
                Note(f"the {self.kind} ignored its cancellation and was abandoned; it may still be running")
            )


def _undo_cancellation() -> None:
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass


class _Fault:
    """An exception of the iterator, as a value."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


def is_pulling_async(frame: FrameType | None) -> bool:
    """Whether the code of `frame` was called by an async iterator which is giving an item."""
    return is_called_by(frame, AsyncItems.give)
