"""Chunks of an iterator's items, for ``batch``; each chunk is collected when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from drawer_ipy.common.cancellation import BrokenOff
from drawer_ipy.common.user_code import is_interrupt


class _Collected:
    """The items of the next chunk, and the exception that follows it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._error: BaseException | None = None
        self.items: list[Any] = []

    def lacks_items(self) -> bool:
        """Whether the chunk is neither full nor the last. Raises the exception that follows it."""
        if self._error is None:
            return len(self.items) < self._size
        if self.items:
            return False
        error, self._error = self._error, None
        raise error

    def end(self, error: BaseException) -> None:
        """Make the items so far a chunk, followed by `error`; raise it now if there are none."""
        if not self.items or isinstance(error, BrokenOff) or is_interrupt(error):
            raise error
        self._error = error

    def take(self) -> list[Any]:
        """Return the chunk, and begin the next."""
        chunk, self.items = self.items, []
        return chunk


class Chunks(Iterator[list[Any]]):
    """Lists of `size` items of `iterator`; the last may be shorter.

    If the iterator raises, the items before that come as a chunk of their own, and the exception after them.
    """

    def __init__(self, iterator: Iterator[Any], size: int) -> None:
        self._iterator = iterator
        self._next = _Collected(size)

    def __next__(self) -> list[Any]:
        while self._next.lacks_items():
            try:
                self._next.items.append(next(self._iterator))
            except BaseException as error:
                self._next.end(error)
        return self._next.take()


class AsyncChunks(AsyncIterator[list[Any]]):
    """The same for an async iterator."""

    def __init__(self, iterator: AsyncIterator[Any], size: int) -> None:
        self._iterator = iterator
        self._next = _Collected(size)

    async def __anext__(self) -> list[Any]:
        while self._next.lacks_items():
            try:
                self._next.items.append(await anext(self._iterator))
            except (Exception, KeyboardInterrupt, SystemExit) as error:
                self._next.end(error)
        return self._next.take()
