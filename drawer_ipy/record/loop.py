"""The record of a loop: the results of its items, in columns.

There may be a million items, so a loop keeps one byte of state, two times and one output per nested step for
each item, and creates objects only for entries that are read.
"""

from __future__ import annotations

import functools
import operator
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.backlog import Backlog
from drawer_ipy.record.disk_outputs import Shape
from drawer_ipy.record.hidden import Hidden as Hidden
from drawer_ipy.record.plain import LazyList
from drawer_ipy.record.searches import Searches, T
from drawer_ipy.record.step_column import StepColumn
from drawer_ipy.record.waits import Pause, Waits

# Item states, one byte each. The widget draws these bytes directly.
WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED, PAUSED = range(7)
STATE_NAMES = ("waiting", "running", "ok", "failed", "cancelled", "skipped", "paused")


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
        kept: number of items that are ok or failed, taken unchanged from an earlier press.
        kept_ok: those of them that are ok.
        marks: one byte per item, 255 if it was taken unchanged from an earlier press, else 0; ``None`` if
            there is no earlier press.
        in_flight: number of items that were running when the process of the earlier press ended.
        places: for each item its index in the earlier press, negative for a new one; ``None`` if there is no
            earlier press.
        backlog: with ``keep: disk``, what waits to be written; ``None`` for a loop that is kept in memory.
        waits: the items that wait now, and when items waited, in seconds since ``epoch``; ``None`` if no
            item has waited.
    """

    __slots__ = (
        "_searches",
        "backlog",
        "before",
        "began",
        "columns",
        "counts",
        "ended",
        "epoch",
        "finished",
        "in_flight",
        "items",
        "kept",
        "kept_ok",
        "label",
        "marks",
        "parallelism",
        "path",
        "places",
        "started",
        "states",
        "total",
        "waits",
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
        on_disk: bool = False,
    ) -> None:
        n = len(items)
        self.total: int | None = n if ends else None
        self.path: tuple[str, ...] = path
        self.label: str = label
        self.items: Sequence[Any] = items
        self.states: bytearray = bytearray(n)
        self.started: array[float] = array("d", bytes(8 * n))
        self.finished: array[float] = array("d", bytes(8 * n))
        self.backlog: Backlog | None = Backlog() if on_disk else None
        self.columns: list[StepColumn] = [StepColumn(step_id, n, detailed, on_disk) for step_id in step_ids]
        self.parallelism: int = parallelism
        self.width: int | None = None
        self.epoch: float = perf_counter()
        self.began: float = time.time() if began is None else began
        self.ended: float = 0.0
        self.counts: list[int] = [n, 0, 0, 0, 0, 0, 0]
        self.before: dict[int, int] = {}
        self.kept: int = 0
        self.kept_ok: int = 0
        self.in_flight: int = 0
        self.marks: bytearray | None = None
        self.places: Sequence[int] | None = None
        self.waits: Waits | None = None
        self._searches = Searches()

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
        if self.marks is not None:
            self.marks.append(0)
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

    def pause(self, index: int, pause: Pause, step_id: str = "") -> bool:
        """Show that item `index` waits, in the nested step `step_id` or before its first step.

        Returns:
            Whether it does; an item that has ended does not.
        """
        if self.states[index] not in (WAITING, RUNNING, PAUSED):
            return False
        if self.waits is None:
            self.waits = Waits()
        step = next((place for place, column in enumerate(self.columns) if column.id == step_id), -1)
        former = self.states[index]
        if self.waits.begin(index, pause, step, perf_counter() - self.epoch, former):
            self._change(index, PAUSED)
        return True

    def resume(self, index: int, pause: Pause) -> None:
        """End `pause`; return item `index` to its former state if it has no other pause and has not ended."""
        if self.waits is not None:
            former = self.waits.end(index, pause, perf_counter() - self.epoch)
            if former is not None and self.states[index] == PAUSED:
                self._change(index, former)

    def _change(self, index: int, state: int) -> None:
        self.counts[self.states[index]] -= 1
        self.counts[state] += 1
        self.states[index] = state

    def has_begun(self, index: int) -> bool:
        """Whether item `index` has begun, even if it waits now."""
        state = self.states[index]
        if state == PAUSED:
            return self.waits is not None and self.waits.has_begun(index, WAITING)
        return state not in (WAITING, SKIPPED)

    def show_progress(self, index: int, step_id: str, output: LoopOutput) -> None:
        """Show the output of a loop that runs inside item `index`; its status stays open until it ends."""
        for column in self.columns:
            if column.id == step_id:
                column.outputs[index] = output

    def recount(self) -> None:
        """Count the items in each state anew, after :attr:`states` was replaced."""
        self.counts = [self.states.count(state) for state in range(len(STATE_NAMES))]

    def kept_states(self) -> bytes:
        """Return the states of the items taken unchanged from an earlier press, and 0 for all others."""
        states = bytes(self.states)
        n = len(states)
        marks = bytes(n) if self.marks is None else bytes(self.marks[:n])
        return (int.from_bytes(states) & int.from_bytes(marks)).to_bytes(n)

    def count_kept(self) -> None:
        """Count the items taken unchanged from an earlier press, after :attr:`marks` were set."""
        states = self.kept_states()
        self.kept_ok = states.count(OK)
        self.kept = self.kept_ok + states.count(FAILED)

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
                if self.marks is not None:
                    self.marks[index] = 255
        if self.before and self.marks is not None:
            self.count_kept()
        self.before = {}
        waiting = self.counts[WAITING]
        if waiting:
            self.states = self.states.replace(bytes([WAITING]), bytes([SKIPPED]))
            self.counts[WAITING] = 0
            self.counts[SKIPPED] += waiting
        self.ended = perf_counter()

    def once_ended(self, key: object, find: Callable[[], T]) -> T:
        """Return the result of `find`, which is called once for each `key` if the loop has ended."""
        version = (self.ended, *self.counts)
        return self._searches.once(key, version, find) if self.ended else find()

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


class LoopEntries(LazyList):
    """The entries of a loop in input order, created on access; ``None`` for items that did not start.

    A serial loop that stopped has entries up to and including the failed one.

    Attributes:
        record, hidden: see :class:`LoopOutput`.
    """

    __slots__ = ("hidden", "record")

    def __init__(self, record: LoopRecord, hidden: Hidden | None = None) -> None:
        self.record: LoopRecord = record
        self.hidden: Hidden | None = hidden

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
        if not self.record.has_begun(index):
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
        self.record: LoopRecord = record
        self.hidden: Hidden | None = hidden

    def _keys(self) -> tuple[str, ...]:
        # A loop that tolerated failures ran every item; only a loop that stopped early has a count.
        counts = self.record.counts
        cut = len(self.record) > counts[OK] + counts[FAILED]
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


def shape_of(output: Any) -> Shape:
    """Return the keys of an output that is a mapping; ``None`` for any other, also for that of a loop."""
    if type(output) is not dict and (isinstance(output, LoopOutput) or not isinstance(output, Mapping)):
        return None
    return tuple(output)
