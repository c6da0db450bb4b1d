"""What a press would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from drawer_ipy.definition.models import (
    BatchStep,
    ButtonStep,
    DrawerStep,
    ForEachStep,
    StepBase,
    SwitchStep,
    nested_steps,
)
from drawer_ipy.definition.values import width_words
from drawer_ipy.pressing.job import Job
from drawer_ipy.style.html_frame import block


class DryRun:
    """A checked drawer and its inputs, shown as text; nothing has been pressed."""

    def __init__(self, job: Job, inputs: Mapping[str, Any]) -> None:
        self._job = job
        self._inputs = inputs

    def __repr__(self) -> str:
        drawer = self._job.run.plan.drawer  # with the parallelism that the line asks for
        secret = {spec.name for spec in drawer.inputs if spec.secret}
        lines = [f"drawer {drawer.name or '(no name)'}: dry run, nothing was pressed"]
        for name, value in self._inputs.items():
            lines.append(f"  input {name} = {'[redacted]' if name in secret else _short(value)}")
        lines += self._steps(drawer.steps, 1)
        lines += [f"  warning: {problem}" for problem in self._job.warnings]
        return self._job.run.redactor().text("\n".join(lines))

    def _repr_html_(self) -> str:
        return block(f"<pre>{escape(repr(self))}</pre>")

    def _steps(self, steps: Sequence[StepBase], depth: int) -> Iterator[str]:
        for step in steps:
            yield "  " * depth + self._step(step)
            for path, nested in nested_steps(step):
                label = _branch(step, path)
                if label and nested:
                    yield "  " * (depth + 1) + f"{label}:"
                yield from self._steps(nested, depth + (2 if label else 1))

    def _step(self, step: StepBase) -> str:
        told = f"{step.id}: "
        if isinstance(step, ButtonStep):
            button = self._job.catalog.find(step.button)
            kind = "" if button is None else f" ({button.kind})"
            told += f"press {step.button}{kind}"
        elif isinstance(step, DrawerStep):
            told += f"press drawer {step.drawer}"
        elif isinstance(step, ForEachStep | BatchStep):
            pace = width_words(step.parallelism, step.max_parallelism) or "one after the other"
            told += (
                f"{step.kind} {step.as_} in {_short(step.over)}, {pace}, {step.on_item_failure} on failure"
            )
        else:
            told += step.kind
        if step.args:
            told += " with " + ", ".join(f"{k}={_short(v)}" for k, v in step.args.items())
        return told


def _branch(step: StepBase, path: Sequence[str | int]) -> str:
    """What leads to the steps at `path` of `step`, ``""`` where nothing but the step does."""
    if isinstance(step, SwitchStep):
        return f"when {_short(step.cases[int(path[1])].when)}" if path[0] == "cases" else "otherwise"
    return f"branch {path[1]}" if path[0] == "branches" else ""


def _short(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
