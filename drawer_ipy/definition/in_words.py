"""Descriptions of a drawer's steps in words, for dry runs, summaries of drawers and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from drawer_ipy.definition.backends import backend_words
from drawer_ipy.definition.declared import branches_of, manner_of, summary_of
from drawer_ipy.definition.models import ButtonStep
from drawer_ipy.definition.step_base import StepBase

Pressed = Callable[[str], str]
"""Returns a short description of a button by its name, ``"GET shop.example"``; ``""`` if unknown."""

_MOST = 60


def _unknown(_button: str) -> str:
    return ""


def what_it_does(step: StepBase, pressed: Pressed = _unknown) -> str:
    """A step's summary, with a description of its button: ``press page (GET shop.example)``."""
    sort = pressed(step.button) if isinstance(step, ButtonStep) and step.button else ""
    return f"{summary_of(step)} ({sort})" if sort else summary_of(step)


def how(step: StepBase) -> str:
    """How a step runs: ``8 at once, continues when items fail``; ``""`` if nothing is special."""
    return ", ".join(manner_of(step))


def step_in_words(step: StepBase, pressed: Pressed = _unknown) -> str:
    """Describe one step in one line, without the steps inside it."""
    line = f"{step.id}: " + ", ".join(filter(None, (what_it_does(step, pressed), how(step))))
    args = ", ".join(f"{name}={short_value(value)}" for name, value in step.args.items())
    return f"{line} with {args}" if args else line


def steps_in_words(steps: Iterable[StepBase], pressed: Pressed = _unknown, depth: int = 0) -> Iterator[str]:
    """Describe each step in one line, with the steps inside it indented below the branches' titles."""
    for step in steps:
        yield "  " * depth + step_in_words(step, pressed)
        for branch in branches_of(step):
            if branch.title and branch.steps:
                yield "  " * (depth + 1) + f"{branch.title}:"
            yield from steps_in_words(branch.steps, pressed, depth + (2 if branch.title else 1))


def steps_as_data(steps: Iterable[StepBase]) -> list[dict[str, Any]]:
    """The same as data: id, kind, what is pressed, and the steps inside by name of the branch."""
    out = []
    for step in steps:
        entry = head_as_data(step)
        for branch in branches_of(step):
            if branch.name:
                entry.setdefault("branches", {})[branch.name] = steps_as_data(branch.steps)
            else:
                entry["steps"] = steps_as_data(branch.steps)
        out.append(entry)
    return out


def head_as_data(step: StepBase) -> dict[str, Any]:
    """A step as data without the steps inside it: its id, its kind, what it presses."""
    entry: dict[str, Any] = {"id": step.id, "kind": step.kind or "button"}
    return entry | {key: getattr(step, key) for key in ("button", "drawer") if getattr(step, key, "")}


def dry_run_in_words(
    name: str,
    inputs: Mapping[str, Any],
    steps: Iterable[StepBase],
    pressed: Pressed = _unknown,
    backend: str = "",
) -> Iterator[str]:
    """Describe what a press of the drawer `name` would do; secrets in `inputs` are already redacted.

    Args:
        backend: the backend of the press, ``""`` for none.
    """
    yield f"drawer {name or '(no name)'}: dry run, nothing was pressed"
    for where in backend_words(backend):
        yield f"  Python functions run {where}"
    for key, value in inputs.items():
        yield f"  input {key} = {short_value(value)}"
    yield from steps_in_words(steps, pressed, 1)


def short_value(value: Any) -> str:
    """A literal value in a few characters."""
    if isinstance(value, list | tuple) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    text = " ".join(value.split()) if isinstance(value, str) else repr(value)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"
