"""Coroutines side by side until all end or one says that it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


class Enough(Exception):
    """Raised by a member of a group: the others are cancelled and nothing more starts."""


async def run_group(members: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all `members` at once; returns or raises only when every one of them has ended.

    It is what asyncio.TaskGroup is, except that a cancellation from outside in the same turn as a failure
    is never swallowed (TaskGroup does that before Python 3.13) and that :class:`Enough` is no error.

    Raises:
        asyncio.CancelledError: when cancelled from outside.
        BaseException: the first that a member raised, other than :class:`Enough`.
    """
    tasks = [asyncio.create_task(member) for member in members]
    if not tasks:
        return
    cancelled: asyncio.CancelledError | None = None
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError as error:
        cancelled = error
    # Each member is cancelled once: an impatient second interrupt must not cut short the clean-up of the
    # first, in which processes are ended.
    for task in tasks:
        task.cancel()
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:
            cancelled = error
    faults = [e for t in tasks if not t.cancelled() and (e := t.exception()) and not isinstance(e, Enough)]
    if cancelled is not None:
        raise cancelled
    if faults:
        raise faults[0]
