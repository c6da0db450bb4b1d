"""The limits on buttons across a run: a cap on all buttons, shared pools of slots, and rates.

There is one class per limit; a step gets those that apply to it from :class:`Limits`. The whole press,
including its sub-drawers, shares all limits, so nested loops cannot multiply them. A button's timeout starts
when the button starts: the time it waits here does not count.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.common.turns import SpacedTurns
from drawer_ipy.definition.models import Queue
from drawer_ipy.definition.rates import parse_rate
from drawer_ipy.engine.backends.base import Backend, Ticket
from drawer_ipy.engine.charges import ChargedRate
from drawer_ipy.expressions import to_text
from drawer_ipy.record.waits import Reason, Why

Turn = Callable[[], Awaitable[None]]
Pausing = Callable[[Reason, float | None], AbstractContextManager[None]]
"""Returns the context in which a step or an item waits for a number of seconds, ``None`` if not known."""

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
        self._reason = Reason(Why.RATE, text)
        # An event loop wakes late. Up to half a gap is caught up, so that the average rate holds; not more,
        # so that callers that were delayed together do not start together.
        self._turns = SpacedTurns(gap, catch_up=0.5)
        self._starts = SpacedTurns(gap, catch_up=0.5)

    async def wait(self, cost: float = 1.0, pausing: Pausing | None = None) -> None:
        """Wait for this caller's turn to start; turns come in the order of the calls.

        Args:
            cost: what the start costs.
            pausing: shows the wait.
        """
        await self._turns.take(cost, self._shown(pausing))

    async def start(self, cost: float = 1.0, pausing: Pausing | None = None) -> None:
        """Wait until the start may happen, for a caller that had its turn and then waited for a slot.

        Several callers may get their slots at once; this spaces them again.
        """
        await self._starts.take(cost, self._shown(pausing))

    def _shown(self, pausing: Pausing | None) -> Callable[[float], AbstractContextManager[None]] | None:
        return None if pausing is None else partial(pausing, self._reason)


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
        self._pools: dict[tuple[str, str], asyncio.Semaphore] = {}

    def concern(self, button: Button, charges: Charges) -> bool:
        """Whether any limit applies to a press of `button` with these charges."""
        return bool(self._gate is not None or charges or button.queue)

    def charges(
        self, charged: Iterable[tuple[Hashable, Sequence[ChargedRate], Mapping[str, Any]]]
    ) -> Charges:
        """Return what a press costs.

        Args:
            charged: the owners of rates (a step, the name of a button), the rates of each, and the names
                that their costs may read.

        Raises:
            ArgumentError, ResolveError: a cost cannot be computed.
        """
        return [
            (self.rate((owner, one.key), one.limit.text), one.cost(scope))
            for owner, rates, scope in charged
            for one in rates
        ]

    @asynccontextmanager
    async def hold(
        self,
        button: Button,
        args: Mapping[str, Any],
        charges: Charges,
        pausing: Pausing,
        backend: Backend | None = None,
        starts: Charges = (),
    ) -> AsyncIterator[Ticket | None]:
        """Hold every slot that a press of `button` needs, and enter when its turn comes.

        A press that waits for its turn holds no slot, and a press that waits for a pool holds none of the
        run's slots, so neither keeps other buttons from running. The place on a backend comes last but for
        the start under rates, so that starts are spaced where the presses run.

        Args:
            pausing: shows what the press waits for.
            backend: where it runs, if not in the kernel; its ticket is returned.
            starts: further rates, whose turn the press has had already, and which space its start.
        """
        for rate, cost in charges:
            await rate.wait(cost, pausing)
        async with AsyncExitStack() as slots:
            queue = button.queue
            if queue is not None and queue.concurrency:
                # Without the value of `key`, which may be a secret.
                reason = Reason(Why.QUEUE, queue.name or button.name)
                await _enter(slots, self._pool(queue, button.name, args), reason, pausing)
            if self._gate is not None:
                await _enter(slots, self._gate, _CONCURRENCY, pausing)
            ticket = None
            if backend is not None:
                ticket = await place_on(backend, pausing, at_once=bool(charges or starts))
                slots.callback(ticket.give_back)
            for rate, cost in (*charges, *starts):
                await rate.start(cost, pausing)
            yield ticket

    def turn(self, charges: Charges, pausing: Pausing) -> Turn | None:
        """Return the wait for another start inside a running press; ``None`` if no rate applies."""

        async def wait() -> None:
            for rate, cost in charges:
                await rate.wait(cost, pausing)
            for rate, cost in charges:
                await rate.start(cost, pausing)

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


_CONCURRENCY = Reason(Why.QUEUE)


async def _enter(slots: AsyncExitStack, places: asyncio.Semaphore, reason: Reason, pausing: Pausing) -> None:
    """Take one of `places` until `slots` is closed."""
    if places.locked():
        with pausing(reason, None):
            await slots.enter_async_context(places)
    else:
        await slots.enter_async_context(places)


async def place_on(backend: Backend, pausing: Pausing, *, at_once: bool) -> Ticket:
    """Wait for a place on `backend`; see :meth:`~drawer_ipy.engine.backends.base.Backend.ticket`."""
    if backend.has_place(at_once=at_once):
        return await backend.ticket(at_once=at_once)
    with pausing(Reason(Why.QUEUE, backend.name), None):
        return await backend.ticket(at_once=at_once)


def _key_value(key: str, args: Mapping[str, Any]) -> str:
    """Evaluate ``key``, the name of an argument or a text with ``{{name}}``, for these arguments."""
    if "{{" not in key:
        return to_text(args[key.strip()]) if key.strip() in args else ""
    return _PLACE.sub(lambda found: to_text(args.get(found[1], "")), key)
