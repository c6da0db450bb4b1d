"""The progress of a run at one moment: counts, rate, time left, last errors.

Pure logic without input or output. A loop's record is live, so its counts are read on demand, without work
per item.
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
# How many of a loop's last errors are searched for real failures: if the first failure stops a loop, every
# other item that is running adds a CANCELLED error after it.
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One failure in one line.

    Attributes:
        index: the item, or ``None`` for a step that is not a loop.
        step: the id of the step that failed.
        text: ``CODE: message``, cleaned (see :func:`~drawer_ipy.style.preview.clean`) and shortened, but not
            escaped.
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
        drawer: the name of the drawer, cleaned and shortened.
        status: the status of the run (``running``, ``ok``, ``failed``, ``cancelled``).
        step: the id of the current top-level step, cleaned and shortened; ``""`` before the first.
        position: the 1-based position of that step among `steps`; 0 before the first. `steps_done` have
            ended, `steps_failed` of them with an error.
        loop: the id of the loop whose items are counted, ``None`` if no top-level loop has begun.
        total: the number of its items; `left` have not started, `running` are running, the others have ended
            in the named state.
        so_far: whether they come from an iterator that has not ended, so that there may be more than `total`.
        inner: the number of loops that began within items.
        elapsed: seconds since the run began, up to its end.
        rate: recent items per second, 0.0 if none has ended.
        eta: seconds until the loop ends at that rate; ``None`` if unknown.
        retries: the number of failed attempts that were retried.
        width: how many items may run at once now, for a loop with ``parallelism: auto``; otherwise ``None``.
        cached: the number of items that reused results of earlier presses, at least in part.
        elsewhere: the failures of a run that ended ok which are not in `failed`.
        errors: the last failures, oldest first.
        warning: a warning that all items of a loop fail for the same reason, or ``""``.
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
        """The number of items that are ok or failed."""
        return self.ok + self.failed

    @property
    def outcome(self) -> str:
        """The state that the run is shown in: its status, or a separate one if it ended ok with failures."""
        return outcome_of(self.status, self.failed + self.elsewhere.total)


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
        self._began = 0.0
        self._ended: float | None = None
        self._failures = NONE
        self._step_errors: deque[ErrorLine] = deque(maxlen=_ERRORS)

    def attach(self, listeners: Listeners) -> None:
        """Listen to the run that `listeners` belong to."""
        listeners.on(RunStarted, self._run_started)
        listeners.on(RunFinished, self._run_finished)
        listeners.on(StepStarted, self._step_started)
        listeners.on(StepFinished, self._step_finished)
        listeners.on(LoopStarted, self._loop_started)
        listeners.on(LoopFinished, self._loop_finished)
        listeners.on(StepRetried, self._step_retried)

    def snapshot(self, now: float) -> Snapshot:
        """The run at `now` (seconds on the clock); takes some microseconds for any number of items."""
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

    def _step_retried(self, _event: StepRetried) -> None:
        self._retries += 1


class _Live:
    """A top-level loop with its rate and its last errors."""

    __slots__ = ("_errors", "_failed", "failing", "loop", "pace")

    def __init__(self, loop: LoopRecord, now: float) -> None:
        self.loop = loop
        self.failing = FailingAlike(loop)
        self.pace = Pace(now, loop.parallelism, loop.counts[OK] + loop.counts[FAILED])
        self._failed = 0
        self._errors: tuple[ErrorLine, ...] = ()

    def errors(self) -> tuple[ErrorLine, ...]:
        """The last failures; searched again only if there are more than before."""
        failed = self.loop.counts[FAILED]
        if failed != self._failed:
            self._failed = failed
            self._errors = last_errors(self.loop)
        return self._errors


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
