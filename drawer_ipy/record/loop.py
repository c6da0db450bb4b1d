"""The record of a loop: the results of its items, in columns.

There may be a million items, so a loop keeps one byte of state, two times and one output per nested step for
each item, and creates objects only for entries that are read.
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
from drawer_ipy.record.step_column import StepColumn

# Item states, one byte each. The widget draws these bytes directly.
WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED = range(6)
STATE_NAMES = ("waiting", "running", "ok", "failed", "cancelled", "skipped")


class LoopRecord:
    """All items of one press of one ``for_each``, in columns by input index.

    Attributes:
        path: ids from the top-level step down to the loop (``("each", "inner")``).
        label: the loop variable's name.
        items: the items, as given; of an iterator, those taken from it so far.
        total: the number of items; ``None`` while they come from an iterator that has not ended.
        states: one byte per item, see :data:`STATE_NAMES`.
        started, finished: seconds since ``epoch`` on the monotonic clock; 0.0 if not reached.
        columns: one :class:`StepColumn` per nested step, in order.
        parallelism: most items that run at once (1 for a serial loop).
        width: how many items may run now, if the loop adapts that itself; else ``None``.
        epoch: ``time.perf_counter()`` at the start of the loop; ``began`` is the same time in seconds since
            the epoch.
        ended: ``time.perf_counter()`` at the end of the loop, 0.0 while it runs.
        counts: number of items in each state, by state number.
        before: index -> earlier state of an item that a continuing press still has to press.
        kept: number of items taken unchanged from an earlier press.
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
        "total",
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
        ends: bool = True,
    ) -> None:
        n = len(items)
        self.total: int | None = n if ends else None
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
        return len(self.states)

    def append(self, item: Any) -> int:
        """Add an item that was taken from an iterator; return its index."""
        index = len(self.states)
        assert isinstance(self.items, list), "only the items of an iterator become more"
        self.items.append(item)
        self.started.append(0.0)
        self.finished.append(0.0)
        for column in self.columns:
            column.grow()
        self.counts[WAITING] += 1
        self.states.append(WAITING)  # last: readers on other threads go by its length
        return index

    def end_of_items(self) -> None:
        """Take note that the iterator has ended, so that the number of items is known."""
        self.total = len(self.states)

    def move(self, index: int, state: int) -> None:
        """Set the state of item `index`, and update the counts and its times."""
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
        """Set how many items may run at once from now on."""
        self.width = width

    def close(self) -> None:
        """End the loop: items that never started become skipped, or return to their earlier state."""
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
        """Continue an earlier press of the same loop.

        Args:
            earlier: its record; it is not changed.
            again: indices to press; the other items are kept.
            replaced: those of `again` at which `earlier` had a different item.
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
        """Whether item `index` and all items of loops inside it ended ok."""
        if self.states[index] != OK:
            return False
        inner = (column.outputs[index] for column in self.columns)
        return all(output.record.all_complete() for output in inner if isinstance(output, LoopOutput))

    def all_complete(self) -> bool:
        """Whether every item is complete (see :meth:`complete`) and there are no more to come."""
        if self.total is None or self.counts[OK] < len(self.states):
            return False
        inner = (output for column in self.columns for output in column.outputs)
        return all(output.record.all_complete() for output in inner if isinstance(output, LoopOutput))

    def clear(self, index: int) -> None:
        """Forget the results of an earlier press for item `index`."""
        self.before.pop(index, None)
        self.started[index] = self.finished[index] = 0.0
        for column in self.columns:
            column.clear(index)

    @property
    def elapsed(self) -> float:
        """Return the seconds from the start of the loop to its end, or until now."""
        return (self.ended or perf_counter()) - self.epoch

    @property
    def cached(self) -> int:
        """Number of items with at least one output from an earlier press."""
        marks = [int.from_bytes(column.cached) for column in self.columns if column.cached]
        return functools.reduce(operator.or_, marks, 0).bit_count()

    def first_failed(self) -> int | None:
        """The lowest index of an item that failed by itself, or ``None``."""
        index = self.states.find(FAILED)
        return None if index < 0 else index

    def error_of(self, index: int) -> tuple[str, ErrorInfo] | None:
        """Return ``(nested step id, error)`` of the failure that ended item `index`, or ``None``.

        It belongs to the last step that ran; earlier ones with ``on_failure: continue`` did not end the item.
        """
        for column in reversed(self.columns):
            if column.statuses[index]:
                error = column.errors.get(index)
                return None if error is None else (column.id, error)
        return None

    def entry(self, index: int) -> dict[str, Any]:
        """Return item `index` as ``{index, item, failed, cancelled, steps}``."""
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
    """The values with secrets that a loop's record leaves out, for later steps.

    They belong to the output in the steps' scope, never to the record. Results that can be retried keep them
    for the retry and never show them.

    Attributes:
        items: the list of items with the real values.
        outputs: (index, nested step's id) -> output, only if the record's copy differs.
        source: the iterator that the items come from, for a retry to go on with; ``None`` for a list.
    """

    items: Sequence[Any]
    outputs: dict[tuple[int, str], Any] = field(default_factory=dict)
    source: Any = None

    def restore(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return `entry` (from :meth:`LoopRecord.entry`) with the real values in it."""
        index = entry["index"]
        entry["item"] = self.items[index]
        for step_id, cell in entry["steps"].items():
            if (index, step_id) in self.outputs:
                cell["output"] = self.outputs[index, step_id]
        return entry


class LoopEntries(LazyList):
    """The entries of a loop in input order, created on access; ``None`` for items that did not start.

    A serial loop that stopped has entries up to and including the failed one.

    Attributes:
        record, hidden: see :class:`LoopOutput`.
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
            raise IndexError(f"item {index} is out of range: there are {n} entries")
        if self.record.states[index] in (WAITING, SKIPPED):
            return None
        entry = self.record.entry(index)
        return entry if self.hidden is None else self.hidden.restore(entry)

    def __repr__(self) -> str:
        return f"<{len(self)} entries>"


class LoopOutput(Mapping[str, Any]):
    """The output of a ``for_each``: ``results`` and ``total``, and ``completed`` if it did not end ok.

    ``completed`` counts the items that ended by themselves, ok or failed. ``total`` is null if the loop did
    not reach the end of its iterator.

    Attributes:
        record: the loop's record.
        hidden: for the output in a scope, the values that the record leaves out; ``None`` in a record.
    """

    __slots__ = ("hidden", "record")

    def __init__(self, record: LoopRecord, hidden: Hidden | None = None) -> None:
        self.record = record
        self.hidden = hidden

    def _keys(self) -> tuple[str, ...]:
        # A loop that tolerated failures ran every item; only a loop that stopped early has a count.
        counts = self.record.counts
        cut = counts[CANCELLED] or counts[SKIPPED] or counts[WAITING] or counts[RUNNING]
        cut = cut or self.record.total is None
        return ("results", "completed", "total") if cut or counts[FAILED] else ("results", "total")

    def __getitem__(self, key: str) -> Any:
        record = self.record
        if key == "results":
            return LoopEntries(record, self.hidden)
        if key == "total":
            return record.total
        if key == "completed":
            return record.counts[OK] + record.counts[FAILED]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def __repr__(self) -> str:
        record = self.record
        so_far = "" if record.total is not None else " so far"
        return f"<for_each over {len(record)}{so_far}: {record.counts[OK]} ok>"
