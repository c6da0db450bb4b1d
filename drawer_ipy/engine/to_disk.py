"""Items whose outputs are held on disk only: they wait if outputs are made faster than they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from drawer_ipy.record.backlog import Backlog, rough_size
from drawer_ipy.record.loop import LoopRecord

_PAUSE = 0.005
"""Seconds between two looks at how much waits to be written."""


def pressing_to_disk(
    body: Callable[[int], Awaitable[bool]], record: LoopRecord, backlog: Backlog
) -> Callable[[int], Awaitable[bool]]:
    """Return `body` so that it ends only when there is room for the outputs of another item.

    Args:
        body: presses an item; see :class:`~drawer_ipy.engine.pool.BoundedMap`.
        record: the loop with the outputs.
        backlog: counts those that are not on disk.
    """

    async def press(index: int) -> bool:
        try:
            ok = await body(index)
        finally:
            made = (column.entries[index] for column in record.columns)
            backlog.add(index, sum(rough_size(output) for output in made if output is not None))
        while backlog.is_full:  # noqa: ASYNC110 - a thread writes
            await asyncio.sleep(_PAUSE)
        return ok

    return press
