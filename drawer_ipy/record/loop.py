"""The record of a loop: what each of its items did, in columns.

Items may be a million, so a loop keeps one byte of state, two times and one output per nested step an
item, and makes objects only for the entries somebody looks at.
"""

from __future__ import annotations

import functools
import operator
import time
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.plain import LazyList
from drawer_ipy.record.step import StepResult

# Item states, one byte each. The widget draws these bytes as they are.
WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED = range(6)
STATE_NAMES = ("waiting", "running", "ok", "failed", "cancelled", "skipped")

# Statuses of a nested step within an item, as bytes.
STEP_STATUSES = ("", "ok", "error", "timeout", "failed", "cancelled")
DID_NOT_RUN, STEP_OK = 0, 1
_STATUS_CODE = {word: code for code, word in enumerate(STEP_STATUSES)}


class StepColumn:
    """One nested step of a loop, over all items: outputs and statuses by index.

    Attributes:
        id: the nested step's id.
        outputs: list of length n; ``None`` where it did not run or failed.
        statuses: bytes of length n, indices into :data:`STEP_STATUSES`.
        errors: index -> :class:`ErrorInfo`, only for items where it failed.
        details: index -> :class:`StepResult`, where there is more to tell (a failure, stderr, several
            attempts), and everywhere when `detailed`.
        about: index -> what the button told beside its output, where it told something.
        cached: bytes of length n, 1 where the output is that of an earlier press; ``None`` while there
            is none.
        detailed: whether all that is known is kept of every item: a run of few items can afford it.
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

    def put(self, index: int, result: StepResult) -> None:
        """Record how the step ended for item `index`."""
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
        """Copy the first `n` items of an earlier press."""
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
        """Whether the output of item `index` is that of an earlier press."""
        return bool(self.cached and self.cached[index])

    def cell(self, index: int) -> dict[str, Any]:
        """``{status, output, error}`` of item `index`, as expressions and the original see it."""
        return {
            "status": STEP_STATUSES[self.statuses[index]],
            "output": self.outputs[index],
            "error": self.details[index].told_error(recorded=True) if index in self.errors else None,
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
        width: how many may run at once now, where the loop finds that out itself; else ``None``.
        epoch: ``time.perf_counter()`` when the loop began; ``began`` is the same moment in seconds
            since the epoch.
        ended: ``time.perf_counter()`` when the loop ended, 0.0 while it runs.
        counts: how many items are in each state, by state number.
        before: index -> earlier state of an item that a press which goes on with another has still to press.
        kept: how many items it took over as they were.
    """

    __slots__ = (
        "before",
        "began",
        "columns",
        "counts",
        "ended",
        "epoch",
        "finished",
        "items",
        "kept",
        "label",
        "parallelism",
        "path",
        "started",
        "states",
        "width",
    )

    def __init__(
        self,
        path: tuple[str, ...],
        label: str,
        items: Sequence[Any],
        step_ids: Sequence[str],
        parallelism: int,
        detailed: bool = False,
        began: float | None = None,
    ) -> None:
        n = len(items)
        self.path = path
        self.label = label
        self.items = items
        self.states = bytearray(n)
        self.started = array("d", bytes(8 * n))
        self.finished = array("d", bytes(8 * n))
        self.columns = [StepColumn(step_id, n, detailed) for step_id in step_ids]
        self.parallelism = parallelism
        self.width: int | None = None
        self.epoch = perf_counter()
        self.began = time.time() if began is None else began
        self.ended = 0.0
        self.counts = [n, 0, 0, 0, 0, 0]
        self.before: dict[int, int] = {}
        self.kept = 0

    def __len__(self) -> int:
        return len(self.items)

    def move(self, index: int, state: int) -> None:
        """Put item `index` into `state`; keeps the counts true and stamps its times."""
        counts, states = self.counts, self.states
        counts[states[index]] -= 1
        counts[state] += 1
        states[index] = state
        now = perf_counter() - self.epoch
        if state == RUNNING:
            self.started[index] = now
        else:
            self.finished[index] = now

    def widen(self, width: int) -> None:
        """So many items may run at once from now on."""
        self.width = width

    def close(self) -> None:
        """The loop has ended: items never started become skipped, or what they were before."""
        for index, state in self.before.items():
            if self.states[index] == WAITING:
                self.states[index] = state
                self.counts[WAITING] -= 1
                self.counts[state] += 1
        self.before = {}
        waiting = self.counts[WAITING]
        if waiting:
            self.states = self.states.replace(bytes([WAITING]), bytes([SKIPPED]))
            self.counts[WAITING] = 0
            self.counts[SKIPPED] += waiting
        self.ended = perf_counter()

    def take_earlier(self, earlier: LoopRecord, again: Sequence[int], replaced: Collection[int]) -> None:
        """Go on with an earlier press of the same loop.

        Args:
            earlier: its record; it is not changed.
            again: indices that are to be pressed; the others stay as they are.
            replaced: those of `again` at which `earlier` had another item.
        """
        n = min(len(self.states), len(earlier.states))
        states = bytearray(earlier.states[:n])
        shift = earlier.epoch - self.epoch
        for column, old in zip(self.columns, earlier.columns, strict=True):
            column.take(old, n)
        for mine, theirs in ((self.started, earlier.started), (self.finished, earlier.finished)):
            mine[:n] = array("d", [moment and moment + shift for moment in theirs[:n]])
        for index in again:
            if index < n:
                if index in replaced:
                    self.clear(index)
                else:
                    self.before[index] = states[index]
                states[index] = WAITING
        self.states[:n] = states
        self.counts = [self.states.count(state) for state in range(len(STATE_NAMES))]
        self.kept = len(self) - len(again)

    def complete(self, index: int) -> bool:
        """Whether item `index` ended ok, and all items of loops within it."""
        if self.states[index] != OK:
            return False
        inner = (column.outputs[index] for column in self.columns)
        return all(output.record.all_complete() for output in inner if isinstance(output, LoopOutput))

    def all_complete(self) -> bool:
        """Whether :meth:`complete` holds of every item."""
        if self.counts[OK] < len(self.states):
            return False
        inner = (output for column in self.columns for output in column.outputs)
        return all(output.record.all_complete() for output in inner if isinstance(output, LoopOutput))

    def clear(self, index: int) -> None:
        """Forget what an earlier press did with item `index`."""
        self.before.pop(index, None)
        self.started[index] = self.finished[index] = 0.0
        for column in self.columns:
            column.clear(index)

    @property
    def elapsed(self) -> float:
        """Seconds from the start of the loop until it ended, or until now."""
        return (self.ended or perf_counter()) - self.epoch

    @property
    def cached(self) -> int:
        """How many items had at least one step answered from the result of an earlier press."""
        marks = [int.from_bytes(column.cached) for column in self.columns if column.cached]
        return functools.reduce(operator.or_, marks, 0).bit_count()

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


@dataclass(slots=True, eq=False, repr=False)
class Hidden:
    """What a loop's record leaves out: values that hold secrets, for the steps that run later.

    It hangs on the output in their scope, never on the record; results that can press again what failed
    hold on to it for that, and show nothing of it.

    Attributes:
        items: the list looped over, as it is.
        outputs: (index, nested step's id) -> output, only where the record's copy differs.
    """

    items: Sequence[Any]
    outputs: dict[tuple[int, str], Any] = field(default_factory=dict)

    def restore(self, entry: dict[str, Any]) -> dict[str, Any]:
        """`entry`, as :meth:`LoopRecord.entry` made it, with the real values in it."""
        index = entry["index"]
        entry["item"] = self.items[index]
        for step_id, cell in entry["steps"].items():
            if (index, step_id) in self.outputs:
                cell["output"] = self.outputs[index, step_id]
        return entry


class LoopEntries(LazyList):
    """The entries of a loop in input order, each made when it is looked at; ``None`` where not started.

    A serial loop that stopped has entries up to and including the one that failed.

    Attributes:
        record, hidden: as of a :class:`LoopOutput`.
    """

    __slots__ = ("hidden", "record")

    def __init__(self, record: LoopRecord, hidden: Hidden | None = None) -> None:
        self.record = record
        self.hidden = hidden

    def __len__(self) -> int:
        record = self.record
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
        if self.record.states[index] in (WAITING, SKIPPED):
            return None
        entry = self.record.entry(index)
        return entry if self.hidden is None else self.hidden.restore(entry)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"


class LoopOutput(Mapping[str, Any]):
    """The output of a ``for_each``: ``results`` and ``total``, and ``completed`` when it did not end ok.

    ``completed`` counts the items that ended by themselves, ok or failed.

    Attributes:
        record: the loop's record.
        hidden: for the output in a scope, what the record leaves out; ``None`` for the one recorded.
    """

    __slots__ = ("hidden", "record")

    def __init__(self, record: LoopRecord, hidden: Hidden | None = None) -> None:
        self.record = record
        self.hidden = hidden

    def _keys(self) -> tuple[str, ...]:
        # A tolerated or continued loop ran every item; only one that was cut short counts.
        counts = self.record.counts
        cut = counts[CANCELLED] or counts[SKIPPED] or counts[WAITING] or counts[RUNNING]
        return ("results", "completed", "total") if cut or counts[FAILED] else ("results", "total")

    def __getitem__(self, key: str) -> Any:
        record = self.record
        if key == "results":
            return LoopEntries(record, self.hidden)
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
