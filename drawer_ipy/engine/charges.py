"""Rates as a step or a button asks for them, and what one start costs under each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.named_call import NamedCall
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
        function: the cost as a function; ``None`` if it is a number or an expression.
    """

    limit: RateLimit
    template: Template | None = None
    function: NamedCall | None = None

    @property
    def roots(self) -> frozenset[str]:
        """The names that the cost may read."""
        if self.template is not None:
            return frozenset(one.root for one in self.template.references)
        return frozenset(self.function.names or () if self.function is not None else ())

    @property
    def key(self) -> tuple[str, str]:
        """What tells the rate from others of the same owner."""
        return self.limit.text, str(self.limit.cost)

    def cost(self, scope: Mapping[str, Any]) -> float:
        """Return the cost of a start.

        Args:
            scope: the names that an expression sees; a function gets those that its parameters name.

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
            value = cost if self.function is None else _called(self.function, scope)
        number = _number(value)
        if number is None:
            raise ArgumentError(
                f"the cost under the rate {self.limit.text} is {shown(value)}, not a number from 0 up",
                remediation=f"cost: {cost}" if isinstance(cost, str) else "",
            )
        return number


def _number(value: Any) -> float | None:
    """Return `value` as a finite number from 0 up; ``None`` if it is not one."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return None
    try:
        number = float(value)
    except BaseException as error:  # of an array, or of the user's class
        pass_on_interrupt(error)
        return None
    return number if 0 <= number < math.inf else None


def charged_rates(rate: Any) -> tuple[ChargedRate, ...]:
    """Compile the rates that a step or a button asks for; ``()`` for none.

    Raises:
        BadValue: as :func:`~drawer_ipy.definition.rates.parse_rates`.
        ResolveError: a cost is not an expression.
    """
    return tuple(
        ChargedRate(
            limit,
            compile_expression(limit.cost) if isinstance(limit.cost, str) else None,
            NamedCall(limit.cost) if callable(limit.cost) else None,
        )
        for limit in parse_rates(rate)
    )


def _called(cost: NamedCall, scope: Mapping[str, Any]) -> Any:
    try:
        return cost(scope)
    except BaseException as error:  # of the user's function
        pass_on_interrupt(error)
        raise ArgumentError(f"the cost of a rate cannot be computed: {describe(error)}") from error
