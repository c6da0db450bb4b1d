"""The base class of steps, which applies policy and timeout, and the sequential press of a list of steps.

Every kind of step is a :class:`StepRunner`; policy and timeout are applied here for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Protocol
from urllib.parse import urlsplit

from drawer_ipy.common.cancellation import TimeIsUp, is_cancelled, is_closed, within
from drawer_ipy.common.tracebacks import describe, full_traceback
from drawer_ipy.common.user_code import is_interrupt
from drawer_ipy.definition.models import ButtonStep, DrawerStep, StepBase
from drawer_ipy.definition.values import drawer_named
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.earlier import copy_into
from drawer_ipy.engine.events import StepRetried
from drawer_ipy.engine.policy import RetryPolicy
from drawer_ipy.errors import Code, DrawerError
from drawer_ipy.record.failed_counts import added
from drawer_ipy.record.failures import failures_in_step
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult
from drawer_ipy.record.waits import Reason, Why


class StepCompiler(Protocol):
    """Compiles nested steps; the implementation is in :mod:`~drawer_ipy.engine.plan`."""

    def step(self, model: StepBase) -> StepRunner:
        """Compile one step with its kind."""


class StepRunner:
    """Base of all step kinds; each has one module in ``engine/steps``.

    A subclass compiles its expressions in ``__init__``, sets :attr:`roots`, and does its work in :meth:`run`.

    Attributes:
        id: the step's id.
        roots: the names that its expressions use from outside; graph mode derives dependencies from them.
        inner_roots: of these, the names that the steps inside a loop use; ``None`` for other kinds.
        policy: what happens after a failure; ``None`` to stop.
        timeout: seconds for one attempt; ``None`` for the kind's default.
        undo: the step of ``compensate_with``, or ``None``.
    """

    own_timeout = False
    """Whether :meth:`run` applies :attr:`timeout` itself (a button does, to keep its captured output)."""

    def __init__(self, model: StepBase, compiler: StepCompiler) -> None:
        self.id: str = model.id
        self.roots: frozenset[str] = frozenset()
        self.inner_roots: frozenset[str] | None = None
        self.timeout: float | None = model.timeout_seconds or None
        self.goes_on: bool = model.on_failure is not None and model.on_failure.action == "continue"
        self.policy: RetryPolicy | None = RetryPolicy.of(model.on_failure)
        self.undo: StepRunner | None = undo_step(model, compiler)
        self._simple = self.policy is None and (self.timeout is None or self.own_timeout)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Do the work once and write the outcome into `result` as it happens.

        A failure is reported by ``result.fail``, never by an exception; an unchanged result is ok.
        """
        raise NotImplementedError

    def maker(self) -> str:
        """The package or module of the code that does the work."""
        return maker_of(self)

    async def press(self, ctx: Context, result: StepResult) -> bool:  # noqa: C901 - more calls would cost time
        """Run under the policy; return whether the following steps may run.

        Raises:
            asyncio.CancelledError: the run was cancelled; `result` says so.
        """
        if ctx.earlier is not None and (before := ctx.earlier.kept(self.id)) is not None:
            copy_into(before, result)
            ctx.scope[self.id] = ctx.earlier.entry(self.id)
            return True
        session = ctx.session
        ctx.step = result
        result.clock = clock = session.clock
        result.started = clock.zero + perf_counter()
        try:
            ctx.stop.check()  # an earlier step may have suppressed the cancellation
            if self._simple:
                await self.run(ctx, result)
            elif self.policy is None:
                await self._attempt(ctx, result)
            else:
                await self._retry(self.policy, ctx, result)
        except asyncio.CancelledError as stop:
            if not is_cancelled(ctx.stop):  # something that the step used raised it
                fail_inside(result, stop, self.maker())
            else:
                result.status = "cancelled"
                result.error = CANCELLED_ERROR
                raise
        except BaseException as fault:
            if is_interrupt(fault):
                ctx.stop.want_all()
            if is_interrupt(fault) or (isinstance(fault, GeneratorExit) and is_closed()):
                result.status, result.error = "cancelled", CANCELLED_ERROR
                raise asyncio.CancelledError from None
            fail_inside(result, fault, self.maker())  # including KeyboardInterrupt and SystemExit
        finally:
            result.finished = clock.zero + perf_counter()
            output = result.output if ctx.real is None else ctx.output(result)
            if session.redactor.hides:
                session.redactor.step(result)
            # Later steps use the real output; the recorded one contains no secrets.
            error = result.error
            entry = {"output": output} if error is None else {"output": output, "error": result.error_entry()}
            ctx.scope[self.id] = entry
        if error is None:
            result.status = "ok"
            return True
        return self.goes_on

    async def _attempt(self, ctx: Context, result: StepResult) -> None:
        """Make one attempt within the step's timeout."""
        if self.timeout is None or self.own_timeout:
            await self.run(ctx, result)
            return
        try:
            await within(self.timeout, ctx.stop, lambda stop: self.run(ctx.under(stop), result))
        except TimeIsUp:
            result.exit_code = -1
            result.fail(Code.TIMEOUT, f"timed out after {self.timeout:g} s", status="timeout")

    async def _retry(self, policy: RetryPolicy, ctx: Context, result: StepResult) -> None:
        """Make attempts until one succeeds, none is left, or the failure is not to be retried."""
        attempt = 1
        while True:
            result.begin_attempt(attempt)
            began = ctx.session.clock()
            await self._attempt(ctx, result)
            error = result.error
            if error is None or attempt >= policy.attempts or not policy.covers(error):
                return
            delay = policy.delay(attempt, result.retry_after)
            if ctx.session.redactor:  # the record may be shown during the delay
                ctx.session.redactor.step(result)
                error = result.error or error
            if ctx.session.listeners.wants(StepRetried):
                ctx.session.listeners.emit(StepRetried(self.id, ctx.index, attempt, delay, error))
            result.keep_try(began, ctx.session.clock())
            with ctx.pausing(_why_it_waits(result, delay), delay):
                await asyncio.sleep(delay)
            ctx.stop.check()
            attempt += 1


def _why_it_waits(result: StepResult, delay: float) -> Reason:
    """Return why the next attempt is delayed: by the server's request, or by the policy."""
    if result.retry_after is None or delay > result.retry_after:
        return Reason(Why.BACKOFF)
    url = (result.about or {}).get("url")
    return Reason(Why.ASKED, urlsplit(str(url)).netloc.rpartition("@")[2] if url else "")


async def press_in_order(
    steps: Sequence[StepRunner],
    ctx: Context,
    started: Callable[[StepResult], None],
    ended: Callable[[StepResult], None] = lambda _result: None,
) -> StepResult | None:
    """Press `steps` one after the other; `started` and `ended` receive each result before and after.

    Returns:
        The result that stopped the sequence, or ``None`` if there is none.
    """
    for step in steps:
        result = StepResult(step.id)
        started(result)
        try:
            goes_on = await step.press(ctx, result)
        finally:
            ended(result)
        if goes_on and ctx.parent is not None:
            before = ctx.parent.inside
            found = failures_in_step(result)
            ctx.parent.inside = found if before is None else added([before, found])
        if not goes_on:
            return result
    return None


def undo_step(model: StepBase, compiler: StepCompiler) -> StepRunner | None:
    """Compile ``compensate_with``: a button's name, ``drawer/NAME``, or a step without an id."""
    given = model.on_failure.compensate_with if model.on_failure is not None else None
    if not given:
        return None
    fields = given if isinstance(given, Mapping) else compensation_fields(str(given))
    kind, undo = ("drawer", DrawerStep) if "drawer" in fields else ("button", ButtonStep)
    return compiler.step(undo.model_validate({"kind": kind, **fields, "id": f"{model.id}.undo"}))


def compensation_fields(name: str) -> dict[str, str]:
    """Return the step's fields for ``drawer/NAME`` or a button's name."""
    drawer = drawer_named(name)
    return {"button": name} if drawer is None else {"drawer": drawer}


def fail_with(result: StepResult, error: DrawerError) -> None:
    """Record `error` as the reason why the step could not run."""
    result.status = "failed"
    result.error = error.info()


def fail_inside(result: StepResult, error: BaseException, maker: str) -> None:
    """Record an internal error of `maker`, such as ``drawer_ipy``: it fails this step only."""
    if isinstance(error, DrawerError):  # it already has a message
        fail_with(result, error)
        return
    result.stderr = full_traceback(error)
    result.fail(
        Code.INTERNAL,
        describe(error),
        f"this is a bug in {maker}: please report it with the traceback that explain() shows",
    )


def maker_of(worker: object) -> str:
    """The package or module whose class `worker` is an instance of."""
    module = type(worker).__module__
    return "drawer_ipy" if module.startswith("drawer_ipy.") else f"the module {module}"


def fail_bare(result: StepResult, needed: str) -> None:
    """Fail a step whose kind the original only reserves, if the fields that drawer_ipy needs are missing."""
    result.fail(
        Code.KIND_NOT_IMPLEMENTED,
        f"step {result.id!r} has nothing to do: it needs {needed}",
    )
