"""A table to export: the columns of the table that the loop ran over, then those of the run."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from drawer_ipy.results.export.arrow import arrow_array
from drawer_ipy.results.export.flatten import Columns, flattened
from drawer_ipy.results.export.native import Rows, values_of
from drawer_ipy.results.export.optional import library
from drawer_ipy.results.export.pandas_series import pandas_array
from drawer_ipy.results.export.polars_series import polars_series
from drawer_ipy.results.export.source_table import SourceTable, label_text, looped_over
from drawer_ipy.results.export.to_arrow import as_arrow
from drawer_ipy.results.export.to_pandas import as_pandas
from drawer_ipy.results.export.to_polars import as_polars
from drawer_ipy.results.source import RESERVED
from drawer_ipy.results.table_view import TableView

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts of a table, with the same number of rows.

    Attributes:
        index: the position in the input of each row.
        columns: the columns of the run, by name.
        source: the other table; ``None`` if there is none.
        rows: the position in `source` of each row; -1 for nulls.
    """

    index: Rows
    columns: Columns
    source: SourceTable | None = None
    rows: Rows = ()

    @classmethod
    def of(cls, view: TableView, flatten: bool = False) -> Parts:
        """Return the parts of a table of the run, with the loop variable's column replaced by its table."""
        names, source = cls.layout(view)
        index, columns = view.values(names)
        parts = cls(index, flattened(columns) if flatten else columns)
        return parts if source is None else parts.beside(source, index)

    @staticmethod
    def layout(view: TableView) -> tuple[Sequence[str], SourceTable | None]:
        """Return the columns of the run to export, and the table that the loop ran over, if any."""
        names: Sequence[str] = view.columns
        source, loop = None, view.source.loop
        if loop is not None and (label := next(iter(view.source.layout()))) in names:
            source = looped_over(loop.items, label)
            if source is not None:
                names = [name for name in names if name != label]
        return names, source

    def beside(self, source: SourceTable, rows: Rows, stacklevel: int = 4) -> Parts:
        """Return these columns behind those of `source`; a warning lists the names that change."""
        taken: set[Hashable] = {*source.labels, *map(label_text, source.labels)}
        named: Columns = {}
        changed: list[str] = []
        for name, values in self.columns.items():
            free = name
            if name in taken:
                free += "_run" if name in RESERVED else "_output"
                while free in taken or free in self.columns:
                    free += "_"
                changed.append(f"{name!r} is exported as {free!r}")
            taken.add(free)
            named[free] = values
        if changed:
            words = ", ".join(changed[:_LISTED]) + (
                f" and {len(changed) - _LISTED} more" * (len(changed) > _LISTED)
            )
            warnings.warn(
                f"the table of the input has columns with the same names as columns of the run: {words}",
                stacklevel=stacklevel,
            )
        return replace(self, columns=named, source=source, rows=rows)

    def to_pandas(self) -> pd.DataFrame:
        """Return a DataFrame; see :meth:`Exports.to_pandas`."""
        pandas = library("pandas", "to_pandas()")
        source = self.source
        if source is None or source.frame is None:
            return self._with_own_index(pandas)
        base = _rows_of_frame(source.frame, self.rows)
        made = {n: pandas_array(values, pandas) for n, values in self.columns.items()}
        own = _frame(dict(enumerate(made.values())), base.index, pandas)
        frame: pd.DataFrame = pandas.concat([base, own], axis=1, ignore_index=True)
        frame.columns = _labels_beside(base.columns, list(made), pandas)
        frame.attrs = dict(source.frame.attrs)
        return frame

    def _with_own_index(self, pandas: Any) -> pd.DataFrame:
        labels, made = [], []
        if self.source is not None:
            labels = list(self.source.labels)
            made = [as_pandas(column, pandas) for column in self.source.at(self.rows)]
        labels += self.columns
        made += [pandas_array(values, pandas) for values in self.columns.values()]
        name = "index"
        while name in labels:
            name = f"row.{name}"
        rows = pandas.Index(list(self.index), dtype="int64", name=name)
        frame = _frame(dict(enumerate(made)), rows, pandas)
        frame.columns = _labels(labels, pandas)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a DataFrame; see :meth:`Exports.to_polars`."""
        polars = library("polars", "to_polars()")
        made = []
        if self.source is not None:
            pairs = zip(self.texts(), self.source.at(self.rows), strict=True)
            made = [as_polars(name, column, polars) for name, column in pairs]
        made += [polars_series(_utf8(name), values, polars) for name, values in self.columns.items()]
        frame: pl.DataFrame = polars.DataFrame(made)
        return frame

    def to_arrow(self, asked: str = "to_arrow()") -> pyarrow.Table:
        """Return a Table; see :meth:`Exports.to_arrow`."""
        pa = library("pyarrow", asked, "arrow")
        names, arrays = [], []
        if self.source is not None:
            names = self.texts()
            arrays = [as_arrow(column, pa) for column in self.source.at(self.rows)]
        names += self.columns
        arrays += [arrow_array(values, pa) for values in self.columns.values()]
        return self.arrow_table(arrays, names, pa)

    @staticmethod
    def arrow_table(arrays: list[Any], names: list[str], pa: Any) -> pyarrow.Table:
        """Return a table of these columns."""
        return pa.Table.from_arrays(arrays, names=[_utf8(name) for name in names])

    def records(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows as Python values."""
        names: list[str] = []
        columns: list[Iterable[Any]] = []
        if self.source is not None:
            names = self.texts()
            columns = [values_of(column) for column in self.source.at(self.rows)]
        names += self.columns
        return names, zip(*columns, *self.columns.values(), strict=True)

    def texts(self) -> list[str]:
        """Return the names of the other table's columns as text, no two the same."""
        assert self.source is not None
        texts: dict[str, None] = {}
        for label in self.source.labels:
            text = label_text(label)
            while text in texts or (text in self.columns and text != label):
                text += "_"
            texts[text] = None
        return list(texts)


def exported_index(view: TableView) -> list[Hashable]:
    """Return the labels that :meth:`Parts.to_pandas` gives to the rows."""
    loop = view.source.loop
    source = None if loop is None else looped_over(loop.items, loop.label)
    if source is None or source.frame is None:
        return list(view.index)
    return list(source.frame.index[list(view.index)])


def _frame(made: dict[Any, Any], index: Any, pandas: Any) -> Any:
    series = {
        name: pandas.Series(array, index=index, dtype=object if _holds_objects(array) else None, copy=False)
        for name, array in made.items()
    }
    return pandas.DataFrame(series, index=index, columns=_labels(list(series), pandas))


def _labels(labels: list[Any], pandas: Any) -> Any:
    try:
        return pandas.Index(labels, dtype=None if labels else object)
    except UnicodeEncodeError:  # pandas stores text in UTF-8, which has no unpaired surrogates
        return pandas.Index(labels, dtype=object)


def _holds_objects(array: Any) -> bool:
    return str(array.dtype) == "object"


def _rows_of_frame(frame: Any, rows: Rows) -> Any:
    whole = isinstance(rows, range) and rows == range(len(frame))
    return frame.copy(deep=False) if whole else frame.iloc[list(rows)]


def _labels_beside(columns: Any, names: list[str], pandas: Any) -> Any:
    """Return the labels of a frame followed by other names, which have no further levels."""
    if columns.nlevels > 1:
        rest = [""] * (columns.nlevels - 1)
        labels = [*columns, *((name, *rest) for name in names)]
        return pandas.MultiIndex.from_tuples(labels, names=columns.names)
    return _labels([*columns, *names], pandas).set_names(columns.names) if names else columns


def _utf8(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
