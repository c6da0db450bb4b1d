"""Press drawers with Python functions as buttons, and count how many items run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy import Results, press

Functions = Mapping[str, Callable[..., Any]]


def loop(
    items: Sequence[Any],
    work: Callable[..., Any],
    *,
    check: bool = False,
    **fields: Any,
) -> Results:
    """Press a ``for_each`` over `items` whose only step presses `work` with the item as ``x``."""
    each = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.xs}",
        "as": "x",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
        **fields,
    }
    drawer = {"name": "t", "inputs": ["xs"], "steps": [each]}
    return press(drawer, {"xs": items}, check=check, buttons={"work": work}, quiet=True)


@dataclass
class Meter:
    """Counts how many items run at once, and records in which order they start.

    Attributes:
        now, most: how many run now, and the most that ever ran at once.
        started: items in the order in which they started.
    """

    now: int = 0
    most: int = 0
    started: list[Any] = field(default_factory=list)

    async def during(self, item: Any, seconds: float) -> None:
        """Run for `seconds`."""
        self.started.append(item)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.now -= 1
