"""Runs in the background: a handle for each, and a list of them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import threading
from collections.abc import Callable, Generator
from typing import Any

from drawer_ipy.display.live import Display
from drawer_ipy.display.progress import ProgressState
from drawer_ipy.display.wording import progress_line
from drawer_ipy.engine.events import Listeners, LogLine, RunStarted
from drawer_ipy.notebook.prints import Log, Prints
from drawer_ipy.pressing.job import Job
from drawer_ipy.pressing.own_loop import run_on_own_loop
from drawer_ipy.results import Results
from drawer_ipy.results.verdict import raise_for
from drawer_ipy.style.amounts import clock_text

_KEPT = 10
"""Most ended runs that stay in the list."""

_UNTIL_SHOWN = 2.0
"""Most seconds that the cell waits for its view to be shown, which takes milliseconds."""

_INTERVAL = 0.2
"""Seconds between two checks of a cell that awaits a run."""

_LAST_WAIT = 2.0
"""Seconds for a run to end itself when the program exits."""


class BackgroundRun:
    """One run on a thread with its own loop.

    ``await run`` returns its Results when it has ended, and raises the error that a cell would raise.

    Args:
        job: the job to press; it starts with :meth:`start`.
        display: shows the run.
        number: the number in the list of runs.
        log: receives the output of its buttons.
        check: whether reading the results raises an error if the run did not end ok.
    """

    def __init__(self, job: Job, display: Display, number: int, log: Log, *, check: bool = True) -> None:
        self.number = number
        self._job = job
        self._display = display
        self._log = log
        self._check = check
        self._progress = ProgressState()
        self._shown = threading.Event()
        self._ended = threading.Event()
        self._fault: BaseException | None = None
        self._then: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, prints: Prints) -> None:
        """Start, and wait until the view is shown, which must belong to the cell that is running now."""
        job = self._job
        self._progress.attach(job.run.listeners)
        job.run.listeners.on(LogLine, self._logged)
        self._log.hide = job.run.listeners.hide
        context = contextvars.copy_context()
        context.run(self._log.bind)
        self._thread = threading.Thread(
            target=context.run, args=(self._live, prints), name=f"drawer run {self.number}", daemon=True
        )
        prints.begin()
        atexit.register(self._leave)
        self._thread.start()
        self._shown.wait(_UNTIL_SHOWN)

    def _live(self, prints: Prints) -> None:
        def over(fault: BaseException | None) -> None:
            self._fault = fault
            self._over(prints)

        job, display = self._job, _Telling(self._display, self._shown)
        run_on_own_loop(lambda: job.press(display), job.run.notes, over)

    def _over(self, prints: Prints) -> None:
        try:
            self._display.close(self._job.results)
        finally:
            prints.end()
            atexit.unregister(self._leave)
            with self._lock:
                self._ended.set()
                waiting, self._then = self._then, []
            for then in waiting:
                then()

    def cancel(self) -> None:
        """Stop the run, from any thread; completed items stay in its results. Further calls do nothing."""
        self._job.run.cancel()

    @property
    def done(self) -> bool:
        """Whether the run has ended in any way."""
        return self._ended.is_set()

    @property
    def status(self) -> str:
        """``running``, ``ok``, ``failed`` or ``cancelled``."""
        return self._job.run.record.status if self.done else "running"

    @property
    def results(self) -> Results:
        """The table of the results so far, in order."""
        return self._job.results

    @property
    def log(self) -> list[str]:
        """The last lines that its buttons have printed or reported."""
        return self._log.lines

    def wait(self, timeout: float | None = None) -> Results:
        """Wait until the run has ended and return its Results; for code that cannot ``await``.

        Args:
            timeout: most seconds to wait; ``None`` for no limit.

        Raises:
            TimeoutError: it has not ended in time; it keeps running.
            DrawerFailed, DrawerCancelled: it did not end ok; ``.results`` contains everything.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"{self!r} after {timeout:g} s")
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Results]:
        return self._awaited().__await__()

    async def _awaited(self) -> Results:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def tell() -> None:
            if not ended.done():  # the waiter may have been cancelled
                ended.set_result(None)

        with self._lock:
            if not self._ended.is_set():
                self._then.append(lambda: _later(loop, tell))
            else:
                tell()
        while not ended.done():
            # With a timeout, since an interrupt of the waiting cell does not wake its loop by itself.
            await asyncio.wait({ended}, timeout=_INTERVAL)
        return self._outcome()

    def _outcome(self) -> Results:
        if self._fault is not None:
            raise self._fault
        results = self.results
        if self._check:
            raise_for(results, self._job.run.notes)
        return results

    def _logged(self, event: LogLine) -> None:
        where = event.step_id if event.index is None else f"{event.step_id}[{event.index}]"
        self._log.line(f"{where}: {event.text}")

    def _leave(self) -> None:
        """Cancel the run because the program exits."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(_LAST_WAIT)

    def __repr__(self) -> str:
        return f"<run {self.number}, {self.line()}>"

    def line(self) -> str:
        """The state of the run in one line."""
        snapshot = self._progress.snapshot(self._progress.clock())
        stands = "ended after" if self.done else "running for"
        return f"{progress_line(snapshot)}, {stands} {clock_text(snapshot.elapsed)}"


class _Telling:
    """A display that reports when it is attached to the run; its creator closes it."""

    def __init__(self, display: Display, shown: threading.Event) -> None:
        self._display = display
        self._shown = shown

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.attach`."""
        self._display.attach(listeners, cancel)
        listeners.on(RunStarted, self._begun)  # the last listener

    def _begun(self, _event: RunStarted) -> None:
        self._display.detach()
        self._shown.set()

    def detach(self) -> None:
        """Do nothing: it is already detached."""

    def close(self, results: Any | None) -> None:
        """Do nothing: the code that started the run closes the display."""


class Runs:
    """The background runs of one notebook: all that are running, and the last ones that have ended."""

    def __init__(self) -> None:
        self._runs: list[BackgroundRun] = []
        self._prints = Prints()
        self._count = 0

    def start(self, job: Job, make_display: Callable[[Log], Display], *, check: bool) -> BackgroundRun:
        """Start `job` and list it."""
        self._count += 1
        log = Log()
        run = BackgroundRun(job, make_display(log), self._count, log, check=check)
        ended = [run for run in self._runs if run.done]
        forgotten = ended[: max(0, len(ended) - _KEPT + 1)]
        self._runs = [*(r for r in self._runs if r not in forgotten), run]
        run.start(self._prints)
        return run

    def listed(self) -> RunList:
        """All runs, oldest first."""
        return RunList(self._runs)


class RunList(list[BackgroundRun]):
    """A list of runs whose repr has one line per run."""

    def __repr__(self) -> str:
        lines = [f"{run.number:3}  {run.line()}" for run in self]
        return "\n".join(lines) or "no runs in the background; %%drawer --background starts one"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))


def _later(loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed, so nothing is waiting on it
        loop.call_soon_threadsafe(then)
