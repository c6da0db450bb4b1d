"""Functions that a run leaves behind because they ignored their cancellation."""

from __future__ import annotations

import asyncio
from collections import Counter


class Leftovers:
    """Functions that did not end in time after their cancellation; each continues in a task of its own.

    The tasks are stored here until they end, because an event loop holds them only weakly.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: Counter[str] = Counter()

    def add(self, button: str, task: asyncio.Task[None]) -> None:
        """Keep the `task` in which a function of `button` continues."""
        self._left[button] += 1
        self.hold(task)

    def hold(self, task: asyncio.Task[None]) -> None:
        """Keep `task`, which was reported already, until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notes(self) -> list[str]:
        """Return a note for the user on each button with such functions."""
        return [
            f"button {button!r} ignored its cancellation"
            f"{'' if count == 1 else f' {count} times'}: its function was abandoned and may still be running"
            for button, count in self._left.items()
        ]

    async def aclose(self) -> None:
        """Do nothing: these functions cannot be ended."""
