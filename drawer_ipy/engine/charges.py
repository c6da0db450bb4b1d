"""Rates as a step or a button asks for them, and what one start costs under each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.short_repr import shown
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.rates import RateLimit, parse_rates
from drawer_ipy.errors import ArgumentError
from drawer_ipy.expressions import Template, compile_expression


@dataclass(frozen=True, slots=True)
class ChargedRate:
    """A rate whose cost can be computed.

    Attributes:
        limit: the rate.
        template: the cost as a compiled expression; ``None`` if it is a number or a function.
    """

    limit: RateLimit
    template: Template | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells the rate from others of the same owner."""
        return self.limit.text, str(self.limit.cost)

    def cost(self, scope: Mapping[str, Any]) -> float:
        """Return the cost of a start.

        Args:
            scope: the names that an expression sees; the arguments that a function gets.

        Raises:
            ResolveError: the expression has no value.
            ArgumentError: the value is not a number from 0 up, or the function raised.
        """
        cost = self.limit.cost
        if cost is None:
            return 1.0
        if self.template is not None:
            value = self.template.resolve(scope)
        else:
            value = _called(cost, scope) if callable(cost) else cost
        if isinstance(value, bool) or not hasattr(value, "__float__") or not 0 <= float(value) < math.inf:
            raise ArgumentError(
                f"the cost under the rate {self.limit.text} is {shown(value)}, not a number from 0 up",
                remediation=f"cost: {cost}" if isinstance(cost, str) else "",
            )
        return float(value)


def charged_rates(rate: Any) -> tuple[ChargedRate, ...]:
    """Compile the rates that a step or a button asks for; ``()`` for none.

    Raises:
        BadValue: as :func:`~drawer_ipy.definition.rates.parse_rates`.
        ResolveError: a cost is not an expression.
    """
    return tuple(
        ChargedRate(limit, compile_expression(limit.cost) if isinstance(limit.cost, str) else None)
        for limit in parse_rates(rate)
    )


def _called(cost: Callable[..., Any], args: Mapping[str, Any]) -> Any:
    try:
        return cost(**args)
    except BaseException as error:  # of the user's function
        pass_on_interrupt(error)
        raise ArgumentError(f"the cost of a rate cannot be computed: {describe(error)}") from error
