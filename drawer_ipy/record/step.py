"""The result of a step, and its attempts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.common.clock import Clock
from drawer_ipy.common.json_text import BadJson, read_json
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.attempt import Attempt
from drawer_ipy.record.failed_counts import Failures
from drawer_ipy.record.plain import plain
from drawer_ipy.record.waits import Pause, Waits

MOST_TRIES = 20
"""Most earlier attempts of a step that are kept."""


MOST_WAITS = 200
"""Most waits of a step, or of a loop's items, in the JSON of a run."""


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """A failed attempt that was retried.

    Attributes:
        error: why it failed.
        started, finished: seconds since the epoch.
        exit_code, stdout, stderr: as in :class:`StepResult`.
    """

    error: ErrorInfo
    started: float
    finished: float
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass(slots=True, eq=False)
class StepResult(Attempt):
    """The result of a step: its last attempt, the earlier ones, and their circumstances.

    Attributes:
        id: the step's id.
        button: the button pressed, or ``""`` for other kinds.
        status: as in an attempt; also ``running``, ``paused``, ``cancelled`` or ``skipped``. ``failed`` also
            means that a nested step failed.
        output: the step's value, ``None`` on failure. For a loop, a :class:`LoopOutput`.
        started: seconds since the epoch; ``finished`` likewise, 0.0 while running.
        args: the resolved arguments; ``None`` if none were resolved.
        attempts: the number of attempts; ``tries`` are the attempts before the last, at most the latest 20.
        clock: the clock of its run.
        is_request: whether its button sends requests.
        inside: what failed inside a step that contains others (a sub-drawer, a branch) without failing it;
            ``None`` if it contains none. The items of a loop are counted from its record instead.
        waits: when it waited, in seconds since the epoch, with what it waits for now; ``None`` if it has not.
            For a nested step of a loop, the loop's record has them.
    """

    id: str
    button: str = ""
    started: float = 0.0
    finished: float = 0.0
    args: Mapping[str, Any] | None = None
    attempts: int = 1
    tries: tuple[Try, ...] = ()
    clock: Clock | None = None
    is_request: bool = False
    inside: Failures | None = None
    waits: Waits | None = None
    status: str = field(default="running", kw_only=True)

    def keep_try(self, began: float, ended: float) -> None:
        """Add the failed attempt to ``tries``; `began` and `ended` are seconds since the epoch."""
        assert self.error is not None
        tried = Try(self.error, began, ended, self.exit_code, self.stdout, self.stderr)
        self.tries = (*self.tries[1 - MOST_TRIES :], tried)

    def pause(self, pause: Pause, now: float) -> None:
        """Show that the step waits; `now` is in seconds since the epoch."""
        if self.finished:
            return
        if self.waits is None:
            self.waits = Waits()
        if self.waits.begin(0, pause, 0, now):
            self.status = "paused"

    def resume(self, pause: Pause, now: float) -> None:
        """End `pause`; the step is running again if it has no other pause and has not ended."""
        if self.waits is not None and self.waits.end(0, pause, now) is not None and self.status == "paused":
            self.status = "running"

    def begin_attempt(self, number: int) -> None:
        """Reset the result of the previous attempt."""
        self.attempts = number
        if number > 1:
            self.take(Attempt(status="running"))
            self.inside = None

    def fail(self, code: str, message: str, remediation: str = "", status: str = "failed") -> None:
        """Mark this step as failed; an existing output is kept."""
        self.status = status
        self.error: ErrorInfo | None = ErrorInfo(code, message, remediation)

    @property
    def failed(self) -> bool:
        """Whether it ended without success, or was cancelled."""
        return self.error is not None

    def error_entry(self, recorded: bool = False) -> dict[str, Any] | None:
        """Return the error as later steps see it: ``{code, message}``; requests add ``status`` and ``body``.

        The body is parsed if it is JSON; otherwise it is the beginning of the text. Both are null if there
        was no response.

        Args:
            recorded: use the original's code, as in the entries of a loop.
        """
        if self.error is None:
            return None
        entry = self.error.to_record() if recorded else self.error.to_dict()
        if self.is_request:
            answered = self.error.status is not None
            body = _body(self.about or {}, self.stdout) if answered else None
            entry |= {"status": self.error.status, "body": body}
        return entry

    @property
    def duration(self) -> float:
        """Return its duration in seconds; while it runs, the time so far."""
        end = self.finished or (self.clock() if self.clock is not None else 0.0)
        return max(0.0, end - self.started) if self.started else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the step in the format of the original's result; empty and null fields are left out."""
        out: dict[str, Any] = {"id": self.id}
        if self.button:
            out["button"] = self.button
        out |= {
            "status": self.status,
            "exit_code": self.exit_code,
            "duration_ms": round(self.duration * 1000),
        }
        if self.args:
            out["args"] = plain(self.args)
        if self.output is not None:
            out["output"] = plain(self.output)
        for key in ("stdout", "stderr"):
            if getattr(self, key):
                out[key] = getattr(self, key)
        if self.about is not None:
            out["about"] = plain(self.about)
        if self.attempts > 1:
            out["attempts"] = self.attempts
        if self.cached:
            out["cached"] = True
        out |= self._waits_entry()
        if self.error is not None:
            out["error"] = self.error.to_record()
        return out

    def _waits_entry(self) -> dict[str, list[dict[str, Any]]]:
        """Return the longest waits of the step, or of the items of a loop, by their beginning."""
        loop = getattr(self.output, "record", None)
        waits, zero = (loop.waits, 0.0) if loop is not None else (self.waits, self.started)
        found = sorted(waits or (), key=lambda wait: wait.begin - wait.end)[:MOST_WAITS]
        out = []
        for wait in sorted(found, key=lambda wait: wait.begin):
            entry: dict[str, Any] = {"reason": str(wait.reason.why)}
            if wait.reason.subject:
                entry["subject"] = wait.reason.subject
            if loop is not None:
                entry["item"] = wait.item
                entry |= {"step": loop.columns[wait.step].id} if wait.step >= 0 else {}
            entry["at_ms"] = round(1000 * (wait.begin - zero))
            entry["duration_ms"] = round(1000 * (wait.end - wait.begin))
            out.append(entry)
        return {"waits": out} if out else {}


CANCELLED_ERROR = ErrorInfo(Code.CANCELLED, "cancelled before it ended")


def _body(about: Mapping[str, Any], text: str) -> Any:
    kind = str((about.get("headers") or {}).get("content-type", "")).partition(";")[0].strip().lower()
    if kind.endswith("json") and text:
        with contextlib.suppress(BadJson):
            return read_json(text)
    return text or None
