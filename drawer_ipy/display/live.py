"""The base of displays: when they are redrawn during a run, and when they end."""

from __future__ import annotations

import asyncio
import contextvars
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from drawer_ipy.common.platform import thread_seconds
from drawer_ipy.display.progress import ProgressState
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.engine.events import Listeners, RunFinished, RunStarted

# The largest share of the run's event loop that a display may use; a slow one (a remote terminal) is redrawn
# less often.
_SHARE = 0.05
# The longest pause because of the target share, since one slow redraw (a pause of the garbage collector) does
# not mean that all are slow.
_SELDOM = 1.0


class Display(Protocol):
    """A display of one run while it runs."""

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """Listen to the run that `listeners` belong to.

        Args:
            listeners: the listeners of a run that has not begun.
            cancel: stops the run; can be called from any thread, any number of times.
        """

    def detach(self) -> None:
        """Continue after the cell has ended; later messages belong to the cell that runs then."""

    def close(self, results: Any | None) -> None:
        """Replace the live view by the final, static one. Further calls do nothing.

        Args:
            results: the results to show (their ``_repr_mimebundle_``); ``None`` keeps the last progress.
        """


class NullDisplay:
    """A display that shows nothing."""

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """Do nothing."""

    def detach(self) -> None:
        """Do nothing."""

    def close(self, results: Any | None) -> None:
        """Do nothing."""


class LiveDisplay(ABC):
    """A display that is redrawn on the run's own event loop, on any thread.

    It needs no thread and no task: the run's start schedules the first tick, each tick the next, and the
        run's
    end the last. The engine yields to its loop at least every few milliseconds.
    """

    interval: ClassVar[float] = 0.1
    """Least seconds between two redraws."""

    share: ClassVar[float] = _SHARE
    """The share of a processor that it should use at most."""

    def __init__(self) -> None:
        self._state = ProgressState()
        self._listeners = Listeners()
        self._cancel: Callable[[], None] = _nothing
        self._handle: asyncio.TimerHandle | None = None
        # Output belongs to the cell that made the display, even if another cell runs when it is redrawn. The
        # kernel keeps the cell in a context variable.
        self._context = contextvars.copy_context()
        self._opened = False
        self._closed = False

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`Display.attach`."""
        self._listeners, self._cancel = listeners, cancel
        self._state.attach(listeners)  # first, so that it is up to date when the display handles an event
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
        # An update names its output, so it works as a message of any cell; but a program that executes a
        # notebook (nbclient) receives only the messages of the cell that runs.
        self._context = contextvars.Context()

    def snapshot(self) -> Snapshot:
        """The current state of the run."""
        return self._state.snapshot(self._state.clock())

    @abstractmethod
    def open(self, snapshot: Snapshot) -> None:
        """Show the view for the first time."""

    @abstractmethod
    def update(self, snapshot: Snapshot) -> None:
        """Redraw the parts that have changed."""

    @abstractmethod
    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the view by the final one; `open` was not called if the run never began."""

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
        began, used = time.perf_counter(), thread_seconds()
        try:
            self._in_cell(lambda: self.update(self.snapshot()))
        except Exception as error:  # an error of the view must not end the run: the view stops
            self._listeners.errors.append(error)
            return
        took, used = time.perf_counter() - began, thread_seconds() - used
        self._schedule(loop, self.pause(took, used))

    @classmethod
    def pause(cls, took: float, used: float) -> float:
        """Seconds until the next redraw.

        Args:
            took: seconds of the last redraw.
            used: processor seconds of the last redraw.
        """
        return max(cls.interval, min(used / cls.share, _SELDOM), took / _SHARE)

    def _stop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.cancel()

    def _in_cell(self, action: Callable[[], None]) -> None:
        # A context cannot be entered twice at the same time; a copy can, and is cheap.
        self._context.copy().run(action)


def _nothing() -> None:
    """Cancel nothing: no run is attached yet."""
