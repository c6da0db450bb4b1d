"""Digests of the steps of a drawer, which show what has changed since a run was stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from drawer_ipy.buttons.base import Button
from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.sources import Sources
from drawer_ipy.definition import DrawerModel
from drawer_ipy.definition.declared import branches_of, variable_of
from drawer_ipy.definition.models import ButtonStep, StepBase
from drawer_ipy.record.jsonable import jsonable

_HOW = frozenset(
    {
        *("on_failure", "timeout_seconds", "parallelism", "max_parallelism", "rate", "tolerated_failures"),
        *("on_item_failure", "key", "bindings", "steps", "cases", "branches", "queue", "retries", "per_host"),
        *("connect_timeout_seconds", "read_timeout_seconds", "cache", "backend", "keep"),
    }
)
"""Fields that say how fast, how often or for which items a step runs, not what it does; and nested steps."""


def step_digests(drawer: DrawerModel, find_button: Callable[[str], Button | None]) -> dict[str, str]:
    """Return the id of each step, with those of the steps around it -> a digest of what it does."""
    sources = Sources(data=False)
    return {name: _digest(step, find_button, sources) for name, step in named_steps(drawer.steps)}


def named_steps(steps: Iterable[StepBase], around: str = "") -> Iterator[tuple[str, StepBase]]:
    """Yield each step and those inside it with its name: its id after the ids of the steps around it."""
    for step in steps:
        name = f"{around}{step.id}"
        yield name, step
        for branch in branches_of(step):
            yield from named_steps(branch.steps, f"{name}.")


def _digest(step: StepBase, find_button: Callable[[str], Button | None], sources: Sources) -> str:
    how = {*_HOW, *step.lists} if variable_of(step) else set(_HOW)  # what a loop goes over may change
    fields = step.model_dump(by_alias=True, exclude=how, exclude_defaults=True)
    parts = [_text(fields), *(_text([branch.name, branch.title]) for branch in branches_of(step))]
    if isinstance(step, ButtonStep):
        button = find_button(step.button)
        parts.append(b"" if button is None else button_digest(button, sources))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def button_digest(button: Button, sources: Sources) -> bytes:
    """Return bytes that change when what a button does changes, as far as that is known."""
    function = getattr(button, "function", None)
    if function is not None:
        try:
            return sources.digest(function)
        except Uncacheable:
            return str(getattr(function, "__qualname__", type(function).__qualname__)).encode()
    if button.spec is not None:
        spec = button.spec.model_dump(by_alias=True, exclude=set(_HOW), exclude_defaults=True)
        read = getattr(button, "source_text", None)
        try:
            return _text([spec, None if read is None else read()])
        except OSError:
            return _text(spec)
    return button.name.encode()


def _text(value: Any) -> bytes:
    try:
        return canonical(value)
    except Uncacheable:
        return json.dumps(jsonable(value), sort_keys=True).encode()


def changed_steps(now: Mapping[str, str], before: Mapping[str, Any]) -> list[str]:
    """Return the ids of the steps that both runs have and that do something else now, in order."""
    return [name for name, digest in now.items() if name in before and before[name] != digest]
