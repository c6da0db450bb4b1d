"""Presses a drawer again for what did not end ok: what ``results.retry()`` does.

The definition, inputs and options are those of the first press, and names are looked up in the same places:
a function that was mended since is used as it is now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from drawer_ipy.display.choose import choose_display, current_shell
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.results.origin import RetryRequest, TakeRecord

if TYPE_CHECKING:
    from drawer_ipy.pressing.job import Job


class Retrier:
    """Makes further presses of a drawer, each going on with the one before.

    Args:
        prepare: from what was left to a job that is ready to press.
        left: what the latest press left.
    """

    def __init__(self, prepare: Callable[[EarlierPress], Job], left: EarlierPress) -> None:
        self._prepare = prepare
        self._left = left

    def press(self, wanted: RetryRequest, adopt: TakeRecord) -> None:
        """Press on a thread with a loop of its own while this thread waits.

        Raises:
            DefinitionError: what it needs is not there any more; nothing has run.
        """
        job = self._job(wanted)
        display = choose_display(current_shell(), quiet=wanted.quiet)
        try:
            job.press_blocking(display)
        finally:
            self._done(job, adopt)
            display.close(None)

    async def apress(self, wanted: RetryRequest, adopt: TakeRecord) -> None:
        """Press on the current event loop.

        Raises:
            asyncio.CancelledError: when the caller is cancelled, after everything started has ended.
            DefinitionError: as :meth:`press`.
        """
        job = self._job(wanted)
        display = choose_display(current_shell(), quiet=wanted.quiet)
        try:
            await job.press(display)
        finally:
            self._done(job, adopt)
            display.close(None)

    def _job(self, wanted: RetryRequest) -> Job:
        return self._prepare(replace(self._left, only=wanted.only, dependents=wanted.dependents))

    def _done(self, job: Job, adopt: TakeRecord) -> None:
        if job.run.record.started:  # else it was cancelled before it began, and the earlier one stays
            self._left = job.run.left
            adopt(job.run.record)
