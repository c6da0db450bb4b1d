"""When a display looks at its run: at once, at most so many times a second, and at the end."""

from __future__ import annotations

import asyncio
import contextvars
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from drawer_ipy.display.progress import ProgressState, Snapshot
from drawer_ipy.engine.events import Listeners, RunFinished, RunStarted

# What a display may take of the run's event loop at the very most; a slow one (a remote terminal) is asked
# less often.
_SHARE = 0.05
# One that only strives for less is not asked less often than this: once slow (a pause of the garbage
# collector) is not slow for ever.
_SELDOM = 1.0


class Display(Protocol):
    """What shows one run while it happens."""

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """Hear the run that `listeners` belong to.

        Args:
            listeners: of a run that has not begun.
            cancel: stops the run; callable from any thread, any number of times.
        """

    def detach(self) -> None:
        """Continue after the cell has ended: later messages belong to the cell that runs then."""

    def close(self, results: Any | None) -> None:
        """Put the final, static view in the place of the live one. Calling it again does nothing.

        Args:
            results: what is shown (its ``_repr_mimebundle_``); ``None`` leaves the last progress.
        """


class NullDisplay:
    """Shows nothing."""

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """Listen to nothing."""

    def detach(self) -> None:
        """Keep showing nothing."""

    def close(self, results: Any | None) -> None:
        """Show nothing."""


class LiveDisplay(ABC):
    """A display that is redrawn on the run's own event loop, whichever thread that is on.

    It needs no thread and no task: the run's start schedules the first tick, each tick the next, and
    the run's end the last. The engine gives way to its loop at least every few milliseconds.
    """

    interval: ClassVar[float] = 0.1
    """Least seconds between two redraws."""

    share: ClassVar[float] = _SHARE
    """Share of a processor that it strives for."""

    def __init__(self) -> None:
        self._state = ProgressState()
        self._listeners = Listeners()
        self._cancel: Callable[[], None] = _nothing
        self._handle: asyncio.TimerHandle | None = None
        # Output belongs to the cell that made the display, whatever cell runs when it is redrawn. The
        # kernel keeps the cell in a context variable.
        self._context = contextvars.copy_context()
        self._opened = False
        self._closed = False

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`Display.attach`."""
        self._listeners, self._cancel = listeners, cancel
        self._state.attach(listeners)  # first, so that it knows of the events that the display acts on
        listeners.on(RunStarted, self._begin)
        listeners.on(RunFinished, self._end)

    def close(self, results: Any | None) -> None:
        """See :meth:`Display.close`."""
        if self._closed:
            return
        self._closed = True
        self._stop()
        if self._opened or results is not None:
            self._in_cell(lambda: self.finish(self.snapshot(), results))

    def detach(self) -> None:
        """See :meth:`Display.detach`."""
        # What redraws an output names it, so it finds its place as any cell's message; but a program that
        # executes a notebook (nbclient) hears only those of the cell that runs.
        self._context = contextvars.Context()

    def snapshot(self) -> Snapshot:
        """The run as it is now."""
        return self._state.snapshot(self._state.clock())

    @abstractmethod
    def open(self, snapshot: Snapshot) -> None:
        """Show the view for the first time."""

    @abstractmethod
    def update(self, snapshot: Snapshot) -> None:
        """Redraw what has changed."""

    @abstractmethod
    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the view for good; `open` was not called if the run never began."""

    def _begin(self, _event: RunStarted) -> None:
        if self._closed:
            return
        self._opened = True
        self._in_cell(lambda: self.open(self.snapshot()))
        self._schedule(asyncio.get_running_loop(), self.interval)

    def _end(self, _event: RunFinished) -> None:
        self._stop()
        if self._opened and not self._closed:
            self._in_cell(lambda: self.update(self.snapshot()))

    def _schedule(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self._handle = loop.call_later(delay, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._closed:
            return
        began, used = time.perf_counter(), time.thread_time()
        try:
            self._in_cell(lambda: self.update(self.snapshot()))
        except Exception as error:  # a broken view must not break the run: it stands still, and we know why
            self._listeners.errors.append(error)
            return
        took, used = time.perf_counter() - began, time.thread_time() - used
        self._schedule(loop, self.pause(took, used))

    @classmethod
    def pause(cls, took: float, used: float) -> float:
        """Seconds until the next redraw, when the last `took` so many and `used` so many of a processor."""
        return max(cls.interval, min(used / cls.share, _SELDOM), took / _SHARE)

    def _stop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.cancel()

    def _in_cell(self, action: Callable[[], None]) -> None:
        # A context cannot be entered twice at a time; a copy always can, and costs next to nothing.
        self._context.copy().run(action)


def _nothing() -> None:
    """Before a run is attached there is nothing to cancel."""
