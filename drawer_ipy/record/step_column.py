"""The record of one nested step of a loop, over all items."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.disk_outputs import DiskOutputs, Outputs, StoredPiece
from drawer_ipy.record.step import StepResult

T = TypeVar("T")

# Statuses of a nested step of an item, as bytes.
STEP_STATUSES = ("", "ok", "error", "timeout", "failed", "cancelled")
DID_NOT_RUN, STEP_OK = 0, 1
_STATUS_CODE = {word: code for code, word in enumerate(STEP_STATUSES)}


class StepColumn:
    """One nested step of a loop, over all items: outputs and statuses by index.

    Attributes:
        id: the nested step's id.
        outputs: list of length n, or with ``keep: disk`` a sequence that reads them; ``None`` if the step did
            not run or failed.
        statuses: bytes of length n, indices into :data:`STEP_STATUSES`.
        errors: index -> :class:`ErrorInfo`, only for items in which it failed.
        details: index -> :class:`StepResult`, if there is more to record (a failure, stderr, several
            attempts), and for every item if `detailed`. If the item is on disk, it has neither arguments nor
            output; see :meth:`detail`.
        about: index -> what the button reported beside its output, if anything.
        cached: bytes of length n, 1 if the output is from an earlier press; ``None`` if none is.
        detailed: whether every item is recorded in full, which is possible in runs with few items.
    """

    __slots__ = ("about", "cached", "detailed", "details", "errors", "id", "outputs", "statuses")

    def __init__(self, step_id: str, n: int, detailed: bool = False, on_disk: bool = False) -> None:
        self.id: str = step_id
        self.detailed: bool = detailed
        self.outputs: Outputs = DiskOutputs(n) if on_disk else [None] * n
        self.statuses: bytearray = bytearray(n)
        self.errors: dict[int, ErrorInfo] = {}
        self.details: dict[int, StepResult] = {}
        self.about: dict[int, Mapping[str, Any]] = {}
        self.cached: bytearray | None = None

    @property
    def entries(self) -> list[Any]:
        """The outputs that are in memory, by index; an output on disk is represented by its piece."""
        outputs = self.outputs
        return outputs if isinstance(outputs, list) else outputs.entries

    def detail(self, index: int) -> StepResult | None:
        """Return the whole result of item `index` if it was recorded, else ``None``."""
        found, outputs = self.details.get(index), self.outputs
        if found is None or isinstance(outputs, list) or (stored := outputs.stored(index)) is None:
            return found
        piece, place = stored
        whole, beside = copy.copy(found), piece.detail(place)
        whole.output = piece.value(place)
        whole.args = None if beside is None else beside.args
        return whole

    def put_away(self, index: int, piece: StoredPiece, place: int) -> None:
        """Drop output and arguments of item `index` from memory, since `piece` has them at `place`."""
        outputs, detail = self.outputs, self.details.get(index)
        assert isinstance(outputs, DiskOutputs)
        if detail is not None:
            small = copy.copy(detail)
            small.output = small.args = None
            self.details[index] = small
        elif outputs.entries[index] is None:
            return
        outputs.put_away(index, piece, place)

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
            inside = result.inside is not None and result.inside.total
            if result.attempts == 1 and not (result.stderr or result.pushed_back or self.detailed or inside):
                return
        else:
            self.statuses[index] = _STATUS_CODE[result.status]
            if error is not None:
                self.errors[index] = error
        self.details[index] = result

    def take(self, earlier: StepColumn, places: Sequence[int]) -> None:
        """Copy items from an earlier press.

        Args:
            places: for each item its index in `earlier`, negative for none.
        """
        n = len(places)
        if isinstance(self.outputs, DiskOutputs):
            for index, place in enumerate(places):
                if place >= 0:
                    self.outputs.take(index, earlier.outputs, place)
        else:
            self.outputs[:n] = taken(earlier.outputs, places, None)
        self.statuses[:n] = bytearray(taken(earlier.statuses, places, DID_NOT_RUN))
        self.errors = _moved(earlier.errors, places)
        details = earlier.details
        if isinstance(earlier.outputs, DiskOutputs) and not isinstance(self.outputs, DiskOutputs):
            details = {index: whole for index in details if (whole := earlier.detail(index)) is not None}
        self.details = _moved(details, places)
        self.about = _moved(earlier.about, places)
        if earlier.cached is not None:
            cached = bytearray(taken(earlier.cached, places, 0))
            self.cached = cached.ljust(len(self.outputs), b"\x00")

    def take_row(self, index: int, earlier: StepColumn, place: int) -> None:
        """Copy the item `place` of an earlier press to `index`."""
        if isinstance(self.outputs, DiskOutputs):
            self.outputs.take(index, earlier.outputs, place)
        else:
            self.outputs[index] = earlier.outputs[place]
        self.statuses[index] = earlier.statuses[place]
        tables: tuple[tuple[dict[int, Any], dict[int, Any]], ...] = (
            (self.errors, earlier.errors),
            (self.details, earlier.details),
            (self.about, earlier.about),
        )
        for mine, theirs in tables:
            if place in theirs:
                mine[index] = theirs[place]
        if place in earlier.details and not isinstance(self.outputs, DiskOutputs):
            whole = earlier.detail(place)
            assert whole is not None
            self.details[index] = whole
        if earlier.was_cached(place):
            if self.cached is None:
                self.cached = bytearray(len(self.outputs))
            self.cached[index] = 1

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


def taken(values: Sequence[T], places: Sequence[int], missing: T) -> Sequence[T]:
    """Return the values at `places`, and `missing` for each negative place."""
    if isinstance(places, range):  # each value is where it was
        return values[: len(places)]
    return [values[place] if place >= 0 else missing for place in places]


def _moved(table: Mapping[int, T], places: Sequence[int]) -> dict[int, T]:
    if not table:
        return {}
    if isinstance(places, range):
        n = len(places)
        return {index: value for index, value in table.items() if index < n}
    return {index: table[place] for index, place in enumerate(places) if place in table}
