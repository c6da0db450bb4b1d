"""``kind: for_each``: run the same steps for every entry of a list, at most `parallelism` at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from drawer_ipy.common.tracebacks import describe, full_traceback
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.steps.loop import LoopStep
from drawer_ipy.definition.values import AUTO, parse_tolerance
from drawer_ipy.engine.adaptive import AdaptiveWidth
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.earlier import EarlierItem, EarlierLoop, take_earlier_items
from drawer_ipy.engine.events import ItemFinished, ItemStarted, LoopFinished, LoopStarted
from drawer_ipy.engine.graph import dependencies
from drawer_ipy.engine.plan import Compiler, outer_roots, roots_of
from drawer_ipy.engine.policy import asks_for_less
from drawer_ipy.engine.pool import BoundedMap
from drawer_ipy.engine.rows import rows_of
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
        self._rate = model.rate
        self._steps = compiler.steps(model.steps)
        self._ids = [step.id for step in self._steps]
        self.roots = roots_of(self._over) | outer_roots(self._steps, model.as_)

    async def run(self, ctx: Context, result: StepResult) -> None:
        """Loop over the list from ``over``."""
        self.take_up(ctx, result)
        items = resolve_list(self._over, "over", ctx, result)
        if items is None:
            return
        await self.loop(items, ctx, result)

    def take_up(self, ctx: Context, result: StepResult) -> EarlierLoop | None:
        """Return the record of an earlier press, and put it into `result` in case this press ends early."""
        past = None if ctx.earlier is None else ctx.earlier.loop(self.id)
        if past is not None:
            self._record(past.output.record, past.output.hidden, ctx, result)
        return past

    def _record(self, record: LoopRecord, hidden: Hidden | None, ctx: Context, result: StepResult) -> None:
        """Make `record` the recorded output; later steps also see the `hidden` values."""
        result.output = LoopOutput(record)
        ctx.remember(self.id, LoopOutput(record, hidden))

    async def loop(self, items: Sequence[Any], ctx: Context, result: StepResult) -> None:
        """Loop over `items`; `result` has the record as its output from the start."""
        redactor = ctx.session.redactor
        if isinstance(items, list):
            items = items.copy()  # the caller may change the list during the loop and after it
        shown = shown_items(items, redactor)
        detailed = ctx.session.affords(len(items) * len(self._ids))
        path, now = (*ctx.path, self.id), ctx.session.clock()
        record = LoopRecord(path, self._as, shown, self._ids, self._width, detailed, now)
        hidden = Hidden(items)
        past = self.take_up(ctx, result)
        indices: Sequence[int] = range(len(items))
        if past is not None:
            indices = take_earlier_items(record, past.output.record, past.only)
            hidden.outputs |= past.output.hidden.outputs if past.output.hidden is not None else {}
        self._record(record, hidden, ctx, result)
        ctx.session.loops.append((record, hidden))
        listeners = ctx.session.listeners
        listeners.emit(LoopStarted(record))
        rate = None if self._rate is None else ctx.session.limits.rate(self, self._rate)
        width = AdaptiveWidth(self._width, record.widen) if self._auto else None
        gates = [gate for gate in (rate, width) if gate is not None]
        most = tolerated(self._tolerated, items)
        left = None if most is None else max(0, most - record.counts[FAILED])
        try:
            with ctx.stop.inner() as stop:
                body = _Body(
                    record, hidden, self._steps, self._as, ctx.under(stop), width, past, result.attempts
                )
                complete = await BoundedMap(indices, self._width, body, left, gates, stop).run()
        finally:
            record.close()
            listeners.emit(LoopFinished(record))
        if not complete or (most is not None and record.counts[FAILED] > most):
            result.status = "failed"
            result.error = failure_of(record)
        elif unfinished := record.counts[CANCELLED] + record.counts[SKIPPED]:
            # A retry of only some items leaves the others as the earlier press left them.
            result.fail(
                Code.CANCELLED,
                f"{unfinished} of {len(record)} items did not finish",
                "retry() on the whole table presses them again",
            )


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
    ) -> None:
        self._past = earlier
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
        earlier = None if self._past is None else self._earlier(self._past, index)
        record.move(index, RUNNING)
        if self._tell_start:
            outer.session.listeners.emit(ItemStarted(record, index))
        try:
            item = self._items[index]
        except BaseException as error:
            pass_on_interrupt(error)
            return self._unreadable(index, error)
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
        record, listeners = self._record, self._ctx.session.listeners
        record.move(index, FAILED)
        for step, column in self._pairs[:1]:
            result = StepResult(step.id, stderr=full_traceback(error), clock=self._ctx.session.clock)
            result.fail(Code.RESOLVE_ERROR, f"cannot read item {index} of the list: {describe(error)}")
            column.put(index, result)
        if self._tell_end:
            listeners.emit(ItemFinished(record, index))
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
        told = [column.details.get(index) for column in record.columns]
        width.learn(began, any(asks_for_less(result) for result in told if result is not None))


def compile_over(over: Any) -> Template:
    """Compile ``over``: an expression, or (not in the original) a list that may contain references."""
    return compile_expression(over) if isinstance(over, str) else compile_value(over)


def compile_each(value: Any) -> list[Template]:
    """Compile each expression of a list; any other value is compiled as one expression."""
    return [compile_over(v) for v in (value if isinstance(value, list) else [value])]


def resolve_list(template: Template, field: str, ctx: Context, result: StepResult) -> Sequence[Any] | None:
    """Resolve `template` to a list; on failure record the reason in `result` and return ``None``."""
    try:
        value = template.resolve(ctx.scope)
    except ResolveError as error:
        fail_with(result, error)
        return None
    try:
        items = as_list(value)
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


def instead(value: Any) -> str:
    """What to give in place of `value`, which is no list."""
    if isinstance(value, Mapping):
        return "for its keys and values write list(d.items()), for its values list(d.values())"
    if isinstance(value, str):
        return "for its lines write text.splitlines(), for one item a list of one: [text]"
    if hasattr(value, "__aiter__"):
        return "collect it first: [x async for x in items]"
    if hasattr(value, "__next__"):
        return "collect it first: list(items)"
    return "give a list, a data frame, or a reference to one such as ${inputs.urls}"


def as_list(value: Any) -> Sequence[Any] | None:
    """`value` if it can be looped over by index: lists, tuples, ranges, rows of tables, entries of arrays.

    Text and mappings are not lists. Other iterables with a length (a set, the view of a dict) are copied into
    a list once. Plain iterators are refused, since looping would use them up.

    Raises:
        UsageError: it is a table that cannot be read row by row.
    """
    if isinstance(value, list | tuple | range):
        return value
    if isinstance(value, str | bytes | bytearray | dict):
        return None
    if (rows := rows_of(value)) is not None:
        return rows
    if isinstance(value, Sequence):
        return value
    if isinstance(value, Mapping):
        return None
    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
        return list(value)
    return None


def tolerance(model: LoopStep) -> int | Fraction | None:
    """The failures that do not stop the loop: a count, a share between 0 and 1, or ``None`` for no limit."""
    limit = model.tolerated_failures
    if limit is None:
        return None if model.on_item_failure == "continue" else 0
    return parse_tolerance(limit)


def tolerated(limit: int | Fraction | None, items: Sequence[Any]) -> int | None:
    """Convert `limit` to a count for `items`; a share is rounded down exactly (29% of 100 is 29)."""
    return int(limit * len(items)) if isinstance(limit, Fraction) else limit


def failure_of(record: LoopRecord) -> ErrorInfo:
    """The FOREACH_ITEM_FAILED error for the failed item with the lowest index, with its cause."""
    index = record.first_failed()
    assert index is not None, "a loop fails only if an item fails"
    found = record.error_of(index)
    message = f"item {index} (of {len(record)}) failed"
    if found is not None:
        step_id, error = found
        message += f" at step {step_id!r}: {error.code}: {error.message}"
        info = ErrorInfo(Code.FOREACH_ITEM_FAILED, message, error.remediation, index, error.exception)
        return info
    return ErrorInfo(Code.FOREACH_ITEM_FAILED, message, index=index)
