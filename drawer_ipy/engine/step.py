"""One step pressed under its policy, and a list of steps pressed one after the other.

Every kind of step is a :class:`Step`; policy and timeout are applied here, once, for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Protocol

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
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult


class StepCompiler(Protocol):
    """What a step needs to compile the steps inside it; :mod:`~drawer_ipy.engine.plan` has the real one."""

    def step(self, model: StepBase) -> Step:
        """One step, compiled by its kind."""


class Step:
    """Base of all step kinds: one module each in ``engine/steps``.

    A subclass compiles its expressions in ``__init__``, sets :attr:`roots`, and does its work in
    :meth:`run`.

    Attributes:
        id: the step's id.
        roots: names its expressions use from outside of itself; what graph mode draws arrows from.
        policy: how failures are met; ``None`` for plain stop.
        timeout: seconds one attempt may take, ``None`` for the kind's own default.
        undo: the step of ``compensate_with``, ``None`` when there is none.
    """

    own_timeout = False
    """Whether :meth:`run` keeps to :attr:`timeout` itself (a button does, to keep what it captured)."""

    def __init__(self, model: StepBase, compiler: StepCompiler) -> None:
        self.id = model.id
        self.roots: frozenset[str] = frozenset()
        self.timeout = model.timeout_seconds or None
        self.goes_on = model.on_failure is not None and model.on_failure.action == "continue"
        self.policy = RetryPolicy.of(model.on_failure)
        self.undo = undo_step(model, compiler)
        self._simple = self.policy is None and (self.timeout is None or self.own_timeout)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Do the work once, writing what comes of it into `result` as it happens.

        Failure is told by ``result.fail``, never by an exception; a result left alone is ok.
        """
        raise NotImplementedError

    async def press(  # noqa: C901 - once an item and step: further calls cost more than they explain
        self, ctx: Context, result: StepResult
    ) -> bool:
        """Run under the policy; returns whether the steps after it may run.

        Raises:
            asyncio.CancelledError: when the run is cancelled; `result` says so.
        """
        if ctx.earlier is not None and (before := ctx.earlier.kept(self.id)) is not None:
            copy_into(before, result)
            ctx.scope[self.id] = ctx.earlier.entry(self.id)
            return True
        session = ctx.session
        result.clock = clock = session.clock
        result.started = clock.zero + perf_counter()
        try:
            if ctx.stop.wanted:  # what came before has swallowed it
                raise asyncio.CancelledError
            if self._simple:
                await self.run(ctx, result)
            elif self.policy is None:
                await self._attempt(ctx, result)
            else:
                await self._retry(self.policy, ctx, result)
        except asyncio.CancelledError as stop:
            if not is_cancelled(ctx.stop):  # something that the step looked at raised it
                fail_inside(result, stop)
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
            fail_inside(result, fault)  # KeyboardInterrupt and SystemExit as well
        finally:
            result.finished = clock.zero + perf_counter()
            output = result.output if ctx.real is None else ctx.output(result)
            if session.redactor.hides:
                session.redactor.step(result)
            # Later steps work with the real output; what is recorded holds no secrets.
            error = result.error
            told = {"output": output}
            if error is not None:
                told["error"] = result.told_error()
            ctx.scope[self.id] = told
        if error is None:
            result.status = "ok"
            return True
        return self.goes_on

    async def _attempt(self, ctx: Context, result: StepResult) -> None:
        """One attempt within the step's own time."""
        if self.timeout is None or self.own_timeout:
            await self.run(ctx, result)
            return
        try:
            await within(self.timeout, ctx.stop, lambda stop: self.run(ctx.under(stop), result))
        except TimeIsUp:
            result.exit_code = -1
            result.fail(Code.TIMEOUT, f"timed out after {self.timeout:g} s", status="timeout")

    async def _retry(self, policy: RetryPolicy, ctx: Context, result: StepResult) -> None:
        """Attempts until one succeeds, the policy gives up, or the failure is not worth retrying."""
        attempt = 1
        while True:
            result.begin_attempt(attempt)
            began = ctx.session.clock()
            await self._attempt(ctx, result)
            error = result.error
            if error is None or attempt >= policy.attempts or not policy.covers(error):
                return
            delay = policy.delay(attempt, result.retry_after)
            if ctx.session.redactor:  # it may be looked at while it waits
                ctx.session.redactor.step(result)
                error = result.error or error
            if ctx.session.listeners.wants(StepRetried):
                ctx.session.listeners.emit(StepRetried(self.id, ctx.index, attempt, delay, error))
            result.keep_try(began, ctx.session.clock())
            await asyncio.sleep(delay)
            attempt += 1


async def press_in_order(
    steps: Sequence[Step],
    ctx: Context,
    begun: Callable[[StepResult], None],
    ended: Callable[[StepResult], None] = lambda _result: None,
) -> StepResult | None:
    """Press `steps` one after the other; `begun` and `ended` are handed each result before and after.

    Returns:
        The result that stopped the sequence, or ``None`` when all may count as done.
    """
    for step in steps:
        result = StepResult(step.id)
        begun(result)
        try:
            goes_on = await step.press(ctx, result)
        finally:
            ended(result)
        if not goes_on:
            return result
    return None


def undo_step(model: StepBase, compiler: StepCompiler) -> Step | None:
    """What ``compensate_with`` asks for: a button's name, ``drawer/NAME``, or a step without an id."""
    given = model.on_failure.compensate_with if model.on_failure is not None else None
    if not given:
        return None
    fields = given if isinstance(given, Mapping) else compensation_fields(str(given))
    kind, undo = ("drawer", DrawerStep) if "drawer" in fields else ("button", ButtonStep)
    return compiler.step(undo.model_validate({"kind": kind, **fields, "id": f"{model.id}.undo"}))


def compensation_fields(name: str) -> dict[str, str]:
    """``drawer/NAME`` or a button's name, as a step's fields."""
    drawer = drawer_named(name)
    return {"button": name} if drawer is None else {"drawer": drawer}


def fail_with(result: StepResult, error: DrawerError) -> None:
    """Record `error` as why the step could not run."""
    result.status = "failed"
    result.error = error.info()


def fail_inside(result: StepResult, error: BaseException) -> None:
    """Record a fault of ours, or of a button's runtime: it fails one step, and loses nothing else."""
    if isinstance(error, DrawerError):  # in words already
        fail_with(result, error)
        return
    result.stderr = full_traceback(error)
    result.fail(
        Code.INTERNAL,
        describe(error),
        "this is a fault in drawer_ipy: please report it, with the traceback that explain() shows",
    )


def fail_bare(result: StepResult, needed: str) -> None:
    """A step of a kind the original only reserves, without what ours needs, is as inert as it is there."""
    result.fail(
        Code.KIND_NOT_IMPLEMENTED,
        f"step {result.id!r} says nothing to do: it needs {needed}",
    )
