"""The drawer that ``each`` and ``%%each`` press: one ``for_each`` step around one button."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.seconds import is_seconds
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.checking.scope import ROOTS
from drawer_ipy.definition.costs import rate_troubles
from drawer_ipy.definition.values import parse_lasting, parse_tolerance
from drawer_ipy.engine.listing import as_list, instead
from drawer_ipy.engine.pulled_loop import can_pull
from drawer_ipy.errors import UsageError
from drawer_ipy.pressing.job import Options, check_backend

LOOP = "each"
"""The id of the loop."""

ITEM = "item"
"""The loop variable where the caller gives no name that the language allows."""

_STEPS = ("output", "result")
"""Ids of the step inside, which names the column of outputs that are not mappings; the first is usual."""

_FIELD = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_BACKOFF = {"strategy": "exponential", "initial_ms": 500, "max_ms": 30_000, "jitter": True}


@dataclass(frozen=True, slots=True)
class EachOptions:
    """How the items are pressed.

    Attributes:
        parallelism: most items at once, or ``"auto"``; 0 and 1 mean one after the other. ``None`` means as
            many as the backend has places, or one after the other without a backend.
        stop: end at the first failed item, and cancel what is in flight.
        retry: most further attempts of an item after a failure, with increasing waits.
        timeout: seconds that one attempt of an item may take; ``None`` for no limit.
        rate: starts per time, ``"5/s"``; ``{"limit": "20000/min", "cost": "${tokens}"}``, where the cost may
            also be a function of the arguments; or a list of rates, which all hold.
        cache: how long outputs are used again, ``"1d"`` or ``"forever"``; for functions and URLs.
        tolerate: failures after which the run fails: a count, or a share such as ``"2%"``; ``None`` for any.
        key: the field that identifies an item in a later press, ``"url"``, or an expression,
            ``"${item.url}"``; ``None`` to compare values.
        backend: where presses of a sync function run: ``"threads"`` of this process (the default),
            ``"processes"``, ``"dask"`` or ``"dask:ADDRESS"``. Unless `parallelism` is given, as many items
            run at once as the backend has places.
        keep: ``"disk"`` to hold outputs on disk only, for results that are larger than the memory.

    Raises:
        UsageError: a value is invalid, or two contradict each other.
    """

    parallelism: int | Literal["auto"] | None = None
    stop: bool = False
    retry: int = 0
    timeout: float | None = None
    rate: Any = None
    cache: str | None = None
    tolerate: int | str | None = None
    key: str | None = None
    backend: str | None = None
    keep: str | None = None

    def __post_init__(self) -> None:
        Options(self.parallelism)
        check_backend(self.backend)
        if isinstance(self.retry, bool) or not isinstance(self.retry, int) or self.retry < 0:
            raise UsageError(f"retry must be a whole number from 0 up, not {self.retry!r}")
        if self.timeout is not None and not is_seconds(self.timeout):
            raise UsageError(f"timeout must be seconds above 0, not {self.timeout!r}")
        for wrong in rate_troubles(self.rate, None):
            raise UsageError(f"rate: {wrong.message}", remediation=wrong.remediation)
        if self.keep not in (None, "disk"):
            raise UsageError(f'keep must be "disk" or None, not {shown(self.keep)}')
        read_option("cache", parse_lasting, self.cache)
        read_option("tolerate", parse_tolerance, self.tolerate)
        if self.key is not None and not (isinstance(self.key, str) and self.key.strip()):
            raise UsageError(
                f"key must be the name of a field, or an expression, not {shown(self.key)}",
                remediation='write key="url" or key="${item.url}"',
            )
        if self.stop and self.tolerate is not None:
            raise UsageError("stop and tolerate cannot be combined: `stop` tolerates no failure")


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
    if options.key is not None:
        loop["key"] = key_expression(options.key, label)
    if options.parallelism or (options.backend and options.parallelism is not None):
        loop["parallelism"] = options.parallelism
    if options.backend:
        loop["backend"] = options.backend
    if options.tolerate is not None:
        loop["tolerated_failures"] = options.tolerate
    else:
        loop["on_item_failure"] = "stop" if options.stop else "continue"
    if options.keep is not None:
        loop["keep"] = options.keep
    loop["steps"] = [step]
    named = {"name": name} if name else {}
    return {**named, "inputs": [{"name": source, "required": True}], "steps": [loop]}


def key_expression(key: str, label: str) -> str:
    """Return the expression of a key: as written, the item itself, or the field `key` of the item."""
    if "${" in key:
        return key
    if key == label:
        return f"${{{label}}}"
    return f"${{{label}.{key}}}" if _FIELD.fullmatch(key) else f"${{{label}[{json.dumps(key)}]}}"


def label_for(name: str) -> str:
    """Return `name` as a loop variable, or ``item`` if the language uses the word for something else."""
    return ITEM if name in (*ROOTS, LOOP) or not name.isascii() else name


def check_items(items: Any, written: str) -> Sequence[Any] | None:
    """Check that `items` can be looped over before anything runs.

    Returns:
        The items if they are a sequence; ``None`` if they come one by one.

    Raises:
        UsageError: they cannot; `written` is how they were written.
    """
    found = as_list(items)
    if found is None and not can_pull(items):
        kind = "None" if items is None else f"of type {type(items).__name__}"
        raise UsageError(f"`{written}` is {kind}, which cannot be looped over", remediation=instead(items))
    return found
