"""The body of a ``for_each``: the steps of one item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from drawer_ipy.common.tracebacks import describe, full_traceback
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.engine.adaptive import AdaptiveWidth
from drawer_ipy.engine.context import Context
from drawer_ipy.engine.earlier import EarlierItem, EarlierLoop
from drawer_ipy.engine.events import ItemFinished, ItemStarted
from drawer_ipy.engine.graph import dependencies
from drawer_ipy.engine.item_rates import ItemRates
from drawer_ipy.engine.ledger import ItemLedger
from drawer_ipy.engine.limits import Charges
from drawer_ipy.engine.pausing import LoopItems
from drawer_ipy.engine.policy import asks_for_less
from drawer_ipy.engine.step import StepRunner
from drawer_ipy.errors import Code, DrawerError, ErrorInfo
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, PAUSED, RUNNING, LoopRecord
from drawer_ipy.record.step import StepResult


class ItemBody:
    """The body of the loop, called once per item.

    Attributes:
        faults: index -> why the item must not be pressed.
    """

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
        parts: LoopItems,
        ledger: ItemLedger | None = None,
    ) -> None:
        self._parts = parts
        self._ledger = ledger
        self._last = steps[-1] if steps else None
        self._earlier_loop = earlier
        self._rates = rates
        self.faults: dict[int, DrawerError] = {}
        self._width = width
        # Only a retry needs to know which steps depend on which within an item.
        self._needs = {} if earlier is None else dependencies(steps)
        self._items = hidden.items
        self._hidden = hidden.outputs
        self._lost = hidden.lost
        self._record = record
        self._pairs = list(zip(steps, record.columns, strict=True))
        self._name = name
        self._ctx = ctx
        self._level = replace(
            ctx.level,
            path=record.path,
            loop=record,
            place=ctx.place,
            items=(record.path[-1], attempt),
            part_of=parts,
        )
        listeners = ctx.session.listeners
        self._tell_start = listeners.wants(ItemStarted)
        self._tell_end = listeners.wants(ItemFinished)

    async def __call__(self, index: int) -> bool:
        outer, ledger = self._ctx, self._ledger
        if ledger is not None:
            await ledger.begin(index)
        ctx = self._begin(index)
        if ctx is None:
            return False
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
                if ledger is not None and step is not self._last:
                    await ledger.step_ended(index)
            if self._width is not None:
                self._learn(self._width, index)
            state = OK if goes_on else FAILED
        finally:
            self._end(index, state)
        return state == OK

    def _begin(self, index: int) -> Context | None:
        """Begin the item at `index`: return the context of its steps, or ``None`` if it has failed."""
        record, outer = self._record, self._ctx
        earlier = None if self._earlier_loop is None else self._earlier(self._earlier_loop, index)
        record.move(index, RUNNING)
        if self._parts.shown is not None:
            self._parts.settle()
        if self._tell_start:
            outer.session.listeners.emit(ItemStarted(record, index))
        try:
            item = self._items[index]
        except BaseException as error:
            pass_on_interrupt(error)
            self._unreadable(index, error)
            return None
        charges: Charges = () if self._rates is None else self._rates.charges_of(index)
        fault = None if self._rates is None else self._rates.fault_of(index)
        if fault is None and self.faults:
            fault = self.faults.pop(index, None)
        if fault is not None:
            self._fail(index, StepResult(""), fault.info())
            return None
        scope = {**self._ctx.scope, self._name: item}
        return Context(self._level, scope, index, earlier, charges)

    def _end(self, index: int, state: int) -> None:
        """End the item at `index`, or let the ledger end it."""
        if self._ledger is not None:
            self._end_recorded(self._ledger, index, state)
            return
        record = self._record
        record.move(index, state)
        if record.counts[PAUSED]:
            self._parts.settle()
        if self._tell_end:
            self._ctx.session.listeners.emit(ItemFinished(record, index))

    def _end_recorded(self, ledger: ItemLedger, index: int, state: int) -> None:
        """End an item whose state changes when it is recorded."""
        record = self._record
        at = record.finished[index] = perf_counter() - record.epoch

        def done() -> None:
            record.move(index, state)
            record.finished[index] = at
            if record.counts[PAUSED]:
                self._parts.settle()
            if self._tell_end:
                self._ctx.session.listeners.emit(ItemFinished(record, index))

        ledger.ended(index, state, done)

    def _unreadable(self, index: int, error: BaseException) -> None:
        """Record as failed the item at `index`, since reading it from the list raised `error`."""
        result = StepResult("", stderr=full_traceback(error), clock=self._ctx.session.clock)
        message = f"cannot read item {index} of the list: {describe(error)}"
        self._fail(index, result, ErrorInfo(Code.RESOLVE_ERROR, message))

    def _fail(self, index: int, result: StepResult, error: ErrorInfo) -> None:
        """Record the item at `index` as failed before any of its steps ran."""
        for step, column in self._pairs[:1]:
            result.id = step.id
            result.fail(error.code, error.message, error.remediation)
            column.put(index, result)
        self._end(index, FAILED)

    def _earlier(self, earlier: EarlierLoop, index: int) -> EarlierItem | None:
        """Return the earlier press of the item, and clear its row in the record for the new results."""
        record = self._record
        same = index in record.before
        record.clear(index)
        for step, _ in self._pairs if self._hidden or self._lost else ():
            self._hidden.pop((index, step.id), None)
            self._lost.discard((index, step.id))
        hiding = bool(self._ctx.session.redactor)
        if not same or record.places is None:
            return None
        return EarlierItem(earlier.output, record.places[index], self._needs, hiding, earlier.redo)

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
