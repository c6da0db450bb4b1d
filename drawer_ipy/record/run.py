"""The record of a run: the results of each step and each item, updated during the run.

Each step has a :class:`StepResult`; a loop keeps its items in columns, see ``record/loop.py``. The record is
updated in place, so it is complete at any time: a cancelled run keeps what had ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from drawer_ipy.common.clock import Clock
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.plain import plain, rfc3339
from drawer_ipy.record.step import StepResult


@dataclass(slots=True, eq=False)
class RunRecord:
    """One press of one drawer.

    Attributes:
        run_id: 16 hex digits.
        drawer: the drawer's name.
        status: ``running``, ``ok``, ``failed`` or ``cancelled``.
        started, finished: seconds since the epoch; 0.0 if not reached.
        inputs: its inputs, with secrets redacted.
        steps: top-level steps that ran, in the order of the definition.
        failed_step: id of the top-level step that failed the run, or ``""``.
        error: that step's error, or why the run could not start.
        compensations: results of ``compensate_with`` steps after a failure, in order of execution.
        clock: the clock for its times.
    """

    run_id: str
    drawer: str
    status: str = "running"
    started: float = 0.0
    finished: float = 0.0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    steps: list[StepResult] = field(default_factory=list)
    failed_step: str = ""
    error: ErrorInfo | None = None
    compensations: list[StepResult] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def __getstate__(self) -> object:
        """Pickle iterators among the inputs as text: they are used up, and most cannot be pickled."""
        inputs = {
            name: repr(value) if hasattr(value, "__next__") or hasattr(value, "__anext__") else value
            for name, value in self.inputs.items()
        }
        return None, {spec.name: getattr(self, spec.name) for spec in fields(self)} | {"inputs": inputs}

    def step(self, step_id: str) -> StepResult:
        """Return the top-level step `step_id`; raise a KeyError that lists the ids if there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        known = ", ".join(s.id for s in self.steps) or "none"
        raise KeyError(f"there is no step {step_id!r} in this run; its steps are: {known}")

    @property
    def duration(self) -> float:
        """Return its duration in seconds; while it runs, the time so far."""
        return max(0.0, (self.finished or self.clock()) - self.started) if self.started else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the run in the format of the original's result, as JSON values."""
        out: dict[str, Any] = {
            "run_id": self.run_id,
            "drawer": self.drawer,
            "status": self.status,
            "started_at": rfc3339(self.started),
            "finished_at": rfc3339(self.finished or self.clock()),
            "duration_ms": round(self.duration * 1000),
        }
        if self.inputs:
            out["inputs"] = plain(self.inputs)
        out["steps"] = [s.to_dict() for s in self.steps]
        if self.compensations:
            out["compensations"] = [s.to_dict() for s in self.compensations]
        if self.failed_step:
            out["failed_step"] = self.failed_step
        if self.error is not None:
            out["error"] = self.error.to_record()
        return out
