"""The drawer that ``each`` and ``%%each`` press: one ``for_each`` step around one button."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.checking.scope import ROOTS
from drawer_ipy.definition.rates import parse_rates
from drawer_ipy.definition.values import parse_lasting, parse_tolerance
from drawer_ipy.engine.listing import as_list, instead
from drawer_ipy.engine.pulled_loop import can_pull
from drawer_ipy.errors import UsageError
from drawer_ipy.pressing.job import Options

LOOP = "each"
"""The id of the loop."""

ITEM = "item"
"""The loop variable where the caller gives no name that the language allows."""

_STEPS = ("output", "result")
"""Ids of the step inside, which names the column of outputs that are not mappings; the first is usual."""

_BACKOFF = {"strategy": "exponential", "initial_ms": 500, "max_ms": 30_000, "jitter": True}


@dataclass(frozen=True, slots=True)
class EachOptions:
    """How the items are pressed.

    Attributes:
        parallelism: most items at once, or ``auto``; 0 and 1 mean one after the other.
        stop: whether the first failed item ends the loop; otherwise every item is tried.
        retry: most further attempts of an item after a failure.
        timeout: seconds that one attempt of an item may take; ``None`` for no limit.
        rate: starts per time, ``"5/s"``; see :func:`~drawer_ipy.definition.rates.parse_rates`.
        cache: how long outputs are used again, ``"1d"`` or ``"forever"``.
        tolerate: failures after which the loop ends: a count, or a share such as ``"2%"``; ``None`` for any.

    Raises:
        UsageError: a value is invalid, or two contradict each other.
    """

    parallelism: int | Literal["auto"] = 0
    stop: bool = False
    retry: int = 0
    timeout: float | None = None
    rate: Any = None
    cache: str | None = None
    tolerate: int | str | None = None

    def __post_init__(self) -> None:
        Options(self.parallelism)
        if isinstance(self.retry, bool) or not isinstance(self.retry, int) or self.retry < 0:
            raise UsageError(f"retry must be a whole number from 0 up, not {self.retry!r}")
        if self.timeout is not None and not is_seconds(self.timeout):
            raise UsageError(f"timeout must be seconds above 0, not {self.timeout!r}")
        read_option("rate", parse_rates, self.rate)
        read_option("cache", parse_lasting, self.cache)
        read_option("tolerate", parse_tolerance, self.tolerate)
        if self.stop and self.tolerate is not None:
            raise UsageError("stop and tolerate cannot be combined: `stop` tolerates no failure")


def is_seconds(value: Any) -> bool:
    """Whether `value` is a number of seconds above 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def read_option(name: str, parse: Callable[[Any], Any], value: Any) -> None:
    """Check `value`, if it is given, with the parser of the language.

    Raises:
        UsageError: it is invalid; `name` is the option's.
    """
    if value is None:
        return
    try:
        parse(value)
    except BadValue as error:
        raise UsageError(f"{name}: {error.message}", remediation=error.hint) from None


def loop_tree(name: str, button: str, label: str, source: str, options: EachOptions) -> dict[str, Any]:
    """Return the drawer as the mapping that a ``%%drawer`` cell would contain.

    Args:
        name: the drawer's name, ``""`` for none.
        button: the button that gets each item as its argument `label`.
        label: the loop variable; see :func:`label_for`.
        source: the input with the items.
    """
    step: dict[str, Any] = {
        "id": next(step for step in _STEPS if step != label),
        "button": button,
        "args": {label: f"${{{label}}}"},
    }
    if options.timeout is not None:
        step["timeout_seconds"] = options.timeout
    if options.retry:
        step["on_failure"] = {"action": "retry", "max_attempts": options.retry + 1, "backoff": _BACKOFF}
    loop: dict[str, Any] = {"id": LOOP, "kind": "for_each", "over": f"${{inputs.{source}}}", "as": label}
    if options.parallelism:
        loop["parallelism"] = options.parallelism
    if options.tolerate is not None:
        loop["tolerated_failures"] = options.tolerate
    else:
        loop["on_item_failure"] = "stop" if options.stop else "continue"
    loop["steps"] = [step]
    named = {"name": name} if name else {}
    return {**named, "inputs": [{"name": source, "required": True}], "steps": [loop]}


def label_for(name: str) -> str:
    """Return `name` as a loop variable, or ``item`` if the language uses the word for something else."""
    return ITEM if name in (*ROOTS, LOOP) or not name.isascii() else name


def check_items(items: Any, shown: str) -> Sequence[Any] | None:
    """Check that `items` can be looped over before anything runs.

    Returns:
        The items if they are a sequence; ``None`` if they come one by one.

    Raises:
        UsageError: they cannot; `shown` is how they were written.
    """
    found = as_list(items)
    if found is None and not can_pull(items):
        kind = "None" if items is None else f"of type {type(items).__name__}"
        raise UsageError(f"`{shown}` is {kind}, which cannot be looped over", remediation=instead(items))
    return found
