"""The record of one nested step of a loop, over all items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.step import StepResult

# Statuses of a nested step of an item, as bytes.
STEP_STATUSES = ("", "ok", "error", "timeout", "failed", "cancelled")
DID_NOT_RUN, STEP_OK = 0, 1
_STATUS_CODE = {word: code for code, word in enumerate(STEP_STATUSES)}


class StepColumn:
    """One nested step of a loop, over all items: outputs and statuses by index.

    Attributes:
        id: the nested step's id.
        outputs: list of length n; ``None`` if the step did not run or failed.
        statuses: bytes of length n, indices into :data:`STEP_STATUSES`.
        errors: index -> :class:`ErrorInfo`, only for items in which it failed.
        details: index -> :class:`StepResult`, if there is more to record (a failure, stderr, several
            attempts), and for every item if `detailed`.
        about: index -> what the button reported beside its output, if anything.
        cached: bytes of length n, 1 if the output is from an earlier press; ``None`` if none is.
        detailed: whether every item is recorded in full, which is possible in runs with few items.
    """

    __slots__ = ("about", "cached", "detailed", "details", "errors", "id", "outputs", "statuses")

    def __init__(self, step_id: str, n: int, detailed: bool = False) -> None:
        self.id = step_id
        self.detailed = detailed
        self.outputs: list[Any] = [None] * n
        self.statuses = bytearray(n)
        self.errors: dict[int, ErrorInfo] = {}
        self.details: dict[int, StepResult] = {}
        self.about: dict[int, Mapping[str, Any]] = {}
        self.cached: bytearray | None = None

    def grow(self) -> None:
        """Add a place for one more item, in which the step has not run."""
        self.outputs.append(None)
        if self.cached is not None:
            self.cached.append(0)
        self.statuses.append(DID_NOT_RUN)

    def put(self, index: int, result: StepResult) -> None:
        """Record the step's result for item `index`."""
        self.outputs[index] = result.output
        if result.about is not None:
            self.about[index] = result.about
        if result.cached:
            if self.cached is None:
                self.cached = bytearray(len(self.outputs))
            self.cached[index] = 1
        error = result.error
        if error is None and result.status == "ok":
            self.statuses[index] = STEP_OK
            if result.attempts == 1 and not (result.stderr or result.pushed_back or self.detailed):
                return
        else:
            self.statuses[index] = _STATUS_CODE[result.status]
            if error is not None:
                self.errors[index] = error
        self.details[index] = result

    def take(self, earlier: StepColumn, n: int) -> None:
        """Copy the first `n` items from an earlier press."""
        self.outputs[:n] = earlier.outputs[:n]
        self.statuses[:n] = earlier.statuses[:n]
        self.errors = {index: error for index, error in earlier.errors.items() if index < n}
        self.details = {index: detail for index, detail in earlier.details.items() if index < n}
        self.about = {index: about for index, about in earlier.about.items() if index < n}
        if earlier.cached is not None:
            self.cached = earlier.cached[:n].ljust(len(self.outputs), b"\x00")

    def clear(self, index: int) -> None:
        """Forget what was recorded for item `index`."""
        self.outputs[index] = None
        self.statuses[index] = DID_NOT_RUN
        for table in (self.errors, self.details, self.about):
            table.pop(index, None)
        if self.cached is not None:
            self.cached[index] = 0

    def was_cached(self, index: int) -> bool:
        """Whether the output of item `index` is from an earlier press."""
        return bool(self.cached and self.cached[index])

    def cell(self, index: int) -> dict[str, Any]:
        """Return ``{status, output, error}`` of item `index`, as expressions and the original see it."""
        return {
            "status": STEP_STATUSES[self.statuses[index]],
            "output": self.outputs[index],
            "error": self.details[index].error_entry(recorded=True) if index in self.errors else None,
        }
