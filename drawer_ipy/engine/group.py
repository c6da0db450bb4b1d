"""Coroutines side by side until all end or one says that it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from drawer_ipy.common.cancellation import Stop, end


class Enough(Exception):
    """Raised by a member of a group: the others are cancelled and nothing more starts."""


async def run_group(members: Iterable[Coroutine[Any, Any, None]], stop: Stop) -> None:
    """Run all `members` at once; returns or raises only when every one of them has ended.

    It is what asyncio.TaskGroup is, except that a cancellation from outside in the same turn as a failure
    is never swallowed (TaskGroup does that before Python 3.13), and that :class:`Enough` is not an error.

    Args:
        stop: set before the members are cancelled; what they see of it is theirs alone.

    Raises:
        asyncio.CancelledError: when cancelled from outside, or when a member cancelled itself.
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
    lost = any(task.cancelled() for task in tasks)
    stop.want()
    cancelled = await end(tasks) or cancelled
    over = [task for task in tasks if not task.cancelled()]
    faults = [e for task in over if (e := task.exception()) and not isinstance(e, Enough)]
    if cancelled is not None:
        raise cancelled
    if faults:
        raise faults[0]
    if lost and not any(isinstance(task.exception(), Enough) for task in over):
        # A button cancelled the task that it runs in: nobody is left to go on with the rest.
        raise asyncio.CancelledError
