"""Export a table whose outputs are on disk part by part, so that it need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drawer_ipy.record.backlog import rough_size
from drawer_ipy.record.disk_outputs import DiskOutputs
from drawer_ipy.results.export.arrow import arrow_array
from drawer_ipy.results.export.flatten import Columns, flattened
from drawer_ipy.results.export.native import Rows, values_of
from drawer_ipy.results.export.parts import Parts
from drawer_ipy.results.export.to_arrow import as_arrow
from drawer_ipy.results.export.witness import NoWitness, witness_of
from drawer_ipy.results.table_view import TableView

_FIRST, _MOST = 16, 20_000
_BYTES = 8 * 1024 * 1024
"""Rows of the first part and of the longest one, and about how many bytes a part has."""


def is_on_disk(view: TableView) -> bool:
    """Whether outputs of the table are read from disk."""
    loop = view.source.loop
    return loop is not None and any(isinstance(column.outputs, DiskOutputs) for column in loop.columns)


class Batches:
    """The parts of a table.

    Args:
        view: the table.
        flatten: spread mappings in cells.
        typed: whether the types of the columns are needed, too.

    Raises:
        NoWitness: the table can only be exported as a whole.
    """

    def __init__(self, view: TableView, flatten: bool, *, typed: bool) -> None:
        names, source = Parts.layout(view)
        self._index: Rows = view.index
        self._getters = {name: view.getter(name) for name in names}
        self._flatten = flatten
        self._witness: Columns = {name: [] for name in names}
        if typed or flatten:
            for columns, _ in self._read():
                for name, values in columns.items():
                    self._witness[name] = witness_of([*self._witness[name], *values])
        most = max(map(len, self._witness.values()), default=0)
        for values in self._witness.values():
            values.extend((values[:1] or [None]) * (most - len(values)))
        self._before = most
        shown = flattened(self._witness) if flatten else self._witness
        parts = Parts(range(0), shown)
        self._parts = parts if source is None else parts.beside(source, self._index)

    def _read(self) -> Iterator[tuple[Columns, int]]:
        """Yield the columns of some rows after the other, and the position of the first row."""
        first, count = 0, _FIRST
        while first < len(self._index):
            rows = self._index[first : first + count]
            columns = {name: list(map(get, rows)) for name, get in self._getters.items()}
            size = sum(rough_size(values[:1]) * len(values) for values in columns.values())
            yield columns, first
            first += len(rows)
            count = max(1, min(_MOST, 2 * count, len(rows) * _BYTES // max(1, size)))

    def _shown(self, columns: Columns) -> Columns:
        """Return the columns as they are exported, each behind its witness."""
        behind = {name: [*self._witness[name], *values] for name, values in columns.items()}
        return flattened(behind) if self._flatten else behind

    def records(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows as Python values; see :meth:`Parts.records`."""
        names, beside = self._beside()
        lists = [values_of(column) for column in beside]

        def rows() -> Iterator[tuple[Any, ...]]:
            for columns, first in self._read():
                shown = [values[self._before :] for values in self._shown(columns).values()]
                count = len(next(iter(columns.values()), ()))
                yield from zip(*(values[first : first + count] for values in lists), *shown, strict=True)

        return [*names, *self._parts.columns], rows()

    def tables(self, pa: Any) -> Iterator[Any]:
        """Yield the parts as tables of pyarrow with the same schema; the first one may be empty.

        Raises:
            NoWitness: a part has another type than its column.
        """
        names, beside = self._beside()
        arrays = [as_arrow(column, pa) for column in beside]
        kinds = [arrow_array(values, pa).type for values in self._parts.columns.values()]
        header = [*names, *self._parts.columns]
        empty = [array[:0] for array in arrays] + [pa.array([], kind) for kind in kinds]
        schema = Parts.arrow_table(empty, header, pa).schema
        yield schema.empty_table()
        for columns, first in self._read():
            shown = list(self._shown(columns).values())
            made = [arrow_array(values, pa)[self._before :] for values in shown]
            if [array.type for array in made] != kinds:
                raise NoWitness
            count = len(next(iter(columns.values()), ()))
            yield Parts.arrow_table([*(a[first : first + count] for a in arrays), *made], header, pa)

    def _beside(self) -> tuple[list[str], list[Any]]:
        source = self._parts.source
        return ([], []) if source is None else (self._parts.texts(), source.at(self._index))
