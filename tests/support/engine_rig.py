"""Presses drawers on the engine with Python functions as buttons, keeping count of what runs at once."""

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
    """Press one ``for_each`` over `items` whose only step presses `work` with ``x`` = the item."""
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
    """Counts what runs at once and in which order things began.

    Attributes:
        now, most: running at this moment, and at most so far.
        begun: items in the order they were started.
    """

    now: int = 0
    most: int = 0
    begun: list[Any] = field(default_factory=list)

    async def during(self, item: Any, seconds: float) -> None:
        """Be running for `seconds`."""
        self.begun.append(item)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.now -= 1
