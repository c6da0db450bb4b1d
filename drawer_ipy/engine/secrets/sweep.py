"""A second look for secrets at the end of a run, at what was recorded before it was over.

A value may have changed since it was recorded (a button added a token to a list that an earlier one had
given), and a secret may have become known since (a drawer that was pressed later declared one).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.record.loop import Hidden, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

_FIXED = frozenset({str, bytes, int, float, bool, type(None)})
"""Classes of values that cannot have changed."""


class Sweep:
    """Hides secrets in records, and keeps the real values for a retry.

    Args:
        redactor: knows all secrets there are by now.
        known: the redactor that the records were made with.
    """

    def __init__(self, redactor: Redactor, known: Redactor) -> None:
        self._redactor = redactor
        self._grown = redactor is not known
        redactor.forget()

    def run(self, record: RunRecord) -> None:
        """Look at a run's inputs, error and steps."""
        redactor = self._redactor
        record.inputs = redactor.value(record.inputs)
        record.error = redactor.error(record.error)
        for result in (*record.steps, *record.compensations):
            self._step(result)

    def _step(self, result: StepResult) -> None:
        result.args = self._redactor.value(result.args)
        self._redactor.step(result)

    def loop(self, record: LoopRecord, hidden: Hidden) -> None:
        """Look at the items of a loop and at what its steps gave; the real outputs go to `hidden`."""
        redactor = self._redactor
        if not isinstance(record.items, range):
            record.items = shown_items(record.items, redactor)
        for column in record.columns:
            for index, output in enumerate(column.outputs):
                if type(output) in _FIXED and not self._grown:
                    continue
                shown = redactor.value(output)
                if shown is not output:
                    hidden.outputs.setdefault((index, column.id), output)
                    column.outputs[index] = shown
            _each(column.about, redactor.value)
            if self._grown:
                _each(column.errors, redactor.error)
            for index, detail in column.details.items():
                detail.output = column.outputs[index]
                self._step(detail)


def shown_items(items: Any, redactor: Redactor) -> Any:
    """The items of a loop as its record shows them: a list, or `items` where no secret is in them."""
    if not redactor or isinstance(items, range):
        return items
    listed = items if isinstance(items, list) else list(items)
    shown = redactor.value(listed)
    return items if shown is listed else shown


def _each(table: dict[int, Any], change: Callable[[Any], Any]) -> None:
    for index, value in table.items():
        table[index] = change(value)
