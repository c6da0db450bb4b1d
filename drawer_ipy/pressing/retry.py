"""Press a drawer again for the steps and items that did not end ok, as ``results.retry()`` does.

The definition, inputs and options are those of the first press. Names are looked up again in the same places,
so a function that was fixed in the meantime is used in its new form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from drawer_ipy.display.choose import choose_display
from drawer_ipy.display.front_ends import current_shell
from drawer_ipy.display.live import Display
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.results.origin import RetryRequest, TakeRecord

if TYPE_CHECKING:
    from drawer_ipy.pressing.job import Job


class Retrier:
    """Makes further presses of a drawer, each of which continues the previous one.

    Args:
        prepare: returns a job that continues an earlier press.
        left: the latest press.
    """

    def __init__(self, prepare: Callable[[EarlierPress], Job], left: EarlierPress) -> None:
        self._prepare = prepare
        self._left = left

    def press(self, wanted: RetryRequest, take: TakeRecord) -> None:
        """Press on a separate thread and event loop while this thread waits.

        Raises:
            DefinitionError: something that the drawer needs no longer exists; nothing has run.
        """
        job = self._job(wanted)
        with _shown(wanted) as display:
            try:
                job.press_blocking(display, "await results.aretry()")
            finally:
                self._done(job, take)

    async def apress(self, wanted: RetryRequest, take: TakeRecord) -> None:
        """Press on the current event loop.

        Raises:
            asyncio.CancelledError: the caller was cancelled; everything that was started has ended.
            DefinitionError: as :meth:`press`.
        """
        job = self._job(wanted)
        with _shown(wanted) as display:
            try:
                await job.press(display)
            finally:
                self._done(job, take)

    def _job(self, wanted: RetryRequest) -> Job:
        return self._prepare(replace(self._left, only=wanted.only, dependents=wanted.dependents))

    def _done(self, job: Job, take: TakeRecord) -> None:
        if (
            job.run.record.started
        ):  # otherwise it was cancelled before it started, and the earlier press is kept
            self._left = job.run.left
            take(job.run.record)


@contextmanager
def _shown(wanted: RetryRequest) -> Iterator[Display]:
    """The display of the press: that of the request, or one of its own, which is closed afterwards."""
    if wanted.display is not None:
        yield wanted.display
        return
    display = choose_display(current_shell(), quiet=wanted.quiet)
    try:
        yield display
    finally:
        display.close(None)
