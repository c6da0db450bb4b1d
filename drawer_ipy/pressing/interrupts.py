"""Let Ctrl-C and the stop button of a front end cancel a run in an orderly way."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from drawer_ipy.buttons.function.button import is_in_function
from drawer_ipy.common.cancellation import BrokenOff, is_cancelling
from drawer_ipy.common.platform import has_threads
from drawer_ipy.engine.async_source import is_pulling_async
from drawer_ipy.engine.sync_source import is_pulling


@contextmanager
def cancelling(cancel: Callable[[], None], *, only_default: bool = False) -> Iterator[None]:
    """Inside, the first interrupt only calls `cancel`; a second one raises KeyboardInterrupt.

    If the first one raised KeyboardInterrupt, it could occur anywhere: in an event loop, which would not run
    again, or in ``Thread.join``, which up to Python 3.12 then treats the thread as ended. A handler set by
    other code (a kernel, a server) is called too, and ignored interrupts stay ignored. Outside the main
    thread, which alone handles signals, this does nothing.

    Args:
        cancel: stops the work; called between two bytecodes of the main thread.
        only_default: do not replace a handler that other code has set, which cancels already.
    """
    previous: Any = None
    if threading.current_thread() is threading.main_thread():
        previous = signal.getsignal(signal.SIGINT)
    default = previous is signal.default_int_handler
    if not callable(previous) or (only_default and not default):
        yield
        return
    met = False

    def meet(number: int, frame: FrameType | None) -> None:
        nonlocal met
        first, met = not met, True
        if first:
            cancel()
        if not (first and default):
            previous(number, frame)

    signal.signal(signal.SIGINT, meet)
    try:
        yield
    finally:
        # A handler set meanwhile belongs to other code, which will restore it itself.
        if signal.getsignal(signal.SIGINT) is meet:
            signal.signal(signal.SIGINT, previous)


_PATIENCE = 0.25
"""Seconds a function may block the event loop after an interrupt before it is interrupted itself."""

_AGAIN = 0.01
"""Seconds until the next function that blocks the loop is interrupted, since several may block it in turn."""


class _Breaker:
    """The signal handler of :func:`breaking_off` and its thread, which share what happened so far."""

    def __init__(
        self,
        previous: Callable[[int, FrameType | None], Any],
        reacted: Callable[[], bool],
        strikes: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._previous = previous
        self._reacted = reacted
        self._strikes = strikes
        self._loop = loop
        self._repeated = False
        self._over = threading.Event()
        self._nudged = threading.Event()
        self._watching: threading.Thread | None = None

    def meet(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal: the first time as before, when nudged by breaking off what blocks."""
        if self._nudged.is_set():
            self._nudged.clear()
            blocks = is_in_function(frame) or is_pulling(frame) or is_pulling_async(frame)
            if blocks and not self._over.is_set() and not self._may_clean_up():
                self._strikes()
                raise BrokenOff
            return
        self._repeated = self._repeated or self._reacted()
        if self._watching is None:
            self._watching = threading.Thread(target=self._watch, name="drawer interrupt", daemon=True)
            self._watching.start()
        self._previous(number, frame)
        # A kernel's handler does not wake the loop, since Python resumes the loop's wait after a signal.
        self._loop.call_soon_threadsafe(_nothing)

    def _may_clean_up(self) -> bool:
        """Whether what blocks received its cancellation, and the user did not interrupt again since."""
        return self._reacted() and is_cancelling(self._loop) and not self._repeated

    def _watch(self) -> None:
        """Nudge the main thread while its loop is blocked, until the run is over."""
        while not self._over.is_set():
            turned = threading.Event()
            self._loop.call_soon_threadsafe(turned.set)
            pause = _PATIENCE
            while not turned.wait(pause) and not self._over.is_set():
                if not self._may_clean_up():
                    self._nudged.set()
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                pause = _AGAIN
            self._over.wait(_PATIENCE)

    def end(self) -> None:
        """Stop watching."""
        self._over.set()
        if self._watching is not None:
            self._watching.join()


@contextmanager
def breaking_off(
    reacted: Callable[[], bool],
    strikes: Callable[[], None],
    loop: asyncio.AbstractEventLoop,
) -> Iterator[None]:
    """Inside, an interrupt also ends async functions of buttons that block the event loop.

    A kernel turns an interrupt into a cancellation, which the loop receives only when it is free. While it is
    not, :class:`BrokenOff` is raised inside the button's function that blocks it, and nowhere else. A
    cancelled function may be cleaning up, so it is left alone until the user interrupts again. Does nothing
    outside the main thread, which alone handles signals, and on a platform without threads.

    Args:
        reacted: whether the run is ending; called on a separate thread.
        strikes: called just before a function is interrupted; the function may ignore that.
        loop: the loop of the run, which is the main thread's.
    """
    previous: Any = None
    if has_threads() and threading.current_thread() is threading.main_thread():
        previous = signal.getsignal(signal.SIGINT)
    if not callable(previous):
        yield
        return
    breaker = _Breaker(previous, reacted, strikes, loop)
    handler = breaker.meet  # one object, to be recognised below
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        breaker.end()
        if signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, previous)


def _nothing() -> None:
    """The callback that wakes a loop."""


_LOOK_UP = 0.1
"""Seconds until the main thread notices a signal that arrived just before its wait."""

_LAST_MOMENT = 1.0
"""Seconds that abandoned work has, after the second interrupt, to end its processes."""


def wait_in_thread(
    work: Callable[[Callable[[BaseException | None], None]], object], cancel: Callable[[], None], name: str
) -> None:
    """Run `work` in a thread called `name`, in the caller's context, while this thread waits.

    Args:
        work: receives a function that it calls with its exception or ``None`` when it is over; the thread may
            continue after that.
        cancel: called on an interrupt.

    Raises:
        BaseException: the exception of `work`, or a second interrupt, after `work` had a moment to end.
    """
    faults: list[BaseException] = []
    ended = threading.Event()
    # A button's output belongs to the cell that presses it; kernels keep the cell in the context.
    context = contextvars.copy_context()

    def over(fault: BaseException | None) -> None:
        if fault is not None and not ended.is_set():
            faults.append(fault)
        ended.set()

    def do() -> None:
        fault: BaseException | None = None
        try:
            context.run(work, over)
        except BaseException as error:
            fault = error
        over(fault)

    with cancelling(cancel):
        threading.Thread(target=do, name=name, daemon=True).start()
        try:
            # A signal that arrives just before a wait does not end it (CPython checks signals before it
            # releases the lock, and then only when woken), so every wait here has a timeout.
            while not ended.wait(_LOOK_UP):
                pass
        except BaseException:
            cancel()
            ended.wait(_LAST_MOMENT)
            raise
    if faults:
        raise faults[0]


async def to_the_end(work: Callable[[], object]) -> None:
    """Run `work` in a thread while the event loop continues; a cancellation waits until `work` is done.

    Raises:
        asyncio.CancelledError: the caller was cancelled meanwhile; `work` is done.
        Exception: the exception of `work`.
    """
    doing = asyncio.create_task(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait({doing})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        doing.exception()  # the cancellation takes precedence; retrieving it avoids a log message
        raise cancelled
    doing.result()
