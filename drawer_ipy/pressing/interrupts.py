"""Ctrl-C and the stop button of a front end, made to cancel a run instead of tearing through it."""

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
from drawer_ipy.common.cancellation import BrokenOff


@contextmanager
def cancelling(cancel: Callable[[], None], *, only_default: bool = False) -> Iterator[None]:
    """Inside, the first interrupt calls `cancel` and nothing else; a second one raises KeyboardInterrupt.

    A KeyboardInterrupt raised at the first would strike anywhere: out of an event loop that is not run
    again, or out of ``Thread.join``, which up to Python 3.12 then takes the thread for ended. A handler
    that somebody else has set (a kernel's, a server's) is called as well, an interrupt that is ignored
    stays so, and in other threads than the main one, which get no signals, this does nothing.

    Args:
        cancel: stops what is going on; it is called between two bytecodes of the main thread.
        only_default: leave a handler that somebody else has set alone: it cancels already.
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
        # What was set meanwhile belongs to somebody who has yet to take it back.
        if signal.getsignal(signal.SIGINT) is meet:
            signal.signal(signal.SIGINT, previous)


_PATIENCE = 0.25
"""Seconds that an event loop has to react to an interrupt before what blocks it is broken off."""

_AGAIN = 0.01
"""Seconds until the next function that blocks it is broken off: others may have been about to."""


@contextmanager
def breaking_off(  # noqa: C901 - a signal handler and its thread, which share what happened so far
    reacted: Callable[[], bool],
    strikes: Callable[[], None],
    asleep: asyncio.AbstractEventLoop | None = None,
) -> Iterator[None]:
    """Inside, an interrupt also ends async functions of buttons that keep the event loop to themselves.

    A kernel turns an interrupt into a cancellation, which its loop gets to see when it is free. So where
    it does not react, :class:`BrokenOff` is raised into the button's function that is in its way, and
    nowhere else. Does nothing outside the main thread, which alone gets signals.

    Args:
        reacted: whether the run is ending; asked on a thread of its own.
        strikes: called just before something is broken off, which may ignore that.
        asleep: the loop to wake, ``None`` where that is not needed. A kernel's handler leaves it asleep until
            something else happens, since Python takes up the waiting again after a signal.
    """
    previous: Any = None
    if threading.current_thread() is threading.main_thread():
        previous = signal.getsignal(signal.SIGINT)
    if not callable(previous):
        yield
        return
    over = threading.Event()
    nudged = threading.Event()
    watching: list[threading.Thread] = []

    def watch() -> None:
        pause = _PATIENCE
        while not over.wait(pause) and not reacted():
            nudged.set()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            pause = _AGAIN

    def meet(number: int, frame: FrameType | None) -> None:
        if nudged.is_set():
            nudged.clear()
            if is_in_function(frame) and not over.is_set() and not reacted():
                strikes()
                raise BrokenOff
            return
        if not watching:
            watching.append(threading.Thread(target=watch, name="drawer interrupt", daemon=True))
            watching[0].start()
        previous(number, frame)
        if asleep is not None:
            asleep.call_soon_threadsafe(_nothing)

    signal.signal(signal.SIGINT, meet)
    try:
        yield
    finally:
        over.set()
        for thread in watching:
            thread.join()
        if signal.getsignal(signal.SIGINT) is meet:
            signal.signal(signal.SIGINT, previous)


def _nothing() -> None:
    """What a loop is woken with."""


_LOOK_UP = 0.1
"""Seconds until the main thread sees a signal that slipped in before its wait."""

_LAST_MOMENT = 1.0
"""Seconds that work which is left at the second interrupt has to end its processes."""


def wait_in_thread(
    work: Callable[[Callable[[BaseException | None], None]], object], cancel: Callable[[], None], name: str
) -> None:
    """Do `work` in a thread of that name, within the caller's context, while this thread waits.

    Args:
        work: is handed what it calls when it is over, with its exception or ``None``; it may then go on.
        cancel: called at an interrupt.

    Raises:
        BaseException: whatever `work` raised; a second interrupt, once `work` had a moment to end.
    """
    faults: list[BaseException] = []
    ended = threading.Event()
    # What a button prints belongs to the cell that presses it; kernels keep that in a context.
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
            # A signal that comes just before a wait begins does not end it (CPython looks at signals before
            # it lets go of the lock, and then only when woken), so no wait here is for ever.
            while not ended.wait(_LOOK_UP):
                pass
        except BaseException:
            cancel()
            ended.wait(_LAST_MOMENT)
            raise
    if faults:
        raise faults[0]


async def to_the_end(work: Callable[[], object]) -> None:
    """Do `work` in a thread while the event loop goes on; a cancellation waits until it is done.

    Raises:
        asyncio.CancelledError: the caller was cancelled meanwhile; `work` is done.
        Exception: whatever `work` raised.
    """
    doing = asyncio.create_task(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait({doing})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        doing.exception()  # the cancellation outranks it; looking at it keeps asyncio quiet
        raise cancelled
    doing.result()
