"""The limits on buttons across a run: a cap on all buttons, shared pools of slots, and rates.

There is one class per limit; a step gets those that apply to it from :class:`Limits`. The whole press,
including its sub-drawers, shares all limits, so nested loops cannot multiply them. A button's timeout starts
when the button starts: the time it waits here does not count.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.definition.models import Queue
from drawer_ipy.definition.rates import parse_rate
from drawer_ipy.engine.charges import ChargedRate, charged_rates
from drawer_ipy.expressions import to_text

Turn = Callable[[], Awaitable[None]]

_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}", re.ASCII)


class Rate:
    """Evenly spaced starts (GCRA without a burst).

    Args:
        text: units per time, e.g. ``"5/s"`` or ``"100/min"``; a start costs one unless it says otherwise.

    Raises:
        ValueError: `text` is not a rate.
    """

    def __init__(self, text: str) -> None:
        gap = 1.0 / parse_rate(text)
        self._turns = _Line(gap)
        self._starts = _Line(gap)

    async def wait(self, cost: float = 1.0) -> None:
        """Wait for this caller's turn to start; turns come in the order of the calls."""
        await self._turns.pass_through(cost)

    async def start(self, cost: float = 1.0) -> None:
        """Wait until the start may happen, for a caller that had its turn and then waited for a slot.

        Several callers may get their slots at once; this spaces them again.
        """
        await self._starts.pass_through(cost)


class _Line:
    """A queue whose waiters pass one by one; one of cost c keeps the next waiting for c * `gap` seconds."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._due = 0.0
        self._first = asyncio.Lock()  # only the first waiter waits for the clock; the lock is fair

    async def pass_through(self, cost: float) -> None:
        clock = asyncio.get_running_loop().time
        gap = self._gap * cost
        async with self._first:
            now = clock()
            turn = max(self._due, now)
            if turn > now:
                await asyncio.sleep(turn - now)
            # An event loop wakes late. Up to half a gap is caught up, so that the average rate holds; not
            # more, so that waiters that were delayed together do not start together.
            self._due = max(turn, clock() - gap / 2) + gap


Charges = Sequence[tuple[Rate, float]]
"""The rates that one start waits for, and what it costs under each."""


class Limits:
    """All limits of one press.

    Args:
        concurrency: most buttons running at once; ``None`` for no cap.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self._gate = asyncio.Semaphore(concurrency) if concurrency else None
        self._rates: dict[Hashable, Rate] = {}
        # By the button's id; the plan keeps the buttons alive.
        self._of_buttons: dict[int, tuple[ChargedRate, ...]] = {}
        self._pools: dict[tuple[str, str], asyncio.Semaphore] = {}

    def concern(self, button: Button, charges: Charges) -> bool:
        """Whether any limit applies to a press of `button` with these charges."""
        return bool(self._gate is not None or charges or button.queue)

    def charges(
        self,
        button: Button,
        args: Mapping[str, Any],
        step: Hashable,
        step_rates: Sequence[ChargedRate],
        scope: Mapping[str, Any],
    ) -> Charges:
        """Return what a press of `button` with `args` costs under its own rates and those of `step`.

        Raises:
            ArgumentError, ResolveError: a cost cannot be computed.
        """
        if not button.rate and not step_rates:
            return ()
        of_button = self._of_buttons.get(id(button))
        if of_button is None:
            of_button = self._of_buttons[id(button)] = charged_rates(button.rate)
        found = [(self.rate((button.name, one.key), one.limit.text), one.cost(args)) for one in of_button]
        found += [(self.rate((step, one.key), one.limit.text), one.cost(scope)) for one in step_rates]
        return found

    @asynccontextmanager
    async def hold(self, button: Button, args: Mapping[str, Any], charges: Charges) -> AsyncIterator[None]:
        """Hold every slot that a press of `button` needs, and enter when its turn comes.

        A press that waits for its turn holds no slot, and a press that waits for a pool holds none of the
        run's slots, so neither keeps other buttons from running.
        """
        for rate, cost in charges:
            await rate.wait(cost)
        async with AsyncExitStack() as slots:
            queue = button.queue
            if queue is not None and queue.concurrency:
                await slots.enter_async_context(self._pool(queue, button.name, args))
            if self._gate is not None:
                await slots.enter_async_context(self._gate)
            for rate, cost in charges:
                await rate.start(cost)
            yield

    def turn(self, charges: Charges) -> Turn | None:
        """Return the wait for another start inside a running press; ``None`` if no rate applies."""

        async def wait() -> None:
            for rate, cost in charges:
                await rate.wait(cost)
            for rate, cost in charges:
                await rate.start(cost)

        return wait if charges else None

    def rate(self, who: Hashable, text: str) -> Rate:
        """Return the rate that belongs to `who`: a loop, a step, or a button by name and rate."""
        found = self._rates.get(who)
        if found is None:
            found = self._rates[who] = Rate(text)
        return found

    def _pool(self, queue: Queue, button: str, args: Mapping[str, Any]) -> asyncio.Semaphore:
        """Return the pool with the queue's name (default: the button's own), as large as its first user says.

        With a ``key``, each value of the key has its own pool.
        """
        which = (queue.name or f"button {button}", _key_value(queue.key, args))
        found = self._pools.get(which)
        if found is None:
            found = self._pools[which] = asyncio.Semaphore(queue.concurrency)
        return found


def _key_value(key: str, args: Mapping[str, Any]) -> str:
    """Evaluate ``key``, the name of an argument or a text with ``{{name}}``, for these arguments."""
    if "{{" not in key:
        return to_text(args[key.strip()]) if key.strip() in args else ""
    return _PLACE.sub(lambda found: to_text(args.get(found[1], "")), key)
