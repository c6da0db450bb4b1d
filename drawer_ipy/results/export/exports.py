"""Export a table: to dicts, data frames, Arrow and files.

Values keep their type if the target format has it. Otherwise, :mod:`drawer_ipy.record.jsonable` (JSON and
CSV), :mod:`~drawer_ipy.results.export.arrow`, :mod:`~drawer_ipy.results.export.pandas_series` and
:mod:`~drawer_ipy.results.export.polars_series` describe the conversions. No value makes an export fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from drawer_ipy.common.atomic_file import replacing
from drawer_ipy.results.export import text_files
from drawer_ipy.results.export.batches import Batches, is_on_disk
from drawer_ipy.results.export.dicts import Orient, as_dict
from drawer_ipy.results.export.flatten import flattened
from drawer_ipy.results.export.joining import joined
from drawer_ipy.results.export.optional import library
from drawer_ipy.results.export.parts import Parts
from drawer_ipy.results.export.saving import Writer, check_save_path, writer_for
from drawer_ipy.results.export.witness import NoWitness
from drawer_ipy.results.table_view import TableView

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow


class Exports:
    """The exports of a table.

    If the loop ran over a data frame, the exported data frames, Arrow tables and files have its columns in
    place of the loop variable's, with their types. A column of the run with the same name gets a suffix,
    ``_output`` or ``_run`` (status and error), and a warning says so.

    All of them accept ``flatten``: mappings in cells are spread over additional columns, named by the path to
    the value, ``column.key.key``; if a name is taken, an underscore is appended. A cell that is not a mapping
    stays in its column. Lists are not spread, nor are the columns of a data frame that was looped over.
    """

    __slots__ = ()

    view: TableView

    @overload
    def to_dict(
        self, orient: Literal["list"] | bool = "list", flatten: bool = False
    ) -> dict[str, list[Any]]: ...
    @overload
    def to_dict(self, orient: Literal["records"], flatten: bool = False) -> list[dict[str, Any]]: ...
    @overload
    def to_dict(self, orient: Literal["index"], flatten: bool = False) -> dict[int, dict[str, Any]]: ...
    @overload
    def to_dict(self, orient: Literal["dict"], flatten: bool = False) -> dict[str, dict[int, Any]]: ...
    @overload
    def to_dict(self, orient: Literal["split"], flatten: bool = False) -> dict[str, list[Any]]: ...
    def to_dict(self, orient: Orient | bool = "list", flatten: bool = False) -> Any:
        """Return the values of the table's columns, by name.

        Args:
            orient: as in pandas: ``"list"``, ``{column: [value, ...]}``; ``"records"``,
                ``[{column: value}, ...]``; ``"index"``, ``{index: {column: value}}``; ``"dict"``,
                ``{column: {index: value}}``; ``"split"``, ``{"index": [...], "columns": [...],
                "data": [[...], ...]}``. The index is each item's position in the input. A bool in this
                place is `flatten`, of ``"list"``.
            flatten: spread mappings in cells.

        Raises:
            UsageError: there is no such orient.
        """
        if isinstance(orient, bool):
            return self.to_dict("list", orient)
        index, columns = self.view.values(self.view.columns)
        return as_dict(flattened(columns) if flatten else columns, index, orient)

    def to_dicts(self, flatten: bool = False) -> list[dict[str, Any]]:
        """Return one dict per row."""
        return self.to_dict("records", flatten)

    def to_pandas(self, flatten: bool = False) -> pd.DataFrame:
        """Return a pandas DataFrame, in which columns of one kind have its dtype.

        Its index is that of the DataFrame that the loop ran over, or else, named ``index``, each item's
        position in the input. :mod:`drawer_ipy.results.export.pandas_series` lists the dtypes.

        Raises:
            MissingLibrary: pandas is not installed.
        """
        return Parts.of(self.view, flatten).to_pandas()

    def to_polars(self, flatten: bool = False) -> pl.DataFrame:
        """Return a polars DataFrame; mixed columns contain Python objects, and enums become their values.

        ``polars.DataFrame(results)`` reads the table through Arrow, in which such a column is text.

        Raises:
            MissingLibrary: polars is not installed.
        """
        return Parts.of(self.view, flatten).to_polars()

    def to_arrow(self, flatten: bool = False) -> pyarrow.Table:
        """Return a pyarrow Table; :mod:`drawer_ipy.results.export.arrow` lists the conversions of values.

        Raises:
            MissingLibrary: pyarrow is not installed.
        """
        return Parts.of(self.view, flatten).to_arrow()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the table as an Arrow stream, which other libraries read: ``polars.DataFrame(results)``,
        ``pandas.DataFrame.from_arrow(results)``, ``duckdb.sql("from results")``, ``pyarrow.table(results)``.

        Raises:
            MissingLibrary: pyarrow is not installed.
        """
        table = Parts.of(self.view).to_arrow("reading the table through Arrow")
        stream: object = table.__arrow_c_stream__(requested_schema)
        return stream

    def join(
        self, other: Any, on: str | None = None, *, other_on: Hashable = None, flatten: bool = False
    ) -> Any:
        """Return the rows beside those of another table, such as the one that the items were taken from.

        The columns of `other` are first, with their types; those of the run follow. Each row of the run
        appears once.

        Args:
            other: a DataFrame of pandas or polars, a table of pyarrow, or an object that exports Arrow.
            on: a column of this table whose values are looked up in the column of that name of `other`; rows
                without a match get nulls. ``None``: row 0 of `other` belongs to item 0, and so on.
            other_on: the column of `other`, if its name differs.
            flatten: spread mappings in cells.

        Returns:
            A DataFrame of pandas or polars like `other`, else a table of pyarrow.

        Raises:
            UsageError: `other` is not a table; it has another number of rows than the input; a value of `on`
                is in several of its rows.
            UnknownColumn: there is no such column.
            MissingLibrary: pyarrow is not installed, and it is needed to read `other`.
        """
        return joined(self.view, other, on, other_on, flatten)

    def save(self, path: str | Path, safe: bool = False, flatten: bool = False) -> Path:
        """Write the table to a file in the format of the name's suffix; an existing file is replaced.

        ``.parquet``, ``.csv``, ``.jsonl`` (or ``.ndjson``) and ``.json``; with ``.gz`` behind one of the last
        three, compressed. The old file stays until the new one is complete.

        Args:
            path: the file; ``~`` is the home folder.
            safe: in CSV, put an apostrophe before text that a spreadsheet would run as a formula.
            flatten: spread mappings in cells.

        Returns:
            The path of the file.

        Raises:
            UsageError: the suffix is unknown, the folder does not exist, or the path is not a file's.
            MissingLibrary: pyarrow, which Parquet needs, is not installed.
            OSError: the file cannot be written; the old one is unchanged.
        """
        target = check_save_path(path)
        writers: Mapping[Writer, Callable[[], Any]] = {
            "parquet": lambda: self.to_parquet(target, flatten),
            "csv": lambda: self.to_csv(target, flatten, safe),
            "jsonl": lambda: self.to_jsonl(target, flatten),
            "json": lambda: self.to_json(target, flatten),
        }
        writers[writer_for(target)]()
        return target

    def to_parquet(self, path: str | Path, flatten: bool = False) -> None:
        """Write a Parquet file with the types of :meth:`to_arrow`; an existing file is replaced.

        Raises:
            MissingLibrary: pyarrow is not installed.
            OSError: the file cannot be written; the old one is unchanged.
        """
        parquet = library("pyarrow.parquet", "to_parquet()", "arrow")
        if is_on_disk(self.view):
            with contextlib.suppress(NoWitness), replacing(path) as out:
                pa = library("pyarrow", "to_parquet()", "arrow")
                tables = Batches(self.view, flatten, typed=True).tables(pa)
                with parquet.ParquetWriter(out, next(tables).schema) as writer:
                    for table in tables:
                        writer.write_table(table)
                return
        table = Parts.of(self.view, flatten).to_arrow("to_parquet()")
        with replacing(path) as out:
            parquet.write_table(table, out)

    def _records(self, flatten: bool) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows, read part by part if they are on disk."""
        if is_on_disk(self.view):
            with contextlib.suppress(NoWitness):
                return Batches(self.view, flatten, typed=False).records()
        return Parts.of(self.view, flatten).records()

    @overload
    def to_csv(self, path: None = None, flatten: bool = False, safe: bool = False) -> str: ...
    @overload
    def to_csv(self, path: str | Path, flatten: bool = False, safe: bool = False) -> None: ...
    def to_csv(self, path: str | Path | None = None, flatten: bool = False, safe: bool = False) -> str | None:
        """Return CSV with a header line, or write it to a UTF-8 file; lists and dicts are written as JSON.

        Args:
            path: the file, compressed if its name ends in ``.gz``; ``None`` returns the text.
            flatten: spread mappings in cells.
            safe: put an apostrophe before text that a spreadsheet would run as a formula.

        Raises:
            OSError: the file cannot be written; the old one is unchanged.
        """
        names, records = self._records(flatten)
        return text_files.to_csv(records, names, path, safe)

    @overload
    def to_json(self, path: None = None, flatten: bool = False) -> str: ...
    @overload
    def to_json(self, path: str | Path, flatten: bool = False) -> None: ...
    def to_json(self, path: str | Path | None = None, flatten: bool = False) -> str | None:
        """Return a JSON list with one object per row, or write it to a UTF-8 file.

        Values that JSON cannot represent are converted: NaN to null, dates to ISO text, bytes to text, other
        objects to their repr.

        Raises:
            OSError: the file cannot be written; the old one is unchanged.
        """
        names, records = self._records(flatten)
        return text_files.to_json(records, names, path)

    @overload
    def to_jsonl(self, path: None = None, flatten: bool = False) -> str: ...
    @overload
    def to_jsonl(self, path: str | Path, flatten: bool = False) -> None: ...
    def to_jsonl(self, path: str | Path | None = None, flatten: bool = False) -> str | None:
        """Return JSON lines, one object per row, or write them to a UTF-8 file; values as in :meth:`to_json`.

        Raises:
            OSError: the file cannot be written; the old one is unchanged.
        """
        names, records = self._records(flatten)
        return text_files.to_jsonl(records, names, path)
