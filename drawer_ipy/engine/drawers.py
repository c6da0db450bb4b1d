"""Press one drawer: check its inputs, run its steps in order or by graph, and handle a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.buttons.base import PressPlace
from drawer_ipy.common.cancellation import Stop, TimeIsUp, within
from drawer_ipy.engine.context import Context, Level, Session, new_run_id
from drawer_ipy.engine.earlier import EarlierPress
from drawer_ipy.engine.events import StepFinished, StepStarted
from drawer_ipy.engine.graph import dependencies, press_graph
from drawer_ipy.engine.inputs import prepare_inputs
from drawer_ipy.engine.pausing import Enclosing
from drawer_ipy.engine.plan import Plan
from drawer_ipy.engine.recorded_step import RecordedStep
from drawer_ipy.engine.secrets.redactor import recorded_inputs, secrets_of
from drawer_ipy.engine.step import StepRunner, press_in_order
from drawer_ipy.errors import Code, DrawerError, ErrorInfo
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult

HANDLER_LIMIT = 300.0
"""Timeout in seconds of an ``on_error`` handler (docs/original.md#5-on_error)."""

MAX_DEPTH = 32
"""Deepest nesting of drawers. Cycles are refused before a run; this bounds any that were not detected."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How a drawer's steps are run.

    Attributes:
        parallel: whether steps start according to their references instead of one after the other.
        go_on: whether steps that do not depend on a failed step still run.
    """

    parallel: bool = False
    go_on: bool = False


async def _press_steps(
    plan: Plan, ctx: Context, record: RunRecord, mode: Mode, error: ErrorInfo | None
) -> None:
    """Press the steps unless there is an `error` already; after a failure undo and handle it."""
    if error is None:
        await _steps(plan, ctx, record, mode)
    else:
        record.error = ctx.session.redactor.error(error)
    record.status = "ok" if record.error is None else "failed"
    if record.error is not None:
        await _compensate(plan, ctx, record)
    if record.error is not None and plan.on_error:
        await _handle(plan, ctx, record)


async def press_plan(
    plan: Plan,
    given: Mapping[str, Any],
    session: Session,
    record: RunRecord,
    stop: Stop,
    *,
    mode: Mode = Mode(),
    depth: int = 0,
    place: PressPlace = (),
    part_of: Enclosing | None = None,
    left: EarlierPress | None = None,
    earlier: EarlierPress | None = None,
) -> Context:
    """Press `plan` with the inputs `given` and write what happens into `record`.

    Args:
        place: the place of the step that presses it; empty for the run's own drawer.
        part_of: that step, which waits while a step of the drawer waits; ``None`` for the run's own drawer.
        stop: the flag that no more of it may start.
        left: receives what another press needs to continue this one.
        earlier: the press that this one continues.

    Returns:
        The context of its steps, for the ``return`` block of a sub-drawer.

    Raises:
        asyncio.CancelledError: it was cancelled; `record` says so and contains what had ended.
    """
    record.clock = session.clock
    record.started = session.clock()
    inputs, error = prepare_inputs(plan.inputs, given)
    # Declared inputs without a value read as null, but do not fill a button's argument.
    named = {name: value for name, value in inputs.items() if name in given or value is not None}
    session.redactor = session.redactor.also(secrets_of(plan.inputs, named))
    record.inputs = recorded_inputs(plan.inputs, named, session.redactor)
    level = Level(session, named, stop, depth=depth, place=place, part_of=part_of)
    ctx = Context(level, session.scope(inputs), earlier=earlier)
    if left is not None:
        left.scope, left.needs = ctx.scope, dependencies(plan.steps)
    try:
        await _press_steps(plan, ctx, record, mode, _flow_error(plan) or error)
    except asyncio.CancelledError:
        record.status = "cancelled"
        record.error = CANCELLED_ERROR
        raise
    finally:
        record.finished = session.clock()
    return ctx


def _flow_error(plan: Plan) -> ErrorInfo | None:
    if plan.drawer.flow is None:
        return None
    message = f"drawer {plan.name!r} is a flow; flows can be stored but not run"
    return ErrorInfo("FLOW_RUNTIME_REQUIRED", message)


async def _steps(plan: Plan, ctx: Context, record: RunRecord, mode: Mode) -> None:
    listeners, ledger = ctx.session.listeners, ctx.session.ledger
    steps: Sequence[StepRunner] = plan.steps
    if ledger is not None and not ctx.depth:
        steps = [RecordedStep(step, ledger) for step in steps]

    def started(result: StepResult) -> None:
        record.steps.append(result)
        listeners.emit(StepStarted(record, result))

    def ended(result: StepResult) -> None:
        listeners.emit(StepFinished(record, result))

    try:
        if mode.parallel:
            try:
                verdict = await press_graph(steps, ctx, started, ended, go_on=mode.go_on)
            except DrawerError as deadlock:
                record.error = deadlock.info()
                return
        else:
            verdict = await press_in_order(steps, ctx, started, ended)
    finally:
        _add_rest(ctx, record)
        order = {step.id: i for i, step in enumerate(plan.steps)}
        record.steps.sort(key=lambda r: order[r.id])
    if verdict is not None:
        record.failed_step = verdict.id
        record.error = verdict.error


def _add_rest(ctx: Context, record: RunRecord) -> None:
    """Copy from the earlier press the steps that this one, which continues it, did not reach."""
    if isinstance(ctx.earlier, EarlierPress):
        for result in ctx.earlier.rest({step.id for step in record.steps}):
            record.steps.append(result)
            if result.id in ctx.earlier.scope:
                ctx.scope[result.id] = ctx.earlier.entry(result.id)


async def _compensate(plan: Plan, ctx: Context, record: RunRecord) -> None:
    """Press ``compensate_with`` of the steps that succeeded, the last one first.

    If one fails, the others still run; a note reports the failure, and the run's error stays.
    """
    undo = {step.id: step.undo for step in plan.steps if step.undo is not None}
    done = [r for r in reversed(record.steps) if r.error is None and r.id in undo]
    # The sort is stable, so steps that ended at the same time of a coarse clock keep their order.
    for result in sorted(done, key=lambda r: -r.finished):
        made = StepResult(result.id)
        record.compensations.append(made)
        await undo[result.id].press(ctx, made)
        if made.error is not None:
            ctx.session.notes.append(f"compensating step {result.id!r} failed: {made.error}")


async def _handle(plan: Plan, ctx: Context, record: RunRecord) -> None:
    """Press the ``on_error`` drawer; its failure only adds a note (docs/original.md#5-on_error)."""
    session = ctx.session
    handler = plan.plans.named(plan.on_error)
    depth = ctx.depth + 1
    if handler is None or depth > MAX_DEPTH:
        session.notes.append(
            f"on_error: drawer {plan.on_error!r} was not pressed: it does not exist or is nested too deeply"
        )
        return
    assert record.error is not None
    given = {
        "drawer": plan.name,
        "run_id": record.run_id,
        "failed_step": record.failed_step,
        "error": record.error.to_record(),
        "inputs": dict(record.inputs),
    }
    child = RunRecord(new_run_id(), handler.name)
    try:
        given |= plan.on_error_with.resolve(ctx.scope)
        place = ctx.inside("on_error", child.run_id)
        await within(
            HANDLER_LIMIT,
            ctx.stop,
            lambda stop: press_plan(handler, given, session, child, stop, depth=depth, place=place),
        )
    except DrawerError as error:
        session.notes.append(f"on_error: {plan.on_error}: {error.message}")
        return
    except TimeIsUp:
        session.notes.append(f"on_error: {plan.on_error} timed out after {HANDLER_LIMIT:g} s")
    if child.error is not None:
        session.notes.append(f"on_error: {plan.on_error} failed: {child.error}")
    if session.on_child is not None:
        session.on_child(child)


def too_deep(name: str) -> ErrorInfo:
    """Return the error for drawers nested deeper than :data:`MAX_DEPTH`."""
    return ErrorInfo(
        Code.VALIDATION_ERROR,
        f"drawer {name!r} is nested {MAX_DEPTH} drawers deep, the limit",
        "remove the cycle: a drawer that presses itself, directly or through others, never ends",
    )
