"""What a run leaves behind: functions that went on although they were told to stop."""

from __future__ import annotations

import asyncio
from collections import Counter


class Leftovers:
    """Functions that did not end in time after they were cancelled; each goes on in a task of its own.

    The tasks are held here until they end: an event loop holds them only weakly.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: Counter[str] = Counter()

    def add(self, button: str, task: asyncio.Task[None]) -> None:
        """Take the `task` in which a function of `button` goes on."""
        self._left[button] += 1
        self.hold(task)

    def hold(self, task: asyncio.Task[None]) -> None:
        """Keep `task`, which was reported already, until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notes(self) -> list[str]:
        """What a user should know of them."""
        return [
            f"button {button!r} ignored its cancellation"
            f"{'' if count == 1 else f' {count} times'}: its function was abandoned and may still be running"
            for button, count in self._left.items()
        ]

    async def aclose(self) -> None:
        """Nothing: they cannot be ended, which is why they are here."""
