"""The rates of a loop: each item waits for its turn, and costs what the definition says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drawer_ipy.engine.charges import ChargedRate
from drawer_ipy.engine.limits import Rate
from drawer_ipy.errors import ArgumentError, DrawerError, ResolveError


class ItemRates:
    """A gate that lets items start as the loop's rates allow; see :class:`~drawer_ipy.engine.pool.Gate`.

    Args:
        rates: the loop's rates.
        scope: returns the names that the cost of an item sees.
    """

    def __init__(
        self, rates: Sequence[tuple[Rate, ChargedRate]], scope: Callable[[int], Mapping[str, Any]]
    ) -> None:
        self._rates = rates
        self._scope = scope
        self._faults: dict[int, DrawerError] = {}

    async def enter(self, index: int | None = None) -> None:
        """Wait for the turn of item `index`."""
        for rate, charged in self._rates:
            await rate.wait(self._cost(charged, index))

    def leave(self) -> None:
        """Do nothing: a start counts, whatever its outcome, so there is nothing to give back."""

    def fault_of(self, index: int) -> DrawerError | None:
        """Return why the cost of item `index` could not be computed, ``None`` if it could."""
        return self._faults.pop(index, None) if self._faults else None

    def _cost(self, charged: ChargedRate, index: int | None) -> float:
        if charged.template is None or index is None:
            return charged.cost({})
        try:
            return charged.cost(self._scope(index))
        except (ArgumentError, ResolveError) as error:
            self._faults[index] = error
            return 0.0
