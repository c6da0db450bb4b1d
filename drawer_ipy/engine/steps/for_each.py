"""``kind: for_each``: run the same steps for every entry of a list, at most `parallelism` at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from drawer_ipy.common.notes import Note
from drawer_ipy.common.tracebacks import describe
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.steps.loop_base import LoopStep
from drawer_ipy.definition.values import AUTO, parse_tolerance
from drawer_ipy.engine.adaptive import AdaptiveWidth
from drawer_ipy.engine.charges import charged_rates
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.earlier import EarlierLoop, moved_cells, moved_outputs, take_earlier_items
from drawer_ipy.engine.events import LoopFinished, LoopStarted
from drawer_ipy.engine.item_rates import ItemRates
from drawer_ipy.engine.item_source import ItemSource
from drawer_ipy.engine.ledger import ItemLedger
from drawer_ipy.engine.listing import as_list, instead
from drawer_ipy.engine.matching import ArrivingItems, EarlierMatch, ItemKey
from drawer_ipy.engine.pausing import LoopItems
from drawer_ipy.engine.plan import Compiler, outer_roots, roots_of
from drawer_ipy.engine.pool import BoundedMap, Gate
from drawer_ipy.engine.pulled_loop import Matched, PulledLoop, begin_source, fail_if_cut_off, is_from
from drawer_ipy.engine.secrets.sweep import shown_items
from drawer_ipy.engine.step import StepRunner, fail_with
from drawer_ipy.engine.steps.item_body import ItemBody
from drawer_ipy.engine.to_disk import pressing_to_disk
from drawer_ipy.errors import Code, ErrorInfo, ResolveError, UsageError
from drawer_ipy.expressions import Template, compile_expression, compile_value
from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
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
        width: most items at once.
        detailed: whether the items are recorded in full for now.
        arriving: matches the items that are still to be taken from an iterator, if necessary.
    """

    record: LoopRecord
    hidden: Hidden
    source: ItemSource | None
    earlier: EarlierLoop | None
    indices: Sequence[int]
    width: int
    detailed: bool
    arriving: ArrivingItems | None


class ForEachRunner(StepRunner):
    """Results are in input order, not in order of completion; each item sees only its own steps."""

    def __init__(self, model: LoopStep, compiler: Compiler) -> None:
        super().__init__(model, compiler)
        self._over = compile_over(model.over)
        self._as = model.as_
        width = model.parallelism
        self._auto = width == AUTO
        self._width = model.max_parallelism if width == AUTO else max(1, width)
        # A loop that names a backend and no width is as wide as the backend.
        self._wide_as = "" if "parallelism" in model.model_fields_set else model.backend
        self._tolerated = tolerance(model)
        self._rates = charged_rates(model.rate)
        key = None if model.key is None else compile_over(model.key)
        self._key = None if key is None else ItemKey(key, model.as_, self.id)
        self._on_disk = model.keep == "disk"
        inside = replace(compiler, backend=model.backend) if model.backend else compiler
        self._steps = inside.steps(model.steps)
        self._ids = [step.id for step in self._steps]
        self.inner_roots: frozenset[str] | None = outer_roots(self._steps, model.as_)
        self.roots: frozenset[str] = roots_of(self._over) | self.inner_roots
        self.roots |= frozenset().union(*(rate.roots for rate in self._rates)) - {model.as_}
        self.roots |= (frozenset() if key is None else roots_of(key)) - {model.as_}

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
        if ctx.loop is not None and ctx.level.items is not None:  # not inside a branch
            assert ctx.index is not None
            ctx.loop.show_progress(ctx.index, self.id, result.output)

    async def loop(self, given: Items, ctx: Context, result: StepResult) -> None:
        """Loop over the items `given`; `result` has the record as its output from the start."""
        going = self._begin(given, ctx, result, await self._width_in(ctx))
        listeners = ctx.session.listeners
        listeners.emit(LoopStarted(going.record))
        try:
            complete = await self._press_items(going, ctx, result.attempts)
        finally:
            going.record.close()
            listeners.emit(LoopFinished(going.record))
        self._settle(going, complete, result)

    async def _width_in(self, ctx: Context) -> int:
        """Return how many items run at once."""
        if not self._wide_as:
            return self._width
        return (await ctx.session.backend(self._wide_as)).places or self._width

    def _begin(self, given: Items, ctx: Context, result: StepResult, width: int) -> _Going:
        """Make the record of the loop and the output of `result`, with what an earlier press left."""
        source = given if isinstance(given, ItemSource) else None
        items = given.items if isinstance(given, ItemSource) else given
        if isinstance(items, list):
            items = items.copy()  # the caller may change the list during the loop and after it
        keys = None
        if self._key is not None and source is None:
            keys = self._key.check_all(items, ctx.scope)
        shown = shown_items(items, ctx.session.redactor)
        on_disk = self._on_disk and _is_top(ctx)
        if self._on_disk and not on_disk:
            ctx.session.note(Note(_IN_MEMORY))
        detailed = not on_disk and ctx.session.affords(len(items) * len(self._ids))
        path, now = (*ctx.path, self.id), ctx.session.clock()
        ends = source is None or source.ended
        record = LoopRecord(path, self._as, shown, self._ids, width, detailed, now, ends, on_disk)
        hidden = Hidden(items, source=source)
        earlier = self.take_up(ctx, result)
        indices: Sequence[int] = range(len(items))
        pool = None
        if earlier is not None:
            places: Sequence[int] = range(min(len(items), len(earlier.output.record)))
            if source is None or not is_from(earlier, source):
                match = EarlierMatch(earlier.items, self._key, ctx.scope)
                places, pool = match.places(items, keys, more_come=source is not None)
            indices = take_earlier_items(record, earlier, places)
            if (before := earlier.output.hidden) is not None:
                hidden.outputs |= moved_outputs(before, places)
                hidden.lost |= moved_cells(before.lost, places)  # until their items begin
            if source is None and not indices and places == range(len(earlier.output.record)):
                earlier.on_same()
        arriving = None
        if source is not None and (pool is not None or self._key is not None):
            arriving = ArrivingItems(self._key, ctx.scope, items, pool)
        self._record(record, hidden, ctx, result)
        ctx.session.loops.append((record, hidden))
        return _Going(record, hidden, source, earlier, indices, width, detailed, arriving)

    async def _press_items(self, going: _Going, ctx: Context, attempt: int) -> bool:
        """Press the items; return whether the loop reached its end without one failure too many."""
        record, hidden, source, earlier = going.record, going.hidden, going.source, going.earlier
        parts = LoopItems(record, ctx, ctx.step)
        rates = self._item_rates(ctx, hidden, parts)
        width = AdaptiveWidth(self._width, record.widen) if self._auto else None
        places: list[Gate] = [] if width is None else [width]
        starts: list[Gate] = [] if rates is None else [rates]
        failed_before = record.counts[FAILED]

        def left() -> int | None:
            most = tolerated(self._tolerated, record.total)
            return None if most is None else max(0, most - failed_before)

        ledger = _ledger_of(record, ctx)
        with ctx.stop.inner() as stop:
            under = ctx.under(stop)
            body = ItemBody(
                record, hidden, self._steps, self._as, under, width, earlier, attempt, rates, parts, ledger
            )
            press = body if record.backlog is None else pressing_to_disk(body, record, record.backlog)
            try:
                if source is None:
                    gates = [*starts, *places]
                    return await BoundedMap(going.indices, going.width, press, left(), gates, stop).run()
                matched = None
                if going.arriving is not None:
                    matched = Matched(going.arriving, earlier, [step.id for step in self._steps], body.faults)
                pulled = PulledLoop(source, record, hidden, ctx.session, going.detailed, left, matched)
                whole = earlier is None or earlier.only is None or not is_from(earlier, source)
                return await pulled.run(going.indices, whole, going.width, press, (places, starts), stop)
            finally:
                if ledger is not None:
                    await ledger.settle()

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

    def _item_rates(self, ctx: Context, hidden: Hidden, parts: LoopItems) -> ItemRates | None:
        """Return the gate of the loop's rates, ``None`` if it has none."""
        if not self._rates:
            return None
        limits = ctx.session.limits
        rates = [(limits.rate((self, one.key), one.limit.text), one) for one in self._rates]
        return ItemRates(rates, lambda index: {**ctx.scope, self._as: hidden.items[index]}, parts.pausing)


def _ledger_of(record: LoopRecord, ctx: Context) -> ItemLedger | None:
    """Return what records the items ahead; ``None`` if the items count with the step around the loop.

    That is so for loops in branches and sub-drawers, and in items of loops that are themselves in an item.
    """
    ledger = ctx.session.ledger
    if ledger is None or ctx.depth or len(ctx.place) > 1:
        return None
    if not ctx.place:
        return ledger.items(record, None)
    if ctx.place[0][2] is None or ctx.loop is None or ctx.index is None:
        return None
    return ledger.items(record, (ctx.loop, ctx.index))


_IN_MEMORY = "keep: disk has no effect in a drawer that another drawer presses: its outputs stay in memory"


def _is_top(ctx: Context) -> bool:
    """Whether a loop is at the top level of the drawer that was pressed."""
    return ctx.loop is None and not ctx.place and not ctx.depth


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
