"""What an earlier press of the same drawer left, so that another press does only the rest of it.

Steps that ended ok are kept; a loop goes on with the items that did not. Within such an item the nested steps
that ended ok are kept too, up to the first that is pressed again and what refers to it. Of an item that ended
ok only the loops within it go on, with their own items that did not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.record.loop import OK, STEP_OK, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult


@dataclass(frozen=True, slots=True)
class EarlierLoop:
    """What an earlier press of a loop left.

    Attributes:
        output: with the real values in it, as later steps see it.
        only: indices that may be pressed again; ``None`` for all that did not end ok.
    """

    output: LoopOutput
    only: Collection[int] | None = None


class EarlierSteps(Protocol):
    """What is known from before of the steps at one place: a drawer's, or those of one item."""

    def kept(self, step_id: str) -> StepResult | None:
        """What the step did, when that is to be kept; ``None`` when it is to be pressed again."""

    def entry(self, step_id: str) -> Any:
        """What references to a step that is kept see."""

    def loop(self, step_id: str) -> EarlierLoop | None:
        """The loop that the step is to go on with."""


@dataclass(slots=True)
class EarlierPress:
    """A press of a drawer, as another one goes on with it.

    Attributes:
        record: what it did; may still be written into while it runs.
        scope: what its references saw, real values.
        needs: step id -> ids of the steps it refers to.
        only: id of a top-level loop -> the items to press again, the items of other loops are left as they
            are; ``None`` for all that did not end ok.
        dependents: press steps again that ended ok but used what has changed since.
        now: the record of the press that goes on.
        lasting: see :class:`~drawer_ipy.buttons.base.Resources`.
        secrets: what the record hides; a press that goes on need not come to the drawer that declares one.
    """

    record: RunRecord
    scope: dict[str, Any] = field(default_factory=dict)
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    only: Mapping[str, Collection[int]] | None = None
    dependents: bool = False
    now: RunRecord | None = None
    lasting: dict[type[Any], Any] = field(default_factory=dict)
    secrets: tuple[Any, ...] = ()

    def kept(self, step_id: str) -> StepResult | None:
        """As :meth:`EarlierSteps.kept`. What ``compensate_with`` has undone is not kept."""
        before = self._before(step_id)
        if before is None or before.status != "ok" or step_id not in self.scope:
            return None
        if any(undone.id == step_id for undone in self.record.compensations):
            return None
        if (
            isinstance(before.output, LoopOutput)
            and self._chosen(step_id) != ()
            and not before.output.record.all_complete()
        ):
            return None
        return None if self.dependents and self._stale(before) else before

    def entry(self, step_id: str) -> Any:
        """As :meth:`EarlierSteps.entry`."""
        return self.scope[step_id]

    def loop(self, step_id: str) -> EarlierLoop | None:
        """As :meth:`EarlierSteps.loop`."""
        output = self.scope.get(step_id, {}).get("output")
        before = self._before(step_id)
        if not isinstance(output, LoopOutput) or before is None:
            return None
        if before.status == "ok" and self.dependents and self._stale(before):
            return None
        return EarlierLoop(output, self._chosen(step_id))

    def rest(self, done: Collection[str]) -> list[StepResult]:
        """What the steps did that are not in `done`: the press that goes on did not get to them."""
        return [step for step in self.record.steps if step.id not in done]

    def _before(self, step_id: str) -> StepResult | None:
        return next((step for step in self.record.steps if step.id == step_id), None)

    def _chosen(self, step_id: str) -> Collection[int] | None:
        return None if self.only is None else self.only.get(step_id, ())

    def _stale(self, before: StepResult) -> bool:
        """Whether a step it refers to ended after it began."""
        needs = self.needs.get(before.id, frozenset())
        steps = self.now.steps if self.now is not None else ()
        clock = self.now.clock if self.now is not None else None
        # Times of two runs cannot be compared when the system's clock was set in between.
        return any(
            step.id in needs and (step.clock is clock or step.finished > before.started) for step in steps
        )


class EarlierItem:
    """One item of a loop as an earlier press left it.

    Args:
        output: the loop's, with real values.
        index: the item.
        needs: id of a step of the item -> ids of those it refers to.
        hiding: whether the record's copies hide secrets.
    """

    def __init__(
        self, output: LoopOutput, index: int, needs: Mapping[str, frozenset[str]], hiding: bool
    ) -> None:
        self._output = output
        self._index = index
        self._needs = needs
        self._hiding = hiding
        self._columns = {column.id: column for column in output.record.columns}
        self._changed: set[str] = set()

    def kept(self, step_id: str) -> StepResult | None:
        """As :meth:`EarlierSteps.kept`."""
        column, index = self._columns[step_id], self._index
        output = column.outputs[index]
        unfinished = isinstance(output, LoopOutput) and not output.record.all_complete()
        if column.statuses[index] != STEP_OK or unfinished or self._stale(step_id):
            self._changed.add(step_id)
            return None
        if index in column.details:
            return column.details[index]
        about, cached = column.about.get(index), column.was_cached(index)
        return StepResult(step_id, status="ok", output=output, about=about, cached=cached)

    def entry(self, step_id: str) -> Any:
        """As :meth:`EarlierSteps.entry`."""
        return {"output": self._real(step_id)}

    def loop(self, step_id: str) -> EarlierLoop | None:
        """As :meth:`EarlierSteps.loop`.

        One that refers to what has changed, or whose real values are gone, is pressed from its beginning.
        """
        output = self._real(step_id)
        if not isinstance(output, LoopOutput) or self._stale(step_id):
            return None
        return None if self._hiding and output.hidden is None else EarlierLoop(output)

    def _stale(self, step_id: str) -> bool:
        if self._output.record.states[self._index] == OK:
            return False
        return not self._changed.isdisjoint(self._needs.get(step_id, ()))

    def _real(self, step_id: str) -> Any:
        shown = self._columns[step_id].outputs[self._index]
        hidden = self._output.hidden
        return shown if hidden is None else hidden.outputs.get((self._index, step_id), shown)


def copy_into(before: StepResult, result: StepResult) -> None:
    """Make `result` say what `before` does."""
    for spec in fields(StepResult):
        setattr(result, spec.name, getattr(before, spec.name))


def take_earlier_items(record: LoopRecord, earlier: LoopRecord, only: Collection[int] | None) -> list[int]:
    """Fill `record` with what `earlier` has of the same items; returns the indices still to be pressed.

    An item whose place another one has taken since is pressed again whatever became of the first.
    """
    again: list[int] = []
    replaced: set[int] = set()
    common = min(len(record.states), len(earlier.states))
    for index in range(common):
        if not _same(record.items[index], earlier.items[index]):
            replaced.add(index)
            again.append(index)
        elif (only is None or index in only) and not earlier.complete(index):
            again.append(index)
    again.extend(range(common, len(record.states)))
    record.carry(earlier, again, replaced)
    return again


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    try:
        return bool(a == b) or bool(a != a and b != b)  # NaN is the same item as NaN
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
        return False
