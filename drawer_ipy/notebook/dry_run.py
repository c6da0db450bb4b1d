"""Dry runs: a description of what a press would do."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from drawer_ipy.definition.button_runtimes import in_words
from drawer_ipy.definition.in_words import dry_run_in_words
from drawer_ipy.engine.secrets.redactor import REDACTED
from drawer_ipy.pressing.job import Job
from drawer_ipy.style.html_frame import PRE, block


class DryRun:
    """A checked drawer and its inputs, shown as text; nothing has been pressed."""

    def __init__(self, job: Job, inputs: Mapping[str, Any]) -> None:
        self._job = job
        self._inputs = inputs

    def __repr__(self) -> str:
        drawer = self._job.run.plan.drawer  # with the parallelism from the line
        secret = {spec.name for spec in drawer.inputs if spec.secret}
        inputs = {name: REDACTED if name in secret else value for name, value in self._inputs.items()}
        backend = self._job.run.plan.plans.backend
        lines = [*dry_run_in_words(drawer.name, inputs, drawer.steps, self._sort, backend)]
        lines += [f"  warning: {problem}" for problem in self._job.warnings]
        lines += [f"  note: {note}" for note in self._job.run.notes]
        return self._job.run.redactor().text("\n".join(lines))

    def _repr_html_(self) -> str:
        return block(f"<pre {PRE}>{escape(repr(self))}</pre>")

    def _sort(self, name: str) -> str:
        button = self._job.catalog.find(name)
        if button is None:
            return ""
        return button.kind if button.spec is None else in_words(button.spec)
