"""The record of a run: what each step and each item did, kept while it happens.

Steps are few and each has a :class:`StepResult`. Items may be a million, so a loop keeps them in
columns (one byte of state, two times and one output per nested step an item) and makes objects only for
the entries somebody looks at. The record is mutated in place, so it is whole at any moment: a cancelled
run keeps what had ended.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drawer_ipy.errors import Code, ErrorInfo

# Item states, one byte each. The widget draws these bytes as they are.
WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED = range(6)
STATE_NAMES = ("waiting", "running", "ok", "failed", "cancelled", "skipped")

# Statuses of a nested step within an item, as bytes; 0 is "did not run".
STEP_STATUSES = ("", "ok", "error", "timeout", "failed", "cancelled")
_STATUS_CODE = {word: code for code, word in enumerate(STEP_STATUSES)}


@dataclass(slots=True, eq=False)
class StepResult:
    """What one step did.

    Attributes:
        id: the step's id.
        button: the button pressed, ``""`` for other kinds.
        status: ``running``, ``ok``, ``error`` (the button ran and failed), ``timeout``, ``failed`` (it
            never got to run, or a nested step failed), ``cancelled`` or ``skipped``.
        exit_code: of a script; -1 for signal, timeout or never started; the HTTP status for HTTP; else 0.
        started: seconds since the epoch; ``finished`` likewise, 0.0 while running.
        args: arguments after resolving, ``None`` where none were resolved.
        output: the step's value, ``None`` on failure. For a loop a :class:`LoopOutput`.
        stdout, stderr: text captured (a traceback for a function).
        error: why it failed, ``None`` when it did not.
        attempts: how often it was tried.
        retry_after: seconds the other side asked to wait before another attempt, ``None`` when it did not.
        about: what a button told beside its output (of a request: status, url, headers, elapsed).
    """

    id: str
    button: str = ""
    status: str = "running"
    exit_code: int = 0
    started: float = 0.0
    finished: float = 0.0
    args: Mapping[str, Any] | None = None
    output: Any = None
    stdout: str = ""
    stderr: str = ""
    error: ErrorInfo | None = None
    attempts: int = 1
    retry_after: float | None = None
    about: Mapping[str, Any] | None = None

    def fail(self, code: str, message: str, remediation: str = "", status: str = "failed") -> None:
        """Mark this step as failed; the output it may have is kept by the caller's choice."""
        self.status = status
        self.error = ErrorInfo(code, message, remediation)

    @property
    def failed(self) -> bool:
        """Whether it ended without success (cancelled included)."""
        return self.error is not None

    @property
    def duration(self) -> float:
        """Seconds it took, so far when it is still running."""
        return max(0.0, (self.finished or time.time()) - self.started) if self.started else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The step in the shape of the original's result: empty and null fields are left out."""
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
        if self.error is not None:
            out["error"] = self.error.to_dict()
        return out


class StepColumn:
    """One nested step of a loop, over all items: outputs and statuses by index.

    Attributes:
        id: the nested step's id.
        outputs: list of length n; ``None`` where it did not run or failed.
        statuses: bytes of length n, indices into :data:`STEP_STATUSES`.
        errors: index -> :class:`ErrorInfo`, only for items where it failed.
        details: index -> :class:`StepResult`, only where there is more to tell (a failure, stderr,
            several attempts).
        about: index -> what the button told beside its output, where it told something.
    """

    __slots__ = ("about", "details", "errors", "id", "outputs", "statuses")

    def __init__(self, step_id: str, n: int) -> None:
        self.id = step_id
        self.outputs: list[Any] = [None] * n
        self.statuses = bytearray(n)
        self.errors: dict[int, ErrorInfo] = {}
        self.details: dict[int, StepResult] = {}
        self.about: dict[int, Mapping[str, Any]] = {}

    def put(self, index: int, result: StepResult) -> None:
        """Record how the step ended for item `index`."""
        self.outputs[index] = result.output
        if result.about is not None:
            self.about[index] = result.about
        error = result.error
        if error is None and result.status == "ok":
            self.statuses[index] = 1
            if result.attempts == 1 and not result.stderr:
                return
        else:
            self.statuses[index] = _STATUS_CODE[result.status]
            if error is not None:
                self.errors[index] = error
        self.details[index] = result

    def cell(self, index: int) -> dict[str, Any]:
        """``{status, output, error}`` of item `index`, as expressions and the original see it."""
        error = self.errors.get(index)
        return {
            "status": STEP_STATUSES[self.statuses[index]],
            "output": self.outputs[index],
            "error": None if error is None else error.to_dict(),
        }


class LoopRecord:
    """All items of one press of one ``for_each``, in columns by input index.

    Attributes:
        path: ids from the top-level step down to the loop (``("each", "inner")``).
        label: the loop variable's name.
        items: the list looped over, as given.
        states: one byte an item, see :data:`STATE_NAMES`.
        started, finished: seconds since ``epoch`` on the monotonic clock, 0.0 when not reached.
        columns: one :class:`StepColumn` per nested step, in order.
        parallelism: most items that run at once (1 when serial).
        epoch: ``time.perf_counter()`` when the loop began; ``began`` is the same moment in seconds
            since the epoch.
        ended: ``time.perf_counter()`` when the loop ended, 0.0 while it runs.
        counts: how many items are in each state, by state number.
    """

    __slots__ = (
        "began",
        "columns",
        "counts",
        "ended",
        "epoch",
        "finished",
        "items",
        "label",
        "parallelism",
        "path",
        "started",
        "states",
    )

    def __init__(
        self,
        path: tuple[str, ...],
        label: str,
        items: Sequence[Any],
        step_ids: Sequence[str],
        parallelism: int,
    ) -> None:
        n = len(items)
        self.path = path
        self.label = label
        self.items = items
        self.states = bytearray(n)
        self.started = array("d", bytes(8 * n))
        self.finished = array("d", bytes(8 * n))
        self.columns = [StepColumn(step_id, n) for step_id in step_ids]
        self.parallelism = parallelism
        self.epoch = time.perf_counter()
        self.began = time.time()
        self.ended = 0.0
        self.counts = [n, 0, 0, 0, 0, 0]

    def __len__(self) -> int:
        return len(self.items)

    def move(self, index: int, state: int) -> None:
        """Put item `index` into `state`; keeps the counts true and stamps its times."""
        counts, states = self.counts, self.states
        counts[states[index]] -= 1
        counts[state] += 1
        states[index] = state
        now = time.perf_counter() - self.epoch
        if state == RUNNING:
            self.started[index] = now
        else:
            self.finished[index] = now

    def close(self) -> None:
        """The loop has ended: items never started become skipped."""
        waiting = self.counts[WAITING]
        if waiting:
            self.states = self.states.replace(b"\x00", bytes([SKIPPED]))
            self.counts[WAITING] = 0
            self.counts[SKIPPED] += waiting
        self.ended = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds from the start of the loop until it ended, or until now."""
        return (self.ended or time.perf_counter()) - self.epoch

    def first_failed(self) -> int | None:
        """The lowest index that really failed, or ``None``."""
        index = self.states.find(FAILED)
        return None if index < 0 else index

    def error_of(self, index: int) -> tuple[str, ErrorInfo] | None:
        """``(nested step id, error)`` that decided item `index`, or ``None``.

        It is the last step that ran: an earlier one with ``on_failure: continue`` did not decide.
        """
        for column in reversed(self.columns):
            if column.statuses[index]:
                error = column.errors.get(index)
                return None if error is None else (column.id, error)
        return None

    def entry(self, index: int) -> dict[str, Any]:
        """Item `index` as ``{index, item, failed, cancelled, steps}``."""
        state = self.states[index]
        return {
            "index": index,
            "item": self.items[index],
            "failed": state == FAILED,
            "cancelled": state == CANCELLED,
            "steps": {c.id: c.cell(index) for c in self.columns if c.statuses[index]},
        }


class LoopEntries(Sequence[Any]):
    """The entries of a loop in input order, each made when it is looked at; ``None`` where not started.

    A serial loop that stopped has entries up to and including the one that failed.
    """

    __slots__ = ("_record",)

    def __init__(self, record: LoopRecord) -> None:
        self._record = record

    def __len__(self) -> int:
        record = self._record
        n = len(record)
        if record.parallelism <= 1 and (record.counts[SKIPPED] or record.counts[WAITING]):
            return n - record.counts[SKIPPED] - record.counts[WAITING]
        return n

    def __getitem__(self, index: Any) -> Any:
        n = len(self)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(n))]
        if index < 0:
            index += n
        if not 0 <= index < n:
            raise IndexError(f"item {index} of {n}")
        if self._record.states[index] in (WAITING, SKIPPED):
            return None
        return self._record.entry(index)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"


class LoopOutput(Mapping[str, Any]):
    """The output of a ``for_each``: ``results`` and ``total``, and ``completed`` when it did not end ok.

    ``completed`` counts the items that ended by themselves, ok or failed.
    """

    __slots__ = ("record",)

    def __init__(self, record: LoopRecord) -> None:
        self.record = record

    def _keys(self) -> tuple[str, ...]:
        # A tolerated or continued loop ran every item; only one that was cut short counts.
        counts = self.record.counts
        cut = counts[CANCELLED] or counts[SKIPPED] or counts[WAITING] or counts[RUNNING]
        return ("results", "completed", "total") if cut or counts[FAILED] else ("results", "total")

    def __getitem__(self, key: str) -> Any:
        record = self.record
        if key == "results":
            return LoopEntries(record)
        if key == "total":
            return len(record)
        if key == "completed":
            return record.counts[OK] + record.counts[FAILED]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def __repr__(self) -> str:
        record = self.record
        return f"<for_each over {len(record)}: {record.counts[OK]} ok>"


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
        return max(0.0, (self.finished or time.time()) - self.started) if self.started else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The run in the shape of the original's result, fit for JSON."""
        out: dict[str, Any] = {
            "run_id": self.run_id,
            "drawer": self.drawer,
            "status": self.status,
            "started_at": rfc3339(self.started),
            "finished_at": rfc3339(self.finished or time.time()),
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
            out["error"] = self.error.to_dict()
        return out


CANCELLED_ERROR = ErrorInfo(Code.CANCELLED, "cancelled before it ended")


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as UTC text with microseconds and ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """`value` with lazy mappings and sequences made into dicts and lists; other objects as they are."""
    if isinstance(value, dict | Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | LoopEntries):
        return [plain(v) for v in value]
    return value
