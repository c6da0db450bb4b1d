"""Rates: ``5/s``, a limit with a cost for each start, and lists of both."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import WithJsonSchema

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.named_call import NamedCall
from drawer_ipy.common.short_repr import shown
from drawer_ipy.errors import did_you_mean

_ONE = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "limit": {"type": "string", "description": "Most units per time: `20000/min`."},
                "cost": {
                    "type": ["number", "string"],
                    "description": "Units of one start: a number, or an expression such as `${tokens}`.",
                },
            },
            "required": ["limit"],
            "additionalProperties": False,
        },
    ]
}
Rates = Annotated[
    Any,
    WithJsonSchema({"anyOf": [*_ONE["anyOf"], {"type": "array", "items": _ONE}, {"type": "null"}]}),
]
"""The type of a ``rate`` in a definition; :func:`parse_rates` checks it."""

RATES_ALLOWED = 'write a number above 0 and a unit: "5/s", "100/min", "1/h", "20/day"'
WITH_COST = "for starts that count differently: {limit: 20000/min, cost: ${tokens}}"
KEY_TEXT = 'Most starts per time: "5/s", "100/min"; {limit: 20000/min, cost: ${tokens}}; or a list of them.'

_RATE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*/\s*([a-z]+)\s*", re.ASCII)
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("m", "min", "minute"), 60.0),
    **dict.fromkeys(("h", "hour"), 3600.0),
    **dict.fromkeys(("d", "day"), 86400.0),
}
_KEYS = ("limit", "cost")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One rate.

    Attributes:
        text: as written, ``20000/min``.
        per_second: units that may start each second.
        cost: units of one start: a number, an expression, or (from Python) a function of the arguments;
            ``None`` for one.
        path: where the cost stands below the ``rate``.
    """

    text: str
    per_second: float
    cost: float | str | Callable[..., Any] | None = None
    path: KeyPath = ()

    def words(self) -> str:
        """In words: ``5/s``, ``20000/min of ${tokens}``."""
        if self.cost is None:
            return self.text
        cost = (
            self.cost if isinstance(self.cost, int | float | str) else getattr(self.cost, "__name__", "cost")
        )
        return f"{self.text} of {cost}"


def parse_rate(text: Any) -> float:
    """The starts per second that `text` allows; ``"30/min"`` is 0.5.

    Raises:
        BadValue: it is not a rate.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise BadValue(f"{shown(text)} is not a rate", f'say per what: "{shown(text)}/s"; or {RATES_ALLOWED}')
    if not isinstance(text, str):
        raise BadValue(f"{shown(text)} is not a rate", RATES_ALLOWED)
    found = _RATE.fullmatch(text) if len(text) <= 60 else None
    if found is None or found[2] not in _SECONDS:
        raise BadValue(f"{text[:60]!r} is not a rate", RATES_ALLOWED)
    rate = float(found[1]) / _SECONDS[found[2]]
    if rate <= 0 or math.isinf(rate):
        raise BadValue(f"{text[:60]!r} never lets anything start", RATES_ALLOWED)
    return rate


def parse_rates(value: Any) -> tuple[RateLimit, ...]:
    """The rates of a definition's ``rate``; all of them hold. ``()`` for none.

    Raises:
        BadValue: one of them is invalid.
    """
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise BadValue("`rate` is an empty list", RATES_ALLOWED)
        return tuple(_limit(one, (position,)) for position, one in enumerate(value))
    return (_limit(value, ()),)


def _limit(value: Any, path: KeyPath) -> RateLimit:
    if not isinstance(value, Mapping):
        return RateLimit(value, parse_rate(value))
    for key in value:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or f"a rate has {' and '.join(_KEYS)}"
            raise BadValue(f"unknown key {shown(key)} in `rate`", hint)
    if "limit" not in value:
        raise BadValue("a rate with a cost has no limit", WITH_COST)
    return RateLimit(value["limit"], parse_rate(value["limit"]), _cost(value.get("cost")), (*path, "cost"))


def _cost(cost: Any) -> float | str | Callable[..., Any] | None:
    if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < math.inf:
        return float(cost)
    if isinstance(cost, str) and cost.strip():
        return cost
    if cost is None or callable(cost):
        known: Callable[..., Any] | None = cost
        return known
    raise BadValue(
        f"the cost of a rate cannot be {shown(cost)}",
        "give a number from 0 up, or an expression such as ${tokens}",
    )


def valid_rates(value: Any) -> tuple[RateLimit, ...]:
    """As :func:`parse_rates`; ``()`` if `value` is invalid."""
    try:
        return parse_rates(value)
    except BadValue:
        return ()


def costs_in(value: Any) -> Iterator[tuple[KeyPath, str]]:
    """The expressions that the costs in `value` read, with the path of each below it.

    For a function, these are expressions with the names of the parameters that must be given.
    """
    for one in valid_rates(value):
        if isinstance(one.cost, str):
            yield one.path, one.cost
        elif callable(one.cost):
            for name in NamedCall(one.cost).required:
                yield one.path, f"[{name}]"  # in brackets, since `inputs` alone is no value


def rate_words(value: Any) -> list[str]:
    """What `value` allows, in words; ``[]`` without a rate."""
    try:
        found = parse_rates(value)
    except BadValue:
        return [f"at most {shown(value)}"]
    return [f"at most {' and '.join(one.words() for one in found)}"] if found else []
