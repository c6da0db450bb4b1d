"""Put the rows of another table beside those of a run."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from drawer_ipy.common.missing import is_missing
from drawer_ipy.errors import UsageError, did_you_mean
from drawer_ipy.results.export.flatten import flattened
from drawer_ipy.results.export.native import Rows, library_of, values_of
from drawer_ipy.results.export.parts import Parts
from drawer_ipy.results.export.source_table import SourceTable, label_text, table_of
from drawer_ipy.results.table_view import TableView

_MAKERS = {"pandas": Parts.to_pandas, "polars": Parts.to_polars}


def joined(view: TableView, other: Any, on: str | None, other_on: Hashable, flatten: bool) -> Any:
    """Return the table that :meth:`Exports.join` describes."""
    table = table_of(other, "join()")
    index, columns = view.values(view.columns)
    parts = Parts(index, flattened(columns) if flatten else columns)
    if on is None:
        if other_on is not None:
            raise UsageError("join() has other_on without on", remediation="give on=COLUMN too")
        parts = parts.beside(table, _by_position(view, parts, table), stacklevel=4)
    else:
        parts = _on(view, parts, table, on, on if other_on is None else other_on)
    return _MAKERS.get(library_of(other), Parts.to_arrow)(parts)


def _by_position(view: TableView, parts: Parts, table: SourceTable) -> Rows:
    items = len(view.source)
    if table.count != items:
        raise UsageError(
            f"the table has {table.count} rows, and the input of the run had {items}, so that rows cannot be "
            "matched by their position",
            remediation="match them by a column: join(table, on=COLUMN)",
        )
    return parts.index


def _on(view: TableView, parts: Parts, table: SourceTable, on: str, other_on: Hashable) -> Parts:
    keys = view.of_rows(parts.index).column(on).to_list()
    if other_on not in table.labels:
        texts = [label_text(label) for label in table.labels]
        near = did_you_mean(str(other_on), texts)
        raise UsageError(
            f"the table has no column {other_on!r}" + (f"; {near}" if near else ""),
            remediation=f"its columns: {', '.join(texts) or 'none'}",
        )
    places = _places(values_of(table.columns[list(table.labels).index(other_on)]), other_on)
    try:
        rows = [-1 if is_missing(key) else places.get(key, -1) for key in keys]
    except TypeError:
        raise UsageError(
            f"values of column {on!r} cannot be looked up, since they can be changed (lists, dicts)",
            remediation="join on a column of text or numbers",
        ) from None
    rest = table.without(other_on)
    beside = SourceTable(rest.labels, rest.at(rows), len(keys))
    if on in rest.labels or on not in parts.columns:
        return parts.beside(beside, range(len(keys)), stacklevel=5)
    # The run's column stands for both, since it also has the values without a match.
    own = {name: values for name, values in parts.columns.items() if name != on}
    beside = SourceTable([on, *rest.labels], [keys, *beside.columns], len(keys))
    return replace(parts, columns=own).beside(beside, range(len(keys)), stacklevel=5)


def _places(values: Sequence[Any], label: Hashable) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for place, value in enumerate(values):
        if is_missing(value):
            continue
        try:
            before = places.setdefault(value, place)
        except TypeError:
            raise UsageError(
                f"values of the table's column {label!r} cannot be looked up, since they can be changed",
                remediation="join on a column of text or numbers",
            ) from None
        if before != place:
            raise UsageError(
                f"{value!r} is in rows {before} and {place} of the table's column {label!r}, so that it is "
                "not clear which belongs to the run's row",
                remediation="remove one of the rows, or merge the table with to_pandas() of this one",
            )
    return places
