"""``kind: for_each``: run the same steps for every entry of a list, at most `parallelism` at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from drawer_ipy.common.tracebacks import describe, full_traceback
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.steps.loop import LoopStep
from drawer_ipy.definition.values import AUTO, parse_tolerance
from drawer_ipy.engine.adaptive import AdaptiveWidth
from drawer_ipy.engine.charges import charged_rates
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.earlier import EarlierItem, EarlierLoop, take_earlier_items
from drawer_ipy.engine.events import ItemFinished, ItemStarted, LoopFinished, LoopStarted
from drawer_ipy.engine.graph import dependencies
from drawer_ipy.engine.item_rates import ItemRates
from drawer_ipy.engine.item_source import ItemSource
from drawer_ipy.engine.listing import as_list, instead
from drawer_ipy.engine.plan import Compiler, outer_roots, roots_of
from drawer_ipy.engine.policy import asks_for_less
from drawer_ipy.engine.pool import BoundedMap, Gate
from drawer_ipy.engine.pulled_loop import PulledLoop, begin_source, fail_if_cut_off, is_from
from drawer_ipy.engine.secrets.sweep import shown_items
from drawer_ipy.engine.step import StepRunner, fail_with
from drawer_ipy.errors import Code, ErrorInfo, ResolveError, UsageError
from drawer_ipy.expressions import Template, compile_expression, compile_value
from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
    OK,
    RUNNING,
    SKIPPED,
    Hidden,
    LoopOutput,
    LoopRecord,
)
from drawer_ipy.record.step import StepResult

T = TypeVar("T")
Items = Sequence[Any] | ItemSource
"""What a loop goes over: items that are all there, or those of an iterator."""


@dataclass(frozen=True, slots=True)
class _Going:
    """A loop that has begun.

    Attributes:
        record: its record.
        hidden: the real values that the record leaves out.
        source: where the items come from, if from an iterator.
        earlier: what an earlier press left.
        indices: the items that are to be pressed and are there already.
        detailed: whether the items are recorded in full for now.
    """

    record: LoopRecord
    hidden: Hidden
    source: ItemSource | None
    earlier: EarlierLoop | None
    indices: Sequence[int]
    detailed: bool


class ForEachRunner(StepRunner):
    """Results are in input order, not in order of completion; each item sees only its own steps."""

    def __init__(self, model: LoopStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._over = compile_over(model.over)
        self._as = model.as_
        width = model.parallelism
        self._auto = width == AUTO
        self._width = model.max_parallelism if width == AUTO else max(1, width)
        self._tolerated = tolerance(model)
        self._rates = charged_rates(model.rate)
        self._steps = compiler.steps(model.steps)
        self._ids = [step.id for step in self._steps]
        costs = [rate.template for rate in self._rates if rate.template is not None]
        self.roots = roots_of(self._over) | outer_roots(self._steps, model.as_)
        self.roots |= roots_of(*costs) - {model.as_}

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Loop over the list or the iterator that ``over`` names."""
        earlier = self.take_up(ctx, result)

        def convert(value: Any) -> Items | None:
            return self.items_of(value, ctx, earlier)

        items: Items | None = resolve_as(convert, self._over, "over", ctx, result)
        if items is None:
            return
        await self.loop(items, ctx, result)

    def items_of(self, value: Any, ctx: Context, earlier: EarlierLoop | None, size: int = 0) -> Items | None:
        """Return the list `value`, or a source that takes its items (in chunks of `size`) when needed."""
        found = as_list(value)
        return begin_source(value, size, ctx, self.id, earlier) if found is None else found

    def take_up(self, ctx: Context, result: StepResult) -> EarlierLoop | None:
        """Return the record of an earlier press, and put it into `result` in case this press ends early."""
        earlier = None if ctx.earlier is None else ctx.earlier.loop(self.id)
        if earlier is not None:
            self._record(earlier.output.record, earlier.output.hidden, ctx, result)
        return earlier

    def _record(self, record: LoopRecord, hidden: Hidden | None, ctx: Context, result: StepResult) -> None:
        """Make `record` the recorded output; later steps also see the `hidden` values."""
        result.output = LoopOutput(record)
        ctx.remember(self.id, LoopOutput(record, hidden))

    async def loop(self, given: Items, ctx: Context, result: StepResult) -> None:
        """Loop over the items `given`; `result` has the record as its output from the start."""
        going = self._begin(given, ctx, result)
        listeners = ctx.session.listeners
        listeners.emit(LoopStarted(going.record))
        try:
            complete = await self._press_items(going, ctx, result.attempts)
        finally:
            going.record.close()
            listeners.emit(LoopFinished(going.record))
        self._settle(going, complete, result)

    def _begin(self, given: Items, ctx: Context, result: StepResult) -> _Going:
        """Make the record of the loop and the output of `result`, with what an earlier press left."""
        source = given if isinstance(given, ItemSource) else None
        items = given.items if isinstance(given, ItemSource) else given
        if isinstance(items, list):
            items = items.copy()  # the caller may change the list during the loop and after it
        shown = shown_items(items, ctx.session.redactor)
        detailed = ctx.session.affords(len(items) * len(self._ids))
        path, now = (*ctx.path, self.id), ctx.session.clock()
        ends = source is None or source.ended
        record = LoopRecord(path, self._as, shown, self._ids, self._width, detailed, now, ends)
        hidden = Hidden(items, source=source)
        earlier = self.take_up(ctx, result)
        if earlier is not None and source is not None and not is_from(earlier, source):
            earlier = None
        indices: Sequence[int] = range(len(items))
        if earlier is not None:
            indices = take_earlier_items(record, earlier.output.record, earlier.only)
            hidden.outputs |= earlier.output.hidden.outputs if earlier.output.hidden is not None else {}
        self._record(record, hidden, ctx, result)
        ctx.session.loops.append((record, hidden))
        return _Going(record, hidden, source, earlier, indices, detailed)

    async def _press_items(self, going: _Going, ctx: Context, attempt: int) -> bool:
        """Press the items; return whether the loop reached its end without one failure too many."""
        record, hidden, source, earlier = going.record, going.hidden, going.source, going.earlier
        rates = self._item_rates(ctx, hidden)
        width = AdaptiveWidth(self._width, record.widen) if self._auto else None
        places: list[Gate] = [] if width is None else [width]
        starts: list[Gate] = [] if rates is None else [rates]
        failed_before = record.counts[FAILED]

        def left() -> int | None:
            most = tolerated(self._tolerated, record.total)
            return None if most is None else max(0, most - failed_before)

        with ctx.stop.inner() as stop:
            under = ctx.under(stop)
            body = _Body(record, hidden, self._steps, self._as, under, width, earlier, attempt, rates)
            if source is None:
                gates = [*starts, *places]
                return await BoundedMap(going.indices, self._width, body, left(), gates, stop).run()
            pulled = PulledLoop(source, record, hidden, ctx.session, going.detailed, left)
            whole = earlier is None or earlier.only is None
            return await pulled.run(going.indices, whole, self._width, body, (places, starts), stop)

    def _settle(self, going: _Going, complete: bool, result: StepResult) -> None:
        """Record in `result` how the loop ended, if it did not end ok."""
        record, source = going.record, going.source
        most = tolerated(self._tolerated, record.total)
        if source is not None and source.failure is not None:
            fail_if_cut_off(source, self.id, result)
        elif not complete or (most is not None and record.counts[FAILED] > most):
            result.status = "failed"
            result.error = failure_of(record)
        elif unfinished := record.counts[CANCELLED] + record.counts[SKIPPED]:
            # A retry of only some items leaves the others as the earlier press left them.
            result.fail(
                Code.CANCELLED,
                f"{unfinished} of {len(record)} items did not finish",
                "retry() on the whole table presses them again",
            )
        elif source is not None:
            fail_if_cut_off(source, self.id, result)

    def _item_rates(self, ctx: Context, hidden: Hidden) -> ItemRates | None:
        """Return the gate of the loop's rates, ``None`` if it has none."""
        if not self._rates:
            return None
        limits = ctx.session.limits
        rates = [(limits.rate((self, one.key), one.limit.text), one) for one in self._rates]
        return ItemRates(rates, lambda index: {**ctx.scope, self._as: hidden.items[index]})


class _Body:
    """The body of the loop, called once per item."""

    def __init__(
        self,
        record: LoopRecord,
        hidden: Hidden,
        steps: Sequence[StepRunner],
        name: str,
        ctx: Context,
        width: AdaptiveWidth | None,
        earlier: EarlierLoop | None,
        attempt: int,
        rates: ItemRates | None,
    ) -> None:
        self._earlier_loop = earlier
        self._rates = rates
        self._attempt = attempt
        self._width = width
        # Only a retry needs to know which steps depend on which within an item.
        self._needs = {} if earlier is None else dependencies(steps)
        self._items = hidden.items
        self._hidden = hidden.outputs
        self._record = record
        self._pairs = list(zip(steps, record.columns, strict=True))
        self._name = name
        self._ctx = ctx
        self._id = record.path[-1]
        listeners = ctx.session.listeners
        self._tell_start = listeners.wants(ItemStarted)
        self._tell_end = listeners.wants(ItemFinished)

    async def __call__(self, index: int) -> bool:
        record, outer = self._record, self._ctx
        earlier = None if self._earlier_loop is None else self._earlier(self._earlier_loop, index)
        record.move(index, RUNNING)
        if self._tell_start:
            outer.session.listeners.emit(ItemStarted(record, index))
        try:
            item = self._items[index]
        except BaseException as error:
            pass_on_interrupt(error)
            return self._unreadable(index, error)
        if self._rates is not None and (fault := self._rates.fault_of(index)) is not None:
            return self._fail(index, StepResult(""), fault.info())
        ctx = Context(
            outer.session,
            outer.inputs,
            {**outer.scope, self._name: item},
            outer.stop,
            record.path,
            record,
            index,
            outer.depth,
            earlier,
            (*outer.place, (self._id, self._attempt, index)),
        )
        state, goes_on = CANCELLED, True
        try:
            for step, column in self._pairs:
                result = StepResult(step.id)
                try:
                    goes_on = await step.press(ctx, result)
                finally:
                    column.put(index, result)
                    if ctx.real is not None or outer.session.redactor.hides:
                        self._keep_hidden(index, step.id, ctx, result)
                if not goes_on:
                    break
            if self._width is not None:
                self._learn(self._width, index)
            state = OK if goes_on else FAILED
        finally:
            record.move(index, state)
            if self._tell_end:
                outer.session.listeners.emit(ItemFinished(record, index))
        return state == OK

    def _unreadable(self, index: int, error: BaseException) -> bool:
        """Record as failed the item at `index`, since reading it from the list raised `error`."""
        result = StepResult("", stderr=full_traceback(error), clock=self._ctx.session.clock)
        message = f"cannot read item {index} of the list: {describe(error)}"
        return self._fail(index, result, ErrorInfo(Code.RESOLVE_ERROR, message))

    def _fail(self, index: int, result: StepResult, error: ErrorInfo) -> bool:
        """Record the item at `index` as failed before any of its steps ran."""
        self._record.move(index, FAILED)
        for step, column in self._pairs[:1]:
            result.id = step.id
            result.fail(error.code, error.message, error.remediation)
            column.put(index, result)
        if self._tell_end:
            self._ctx.session.listeners.emit(ItemFinished(self._record, index))
        return False

    def _earlier(self, earlier: EarlierLoop, index: int) -> EarlierItem | None:
        """Return the earlier press of the item, and clear its row in the record for the new results."""
        same = index in self._record.before
        self._record.clear(index)
        hiding = bool(self._ctx.session.redactor)
        return EarlierItem(earlier.output, index, self._needs, hiding) if same else None

    def _keep_hidden(self, index: int, step_id: str, ctx: Context, result: StepResult) -> None:
        """Keep the unredacted output, which later steps use, if the recorded one differs."""
        output = ctx.scope[step_id]["output"]
        if output is not result.output:
            self._hidden[index, step_id] = output

    def _learn(self, width: AdaptiveWidth, index: int) -> None:
        """Report to `width` how long the item took, and whether a server asked for fewer requests."""
        record = self._record
        began = record.epoch + record.started[index]
        results = [column.details.get(index) for column in record.columns]
        width.learn(began, any(asks_for_less(result) for result in results if result is not None))


def compile_over(over: Any) -> Template:
    """Compile ``over``: an expression, or (not in the original) a list that may contain references."""
    return compile_expression(over) if isinstance(over, str) else compile_value(over)


def compile_each(value: Any) -> list[Template]:
    """Compile each expression of a list; any other value is compiled as one expression."""
    return [compile_over(v) for v in (value if isinstance(value, list) else [value])]


def resolve_list(template: Template, field: str, ctx: Context, result: StepResult) -> Sequence[Any] | None:
    """Resolve `template` to a list; on failure record the reason in `result` and return ``None``."""
    return resolve_as(as_list, template, field, ctx, result)


def resolve_as(
    convert: Callable[[Any], T], template: Template, field: str, ctx: Context, result: StepResult
) -> T | None:
    """Resolve `template` and convert it; on failure record the reason in `result` and return ``None``."""
    try:
        value = template.resolve(ctx.scope)
    except ResolveError as error:
        fail_with(result, error)
        return None
    try:
        items = convert(value)
    except UsageError as error:
        fail_with(
            result,
            UsageError(f"`{field}` of step {result.id!r}: {error.message}", remediation=error.remediation),
        )
        return None
    except BaseException as error:  # of a class of the user's
        pass_on_interrupt(error)
        result.fail(
            Code.VALIDATION_ERROR,
            f"`{field}` of step {result.id!r} is a {type(value).__name__}, which cannot be looped over: "
            f"{describe(error)}",
            "give a list",
        )
        return None
    if items is None:
        kind = "null" if value is None else type(value).__name__
        result.fail(
            Code.VALIDATION_ERROR,
            f"`{field}` of step {result.id!r} must be a list, not {kind}",
            instead(value),
        )
    return items


def tolerance(model: LoopStep) -> int | Fraction | None:
    """The failures that do not stop the loop: a count, a share between 0 and 1, or ``None`` for no limit."""
    limit = model.tolerated_failures
    if limit is None:
        return None if model.on_item_failure == "continue" else 0
    return parse_tolerance(limit)


def tolerated(limit: int | Fraction | None, total: int | None) -> int | None:
    """Convert `limit` to a count for `total` items; a share is rounded down exactly (29% of 100 is 29).

    A share of an unknown number (``None``) does not limit anything yet.
    """
    if not isinstance(limit, Fraction):
        return limit
    return None if total is None else int(limit * total)


def failure_of(record: LoopRecord) -> ErrorInfo:
    """The FOREACH_ITEM_FAILED error for the failed item with the lowest index, with its cause."""
    index = record.first_failed()
    assert index is not None, "a loop fails only if an item fails"
    found = record.error_of(index)
    so_far = "" if record.total is not None else " so far"
    message = f"item {index} (of {len(record)}{so_far}) failed"
    if found is not None:
        step_id, error = found
        message += f" at step {step_id!r}: {error.code}: {error.message}"
        info = ErrorInfo(Code.FOREACH_ITEM_FAILED, message, error.remediation, index, error.exception)
        return info
    return ErrorInfo(Code.FOREACH_ITEM_FAILED, message, index=index)
