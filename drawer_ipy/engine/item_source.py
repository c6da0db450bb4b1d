"""Items that a loop takes from an iterator, one at a time and only when it has a place for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator
from types import FrameType
from typing import Any

from drawer_ipy.common.cancellation import BrokenOff
from drawer_ipy.common.counted import number_of
from drawer_ipy.common.notes import Note
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import is_interrupt
from drawer_ipy.engine.context import Session
from drawer_ipy.engine.used_iterators import remember_ended, use_of

END: Any = object()
"""Returned in place of an item when the iterator has ended."""


class IteratorRaised(Exception):
    """The iterator raised an exception instead of giving an item."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(describe(error))
        self.error = error


class InterruptedPull(Exception):
    """The user interrupted the run while an item was being taken."""


class ItemSource(ABC):
    """An iterator and what has been taken from it.

    A source outlives its loop: a retry presses the items that were taken again, and goes on with the rest.

    Args:
        value: what was given to loop over.
        iterator: the iterator of `value`, or what gives its items in chunks.
        base: the iterator of `value` itself.
        chunked: whether `iterator` gives lists of items.

    Attributes:
        value: the argument.
        kind: what it is called in messages, such as ``generator``.
        items: everything that was taken, in order.
        direct: whether :meth:`take_now` may be called.
        failure: what the iterator raised in the current loop; else ``None``.
        owner: the loop that takes the items: the place of its step, and the step's id.
    """

    def __init__(self, value: Any, iterator: Any, base: Any, chunked: bool) -> None:
        self.value = value
        self.kind: str = type(value).__name__.replace("async_generator", "async generator")
        self.items: list[Any] = []
        self.direct = False
        self.failure: BaseException | None = None
        self._iterator = iterator
        self._base = base
        self._use = use_of(base, self.kind)
        self._began = False
        self._is_generator = isinstance(base, Generator | AsyncGenerator)
        self._before = 0
        self._chunked = chunked
        self._session: Session
        self.owner: Any = None

    def begin(self, session: Session) -> None:
        """Start, or continue, to take items for a loop.

        Raises:
            UsageError: another loop is using the iterator, or an earlier loop has used it up.
        """
        use = self._use
        if not self._began:
            use.begin()
            self._before = use.taken
            self._began = True
            if use.taken:
                taken = number_of(use.taken, "item")
                session.note(Note(f"the {self.kind} continues where an earlier loop left it, after {taken}"))
            elif _is_finished(self._base):
                session.note(
                    Note(f"the {self.kind} had been used up before the loop began, so there was no item")
                )
        elif _is_finished(self._base) and not use.ended and not use.lost:
            use.lost = "has been closed since, so the rest of its items is not available"
        use.busy = True
        self.failure = None
        self._session = session

    @property
    def is_new(self) -> bool:
        """Whether no loop has used the iterator."""
        return not (self._began or self._use.taken or self._use.ended or self._use.lost)

    @property
    def ended(self) -> bool:
        """Whether the last item has been taken."""
        return self._use.ended

    @property
    def lost(self) -> str:
        """Why there are no more items although the iterator has not ended; ``""`` if there may be more."""
        return self._use.lost

    @abstractmethod
    def take_now(self) -> Any:
        """Take an item without waiting; only if :attr:`direct`. Returns and raises as :meth:`take`."""

    @abstractmethod
    async def take(self) -> Any:
        """Take the next item; one call at a time.

        Returns:
            The item, or :data:`END`.

        Raises:
            IteratorRaised: the iterator raised; see :attr:`failure`.
            InterruptedPull: the user interrupted the run, which is to be cancelled.
        """

    async def leave(self, cancelled: bool) -> None:
        """Stop taking items for now.

        Args:
            cancelled: whether the loop was cancelled; a generator that has begun is closed then.
        """
        started = self._taken() > 0 or self.is_pulling
        close = cancelled and started and self._is_generator and not (self.ended or self.lost)
        if close:
            self._lose(
                f"was closed when the loop over it was cancelled, after {number_of(self._taken(), 'item')}"
            )
        try:
            await self._let_go(close)
        finally:
            self._use.taken = self._taken()
            self._use.busy = False

    @property
    @abstractmethod
    def is_pulling(self) -> bool:
        """Whether an item was asked for and has not come yet."""

    @abstractmethod
    async def _let_go(self, close: bool) -> None:
        """Release what the loop needed, and close the generator if `close`."""

    @property
    def count(self) -> int:
        """The number of items taken."""
        return sum(map(len, self.items)) if self._chunked else len(self.items)

    def _taken(self) -> int:
        return self._before + self.count

    def _lose(self, why: str) -> None:
        self._use.lost = why

    def _end(self) -> Any:
        self._use.ended = True
        self._use.taken = self._taken()
        remember_ended(self._base, self._use)
        return END

    def _raised(self, error: BaseException) -> Exception:
        """Return what to raise for an exception of the iterator."""
        if isinstance(error, BrokenOff) or is_interrupt(error):
            if self._is_generator:
                self._lose(
                    "was interrupted while it was being pulled, so the rest of its items is not available"
                )
            return InterruptedPull()
        self.failure = error
        if self._is_generator:  # Python has closed it
            self._lose(f"raised {describe(error)} when item {self.count} was pulled")
        return IteratorRaised(error)

    def _close_failed(self, error: BaseException) -> None:
        self._session.note(Note(f"closing the {self.kind} raised {describe(error)}"))


def _is_finished(iterator: Any) -> bool:
    """Whether `iterator` is a generator that has ended or was closed."""
    return any(getattr(iterator, name, "") is None for name in ("gi_frame", "ag_frame"))


def is_called_by(frame: FrameType | None, *functions: Any) -> bool:
    """Whether the code of `frame` was called by one of `functions`."""
    codes = {function.__code__ for function in functions}
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back
    return frame is not None
