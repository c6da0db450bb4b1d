"""A loop over an iterator: where its items come from, how its record grows, and how it ends early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.tracebacks import describe, user_traceback
from drawer_ipy.engine.async_source import AsyncItems
from drawer_ipy.engine.chunks import AsyncChunks, Chunks
from drawer_ipy.engine.context import Context, Session
from drawer_ipy.engine.earlier import EarlierLoop
from drawer_ipy.engine.item_source import ItemSource
from drawer_ipy.engine.listing import is_scalar
from drawer_ipy.engine.matching import NO_MATCH, ArrivingItems
from drawer_ipy.engine.pool import BoundedMap, Gate
from drawer_ipy.engine.pulled_map import PulledMap
from drawer_ipy.engine.sync_source import SyncItems
from drawer_ipy.errors import Code, DrawerError, ErrorInfo
from drawer_ipy.record.continued import take_row
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import LoopRecord
from drawer_ipy.record.step import StepResult


def can_pull(value: Any) -> bool:
    """Whether items can be taken from `value` one by one."""
    if isinstance(value, str | bytes | bytearray | Mapping) or is_scalar(value):
        return False
    return hasattr(type(value), "__aiter__") or hasattr(type(value), "__iter__")


def source_of(value: Any, size: int = 0) -> ItemSource | None:
    """Return the items of an iterator or of another iterable without a length; ``None`` for anything else.

    Args:
        value: what to loop over. If it can be iterated both ways, it is iterated asynchronously.
        size: the number of items of a chunk, for a loop over chunks; 0 for the items themselves.
    """
    if not can_pull(value):
        return None
    if hasattr(type(value), "__aiter__"):
        later = aiter(value)
        return AsyncItems(value, AsyncChunks(later, size) if size else later, later, size > 0)
    now = iter(value)
    return SyncItems(value, Chunks(now, size) if size else now, now, size > 0)


def begin_source(
    value: Any, size: int, ctx: Context, step_id: str, earlier: EarlierLoop | None
) -> ItemSource | None:
    """Begin to take the items of `value` for the loop `step_id`; see :func:`source_of`.

    A loop that continues an earlier press, or an earlier attempt, goes on with the source of that one.

    Raises:
        UsageError: another loop is using the iterator, or has used it up.
    """
    owner = (ctx.place, step_id)
    hidden = None if earlier is None else earlier.output.hidden
    source = None if hidden is None else hidden.source
    if source is None or source.value is not value:
        source = source_of(value, size)
        if source is not None and not source.is_new:
            source = _earlier_source(value, owner, reversed(ctx.session.loops)) or source
    if source is None:
        return None
    assert isinstance(source, ItemSource)
    source.begin(ctx.session)
    source.owner = owner
    return source


def is_from(earlier: EarlierLoop, source: ItemSource) -> bool:
    """Whether the items of an earlier press came from `source`."""
    return earlier.output.hidden is not None and earlier.output.hidden.source is source


def _earlier_source(value: Any, owner: Any, loops: Iterable[tuple[LoopRecord, Hidden]]) -> ItemSource | None:
    """Return the source of an earlier attempt by `owner` at a loop over the same iterator."""
    sources = (hidden.source for _, hidden in loops)
    return next((s for s in sources if s is not None and s.value is value and s.owner == owner), None)


@dataclass(frozen=True, slots=True)
class Matched:
    """What the items of a source are matched with as they are taken.

    Attributes:
        arriving: matches them.
        earlier: the earlier press of the loop; ``None`` if there is none.
        step_ids: the steps of an item.
        faults: receives, by index, why an item must not be pressed.
    """

    arriving: ArrivingItems
    earlier: EarlierLoop | None
    step_ids: Sequence[str]
    faults: dict[int, DrawerError]


class PulledLoop:
    """Runs the items of a source and adds them to the record of their loop as they are taken.

    Args:
        source: where the items come from; it has begun.
        record: the loop's record; its items are a list.
        hidden: the real items, the same list until an item contains a secret.
        session: the run's state.
        detailed: whether the items are recorded in full for now.
        left: returns the number of failures that the loop may have now, ``None`` for any.
        matched: what the items are matched with; ``None`` if all of them are new.
    """

    def __init__(
        self,
        source: ItemSource,
        record: LoopRecord,
        hidden: Hidden,
        session: Session,
        detailed: bool,
        left: Callable[[], int | None],
        matched: Matched | None = None,
    ) -> None:
        assert isinstance(hidden.items, list)
        source.items = hidden.items
        self._source = source
        self._record = record
        self._hidden = hidden
        self._real = hidden.items
        self._session = session
        self._detailed = detailed
        self._left = left
        self._matched = matched
        self._open: set[int] = set()
        if matched is not None and matched.earlier is not None:
            self._open = matched.earlier.unfinished(matched.step_ids)

    async def run(
        self,
        indices: Sequence[int],
        goes_on: bool,
        width: int,
        body: Callable[[int], Awaitable[bool]],
        gates: tuple[Sequence[Gate], Sequence[Gate]],
        stop: Stop,
    ) -> bool:
        """Run the items at `indices`, then those that are still to be taken; see :meth:`BoundedMap.run`.

        Args:
            indices: the items taken by an earlier press that are to be pressed again.
            goes_on: whether to take more.
            gates: those that decide whether there is a place for an item, and when it starts.
        """
        source = self._source
        cancelled = True
        try:
            if goes_on and not (source.ended or source.lost):
                pulled = PulledMap(
                    indices, source, self._add, self._end, width, body, self._left(), gates, stop
                )
                complete = await pulled.run()
            else:
                every = [*gates[1], *gates[0]]
                complete = await BoundedMap(indices, width, body, self._left(), every, stop).run()
            cancelled = False
            return complete
        finally:
            await source.leave(cancelled)

    def _end(self) -> int | None:
        self._record.end_of_items()
        return self._left()

    def _add(self, item: Any) -> int | None:
        """Record an item that was taken; return its index, or ``None`` if its earlier result is kept."""
        index = self._append(item)
        if self._matched is None:
            return index
        return index if self._to_press(self._matched, index, item) else None

    def _to_press(self, matched: Matched, index: int, item: Any) -> bool:
        """Match the item at `index`; return whether it is to be pressed."""
        try:
            place = matched.arriving.place_of(index, item)
        except DrawerError as error:
            matched.faults[index] = error
            place = NO_MATCH
        record, earlier = self._record, matched.earlier
        if earlier is None or is_from(earlier, self._source):
            return True
        assert isinstance(record.places, list)
        record.places.append(place)
        if place < 0:
            return True
        again = place in self._open
        take_row(record, index, earlier.output.record, place, again)
        hidden = earlier.output.hidden
        outputs = {} if hidden is None else hidden.outputs
        for column in record.columns if outputs else ():
            if (place, column.id) in outputs:
                self._hidden.outputs[index, column.id] = outputs[place, column.id]
        return again

    def _append(self, item: Any) -> int:
        record, real, redactor = self._record, self._real, self._session.redactor
        shown = item
        if redactor.hides:
            shown = redactor.value(item)
            if shown is not item and record.items is real:
                record.items = real.copy()
        if record.items is not real:
            real.append(item)
        if self._detailed and not self._session.affords(len(record.columns)):
            self._detailed = False
            for column in record.columns:
                column.detailed = False
        return record.append(shown)


def fail_if_cut_off(source: ItemSource, step_id: str, result: StepResult) -> bool:
    """Fail the loop `step_id` if `source` has more items, or might have had; return whether it failed."""
    if source.failure is not None:
        _fail_raised(source, source.failure, step_id, result)
    elif source.lost:
        result.fail(
            Code.CANCELLED,
            f"`over` of step {step_id!r}: the {source.kind} {source.lost}",
            "press again with a new one to get the rest",
        )
    elif not source.ended:
        result.fail(
            Code.CANCELLED,
            f"`over` of step {step_id!r}: the {source.kind} has not been pulled to its end",
            "retry() of the whole table goes on with it",
        )
    else:
        return False
    return True


def _fail_raised(source: ItemSource, error: BaseException, step_id: str, result: StepResult) -> None:
    number = source.count
    raised = f"the {source.kind} raised {describe(error)} when item {number} was pulled"
    if type(error).__name__ == "ProgrammingError" and "thread" in str(error):
        hint = "a run may have a thread of its own: open the database with check_same_thread=False"
    elif source.lost:
        hint = "the items before it are kept, but a generator that raised gives no more"
    else:
        hint = (
            f"the items before it are kept; retry() presses those that failed and pulls item {number} again"
        )
    result.stderr = user_traceback(error)
    result.status = "failed"
    result.exit_code = 1
    message = f"`over` of step {step_id!r}: {raised}"
    result.error = ErrorInfo(Code.FUNCTION_ERROR, message, hint, exception=error)
