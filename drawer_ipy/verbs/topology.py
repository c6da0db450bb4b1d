"""A drawer's steps as text: one line a step, what is inside it further in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from drawer_ipy.definition import models
from drawer_ipy.definition.models import StepBase, nested_steps
from drawer_ipy.definition.values import width_words


def topology(steps: Iterable[StepBase], depth: int = 0) -> Iterator[str]:
    """The lines."""
    for step in steps:
        yield "  " * depth + _line(step)
        for path, nested in nested_steps(step):
            name = _branch(step, path)
            if name and nested:
                yield "  " * (depth + 1) + f"{name}:"
            yield from topology(nested, depth + 2 if name else depth + 1)


def steps_data(steps: Iterable[StepBase]) -> list[dict[str, Any]]:
    """The same for programs: id, kind, what is pressed, and the steps inside."""
    out = []
    for step in steps:
        entry: dict[str, Any] = {"id": step.id, "kind": step.kind or "button"}
        for key in ("button", "drawer"):
            if getattr(step, key, ""):
                entry[key] = getattr(step, key)
        for path, nested in nested_steps(step):
            name = _branch(step, path)
            if name:
                entry.setdefault("branches", {})[name] = steps_data(nested)
            else:
                entry["steps"] = steps_data(nested)
        out.append(entry)
    return out


def _branch(step: StepBase, path: tuple[str | int, ...]) -> str:
    if isinstance(step, models.SwitchStep):
        if path[0] == "steps":
            return "default"
        case = step.cases[int(path[1])]
        return case.id or f"case-{path[1]}"
    return str(path[1]) if path[0] == "branches" else ""


def _line(step: StepBase) -> str:
    parts = [step.id, _what(step)]
    args = ", ".join(f"{name}={_short(value)}" for name, value in step.args.items())
    if args:
        parts.append(f"({args})")
    if step.on_failure is not None and step.on_failure.action != "stop":
        policy = step.on_failure
        times = f" up to {policy.max_attempts} times" if policy.action == "retry" else ""
        parts.append(f"[on failure: {policy.action}{times}]")
    if step.timeout_seconds:
        parts.append(f"[{step.timeout_seconds:g} s at most]")
    return "  ".join(parts)


def _what(step: StepBase) -> str:
    match step:
        case models.ButtonStep():
            return f"button {step.button or '(none)'}"
        case models.DrawerStep():
            return f"drawer {step.drawer or '(none)'}"
        case models.ForEachStep() | models.BatchStep():
            width = width_words(step.parallelism, step.max_parallelism)
            pace = f", {width}" if width else ""
            over = "(nothing yet)" if step.over is None else _short(step.over)
            return f"{step.kind} {step.as_} in {over}{pace}, {step.on_item_failure} on failure"
        case models.WaitStep():
            return f"wait {step.duration or step.until or '(no duration)'}"
        case models.AggregateStep():
            return f"aggregate {_short(step.pluck)} of {_short(step.from_)}"
        case _:
            return step.kind


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 50 else text[:47] + "..."
