"""The progress of a run at one moment: counts, rate, time left, last errors.

Pure logic without input or output. A loop's record is live, so its counts are read on demand, without work
per item.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from drawer_ipy.display.failing import FailingAlike
from drawer_ipy.display.held import Held, held_by
from drawer_ipy.display.pace import Pace
from drawer_ipy.display.snapshot import ErrorLine, Snapshot
from drawer_ipy.engine.events import (
    Listeners,
    LoopFinished,
    LoopStarted,
    RequestRetried,
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
    Unsaved,
)
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.failures import NONE, failures_of, last_loop
from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
    OK,
    PAUSED,
    RUNNING,
    SKIPPED,
    WAITING,
    LoopOutput,
    LoopRecord,
)
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results.shown.summary import head_of_run
from drawer_ipy.style.outcome import Head
from drawer_ipy.style.preview import clean, cut

_ERRORS = 3
_NAME = 80
_MESSAGE = 240
# How many of a loop's last errors are searched for real failures: if the first failure stops a loop, every
# other item that is running adds a CANCELLED error after it.
_LOOKED_AT = 1_000


class ProgressState:
    """Listens to one run and provides a :meth:`snapshot`.

    Args:
        clock: monotonic seconds; the time passed to :meth:`snapshot` must come from it.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self._run: RunRecord | None = None
        self._step_ids: tuple[str, ...] = ()
        self._live_steps: dict[str, StepResult] = {}
        self._step = ""
        self._steps_done = 0
        self._steps_failed = 0
        self._live_loops: dict[int, _Live] = {}
        self._shown: _Live | None = None
        self._inner = 0
        self._live_inner: dict[int, LoopRecord] = {}
        self._inner_errors: deque[ErrorLine] = deque(maxlen=_ERRORS)
        self._retries = 0
        self._unsaved = ""
        self._began = 0.0
        self._ended: float | None = None
        self._failures = NONE
        self._head: Head | None = None
        self._step_errors: deque[ErrorLine] = deque(maxlen=_ERRORS)

    def attach(self, listeners: Listeners) -> None:
        """Listen to the run that `listeners` belong to."""
        listeners.on(RunStarted, self._run_started)
        listeners.on(RunFinished, self._run_finished)
        listeners.on(StepStarted, self._step_started)
        listeners.on(StepFinished, self._step_finished)
        listeners.on(LoopStarted, self._loop_started)
        listeners.on(LoopFinished, self._loop_finished)
        listeners.on(StepRetried, self._retried)
        listeners.on(RequestRetried, self._retried)
        listeners.on(Unsaved, lambda event: setattr(self, "_unsaved", event.text))

    def snapshot(self, now: float) -> Snapshot:
        """The run at `now` (seconds on the clock); takes some microseconds for any number of items."""
        run, shown = self._run, self._shown
        if run is None:
            return Snapshot()
        held = self._held()
        loop_errors = () if shown is None else shown.errors()
        errors = (*self._errors_within(), *loop_errors, *self._step_errors)
        counts = None if shown is None else list(shown.loop.counts)
        still = self._ended is None
        return Snapshot(
            drawer=_name(run.drawer),
            status="running" if still else run.status,
            step=_name(self._step),
            position=self._step_ids.index(self._step) + 1 if self._step in self._step_ids else 0,
            steps=len(self._step_ids),
            steps_done=self._steps_done,
            steps_failed=self._steps_failed,
            inner=self._inner,
            elapsed=max(0.0, (now if self._ended is None else self._ended) - self._began),
            retries=self._retries,
            elsewhere=self._failures.beside(0 if counts is None else counts[FAILED]),
            errors=errors[-_ERRORS:],
            warning=self._warning() if still else "",
            unsaved=self._unsaved if still else "",
            ended=self._head,
            waits=held.lines(self._began, self._retries),
            **({} if shown is None or counts is None else self._of_loop(shown, counts, now)),
        )

    def _of_loop(self, shown: _Live, counts: list[int], now: float) -> dict[str, Any]:
        """The fields of a snapshot that are about the loop that is shown."""
        loop = shown.loop
        left = counts[WAITING] + counts[RUNNING] + counts[PAUSED]
        stays = None if counts[RUNNING] else held_by(loop)
        rate, eta = shown.pace.measure(now, counts[OK] + counts[FAILED] - loop.kept, left, stays)
        so_far = loop.total is None
        return {
            "loop": loop.path[0],
            "total": len(loop.states),
            "so_far": so_far,
            "left": counts[WAITING],
            "running": counts[RUNNING],
            "ok": counts[OK],
            "failed": counts[FAILED],
            "cancelled": counts[CANCELLED],
            "skipped": counts[SKIPPED],
            "paused": counts[PAUSED],
            "rate": rate,
            "eta": None if so_far or self._ended is not None else eta,
            "cached": loop.cached,
            "kept": loop.kept_ok,
            "in_flight": loop.in_flight,
            "to_go": _to_go(loop, left),
            "resumed": loop.marks is not None,
            "width": loop.width,
        }

    def _held(self) -> Held:
        """What waits now; nothing once the run has ended."""
        loops = [live.loop for live in self._live_loops.values()]
        steps = [step for step in self._live_steps.values() if not isinstance(step.output, LoopOutput)]
        return Held(loops, steps, self._live_inner.values())

    def _warning(self) -> str:
        live = (live.failing.warning() for live in self._live_loops.values())
        return next(filter(None, live), "")

    def _run_started(self, event: RunStarted) -> None:
        self._run, self._step_ids, self._began = event.run, event.step_ids, self.clock()

    def _run_finished(self, event: RunFinished) -> None:
        self._ended = self.clock()
        if event.run.status == "ok":
            self._failures = failures_of(event.run)
        if event.run.steps or not self._steps_done:
            self._head = head_of_run(event.run)
        loop = last_loop(event.run)
        if loop is not None and (self._shown is None or self._shown.loop is not loop):
            self._shown = _Live(loop, self.clock())  # the loop that the head and the table count

    def _step_started(self, event: StepStarted) -> None:
        # A sub-drawer emits events for its steps too; only this run's own steps count.
        if event.run is self._run:
            self._live_steps[event.result.id] = event.result
            self._step = next(iter(self._live_steps))

    def _step_finished(self, event: StepFinished) -> None:
        if event.run is not self._run:
            return
        result = event.result
        self._live_steps.pop(result.id, None)
        self._steps_done += 1
        self._step = next(iter(self._live_steps), result.id)
        error = result.error
        self._steps_failed += error is not None and error.code != Code.CANCELLED
        # A loop's failure repeats the error of its item, and a cancellation is not a failure.
        if error is not None and error.index is None and error.code != Code.CANCELLED:
            self._step_errors.append(ErrorLine(None, _name(result.id), _error_text(error)))

    def _loop_started(self, event: LoopStarted) -> None:
        loop = event.loop
        if not self._is_own(loop):
            self._inner += 1
            self._live_inner[id(loop)] = loop
            return
        self._live_loops[id(loop)] = live = _Live(loop, self.clock())
        if self._shown is None or self._shown.loop.ended:
            self._shown = live

    def _is_own(self, loop: LoopRecord) -> bool:
        # A sub-drawer's loop also has a path of one id; a loop of this run is the output of its step.
        if len(loop.path) != 1 or not self._live_steps:
            return len(loop.path) == 1
        step = self._live_steps.get(loop.path[0])
        if step is None:
            return False
        return not isinstance(step.output, LoopOutput) or step.output.record is loop

    def _loop_finished(self, event: LoopFinished) -> None:
        inner = self._live_inner.pop(id(event.loop), None)
        if inner is not None:
            self._inner_errors.extend(_lines_within(inner))
        self._live_loops.pop(id(event.loop), None)
        if self._live_loops and self._shown is not None and self._shown.loop is event.loop:
            self._shown = next(iter(self._live_loops.values()))

    def _errors_within(self) -> list[ErrorLine]:
        """The last failures in loops within items, which may be tolerated; they are shown first."""
        found = list(self._inner_errors)
        for loop in self._live_inner.values():
            found += _lines_within(loop)
        return found[-_ERRORS:]

    def _retried(self, _event: StepRetried | RequestRetried) -> None:
        self._retries += 1


class _Live:
    """A top-level loop with its rate and its last errors."""

    __slots__ = ("_errors", "_failed", "failing", "loop", "pace")

    def __init__(self, loop: LoopRecord, now: float) -> None:
        self.loop = loop
        self.failing = FailingAlike(loop)
        self.pace = Pace(now, loop.parallelism, loop.counts[OK] + loop.counts[FAILED] - loop.kept)
        self._failed = 0
        self._errors: tuple[ErrorLine, ...] = ()

    def errors(self) -> tuple[ErrorLine, ...]:
        """The last failures; searched again only if there are more than before."""
        failed = self.loop.counts[FAILED]
        if failed != self._failed:
            self._failed = failed
            self._errors = last_errors(self.loop)
        return self._errors


def _to_go(loop: LoopRecord, left: int) -> int:
    """How many of the items that are left are to be pressed after those that were in flight."""
    return max(0, min(left, len(loop) - loop.kept - loop.in_flight))


def last_errors(loop: LoopRecord, most: int = _ERRORS) -> tuple[ErrorLine, ...]:
    """The items of `loop` that failed last, oldest first; the work does not depend on the number of items."""
    states = loop.states
    found: set[int] = set()
    for column in loop.columns:
        # Errors are added as they happen, so the last ones are at the end of the dict.
        recent = (i for i in islice(reversed(column.errors), _LOOKED_AT) if states[i] == FAILED)
        found.update(islice(recent, most))
    if not found:
        index = states.find(FAILED)
        found.update([index] if index >= 0 else ())
    newest = sorted(found, key=loop.finished.__getitem__)[-most:]
    return tuple(_line(loop, index) for index in newest)


def _lines_within(loop: LoopRecord) -> list[ErrorLine]:
    if not loop.counts[FAILED]:
        return []
    name = _name(loop.path[-1])
    return [
        ErrorLine(None, f"{name}, item {line.index}, {line.step}", line.text) for line in last_errors(loop)
    ]


def _line(loop: LoopRecord, index: int) -> ErrorLine:
    decided = loop.error_of(index)
    if decided is None:
        return ErrorLine(index, loop.path[-1], "failed")
    step, error = decided
    return ErrorLine(index, _name(step), _error_text(error))


def _name(text: str) -> str:
    return cut(clean(text), _NAME)


def _error_text(error: ErrorInfo) -> str:
    # Cut before cleaning, since a message may contain megabytes of captured output.
    return cut(clean(f"{error.code}: {error.message[: 4 * _MESSAGE].strip()}"), _MESSAGE)
