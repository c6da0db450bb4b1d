"""What a run's events amount to at a moment: counts, pace, time left, last errors.

Pure logic without input or output. A loop's record is live, so its counts are read on demand;
nothing is done per item, however many there are.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from drawer_ipy.display.failing import FailingAlike
from drawer_ipy.display.pace import Pace
from drawer_ipy.engine.events import (
    Listeners,
    LoopFinished,
    LoopStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepRetried,
    StepStarted,
)
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.failures import NONE, Failures, failures_of
from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
    OK,
    RUNNING,
    SKIPPED,
    WAITING,
    LoopOutput,
    LoopRecord,
)
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.style.outcome import outcome_of
from drawer_ipy.style.preview import clean, cut

_ERRORS = 3
_NAME = 80
_MESSAGE = 240
# Entries of a loop's errors that are looked at for the last real failures: when the first failure stops
# a wide loop, every item in flight leaves a CANCELLED entry after it.
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One failure in a line.

    Attributes:
        index: the item, ``None`` for a step that is not a loop.
        step: id of the step that failed.
        text: ``CODE: message``, clean (see :func:`~drawer_ipy.style.preview.clean`) and short, but
            not escaped.
    """

    index: int | None
    step: str
    text: str

    def __str__(self) -> str:
        where = self.step if self.index is None else f"item {self.index}, {self.step}"
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        drawer: name of the drawer, clean and short; ``status`` is the run's (``running``, ``ok``,
            ``failed``, ``cancelled``).
        step: id of the current top-level step, clean and short, ``""`` before the first; `position` is its
            place, 1-based (0 before the first), of `steps`; `steps_done` have ended, `steps_failed` of them
            with an error.
        loop: id of the loop whose items are counted, ``None`` when no top-level loop has begun.
        total: its items; `left` wait, `running` run, the others ended in that way.
        so_far: whether they come from an iterator that has not ended, so that there may be more than `total`.
        inner: loops that began within items.
        elapsed: seconds since the run began, until it ended.
        rate: recent items per second, 0.0 when none ended.
        eta: seconds until the loop ends at that rate; ``None`` when it cannot be told.
        retries: attempts that failed and were made again.
        width: how many items may run at once now, of a loop that finds that out itself; else ``None``.
        cached: items that were answered from the results of earlier presses, at least in part.
        elsewhere: what failed and is not in `failed`, of a run that has ended ok.
        errors: the last failures, oldest first.
        warning: that all items of a loop fail alike, and how to stop that; ``""`` for nothing.
    """

    drawer: str = ""
    status: str = "running"
    step: str = ""
    position: int = 0
    steps: int = 0
    steps_done: int = 0
    steps_failed: int = 0
    loop: str | None = None
    total: int = 0
    so_far: bool = False
    left: int = 0
    running: int = 0
    ok: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    inner: int = 0
    elapsed: float = 0.0
    rate: float = 0.0
    eta: float | None = None
    retries: int = 0
    cached: int = 0
    width: int | None = None
    elsewhere: Failures = NONE
    errors: tuple[ErrorLine, ...] = ()
    warning: str = ""

    @property
    def done(self) -> int:
        """Items that ended by themselves."""
        return self.ok + self.failed

    @property
    def outcome(self) -> str:
        """The state that the run is shown as: its status, or that it ended ok although something failed."""
        return outcome_of(self.status, self.failed + self.elsewhere.total)


class ProgressState:
    """Listens to one run and answers :meth:`snapshot`.

    Args:
        clock: monotonic seconds; what is given to :meth:`snapshot` must come from it.
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
        self._began = 0.0
        self._ended: float | None = None
        self._failures = NONE
        self._step_errors: deque[ErrorLine] = deque(maxlen=_ERRORS)

    def attach(self, listeners: Listeners) -> None:
        """Hear the events of the run that `listeners` belong to."""
        listeners.on(RunStarted, self._run_started)
        listeners.on(RunFinished, self._run_finished)
        listeners.on(StepStarted, self._step_started)
        listeners.on(StepFinished, self._step_finished)
        listeners.on(LoopStarted, self._loop_started)
        listeners.on(LoopFinished, self._loop_finished)
        listeners.on(StepRetried, self._step_retried)

    def snapshot(self, now: float) -> Snapshot:
        """The run at `now` (seconds on the clock); costs some microseconds whatever the number of items."""
        run, shown = self._run, self._shown
        if run is None:
            return Snapshot()
        counts = [0] * 6
        rate, eta = 0.0, None
        so_far = False
        of_items: tuple[ErrorLine, ...] = ()
        if shown is not None:
            counts = list(shown.loop.counts)
            rate, eta = shown.pace.measure(
                now, counts[OK] + counts[FAILED], counts[WAITING] + counts[RUNNING]
            )
            so_far = shown.loop.total is None
            eta = None if so_far else eta
            of_items = shown.errors()
        errors = (*self._errors_within(), *of_items, *self._step_errors)
        return Snapshot(
            drawer=_name(run.drawer),
            status=run.status,
            step=_name(self._step),
            position=self._step_ids.index(self._step) + 1 if self._step in self._step_ids else 0,
            steps=len(self._step_ids),
            steps_done=self._steps_done,
            steps_failed=self._steps_failed,
            loop=None if shown is None else shown.loop.path[0],
            total=0 if shown is None else len(shown.loop.states),
            so_far=so_far,
            left=counts[WAITING],
            running=counts[RUNNING],
            ok=counts[OK],
            failed=counts[FAILED],
            cancelled=counts[CANCELLED],
            skipped=counts[SKIPPED],
            inner=self._inner,
            elapsed=max(0.0, (now if self._ended is None else self._ended) - self._began),
            rate=rate,
            eta=eta if self._ended is None else None,
            retries=self._retries,
            cached=0 if shown is None else shown.loop.cached,
            width=None if shown is None else shown.loop.width,
            elsewhere=self._failures.beside(counts[FAILED]),
            errors=errors[-_ERRORS:],
            warning=self._warning() if self._ended is None else "",
        )

    def _warning(self) -> str:
        live = (live.failing.warning() for live in self._live_loops.values())
        return next(filter(None, live), "")

    def _run_started(self, event: RunStarted) -> None:
        self._run, self._step_ids, self._began = event.run, event.step_ids, self.clock()

    def _run_finished(self, event: RunFinished) -> None:
        self._ended = self.clock()
        if event.run.status == "ok":
            self._failures = failures_of(event.run)

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
        # A loop's failure repeats what its item said, and a cancellation is not a failure.
        if error is not None and error.index is None and error.code != Code.CANCELLED:
            self._step_errors.append(ErrorLine(None, _name(result.id), _told(error)))

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
        # A sub-drawer's loop has a path as short as one of this run's; this run's is its step's output.
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

    def _step_retried(self, _event: StepRetried) -> None:
        self._retries += 1


class _Live:
    """A top-level loop with its pace and the last errors seen in it."""

    __slots__ = ("_errors", "_failed", "failing", "loop", "pace")

    def __init__(self, loop: LoopRecord, now: float) -> None:
        self.loop = loop
        self.failing = FailingAlike(loop)
        self.pace = Pace(now, loop.parallelism, loop.counts[OK] + loop.counts[FAILED])
        self._failed = 0
        self._errors: tuple[ErrorLine, ...] = ()

    def errors(self) -> tuple[ErrorLine, ...]:
        """The last failures; looked for only when there are more than the last time."""
        failed = self.loop.counts[FAILED]
        if failed != self._failed:
            self._failed = failed
            self._errors = last_errors(self.loop)
        return self._errors


def last_errors(loop: LoopRecord, most: int = _ERRORS) -> tuple[ErrorLine, ...]:
    """The items of `loop` that failed last, oldest first; the work is bounded whatever its size."""
    states = loop.states
    found: set[int] = set()
    for column in loop.columns:
        # Errors are put in as they happen, so the last ones are at the end of the dict.
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
    return ErrorLine(index, _name(step), _told(error))


def _name(text: str) -> str:
    return cut(clean(text), _NAME)


def _told(error: ErrorInfo) -> str:
    # Cut before cleaning: a message may be megabytes of captured output.
    return cut(clean(f"{error.code}: {error.message[: 4 * _MESSAGE].strip()}"), _MESSAGE)
