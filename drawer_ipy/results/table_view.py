"""The rows and columns of a run that a table shows, shared by tables, rows and exports."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from drawer_ipy.record.loop import CANCELLED, FAILED, OK, SKIPPED, STATE_NAMES
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.column import Column, UnknownColumn
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.source import RESERVED, Getter, RowSource
from drawer_ipy.results.step_source import StepSource

Rows: TypeAlias = "range | array[int]"
"""Indices of rows in the record, in display order."""


@dataclass(frozen=True, slots=True)
class TableView:
    """Rows and columns of a run, by reference, without copies.

    Attributes:
        origin: the run, and the means to press it again.
        source: the source of the rows' values.
        rows: indices in the record of the visible rows; ``None`` for all.
        chosen: names of the visible columns; ``None`` for those of the layout.
        hint: a suggestion for a filter that found nothing; shown with the table.
    """

    origin: Origin
    source: RowSource
    rows: Rows | None = None
    chosen: tuple[str, ...] | None = None
    hint: str = ""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def run(self) -> RunRecord:
        """The newest record of the run."""
        return self.origin.run

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the source are visible."""
        return self.rows is None

    @property
    def index(self) -> Rows:
        """The indices in the record of the visible rows."""
        return range(len(self.source)) if self.rows is None else self.rows

    def index_at(self, position: int) -> int:
        """Return the index in the record of the row at `position`; negative positions count from the end.

        Raises:
            IndexError: there is no such row.
        """
        rows = self.index
        try:
            return rows[position]
        except IndexError:
            n = len(rows)
            have = f"has {n} rows, 0 to {n - 1}" if n else "is empty"
            raise IndexError(f"row {position} is out of range: this table {have}") from None

    def of_rows(self, rows: Rows | Iterable[int]) -> TableView:
        """Return a view of other rows, given by their indices in the record, with the same columns."""
        return replace(self, rows=rows if isinstance(rows, range | array) else array("q", rows), hint="")

    def of_columns(self, names: Iterable[str]) -> TableView:
        """Return a view of the same rows with only these columns, in this order.

        Raises:
            UnknownColumn: there is no such column.
        """
        chosen = tuple(dict.fromkeys(names))
        for name in chosen:
            self.getter(name)
        return replace(self, chosen=chosen, hint="")

    def in_state(self, state: int) -> TableView:
        """Return a view of the rows in one of the record's states."""
        if self.source.counts(self.rows)[state] == len(self):  # all rows are, so no search is needed
            return self.of_rows(self.index[:])
        return self.of_rows(self.source.where(state, self.rows))

    def counts(self) -> dict[str, int]:
        """Count the rows that are ``ok``, ``failed``, ``cancelled``, ``skipped``; other states if any."""
        found = self.source.counts(self.rows)
        named = {STATE_NAMES[state]: found[state] for state in (OK, FAILED, CANCELLED, SKIPPED)}
        others = {name: n for name, n in zip(STATE_NAMES, found, strict=False) if n and name not in named}
        return named | others

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns that are shown and exported."""
        if self.chosen is not None:
            return self.chosen
        names = tuple(self.source.layout())
        if self.source.always_states or self.source.counts(self.rows)[OK] == len(self):
            return names
        return (*names, *RESERVED)

    def getter(self, name: str) -> Getter:
        """Return the getter of the column `name`, visible or not.

        Raises:
            UnknownColumn: there is no such column.
        """
        get = self.source.getter(name)
        if get is None:
            known = tuple(self.source.layout())
            shown = known if self.source.always_states else (*known, *RESERVED)
            raise UnknownColumn(name, shown, self.source.steps_known)
        return get

    def column(self, name: str) -> Column:
        """Return the column `name` of the visible rows.

        Raises:
            UnknownColumn: there is no such column.
        """
        return Column(name, self.getter(name), self.index)

    def values(self, names: Iterable[str]) -> tuple[Rows, dict[str, list[Any]]]:
        """Return the index of the rows that are there now, and their values by column.

        A loop over an iterator may add rows meanwhile; all columns have the same rows.

        Raises:
            UnknownColumn: there is no such column.
        """
        index = self.index
        return index, {name: Column(name, self.getter(name), index).to_list() for name in names}

    def after_another_press(self) -> TableView:
        """Return the view after another press of its run.

        A run that did not reach its loop had a table of steps; now it may have a table of items.
        """
        if self.is_whole and isinstance(self.source, StepSource):
            return replace(self, source=self.origin.source(self.origin.last_loop()))
        return self
