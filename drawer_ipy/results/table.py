"""The ordered table of a run."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol, SupportsIndex, overload

from drawer_ipy.common.sameness import same
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, SKIPPED, STATE_NAMES, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.column import Column
from drawer_ipy.results.export.exports import Exports
from drawer_ipy.results.item_errors import ItemErrors
from drawer_ipy.results.of_run import OfRun
from drawer_ipy.results.ordering import in_order
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.picking import picked
from drawer_ipy.results.row import Row
from drawer_ipy.results.source import OUTPUT, RESERVED
from drawer_ipy.results.table_view import Rows, TableView


class NumpyLike(Protocol):
    """A numpy array or a pandas series, used as a mask or as positions; its scalars have no length."""

    def __len__(self) -> int: ...
    def tolist(self) -> Any: ...


class PolarsLike(Protocol):
    """A polars series, used as a mask or as positions."""

    def __len__(self) -> int: ...
    def to_list(self) -> list[Any]: ...


class Results(OfRun, Exports):
    """The items of a loop in the order of the input, one row each; without a loop, one row per step.

    ``results[3]`` is item 3, in the order of the input. ``results["title"]`` is a column; ``results[2:5]``,
    ``results[mask]`` and ``results[[0, 7]]`` are tables of some rows; ``results[["u", "title"]]`` is a table
    of some columns. All of them are views: nothing is copied, and a table of a run in progress shows its
    current state. A table is true if it has rows, and equal only to itself.

    The columns are the loop variable and the last nested step's output; if the outputs are mappings, each key
    has a column. The id of a nested step is a column of its outputs. ``status`` and ``error`` are always
    available, and visible if not all rows are ok.

    Args:
        run: the record of the run, or the origin that its tables share.
        loop: the loop whose items are the rows; ``None`` for one row per step.
    """

    __slots__ = ()

    def __init__(self, run: RunRecord | Origin, loop: LoopRecord | None = None) -> None:
        origin = run if isinstance(run, Origin) else Origin(run)
        self.view: TableView = TableView(origin, origin.source(loop))

    @classmethod
    def of(cls, run: RunRecord | Origin) -> Results:
        """Return the table of the run's last top-level ``for_each``, or else of its steps."""
        origin = run if isinstance(run, Origin) else Origin(run)
        return cls(origin, origin.last_loop())

    @classmethod
    def open(cls, run: str, *, inputs: Mapping[str, Any] | None = None) -> Results:
        """Open the table of a run that was stored on disk, perhaps by a process that has ended.

        Its :meth:`retry` presses what did not end ok, with the stored definition and inputs; functions are
        looked up among the names that the caller can see.

        Args:
            run: the name of a drawer, for its latest run; or the id of a run, or the beginning of the id.
            inputs: values of inputs that were not stored, such as secrets, for a retry.

        Raises:
            UsageError: there is no such run, or its file cannot be read.
        """
        from drawer_ipy import open_stored

        return open_stored(run, inputs or {}, sys._getframe(1), cls.of)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the data of the table, without the objects needed for a retry."""
        view = self.view
        return _unpickled, (type(self), self.run, view.source.loop, view.rows, view.chosen)

    @property
    def hint(self) -> str:
        """A suggestion for a filter that found nothing; shown with the table."""
        return self.view.hint

    # Rows

    def __len__(self) -> int:
        return len(self.view)

    def __iter__(self) -> Iterator[Row]:
        view = self.view
        return (Row(view, index) for index in view.index)

    @overload
    def __getitem__(self, key: str) -> Column: ...
    # Before the overload for a position, since an array has an __index__ too.
    @overload
    def __getitem__(self, key: slice | list[Any] | tuple[Any, ...] | NumpyLike | PolarsLike) -> Results: ...
    @overload
    def __getitem__(self, key: SupportsIndex) -> Row: ...
    def __getitem__(self, key: Any) -> Any:
        """Return a row, a column or a smaller table.

        Raises:
            IndexError: there is no such row, or the mask has another length.
            UnknownColumn: there is no such column (a KeyError).
            TypeError: the key has another type.
        """
        if isinstance(key, str):
            return self.view.column(key)
        if isinstance(key, slice):
            return self.showing(self.view.of_rows(self.view.index[key]))
        if not isinstance(key, bool) and hasattr(key, "__index__") and not getattr(key, "shape", ()):
            return self._row(operator.index(key))
        return self._pick(key)

    def _row(self, position: int) -> Row:
        return Row(self.view, self.view.index_at(position))

    def _pick(self, key: Any) -> Results:
        """Select rows by a mask or by positions, or columns by name."""
        return self.showing(picked(self.view, key))

    def head(self, n: int = 5) -> Results:
        """Return the first `n` rows; of a negative `n`, all but the last ones.

        Raises:
            TypeError: `n` is not an integer.
        """
        return self[: _whole(n, "head")]

    def tail(self, n: int = 5) -> Results:
        """Return the last `n` rows; of a negative `n`, all but the first ones.

        Raises:
            TypeError: `n` is not an integer.
        """
        count = _whole(n, "tail")
        return self[max(0, len(self) - count) if count >= 0 else -count :]

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns."""
        return len(self.view), len(self.view.columns)

    def filter(
        self, keep: Callable[[Row], Any] | Mapping[str, Any] | None = None, /, **equal: Any
    ) -> Results:
        """Return the rows for which `keep` returns a true value and whose columns equal the given values.

        ``results.filter(lambda row: row["price"] > 10)``, ``results.filter(status="failed")``.

        Args:
            keep: a function of a row; or a mapping of column names to values, for names that cannot be Python
                keyword arguments.
            equal: column name -> the value it must equal. ``status`` and ``error`` mean the row's own; a
                field of the outputs with that name is ``output.status``.

        Returns:
            A table. If it is empty, but a field with that name has the value, its ``hint`` says so.

        Raises:
            UnknownColumn: there is no such column.
            TypeError: `keep` is neither a function nor a mapping.
            Exception: any exception of `keep`, with a note that names the row.
        """
        wanted = equal
        if isinstance(keep, Mapping):
            wanted, keep = {**keep, **equal}, None
        if keep is not None and not callable(keep):
            raise TypeError(
                "filter() needs a function of a row, such as lambda row: row.ok, or column=value, "
                f"not {type(keep).__name__}"
            )
        view = self.view
        rows: Iterable[int] = view.index
        for name, value in wanted.items():
            get = view.getter(name)
            rows = [index for index in rows if same(get(index), value)]
        if keep is not None:
            rows = [index for index in rows if _asked(keep, Row(view, index))]
        found = view.of_rows(rows)
        if not len(found):
            hints = filter(None, (self._meant(name, value) for name, value in wanted.items()))
            found = replace(found, hint=" ".join(hints))
        return self.showing(found)

    def _meant(self, name: str, value: Any) -> str:
        """Return a hint for a column of the run in which `value` was not found, or ``""``."""
        if name not in RESERVED:
            return ""
        source = self.view.source
        looked = f"filter({name}={value!r}) compares the {name} of the rows"
        for step in (*source.steps_known[-1:], OUTPUT):
            if source.getter(field := f"{step}.{name}") is not None:
                example = f'filter({{"{field}": {value!r}}})'
                return f"{looked}; to compare the {name} in the outputs, write {example}"
        if name == "status" and not source.always_states and value not in STATE_NAMES:
            return f"{looked}, which is one of {', '.join(STATE_NAMES)}"
        return ""

    def sort(self, by: str | Callable[[Row], Any], reverse: bool = False) -> Results:
        """Return the rows sorted by a column, or by the value that `by` returns for a row.

        The sort is stable. Values of different kinds are sorted kind by kind: numbers, text, dates, others.
        Rows without a value (None, NaN) are last, also in reverse. A row's ``index`` remains its position in
        the input.

        Raises:
            UnknownColumn: there is no such column.
            TypeError: `by` is neither a name nor a function.
            Exception: any exception of `by`, with a note that names the row.
        """
        if not isinstance(by, str) and not callable(by):
            raise TypeError(f"sort() needs a column's name or a function of a row, not {type(by).__name__}")
        if isinstance(by, str):
            get = self.view.getter(by)
            pairs = [(get(index), index) for index in self.view.index]
        else:
            pairs = [(_asked(by, row), row.index) for row in self]
        return self.showing(self.view.of_rows(in_order(pairs, reverse)))

    @property
    def ok(self) -> Results:
        """The rows that ended ok."""
        return self.showing(self.view.in_state(OK))

    @property
    def failed(self) -> Results:
        """The rows that failed by themselves."""
        return self.showing(self.view.in_state(FAILED))

    @property
    def cancelled(self) -> Results:
        """The rows that were cancelled while they ran."""
        return self.showing(self.view.in_state(CANCELLED))

    @property
    def skipped(self) -> Results:
        """The rows that were never started."""
        return self.showing(self.view.in_state(SKIPPED))

    @property
    def errors(self) -> ItemErrors[Results]:
        """The errors of the failed rows, in order."""
        return ItemErrors(self.view.in_state(FAILED), self.showing)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows that are ``ok``, ``failed``, ``cancelled``, ``skipped``; other states if any."""
        return self.view.counts()

    # Columns

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are shown and exported."""
        return self.view.columns

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.view.source.getter(name) is not None

    @property
    def outputs(self) -> Column:
        """The whole outputs of the last nested step, one per row."""
        return Column("outputs", self.view.source.output, self.view.index)

    # Display

    def __repr__(self) -> str:
        from drawer_ipy.results.shown.table import to_text

        return to_text(self.view)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("Results(...)" if cycle else repr(self))

    def _repr_html_(self) -> str:
        from drawer_ipy.results.shown.table import to_html

        return to_html(self.view)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        makers = {"text/plain": self.__repr__, "text/html": self._repr_html_}
        wanted = [mime for mime in makers if (not include or mime in include) and mime not in (exclude or ())]
        return {mime: makers[mime]() for mime in wanted}


def _unpickled(
    cls: type[Results],
    run: RunRecord,
    loop: LoopRecord | None,
    rows: Rows | None,
    chosen: tuple[str, ...] | None,
) -> Results:
    return cls.showing(replace(cls(run, loop).view, rows=rows, chosen=chosen))


def _whole(n: Any, asked: str) -> int:
    try:
        return operator.index(n)
    except TypeError:
        raise TypeError(f"{asked}() needs a number of rows, not {type(n).__name__}") from None


def _asked(function: Callable[[Row], Any], row: Row) -> Any:
    """Call the user's function with `row`; an exception gets a note that names the row."""
    try:
        return function(row)
    except Exception as error:
        error.add_note(f"in row {row.index} ({row.status}), whose columns are {', '.join(row)}")
        raise
