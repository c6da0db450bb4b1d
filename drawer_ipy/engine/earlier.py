"""The results of an earlier press of the same drawer, so that another press does only the rest.

Steps that ended ok are kept, and a loop repeats only the items that did not end ok. In such an item, nested
steps that ended ok are kept too, except the steps that are pressed again and those that refer to them. In an
item that ended ok, only the nested loops continue, with their own items that did not end ok.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.record.loop import OK, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_OK


@dataclass(frozen=True, slots=True)
class EarlierLoop:
    """The results of a loop in an earlier press.

    Attributes:
        output: its output with the real values, as later steps see it.
        only: indices of the items that may be pressed again; ``None`` for all that did not end ok.
    """

    output: LoopOutput
    only: Collection[int] | None = None


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
        """See :meth:`EarlierSteps.kept`. Steps that ``compensate_with`` has undone are not kept."""
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
        """See :meth:`EarlierSteps.entry`."""
        return self.scope[step_id]

    def loop(self, step_id: str) -> EarlierLoop | None:
        """See :meth:`EarlierSteps.loop`."""
        output = self.scope.get(step_id, {}).get("output")
        before = self._before(step_id)
        if not isinstance(output, LoopOutput) or before is None:
            return None
        if before.status == "ok" and self.dependents and self._stale(before):
            return None
        return EarlierLoop(output, self._chosen(step_id))

    def rest(self, done: Collection[str]) -> list[StepResult]:
        """Return the results of steps that are not in `done`: the continuing press did not reach them."""
        return [step for step in self.record.steps if step.id not in done]

    def _before(self, step_id: str) -> StepResult | None:
        return next((step for step in self.record.steps if step.id == step_id), None)

    def _chosen(self, step_id: str) -> Collection[int] | None:
        return None if self.only is None else self.only.get(step_id, ())

    def _stale(self, before: StepResult) -> bool:
        """Whether a step that it refers to ended after it began."""
        needs = self.needs.get(before.id, frozenset())
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
        """See :meth:`EarlierSteps.kept`."""
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
        """See :meth:`EarlierSteps.entry`."""
        return {"output": self._real(step_id)}

    def loop(self, step_id: str) -> EarlierLoop | None:
        """See :meth:`EarlierSteps.loop`.

        A loop that refers to changed values, or whose real values are gone, starts from the beginning.
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
    """Copy the content of `before` into `result`."""
    for spec in fields(StepResult):
        setattr(result, spec.name, getattr(before, spec.name))


def take_earlier_items(record: LoopRecord, earlier: LoopRecord, only: Collection[int] | None) -> list[int]:
    """Copy the results of the same items from `earlier` into `record`; return the indices still to press.

    If another item is now at an index, it is pressed, whatever the outcome of the earlier item was.
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
    record.take_earlier(earlier, again, replaced)
    return again


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    try:
        return bool(a == b) or bool(a != a and b != b)  # NaN counts as equal to NaN
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
        return False
