"""What holds buttons back across a run: a cap on all of them, shared pools of slots, even rates.

One class per limit; a step asks :class:`Limits` for those that concern it. All of them are shared by the
whole press, sub-drawers included, so loops within loops cannot multiply them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.definition.rates import parse_rate
from drawer_ipy.expressions import to_text

Turn = Callable[[], Awaitable[None]]


class Rate:
    """Starts spaced evenly (GCRA without a burst): no start comes sooner than a gap after the last.

    Args:
        text: starts per time, ``"5/s"`` or ``"100/min"``.

    Raises:
        ValueError: when `text` is no rate.
    """

    def __init__(self, text: str) -> None:
        self._gap = 1.0 / parse_rate(text)
        self._next = 0.0

    async def wait(self) -> None:
        """Return when it is this caller's turn to start; turns come in the order they were asked for."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)


class Limits:
    """All limits of one press.

    Args:
        concurrency: most buttons in flight at once; ``None`` for no cap.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self._gate = asyncio.Semaphore(concurrency) if concurrency else None
        self._rates: dict[tuple[str, str], Rate] = {}
        self._pools: dict[tuple[str, str], asyncio.Semaphore] = {}

    def concern(self, button: Button, step_rate: str | None) -> bool:
        """Whether anything holds `button` back when a step with `step_rate` presses it."""
        return bool(self._gate is not None or step_rate or button.rate or button.queue)

    @asynccontextmanager
    async def hold(
        self, button: Button, args: Mapping[str, Any], step_id: str, step_rate: str | None
    ) -> AsyncIterator[None]:
        """Keep every slot that a press of `button` needs, and begin when its turn comes.

        The scarcest is taken first: a press that waits for a pool does not keep others from the gate.
        """
        async with AsyncExitStack() as slots:
            queue = button.queue
            if queue is not None and queue.concurrency:
                await slots.enter_async_context(self._pool(queue.name, queue.key, queue.concurrency, args))
            if self._gate is not None:
                await slots.enter_async_context(self._gate)
            await self._start(button, step_id, step_rate)
            yield

    def turn(
        self, button: Button, step_id: str, step_rate: str | None
    ) -> Callable[[], Awaitable[None]] | None:
        """What waits for a further start of a press that began already; ``None`` where none need wait."""
        if not (button.rate or step_rate):
            return None
        return lambda: self._start(button, step_id, step_rate)

    async def _start(self, button: Button, step_id: str, step_rate: str | None) -> None:
        """Wait until the rates of the button and of the step allow a start."""
        for kind, name, text in (("button", button.name, button.rate), ("step", step_id, step_rate)):
            if text:
                await self.rate(kind, name, text).wait()

    def rate(self, kind: str, name: str, text: str) -> Rate:
        """The one rate of that kind and name."""
        found = self._rates.get((kind, name))
        if found is None:
            found = self._rates[kind, name] = Rate(text)
        return found

    def _pool(self, name: str, key: str, size: int, args: Mapping[str, Any]) -> asyncio.Semaphore:
        """The pool `name`; with a `key`, one for each value of the argument it names."""
        field = key.strip().removeprefix("{{").removesuffix("}}").strip()
        value = to_text(args[field]) if field and field in args else ""
        found = self._pools.get((name, value))
        if found is None:
            found = self._pools[name, value] = asyncio.Semaphore(size)
        return found
