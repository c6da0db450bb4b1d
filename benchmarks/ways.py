"""The ways of calling an async function for every item of a list: ours, and those it is compared with."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from drawer_ipy import apress, press

Function = Callable[[Any], Awaitable[Any]]
Way = Callable[[Function, Sequence[Any], int], list[Any] | Any]

OURS = "drawer_ipy: press"
SEMAPHORE = "Semaphore + gather"
POOL = "bare worker pool"


def drawer(button: str = "work", **more: Any) -> dict[str, Any]:
    """A drawer that presses `button` for every ``x`` of ``inputs.xs``."""
    step = {"id": "done", "button": button, "args": {"x": "${x}"}}
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step]}
    return {"name": "bench", "steps": [loop], **more}


def ours(function: Function, items: Sequence[Any], width: int) -> Any:
    """The public ``press``, from the definition to the Results, without a progress bar."""
    return press(drawer(), {"xs": items}, parallelism=width, buttons={"work": function}, quiet=True)


def ours_awaited(function: Function, items: Sequence[Any], width: int) -> Any:
    """The public ``apress``, on a loop that runs already, as in a notebook."""
    return asyncio.run(
        apress(drawer(), {"xs": items}, parallelism=width, buttons={"work": function}, quiet=True)
    )


def pool(function: Function, items: Sequence[Any], width: int) -> list[Any]:
    """The least that can be done: `width` workers over one iterator, no record, no failures."""

    async def main() -> list[Any]:
        results: list[Any] = [None] * len(items)
        left = iter(enumerate(items))

        async def worker() -> None:
            for index, item in left:
                results[index] = await function(item)

        await asyncio.gather(*(worker() for _ in range(width)))
        return results

    return asyncio.run(main())


def semaphore(function: Function, items: Sequence[Any], width: int) -> list[Any]:
    """What most people write."""

    async def main() -> list[Any]:
        limit = asyncio.Semaphore(width)

        async def one(item: Any) -> Any:
            async with limit:
                return await function(item)

        return await asyncio.gather(*(one(item) for item in items))

    return asyncio.run(main())


def anyio_group(function: Function, items: Sequence[Any], width: int) -> list[Any]:
    """An anyio task group under a capacity limiter."""
    anyio: Any = importlib.import_module("anyio")

    async def main() -> list[Any]:
        results: list[Any] = [None] * len(items)
        limit = anyio.CapacityLimiter(width)

        async def one(index: int, item: Any) -> None:
            async with limit:
                results[index] = await function(item)

        async with anyio.create_task_group() as group:
            for index, item in enumerate(items):
                group.start_soon(one, index, item)
        return results

    return list(anyio.run(main))


def aiometer_all(function: Function, items: Sequence[Any], width: int) -> list[Any]:
    """aiometer's bound on how many run at once."""
    aiometer: Any = importlib.import_module("aiometer")

    async def main() -> Any:
        return await aiometer.run_all([partial(function, item) for item in items], max_at_once=width)

    return list(asyncio.run(main()))


def installed(*names: str) -> list[str]:
    """Those of `names` that can be imported here; nobody has to install a peer for a benchmark."""
    return [name for name in names if importlib.util.find_spec(name) is not None]
