"""What a table can be turned into: plain dicts, data frames, Arrow, files.

Values keep their type where the target has it. Where it does not, :mod:`drawer_ipy.record.jsonable` (JSON and
CSV) and :mod:`drawer_ipy.results.export.arrow` describe what they become. No value makes an export fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from drawer_ipy.results.export import frames as export
from drawer_ipy.results.export.arrow import arrow_table
from drawer_ipy.results.table_view import TableView

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow


class Exports:
    """The exports of a table.

    All take ``flatten``: mappings within cells are spread over columns of their own, named by the path to
    the value, ``column.key.key``; a name that is taken already gets an underscore at its end. A cell that
    is not a mapping stays in the column's own name. Lists are not spread.
    """

    __slots__ = ()

    view: TableView

    def to_dict(self, flatten: bool = False) -> dict[str, list[Any]]:
        """Each column's values, by name."""
        columns = {name: self.view.column(name).to_list() for name in self.view.columns}
        return export.flattened(columns) if flatten else columns

    def to_dicts(self, flatten: bool = False) -> list[dict[str, Any]]:
        """One dict a row."""
        columns = self.to_dict(flatten)
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def to_pandas(self, flatten: bool = False) -> pd.DataFrame:
        """A pandas DataFrame; its index, named ``index``, is each item's place in the input.

        A column of mixed types is kept as Python objects.

        Raises:
            MissingLibrary: pandas is not installed.
        """
        return export.to_pandas(self.to_dict(flatten), self.view.index)

    def to_polars(self, flatten: bool = False) -> pl.DataFrame:
        """A polars DataFrame; a column of mixed types is kept as Python objects, enums as their values.

        ``polars.DataFrame(results)`` takes the table by way of Arrow, where such a column is text.

        Raises:
            MissingLibrary: polars is not installed.
        """
        return export.to_polars(self.to_dict(flatten))

    def to_arrow(self, flatten: bool = False) -> pyarrow.Table:
        """A pyarrow Table; :mod:`drawer_ipy.results.export.arrow` says what becomes of which values.

        Raises:
            MissingLibrary: pyarrow is not installed.
        """
        return arrow_table(self.to_dict(flatten), export.library("pyarrow", "to_arrow()", "arrow"))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The table as an Arrow stream, for whoever reads one: ``polars.DataFrame(results)``,
        ``pandas.DataFrame.from_arrow(results)``, ``duckdb.sql("from results")``, ``pyarrow.table(results)``.

        Raises:
            MissingLibrary: pyarrow is not installed.
        """
        pa = export.library("pyarrow", "reading the table through Arrow", "arrow")
        table = arrow_table(self.to_dict(), pa)
        stream: object = table.__arrow_c_stream__(requested_schema)
        return stream

    def to_parquet(self, path: str | Path, flatten: bool = False) -> None:
        """Write a Parquet file, with the types of :meth:`to_arrow`; one that exists is replaced.

        Raises:
            MissingLibrary: pyarrow is not installed.
            OSError: the file cannot be written.
        """
        pa = export.library("pyarrow", "to_parquet()", "arrow")
        parquet = export.library("pyarrow.parquet", "to_parquet()", "arrow")
        table = arrow_table(self.to_dict(flatten), pa)
        # In one step, so that a full disk leaves no half of a file under that name.
        half = f"{os.fspath(path)}.part"
        try:
            parquet.write_table(table, half)
            os.replace(half, path)
        finally:
            with suppress(OSError):
                os.unlink(half)

    @overload
    def to_csv(self, path: None = None, flatten: bool = False) -> str: ...
    @overload
    def to_csv(self, path: str | Path, flatten: bool = False) -> None: ...
    def to_csv(self, path: str | Path | None = None, flatten: bool = False) -> str | None:
        """CSV with a header line, as text or into a UTF-8 file; lists and dicts are written as JSON.

        Raises:
            OSError: the file cannot be written.
        """
        names, records = self._records(flatten)
        return export.to_csv(records, names, path)

    @overload
    def to_json(self, path: None = None, flatten: bool = False) -> str: ...
    @overload
    def to_json(self, path: str | Path, flatten: bool = False) -> None: ...
    def to_json(self, path: str | Path | None = None, flatten: bool = False) -> str | None:
        """A JSON list with one object a row, as text or into a UTF-8 file.

        What JSON has no word for is written as its nearest: NaN as null, dates as ISO text, bytes as
        text, other objects as their repr.

        Raises:
            OSError: the file cannot be written.
        """
        names, records = self._records(flatten)
        return export.to_json(records, names, path)

    def _records(self, flatten: bool) -> tuple[Sequence[str], Iterator[tuple[Any, ...]]]:
        """Names of the columns, and the rows; read one by one unless they are flattened."""
        if flatten:
            columns = self.to_dict(flatten)
            return tuple(columns), zip(*columns.values(), strict=True)
        names = self.view.columns
        return names, zip(*(self.view.column(name) for name in names), strict=True)
