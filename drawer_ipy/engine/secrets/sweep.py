"""Search a run's records for secrets again at its end.

A value may have changed after it was recorded (a button added a token to a list that an earlier one had
returned), and a secret may have become known later (a drawer pressed later declared it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawer_ipy.engine.rows import ArrayItems, TableRows, beside_rows
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.record.disk_outputs import StoredPiece
from drawer_ipy.record.hidden import Hidden
from drawer_ipy.record.loop import LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult

_FIXED = frozenset({str, bytes, int, float, bool, type(None)})
"""Classes of immutable values."""


class Sweep:
    """Hides secrets in records and keeps the real values for a retry.

    Args:
        redactor: knows all secrets found by now.
        known: the redactor with which the records were made.
    """

    def __init__(self, redactor: Redactor, known: Redactor) -> None:
        self._redactor = redactor
        self._grown = redactor is not known
        redactor.forget()

    def run(self, record: RunRecord) -> None:
        """Redact the inputs, error and steps of a run."""
        redactor = self._redactor
        record.inputs = redactor.value(record.inputs)
        record.error = redactor.error(record.error)
        for result in (*record.steps, *record.compensations):
            self._step(result)

    def _step(self, result: StepResult) -> None:
        result.args = self._redactor.value(result.args)
        self._redactor.step(result)

    def loop(self, record: LoopRecord, hidden: Hidden) -> None:
        """Redact the items and outputs of a loop; the real outputs are stored in `hidden`."""
        redactor = self._redactor
        if not isinstance(record.items, range):
            record.items = shown_items(record.items, redactor)
        for column in record.columns:
            for index, output in enumerate(column.entries):
                if isinstance(output, StoredPiece):  # the writer searches what is on disk
                    continue
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
                if not isinstance(column.entries[index], StoredPiece):
                    detail.output = column.entries[index]
                self._step(detail)


def _shown_rows(items: TableRows, redactor: Redactor) -> TableRows:
    """Return the rows if there is no secret in them or their table, else redacted rows without the table."""
    plain = [dict(row) for row in items]
    rows = redactor.value(plain)
    beside = beside_rows(items.table)
    if rows is plain and beside is not None and redactor.value(beside) is beside:
        return items
    names = list(rows[0]) if rows else redactor.value(list(items.readers))
    columns = {name: [row[name] for row in rows] for name in names}
    return TableRows({name: values.__getitem__ for name, values in columns.items()}, len(rows), None)


def shown_items(items: Any, redactor: Redactor) -> Any:
    """Return the items of a loop as its record shows them: a redacted list, or `items` if free of secrets."""
    if not redactor or isinstance(items, range):
        return items
    if isinstance(items, TableRows):
        return _shown_rows(items, redactor)
    listed = items if isinstance(items, list) else list(items)
    shown = redactor.value(listed)
    if isinstance(items, ArrayItems) and items.series is not None:
        beside = beside_rows(items.series)
        return items if shown is listed and redactor.value(beside) is beside else shown
    return items if shown is listed else shown


def _each(table: dict[int, Any], change: Callable[[Any], Any]) -> None:
    for index, value in table.items():
        table[index] = change(value)
