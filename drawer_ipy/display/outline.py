"""A run's steps as the rows of an outline: the state of each step, nested step and nested loop.

Like :mod:`~drawer_ipy.display.progress` it reads the live records on demand and does no work per item.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from drawer_ipy.display.cells import Cells, counts_shown
from drawer_ipy.engine.events import (
    Listeners,
    LoopFinished,
    LoopStarted,
    RunFinished,
    RunStarted,
    StepStarted,
)
from drawer_ipy.record.failed_counts import NONE
from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
    OK,
    PAUSED,
    RUNNING,
    SKIPPED,
    STATE_NAMES,
    WAITING,
    LoopOutput,
    LoopRecord,
)
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import StepColumn
from drawer_ipy.style.outcome import outcome_of
from drawer_ipy.style.palette import PARTIAL, state_of
from drawer_ipy.style.preview import clean, cut

MOST_ROWS = 60
_NAME = 60


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """One step.

    Attributes:
        path: the ids from the top-level step down to this one, unchanged.
        name: the step's id, cleaned and shortened.
        depth: 0 for a top-level step, 1 within its items, and so on.
        status: the state that it is shown in, such as ``running``; see :mod:`~drawer_ipy.style.outcome`.
        counts: items in each state, by state number; empty for a step that is neither a loop nor inside one.
            A loop with a picture counts kept items (:data:`~drawer_ipy.display.cells.KEPT`) apart.
        seconds: how long it took, or has taken so far; 0.0 for rows within items.
        per: items per cell; 0 if it has no cells.
        loops: how many loops the counts sum up; 0 if it is not a nested loop.
        so_far: whether there may be more items than the counts say.
    """

    path: tuple[str, ...]
    name: str
    depth: int
    status: str
    counts: tuple[int, ...] = ()
    seconds: float = 0.0
    per: int = 0
    loops: int = 0
    so_far: bool = False


class _Nested:
    """All presses of one loop inside items."""

    def __init__(self) -> None:
        self.live: dict[int, LoopRecord] = {}
        self.loops = 0
        self._ended = [0] * len(STATE_NAMES)

    def begin(self, loop: LoopRecord) -> None:
        self.loops += 1
        self.live[id(loop)] = loop

    def end(self, loop: LoopRecord) -> None:
        if self.live.pop(id(loop), None) is not None:
            self._ended = [a + b for a, b in zip(self._ended, loop.counts, strict=True)]

    def counts(self) -> tuple[int, ...]:
        live = [loop.counts for loop in self.live.values()]
        return tuple(map(sum, zip(self._ended, *live, strict=True)))


class Outline:
    """Listens to one run and provides its :meth:`rows`."""

    def __init__(self) -> None:
        self._run: RunRecord | None = None
        self._ended = False
        self._steps: dict[str, StepResult | None] = {}
        self._cells: dict[str, Cells] = {}
        self._nested: dict[tuple[str, ...], _Nested] = {}

    def attach(self, listeners: Listeners) -> None:
        """Listen to the run that `listeners` belong to."""
        listeners.on(RunStarted, self._run_started)
        listeners.on(RunFinished, self._run_finished)
        listeners.on(StepStarted, self._step_started)
        listeners.on(LoopStarted, self._loop_started)
        listeners.on(LoopFinished, self._loop_finished)

    def rows(self) -> list[OutlineRow]:
        """The steps in the order of the definition, each followed by the steps inside it."""
        out: list[OutlineRow] = []
        for step_id in self._steps:
            if len(out) >= MOST_ROWS:
                break
            out += self._step(step_id)
        return out[:MOST_ROWS]

    def cells(self, step_id: str) -> Cells | None:
        """The picture of a top-level step, or ``None``."""
        step = self._steps.get(step_id)
        if step is None or not isinstance(step.output, LoopOutput):
            return None
        found = self._cells.get(step_id)
        if found is None or found.loop is not step.output.record:  # a retried step has a new loop
            found = self._cells[step_id] = Cells(step.output.record)
        return found

    def pictures(self) -> Iterator[tuple[str, Cells]]:
        """The top-level steps that have a picture, with it."""
        for step_id in self._steps:
            cells = self.cells(step_id)
            if cells is not None:
                yield step_id, cells

    def _step(self, step_id: str) -> Iterator[OutlineRow]:
        result = self._steps[step_id]
        name = _name(step_id)
        if result is None:
            yield OutlineRow((step_id,), name, 0, "skipped" if self._ended else "waiting")
            return
        cells = self.cells(step_id)
        if cells is None:
            yield OutlineRow((step_id,), name, 0, _status(result), seconds=result.duration)
            yield from self._below((step_id,), 1)
            return
        loop = cells.loop
        counts = counts_shown(loop)
        so_far = loop.total is None
        yield OutlineRow(
            (step_id,), name, 0, _status(result), counts, result.duration, cells.per, so_far=so_far
        )
        yield from self._columns(loop)

    def _columns(self, loop: LoopRecord) -> Iterator[OutlineRow]:
        columns = loop.columns
        for column in columns:
            path = (*loop.path, column.id)
            if path in self._nested:
                yield from self._loop(path, 1)
            elif len(columns) > 1:  # a single column adds nothing to the loop's row
                counts = _column_counts(column, loop)
                so_far = loop.total is None
                yield OutlineRow(path, _name(column.id), 1, _sum_status(counts), counts, so_far=so_far)
        yield from self._below(loop.path, 1, {column.id for column in columns})

    def _below(self, path: tuple[str, ...], depth: int, but: Container[str] = ()) -> Iterator[OutlineRow]:
        """The loops directly within `path` (in a branch or a sub-drawer, say), except the steps `but`."""
        for below in tuple(self._nested):
            if below[:-1] == path and below[-1] not in but:
                yield from self._loop(below, depth)

    def _loop(self, path: tuple[str, ...], depth: int) -> Iterator[OutlineRow]:
        nested = self._nested[path]
        counts = nested.counts()
        status = _live_status(counts) if nested.live else _sum_status(counts)
        so_far = any(loop.total is None for loop in nested.live.values())
        yield OutlineRow(path, _name(path[-1]), depth, status, counts, loops=nested.loops, so_far=so_far)
        yield from self._below(path, depth + 1)

    def _run_started(self, event: RunStarted) -> None:
        self._run, self._steps = event.run, dict.fromkeys(event.step_ids)

    def _run_finished(self, _event: RunFinished) -> None:
        self._ended = True

    def _step_started(self, event: StepStarted) -> None:
        if event.run is self._run:  # a sub-drawer emits events for its steps too
            self._steps[event.result.id] = event.result

    def _loop_started(self, event: LoopStarted) -> None:
        path = self._nested_path(event.loop)
        if path is not None:
            self._nested.setdefault(path, _Nested()).begin(event.loop)

    def _loop_finished(self, event: LoopFinished) -> None:
        for nested in self._nested.values():
            nested.end(event.loop)

    def _nested_path(self, loop: LoopRecord) -> tuple[str, ...] | None:
        """The path of the loop's row, or ``None`` for a top-level loop, which is in its step's row."""
        running = [step for step in self._steps.values() if step is not None and not step.finished]
        for step in running:
            if isinstance(step.output, LoopOutput) and step.output.record is loop:
                return None
        if len(loop.path) > 1 and loop.path[0] in self._steps:
            return loop.path
        # A loop of a sub-drawer does not know the steps around it.
        return (running[0].id, *loop.path) if running else loop.path


def _name(step_id: str) -> str:
    return cut(clean(step_id), _NAME)


def _status(result: StepResult) -> str:
    output, status = result.output, state_of(result.status)
    if isinstance(output, LoopOutput):
        counts = output.record.counts
        return outcome_of(status, counts[FAILED], not counts[OK])
    inside = result.inside or NONE
    return outcome_of(status, inside.total, inside.nothing_ok)


def _live_status(counts: tuple[int, ...]) -> str:
    return "paused" if counts[PAUSED] and not counts[RUNNING] else "running"


def _sum_status(counts: tuple[int, ...]) -> str:
    if counts[WAITING] and any(counts[WAITING + 1 :]):
        return "running"
    if counts[FAILED]:
        return PARTIAL if counts[OK] else "failed"
    if counts[CANCELLED]:
        return "cancelled"
    if counts[OK]:
        return "ok"
    return "waiting" if counts[WAITING] else "skipped"


def _column_counts(column: StepColumn, loop: LoopRecord) -> tuple[int, ...]:
    """How often a nested step ended in each way, as states of items; in the other items it did not run."""
    ok, error, timeout, failed, cancelled = map(column.statuses.count, range(1, 6))
    left = len(column.statuses) - (ok + error + timeout + failed + cancelled)
    counts = [0] * len(STATE_NAMES)
    counts[OK], counts[FAILED], counts[CANCELLED] = ok, error + timeout + failed, cancelled
    counts[SKIPPED if loop.ended else WAITING] = left
    return tuple(counts)
