"""The results of an earlier press of the same drawer, so that another press does only the rest.

Steps that ended ok are kept, and a loop repeats only the items that did not end ok. In such an item, nested
steps that ended ok are kept too, except the steps that are pressed again and those that refer to them. In an
item that ended ok, only the nested loops continue, with their own items that did not end ok.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from drawer_ipy.record.continued import take_earlier
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.inner import all_complete, incomplete
from drawer_ipy.record.loop import OK, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_OK


@dataclass(frozen=True, slots=True)
class Redo:
    """What is pressed again although it ended ok.

    Attributes:
        steps: ids of steps, with the ids of the loops around them: ``each.page``.
        before: what ended before this time, in seconds since the epoch.
    """

    steps: frozenset[str] = frozenset()
    before: float = 0.0

    def inside(self, path: str) -> bool:
        """Whether it has a step inside the loop `path`."""
        return any(step.startswith(f"{path}.") for step in self.steps)


NOTHING = Redo()


@dataclass(frozen=True, slots=True)
class EarlierLoop:
    """The results of a loop in an earlier press.

    Attributes:
        output: its output with the real values, as later steps see it.
        only: indices of the items that may be pressed again; ``None`` for all that did not end ok.
        redo: what is pressed again although it ended ok.
        in_flight: the number of items that were running when the process of that press ended.
        on_same: called if there is nothing to press and the items are the same.
    """

    output: LoopOutput
    only: Collection[int] | None = None
    redo: Redo = NOTHING
    in_flight: int = 0
    on_same: Callable[[], None] = lambda: None

    @property
    def items(self) -> Sequence[Any]:
        """Its items with the real values."""
        hidden = self.output.hidden
        return self.output.record.items if hidden is None else hidden.items

    def unfinished(self, step_ids: Iterable[str]) -> set[int]:
        """Return the indices of the items that are to be pressed again.

        Args:
            step_ids: the steps of an item now; an item without a result of one of them is unfinished.
        """
        record, only, hidden = self.output.record, self.only, self.output.hidden
        known = {column.id for column in record.columns}
        if any(step_id not in known for step_id in step_ids) or self.redo.inside(".".join(record.path)):
            found = set(range(len(record)))
        else:
            found = incomplete(record)
            if hidden is not None:
                found |= {index for index, _ in hidden.lost | hidden.lost_inside}
            if self.redo.before:
                found |= {index for index in range(len(record)) if self.is_too_old(index)}
        return found if only is None else found.intersection(only)

    def is_too_old(self, index: int) -> bool:
        """Whether the item ended too long ago to be kept."""
        record = self.output.record
        return record.began + record.finished[index] < self.redo.before


class EarlierSteps(Protocol):
    """The earlier results of the steps of a drawer or of one item."""

    def kept(self, step_id: str) -> StepResult | None:
        """Return the step's earlier result if it is kept; ``None`` if the step is to be pressed again."""

    def entry(self, step_id: str) -> Any:
        """Return the value that references to a kept step see."""

    def loop(self, step_id: str) -> EarlierLoop | None:
        """Return the earlier loop that the step is to continue."""


@dataclass(slots=True)
class EarlierPress:
    """A press of a drawer that another press continues.

    Attributes:
        record: its record, which may still change while it runs.
        scope: the real values that its references saw.
        needs: step id -> ids of the steps it refers to.
        only: id of a top-level loop -> the items to press again; other loops are left as they are. ``None``
            for all items that did not end ok.
        dependents: whether to repeat steps that ended ok but used values that have changed since.
        now: the record of the continuing press.
        lasting: see :class:`~drawer_ipy.buttons.base.Resources`.
        secrets: the secrets that the record hides; the continuing press may never reach the drawer that
            declares them.
        resumed: whether it was read from disk, so that the items may have changed: loops that are complete
            compare their items, and steps that used what has changed are repeated.
        inside: id of a loop -> ids of the steps that the steps inside refer to.
        redo: what is pressed again although it ended ok.
        same: ids of the steps that do not count as changed: loops that had nothing to press, and steps that
            are pressed again only because their values were not stored.
        in_flight: id of a loop -> the number of items that were running when its process ended.
    """

    record: RunRecord
    scope: dict[str, Any] = field(default_factory=dict)
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    only: Mapping[str, Collection[int]] | None = None
    dependents: bool = False
    now: RunRecord | None = None
    lasting: dict[type[Any], Any] = field(default_factory=dict)
    secrets: tuple[Any, ...] = ()
    resumed: bool = False
    inside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    redo: Redo = NOTHING
    same: set[str] = field(default_factory=set)
    in_flight: Mapping[str, int] = field(default_factory=dict)

    def kept(self, step_id: str) -> StepResult | None:
        """See :meth:`EarlierSteps.kept`. Steps that ``compensate_with`` has undone are not kept."""
        before = self._before(step_id)
        if before is None or before.status != "ok" or (step_id not in self.scope and not self.resumed):
            return None
        if any(undone.id == step_id for undone in self.record.compensations):
            return None
        if self.resumed and isinstance(before.output, LoopOutput):
            return None
        if step_id in self.redo.steps or before.finished < self.redo.before:
            return None
        if (
            isinstance(before.output, LoopOutput)
            and self._chosen(step_id) != ()
            and not all_complete(before.output.record)
        ):
            return None
        if self.dependents and self._stale(before):
            return None
        if step_id not in self.scope:
            # Its value was not stored, so it is made again. What was made with the earlier value is kept.
            self.same.add(step_id)
            return None
        return before

    def entry(self, step_id: str) -> Any:
        """See :meth:`EarlierSteps.entry`."""
        return self.scope[step_id]

    def loop(self, step_id: str) -> EarlierLoop | None:
        """See :meth:`EarlierSteps.loop`."""
        output = self.scope.get(step_id, {}).get("output")
        before = self._before(step_id)
        if not isinstance(output, LoopOutput) or before is None:
            return None
        if self.resumed:
            if self._stale(before, self.inside) or step_id in self.redo.steps:
                return None
            cut_off = self.in_flight.get(step_id, 0)
            return EarlierLoop(
                output, self._chosen(step_id), self.redo, cut_off, lambda: self._is_same(before)
            )
        if before.status == "ok" and self.dependents and self._stale(before):
            return None
        return EarlierLoop(output, self._chosen(step_id))

    def _is_same(self, before: StepResult) -> None:
        if before.status == "ok":
            self.same.add(before.id)

    def rest(self, done: Collection[str]) -> list[StepResult]:
        """Return the results of steps that are not in `done`: the continuing press did not reach them."""
        return [step for step in self.record.steps if step.id not in done]

    def _before(self, step_id: str) -> StepResult | None:
        return next((step for step in self.record.steps if step.id == step_id), None)

    def _chosen(self, step_id: str) -> Collection[int] | None:
        return None if self.only is None else self.only.get(step_id, ())

    def _stale(self, before: StepResult, needs_of: Mapping[str, frozenset[str]] | None = None) -> bool:
        """Whether a step that it refers to ended after it began.

        Args:
            needs_of: step id -> ids of the steps it refers to; by default all of them.
        """
        needs = (self.needs if needs_of is None else needs_of).get(before.id, frozenset()) - self.same
        steps = self.now.steps if self.now is not None else ()
        clock = self.now.clock if self.now is not None else None
        # If the system clock was set between two runs, their times cannot be compared.
        return any(
            step.id in needs and (step.clock is clock or step.finished > before.started) for step in steps
        )


class EarlierItem:
    """One item of a loop in an earlier press.

    Args:
        output: the loop's output with the real values.
        index: the item's index.
        needs: id of a step of the item -> ids of the steps it refers to.
        hiding: whether the record's copies hide secrets.
        redo: what is pressed again although it ended ok.
    """

    def __init__(
        self,
        output: LoopOutput,
        index: int,
        needs: Mapping[str, frozenset[str]],
        hiding: bool,
        redo: Redo = NOTHING,
    ) -> None:
        self._output = output
        self._redo = redo
        self._path = ".".join(output.record.path)
        self._too_old = EarlierLoop(output, None, redo).is_too_old(index)
        self._index = index
        self._needs = needs
        self._hiding = hiding
        self._columns = {column.id: column for column in output.record.columns}
        self._changed: set[str] = set()
        # An item that ended ok is pressed again for its inner loops, or since a result of it is gone.
        hidden = output.hidden
        lost = hidden is not None and (hidden.lost or hidden.lost_inside)
        self._reopened = bool(lost or redo.steps or redo.before) or not self._columns.keys() >= set(needs)

    def kept(self, step_id: str) -> StepResult | None:
        """See :meth:`EarlierSteps.kept`."""
        column, index = self._columns.get(step_id), self._index
        if column is None:  # the step has been added since
            self._changed.add(step_id)
            return None
        output = column.entries[index]
        unfinished = isinstance(output, LoopOutput) and (
            not all_complete(output.record)
            or self._redo.inside(f"{self._path}.{step_id}")
            or self._is_gone_inside(step_id)
        )
        if column.statuses[index] != STEP_OK or unfinished or self._stale(step_id) or self._is_gone(step_id):
            self._changed.add(step_id)
            return None
        if (whole := column.detail(index)) is not None:
            return whole
        output = column.outputs[index]
        about, cached = column.about.get(index), column.was_cached(index)
        return StepResult(step_id, status="ok", output=output, about=about, cached=cached)

    def entry(self, step_id: str) -> Any:
        """See :meth:`EarlierSteps.entry`."""
        return {"output": self._real(step_id)}

    def loop(self, step_id: str) -> EarlierLoop | None:
        """See :meth:`EarlierSteps.loop`.

        A loop that refers to changed values, or whose real values are gone, starts from the beginning.
        """
        output = self._real(step_id) if step_id in self._columns else None
        if not isinstance(output, LoopOutput) or self._stale(step_id) or self._is_gone(step_id):
            return None
        return None if self._hiding and output.hidden is None else EarlierLoop(output, None, self._redo)

    def _is_gone_inside(self, step_id: str) -> bool:
        """Whether some real values of a loop are gone that ran as this step."""
        hidden = self._output.hidden
        return hidden is not None and (self._index, step_id) in hidden.lost_inside

    def _is_gone(self, step_id: str) -> bool:
        """Whether the step is to be pressed again although it ended ok."""
        lost = self._output.hidden.lost if self._output.hidden is not None else ()
        again = self._too_old or f"{self._path}.{step_id}" in self._redo.steps
        return again or (self._index, step_id) in lost

    def _stale(self, step_id: str) -> bool:
        if self._output.record.states[self._index] == OK and not self._reopened:
            return False
        return not self._changed.isdisjoint(self._needs.get(step_id, ()))

    def _real(self, step_id: str) -> Any:
        shown = self._columns[step_id].outputs[self._index]
        hidden = self._output.hidden
        return shown if hidden is None else hidden.outputs.get((self._index, step_id), shown)


def copy_into(before: StepResult, result: StepResult) -> None:
    """Copy the content of `before` into `result`."""
    for spec in fields(StepResult):
        setattr(result, spec.name, getattr(before, spec.name))


def take_earlier_items(record: LoopRecord, earlier: EarlierLoop, places: Sequence[int]) -> list[int]:
    """Copy the results of the same items from `earlier` into `record`; return the indices still to press.

    An item that the earlier press did not have is pressed, even if only some items are pressed again.

    Args:
        places: for each item of `record` its index in the earlier press, negative for a new item; see
            :func:`~drawer_ipy.engine.matching.match_items`.
    """
    open_ = earlier.unfinished([column.id for column in record.columns])
    if isinstance(places, range):
        n = len(places)
        again = sorted(index for index in open_ if index < n)
    else:
        again = [index for index, place in enumerate(places) if place < 0 or place in open_]
    take_earlier(record, earlier.output.record, places, again)
    record.in_flight = earlier.in_flight
    if len(places) < len(record):
        again.extend(range(len(places), len(record)))
    return again


def moved_outputs(hidden: Hidden, places: Sequence[int]) -> dict[tuple[int, str], Any]:
    """Return the hidden outputs of an earlier press by the present indices of their items."""
    outputs = hidden.outputs
    return {now: outputs[before] for now, before in _moved(outputs, places)} if outputs else {}


def moved_cells(cells: Collection[tuple[int, str]], places: Sequence[int]) -> set[tuple[int, str]]:
    """Return outputs of an earlier press by the present indices of their items."""
    return {now for now, _ in _moved(cells, places)} if cells else set()


def _moved(
    cells: Iterable[tuple[int, str]], places: Sequence[int]
) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    """Yield for each cell that there is still the present one and the earlier one."""
    if isinstance(places, range):
        yield from ((cell, cell) for cell in cells if cell[0] < len(places))
        return
    now = {place: index for index, place in enumerate(places) if place >= 0}
    yield from (((now[place], step_id), (place, step_id)) for place, step_id in cells if place in now)
