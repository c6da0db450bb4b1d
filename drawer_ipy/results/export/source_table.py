"""The table that a loop ran over, or that is joined to a run's: its columns in the types of their library."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from drawer_ipy.common.arrow_export import arrow_table
from drawer_ipy.errors import UsageError
from drawer_ipy.results.export.native import Rows, library_of, take
from drawer_ipy.results.export.optional import library


@runtime_checkable
class RowsOfTable(Protocol):
    """The items of a loop that are the rows of a table.

    Attributes:
        table: the table.
        readers: column name -> function that reads the value at a position.
    """

    table: Any
    readers: Mapping[Any, Callable[[int], Any]]

    def __len__(self) -> int: ...


@runtime_checkable
class EntriesOfSeries(Protocol):
    """The items of a loop that are the entries of a series or an array.

    Attributes:
        series: the pandas series; ``None`` for anything else.
    """

    series: Any


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Columns of a table of another library.

    Attributes:
        labels: the names of the columns; those of pandas need not be text.
        columns: see :mod:`drawer_ipy.results.export.native`.
        count: the number of rows.
        frame: the table itself if it is a DataFrame of pandas, whose index and labels are kept.
    """

    labels: Sequence[Hashable]
    columns: Sequence[Any]
    count: int
    frame: Any = None

    def at(self, rows: Rows) -> list[Any]:
        """Return the columns of some rows; -1 is a row of nulls."""
        whole = isinstance(rows, range) and rows == range(self.count)
        return [take(column, None if whole else rows) for column in self.columns]

    def without(self, label: Hashable) -> SourceTable:
        """Return the table without one of its columns."""
        kept = [place for place, name in enumerate(self.labels) if name != label]
        frame = None if self.frame is None else self.frame.iloc[:, kept]
        return SourceTable([self.labels[i] for i in kept], [self.columns[i] for i in kept], self.count, frame)


def looped_over(items: Any, label: str) -> SourceTable | None:
    """Return the table whose rows were the items of a loop, or ``None``.

    Args:
        items: the items. The entries of a pandas series are a table of one column with the series' index.
        label: the loop variable, which names that column.
    """
    if isinstance(items, EntriesOfSeries) and items.series is not None:
        return _of_library(items.series.to_frame(label))
    if not isinstance(items, RowsOfTable):
        return None
    found = _of_library(items.table)
    if found is not None and found.count == len(items):
        return found
    places = range(len(items))
    columns = [[read(place) for place in places] for read in items.readers.values()]
    return SourceTable(list(items.readers), columns, len(items))


def table_of(value: Any, asked: str) -> SourceTable:
    """Return the columns of a table to join.

    Args:
        value: a data frame of pandas, polars or pyarrow, or an object that exports Arrow.
        asked: the method that needs it, for messages.

    Raises:
        UsageError: it is not a table, or two of its columns have the same name.
        MissingLibrary: pyarrow is not installed, and it is needed to read `value`.
    """
    found = _of_library(value)
    if found is None and hasattr(value, "__arrow_c_stream__"):
        pa = library("pyarrow", f"{asked} of a {type(value).__name__}", "arrow")
        with suppress(pa.ArrowInvalid):  # a Series exports Arrow too, but it is not a table
            found = _of_library(arrow_table(pa, value))
    if found is None:
        raise UsageError(
            f"{asked} needs a data frame, not {type(value).__name__}",
            remediation="give a DataFrame of pandas or polars, or a table of pyarrow",
        )
    twice = [name for place, name in enumerate(found.labels) if name in found.labels[:place]]
    if twice:
        raise UsageError(
            f"the table has more than one column {twice[0]!r}", remediation="rename all but one of them"
        )
    return found


def _of_library(table: Any) -> SourceTable | None:
    name = library_of(table)
    if name == "pandas" and hasattr(table, "iloc") and getattr(table, "ndim", 0) == 2:
        columns = [table.iloc[:, place] for place in range(table.shape[1])]
        return SourceTable(list(table.columns), columns, len(table), table)
    if name == "polars" and hasattr(table, "get_columns"):
        columns = table.get_columns()
        return SourceTable([column.name for column in columns], columns, table.height)
    if name == "pyarrow" and hasattr(table, "column_names"):
        places = range(len(table.column_names))
        columns = [_chunked(table.column(place)) for place in places]
        return SourceTable(list(table.column_names), columns, table.num_rows)
    return None


def _chunked(column: Any) -> Any:
    if hasattr(column, "chunks"):
        return column
    import pyarrow

    return pyarrow.chunked_array([column])  # of a batch


def label_text(label: Hashable) -> str:
    """Return a column's name as text; the levels of several are joined by dots."""
    if isinstance(label, tuple):
        return ".".join(str(part) for part in label if str(part) != "")
    return str(label)
