"""The record of a run: what each step and each item did, kept while it happens.

Steps are few and each has a :class:`StepResult`; a loop keeps its items in columns, see ``record/loop.py``.
The record is mutated in place, so it is whole at any moment: a cancelled run keeps what had ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        started, finished: seconds since the epoch; 0.0 when not reached.
        inputs: what it was given, secrets already redacted.
        steps: top-level steps that ran, in the order of the definition.
        failed_step: id of the top-level step that failed the run, ``""`` when none.
        error: that step's error, or why the run never began.
        compensations: what ``compensate_with`` did after the failure, in the order it was done.
        clock: what its times are read from.
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

    def step(self, step_id: str) -> StepResult:
        """The top-level step `step_id`; KeyError naming those there are."""
        for step in self.steps:
            if step.id == step_id:
                return step
        known = ", ".join(s.id for s in self.steps) or "none"
        raise KeyError(f"no step {step_id!r} in this run; there are: {known}")

    @property
    def duration(self) -> float:
        """Seconds it took, so far when it is still running."""
        return max(0.0, (self.finished or self.clock()) - self.started) if self.started else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The run in the shape of the original's result, fit for JSON."""
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
