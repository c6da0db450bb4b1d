"""What holds buttons back across a run: a cap on all of them, shared pools of slots, even rates.

One class per limit; a step asks :class:`Limits` for those that concern it. All of them are shared by the
whole press, sub-drawers included, so loops within loops cannot multiply them. A button's timeout begins when
the button does: waiting here does not count.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.definition.models import Queue
from drawer_ipy.definition.values import parse_rate
from drawer_ipy.expressions import to_text

Turn = Callable[[], Awaitable[None]]

_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}", re.ASCII)


class Rate:
    """Starts spaced evenly (GCRA without a burst).

    Args:
        text: starts per time, ``"5/s"`` or ``"100/min"``.

    Raises:
        ValueError: when `text` is not a rate.
    """

    def __init__(self, text: str) -> None:
        gap = 1.0 / parse_rate(text)
        self._turns = _Line(gap)
        self._starts = _Line(gap)

    async def wait(self) -> None:
        """Return when it is this caller's turn to start; turns come in the order they were asked for."""
        await self._turns.pass_through()

    async def enter(self) -> None:
        """The same, for a loop whose items wait for it."""
        await self.wait()

    def leave(self) -> None:
        """A start is spaced whatever becomes of it: there is nothing to give back."""

    async def start(self) -> None:
        """Return when the start may happen, for one whose turn came and who then waited for a slot.

        Several may have waited for slots together; they are spaced again.
        """
        await self._starts.pass_through()


class _Line:
    """People in a line, let through one by one, `gap` seconds apart."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._due = 0.0
        self._first = asyncio.Lock()  # only the first in line waits for the clock; the lock is fair

    async def pass_through(self) -> None:
        clock = asyncio.get_running_loop().time
        async with self._first:
            now = clock()
            turn = max(self._due, now)
            if turn > now:
                await asyncio.sleep(turn - now)
            # An event loop wakes late. Up to half a gap is made up for, so that the average holds; more is
            # not, so that what was held up together does not go off together.
            self._due = max(turn, clock() - self._gap / 2) + self._gap


class Limits:
    """All limits of one press.

    Args:
        concurrency: most buttons in flight at once; ``None`` for no cap.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self._gate = asyncio.Semaphore(concurrency) if concurrency else None
        self._rates: dict[Hashable, Rate] = {}
        self._pools: dict[tuple[str, str], asyncio.Semaphore] = {}

    def concern(self, button: Button, step_rate: str | None) -> bool:
        """Whether anything holds `button` back when a step with `step_rate` presses it."""
        return bool(self._gate is not None or step_rate or button.rate or button.queue)

    @asynccontextmanager
    async def hold(
        self, button: Button, args: Mapping[str, Any], step: Hashable, step_rate: str | None
    ) -> AsyncIterator[None]:
        """Keep every slot that a press of `button` by `step` needs, and begin when its turn comes.

        Who waits for a turn holds no slot, and who waits for a pool none of the whole run's: neither
        keeps other buttons from running.
        """
        rates = self._of(button, step, step_rate)
        for rate in rates:
            await rate.wait()
        async with AsyncExitStack() as slots:
            queue = button.queue
            if queue is not None and queue.concurrency:
                await slots.enter_async_context(self._pool(queue, button.name, args))
            if self._gate is not None:
                await slots.enter_async_context(self._gate)
            for rate in rates:
                await rate.start()
            yield

    def turn(self, button: Button, step: Hashable, step_rate: str | None) -> Turn | None:
        """What waits for a further start of a press that began already; ``None`` where none need wait."""
        rates = self._of(button, step, step_rate)

        async def wait() -> None:
            for rate in rates:
                await rate.wait()
            for rate in rates:
                await rate.start()

        return wait if rates else None

    def _of(self, button: Button, step: Hashable, step_rate: str | None) -> list[Rate]:
        asked = (((button.name, button.rate), button.rate), (step, step_rate))
        return [self.rate(who, text) for who, text in asked if text]

    def rate(self, who: Hashable, text: str) -> Rate:
        """The one rate of `who`: a loop, a step, or a button by name and rate."""
        found = self._rates.get(who)
        if found is None:
            found = self._rates[who] = Rate(text)
        return found

    def _pool(self, queue: Queue, button: str, args: Mapping[str, Any]) -> asyncio.Semaphore:
        """The pool of that name (the button's own when it has none), as large as its first user says.

        With a ``key`` there is one for each value of it.
        """
        which = (queue.name or f"button {button}", _key_value(queue.key, args))
        found = self._pools.get(which)
        if found is None:
            found = self._pools[which] = asyncio.Semaphore(queue.concurrency)
        return found


def _key_value(key: str, args: Mapping[str, Any]) -> str:
    """What ``key`` comes to for these arguments: the name of one, or a text with ``{{name}}`` in it."""
    if "{{" not in key:
        return to_text(args[key.strip()]) if key.strip() in args else ""
    return _PLACE.sub(lambda found: to_text(args.get(found[1], "")), key)
