"""Chunks of an iterator's items, for ``batch``; each chunk is collected when it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from drawer_ipy.common.cancellation import BrokenOff
from drawer_ipy.common.user_code import is_interrupt


class Chunks(Iterator[list[Any]]):
    """Lists of `size` items of `iterator`; the last may be shorter.

    If the iterator raises, the items before that come as a chunk of their own, and the exception after them.
    """

    def __init__(self, iterator: Iterator[Any], size: int) -> None:
        self._iterator = iterator
        self._size = size
        self._part: list[Any] = []
        self._error: BaseException | None = None

    def __next__(self) -> list[Any]:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        while len(self._part) < self._size:
            try:
                self._part.append(next(self._iterator))
            except BaseException as error:
                if not self._part or isinstance(error, BrokenOff) or is_interrupt(error):
                    raise
                self._error = error
                break
        chunk, self._part = self._part, []
        return chunk


class AsyncChunks(AsyncIterator[list[Any]]):
    """The same for an async iterator."""

    def __init__(self, iterator: AsyncIterator[Any], size: int) -> None:
        self._iterator = iterator
        self._size = size
        self._part: list[Any] = []
        self._error: BaseException | None = None

    async def __anext__(self) -> list[Any]:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        while len(self._part) < self._size:
            try:
                self._part.append(await anext(self._iterator))
            except (Exception, KeyboardInterrupt, SystemExit) as error:
                if not self._part or is_interrupt(error):
                    raise
                self._error = error
                break
        chunk, self._part = self._part, []
        return chunk
