"""The rates of a loop: each item waits for its turn, and costs what the definition says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.engine.charges import ChargedRate
from drawer_ipy.engine.limits import Charges, Rate
from drawer_ipy.errors import ArgumentError, DrawerError, ResolveError
from drawer_ipy.record.waits import Reason


class ItemRates:
    """A gate that lets items start as the loop's rates allow; see :class:`~drawer_ipy.engine.pool.Gate`.

    Args:
        rates: the loop's rates.
        scope: returns the names that the cost of an item sees.
        pausing: returns the context in which an item waits.
    """

    def __init__(
        self,
        rates: Sequence[tuple[Rate, ChargedRate]],
        scope: Callable[[int], Mapping[str, Any]],
        pausing: Callable[[int | None, Reason, float | None], AbstractContextManager[None]],
    ) -> None:
        self._rates = rates
        self._pausing = pausing
        self._scope = scope
        self._faults: dict[int, DrawerError] = {}
        self._entered: dict[int, Charges] = {}

    async def enter(self, index: int | None = None) -> None:
        """Wait for the turn of item `index`."""
        assert index is not None, "an item is known before it waits for its turn"
        charges: list[tuple[Rate, float]] = []
        for rate, charged in self._rates:
            cost = self._cost(charged, index)
            await rate.wait(cost, partial(self._pausing, index))
            charges.append((rate, cost))
        self._entered[index] = charges

    def leave(self) -> None:
        """Do nothing: a start counts, whatever its outcome, so there is nothing to give back."""

    def fault_of(self, index: int) -> DrawerError | None:
        """Return why the cost of item `index` could not be computed, ``None`` if it could."""
        return self._faults.pop(index, None) if self._faults else None

    def charges_of(self, index: int) -> Charges:
        """Return what item `index`, which has entered, costs; called once."""
        return self._entered.pop(index, ())

    def _cost(self, charged: ChargedRate, index: int) -> float:
        try:
            scope = self._scope(index)
        except BaseException as error:  # of the user's list; the loop reads the item again and reports it
            pass_on_interrupt(error)
            return 0.0
        try:
            return charged.cost(scope)
        except (ArgumentError, ResolveError) as error:
            self._faults[index] = error
            return 0.0
