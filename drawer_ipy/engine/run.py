"""The handle of a run: start it on an event loop, cancel it from any thread, read its record at any time."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.base import Resources
from drawer_ipy.buttons.function.containment import PRESS, contained
from drawer_ipy.buttons.function.leftovers import Leftovers
from drawer_ipy.buttons.script.processes import Processes
from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.notes import Note
from drawer_ipy.engine.backends.base import BackendError
from drawer_ipy.engine.context import Session, new_run_id
from drawer_ipy.engine.drawers import Mode, press_plan
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.engine.events import Listeners, RunFinished, RunStarted
from drawer_ipy.engine.ledger import Ledger
from drawer_ipy.engine.limits import Limits
from drawer_ipy.engine.plan import Plan
from drawer_ipy.engine.secrets.redactor import Redactor, secrets_of
from drawer_ipy.engine.secrets.sweep import Sweep
from drawer_ipy.errors import Code, DrawerError, ErrorInfo
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult

_AWAKE = 0.25
"""Longest time in seconds for which the event loop sleeps."""

_SWEPT = 1_000
"""Number of the latest sub-drawer runs that are searched for secrets again at the end."""


class Run:
    """One press of `plan`.

    Args:
        plan: the compiled drawer.
        inputs: its inputs.
        listeners: the listeners for events.
        mode: how its steps are run.
        concurrency: most buttons running at once in the whole run; ``None`` for no cap.
        timeout: most seconds for the whole run; ``None`` for no limit. After that, it fails with TIMEOUT
            and running buttons are cancelled.
        batteries, webhooks: the values of these names.
        cache_folder: the folder of cached results; ``None`` for no cache.
        on_child: called with each sub-drawer's record when it has ended.
        earlier: a press of the same plan with the same inputs that this one continues.

    Attributes:
        record: what happened so far; complete when :meth:`execute` has returned or raised.
        on_child: the argument; it may be set until the run starts.
        ledger: what has to record the run ahead, ``None`` for nothing; it may be set until the run starts.
        notes: observations for the user that failed nothing.
        left: what another run needs to continue this one.
    """

    def __init__(
        self,
        plan: Plan,
        inputs: Mapping[str, Any],
        *,
        listeners: Listeners | None = None,
        mode: Mode | None = None,
        concurrency: int | None = None,
        timeout: float | None = None,
        batteries: Mapping[str, str] | None = None,
        webhooks: Mapping[str, str] | None = None,
        cache_folder: Path | None = None,
        on_child: Callable[[RunRecord], None] | None = None,
        earlier: EarlierPress | None = None,
    ) -> None:
        self.plan = plan
        self.listeners: Listeners = listeners or Listeners()
        self.listeners.hide = lambda text: self.redactor().text(text)
        self.record: RunRecord = RunRecord(new_run_id(), plan.name)
        self.notes: list[str] = []
        self.left: EarlierPress = EarlierPress(
            self.record, lasting={} if earlier is None else earlier.lasting
        )
        self._earlier = None if earlier is None else replace(earlier, now=self.record)
        self._inputs = inputs
        self._mode = mode or Mode()
        self._concurrency = concurrency
        self._timeout = timeout
        self._cut: ErrorInfo | None = None
        self.ledger: Ledger | None = None
        self._batteries = batteries or {}
        self._webhooks = webhooks or {}
        self.on_child = on_child
        self._cache_folder = cache_folder
        # An interrupt may call cancel() while this thread holds the lock.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._body: asyncio.Task[None] | None = None
        self._cancelled = False
        self._cancelling = False
        self._stop = Stop()
        given = secrets_of(plan.inputs, {**{spec.name: spec.default for spec in plan.inputs}, **inputs})
        before = () if earlier is None else earlier.secrets
        self._known = Redactor([*given, *self._batteries.values(), *before])
        self._session: Session | None = None
        self._children: deque[RunRecord] = deque(maxlen=_SWEPT)

    def cancel(self) -> None:
        """Stop the run, from any thread; what has ended stays in the record. A second call has no effect."""
        with self._lock:
            self._cancelled = True
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._cancel_body)

    def interrupted(self) -> None:
        """Start nothing more: a function that blocks the event loop is being interrupted.

        Called in the loop's thread, between any two bytecodes. The cancellation follows once it is free.
        """
        self._stop.want()

    def redactor(self) -> Redactor:
        """The redactor for the secrets known so far: secret inputs and batteries."""
        return self._known if self._session is None else self._session.redactor

    def hidden_of(self, loop: LoopRecord) -> Hidden | None:
        """Return what the record of a loop of this run, or of the one that it continues, hides."""
        for record, hidden in reversed(self._session.loops) if self._session is not None else ():
            if record is loop:
                return hidden
        for entry in self._earlier.scope.values() if self._earlier is not None else ():
            output = entry.get("output") if isinstance(entry, dict) else None
            if isinstance(output, LoopOutput) and output.record is loop:
                return output.hidden
        return None

    def is_hidden(self, step: StepResult) -> bool:
        """Whether the recorded output of a top-level step that has ended differs from the real one."""
        entry = self.left.scope.get(step.id)
        if not isinstance(entry, dict) or isinstance(step.output, LoopOutput):
            return False
        return entry.get("output") is not step.output

    def scripts(self) -> list[tuple[int, str]]:
        """Return id and start of each process that runs a script now; see :meth:`Processes.running`."""
        found = None if self._session is None else self._session.resources.found(Processes)
        return [] if found is None else found.running()

    def is_input_hidden(self, name: str) -> bool:
        """Whether the recorded value of an input differs from the real one."""
        real = self.left.scope.get("inputs", {})
        return name in real and real[name] is not self.record.inputs.get(name)

    @property
    def ending(self) -> bool:
        """Whether it has ended or has received a cancellation."""
        body = self._body
        return body is not None and (body.done() or self._cancelling)

    def _cancel_body(self) -> None:
        # Only once: a second cancellation would cut short the clean-up that the first one started.
        if self._body is not None and not self._cancelling:
            self._cancelling = True
            self._stop.want()
            self._body.cancel()

    def cut_short(self, error: ErrorInfo) -> None:
        """Stop the run as failed, with `error`; call it on the run's event loop. What has ended stays."""
        if self._body is not None and not self._body.done() and not self._cancelling:
            self._cut = error
            self._cancel_body()

    def _time_up(self) -> None:
        self.cut_short(
            ErrorInfo(
                Code.TIMEOUT,
                f"the run timed out after {self._timeout:g} s",
                "the results contain what had ended by then; raise the timeout to finish the rest",
            )
        )

    async def execute(self) -> RunRecord:
        """Run to the end on the current loop; call it once.

        Returns:
            The complete record; its status is ``cancelled`` after :meth:`cancel`.

        Raises:
            asyncio.CancelledError: the caller itself was cancelled; everything that was started has ended
                or was abandoned, and the record is complete.
        """
        session = self._session = self._opened()
        # The body has its own task, so that cancel() ends the run without cancelling the caller.
        context = contextvars.copy_context()
        context.run(PRESS.set, [])
        body = asyncio.create_task(self._main(session), name=f"drawer {self.plan.name}", context=context)
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._body = body
        if self._cancelled:
            self._cancel_body()
        timer = None if self._timeout is None else self._loop.call_later(self._timeout, self._time_up)
        with contained(self._loop):
            interrupted = await self._until_over(body)
        if timer is not None:
            timer.cancel()
        self.notes += session.resources.get(Leftovers).notes()
        self._sweep(session)
        closing = asyncio.create_task(_close(session))
        interrupted = await self._until_over(closing) or interrupted
        with self._lock:
            self._loop = None
        self._conclude(body)
        self.listeners.emit(RunFinished(self.record))
        if interrupted is not None:
            raise interrupted
        for task in (body, closing):
            if not task.cancelled():
                task.result()
        return self.record

    async def _until_over(self, task: asyncio.Task[None]) -> asyncio.CancelledError | None:
        """Wait until `task` has ended; a cancellation of the caller cancels the run and is returned."""
        interrupted: asyncio.CancelledError | None = None
        while not task.done():
            try:
                # Wake periodically, since an interrupt alone does not wake a kernel's loop.
                await asyncio.wait({task}, timeout=_AWAKE)
            except asyncio.CancelledError as error:
                interrupted = error
                self._cancel_body()
        return interrupted

    def _conclude(self, body: asyncio.Task[None]) -> None:
        """Record how a cancelled body ended."""
        record = self.record
        if not body.cancelled():
            return
        if record.status == "running":  # before its first step
            record.status, record.error = "cancelled", CANCELLED_ERROR
        if self._cut is not None:
            record.status, record.error = "failed", self._cut

    def _pressed(self, child: RunRecord) -> None:
        self._children.append(child)
        if self.on_child is not None:
            self.on_child(child)

    def _sweep(self, session: Session) -> None:
        """Hide values that became secrets, or that received one, after they were recorded."""
        if not session.redactor:
            return
        self.left.secrets = session.redactor.secrets
        sweep = Sweep(session.redactor, self._known)
        for loop, hidden in session.loops:
            sweep.loop(loop, hidden)
        for record in (*self._children, self.record):
            sweep.run(record)
        session.notes[:] = map(session.redactor.text, session.notes)

    def _opened(self) -> Session:
        return Session(
            listeners=self.listeners,
            resources=Resources(self.left.lasting, asyncio.get_running_loop()),
            limits=Limits(self._concurrency),
            env=os.environ,
            batteries=self._batteries,
            webhooks=self._webhooks,
            notes=self.notes,
            cache_folder=self._cache_folder,
            on_child=self._pressed,
            redactor=self._known,
            ledger=self.ledger,
            backends=self.plan.plans.backends,
        )

    async def _main(self, session: Session) -> None:
        record = self.record
        self.listeners.emit(RunStarted(record, tuple(step.id for step in self.plan.steps)))
        try:
            await session.backends.open(lambda text: session.note(Note(text)))
            await press_plan(
                self.plan,
                self._inputs,
                session,
                record,
                self._stop,
                mode=self._mode,
                left=self.left,
                earlier=self._earlier,
            )
        except asyncio.CancelledError:
            raise
        except BackendError as error:  # nothing has run
            record.status, record.error = "failed", error.info()
        except BaseException as error:
            # An internal error must not lose results; it is still raised.
            record.status = "failed"
            record.error = ErrorInfo(Code.INTERNAL, f"{type(error).__name__}: {error}", exception=error)
            if session.redactor and session.redactor.holds(error):
                raise DrawerError(session.redactor.text(record.error.message), code=Code.INTERNAL) from None
            raise


async def _close(session: Session) -> None:
    """Close what a run had opened."""
    try:
        await session.backends.aclose()
        await session.cache.aclose()
    finally:
        await session.resources.aclose()
