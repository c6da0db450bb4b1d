"""The ordered table that a run gives."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import compress
from typing import Any, Protocol, SupportsIndex, overload

from drawer_ipy.record.loop import CANCELLED, FAILED, OK, SKIPPED, STATE_NAMES, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.column import Column
from drawer_ipy.results.export.exports import Exports
from drawer_ipy.results.item_errors import ItemErrors
from drawer_ipy.results.of_run import OfRun
from drawer_ipy.results.ordering import in_order, same
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.row import Row
from drawer_ipy.results.source import OUTPUT, RESERVED
from drawer_ipy.results.table_view import Rows, TableView


class HasToList(Protocol):
    """A numpy array or a pandas series, as a mask."""

    def tolist(self) -> Any: ...


class Results(OfRun, Exports):
    """The items of a loop in the order of the input, one row each; without a loop, one row a step.

    ``results[3]`` is item 3, whatever finished first. ``results["title"]`` is a column, ``results[2:5]``,
    ``results[mask]`` and ``results[[0, 7]]`` are tables of some rows, ``results[["u", "title"]]`` one of
    some columns. All of them are views: nothing is copied, and a table of a run that goes on shows what
    has happened so far. A table is true when it has rows, and equal only to itself.

    The columns are the loop variable and the last nested step's output, spread over one column a key
    where the outputs are mappings. Any nested step's outputs are a column by the step's id. ``status``
    and ``error`` can always be asked for and are shown when not all rows are ok.

    Args:
        run: the record of the run, or what tables of it share.
        loop: the loop whose items are the rows; ``None`` for one row a step.
    """

    __slots__ = ()

    def __init__(self, run: RunRecord | Origin, loop: LoopRecord | None = None) -> None:
        origin = run if isinstance(run, Origin) else Origin(run)
        self.view = TableView(origin, origin.source(loop))

    @classmethod
    def of(cls, run: RunRecord | Origin) -> Results:
        """The table of the run's last top-level ``for_each``, else of its steps."""
        origin = run if isinstance(run, Origin) else Origin(run)
        return cls(origin, origin.last_loop())

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds what the tables show, and nothing of what can press the run again."""
        view = self.view
        return _unpickled, (type(self), self.run, view.source.loop, view.rows, view.chosen)

    @property
    def hint(self) -> str:
        """What a question that found nothing may have meant; shown with the table."""
        return self.view.hint

    # Rows

    def __len__(self) -> int:
        return len(self.view)

    def __iter__(self) -> Iterator[Row]:
        view = self.view
        return (Row(view, index) for index in view.index)

    @overload
    def __getitem__(self, key: SupportsIndex) -> Row: ...
    @overload
    def __getitem__(self, key: str) -> Column: ...
    @overload
    def __getitem__(self, key: slice | list[Any] | tuple[Any, ...] | Column | HasToList) -> Results: ...
    def __getitem__(self, key: Any) -> Any:
        """A row, a column or a smaller table.

        Raises:
            IndexError: no such row, or a mask of another length.
            UnknownColumn: no such column (a KeyError).
            TypeError: something that is none of these.
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
        """Rows by a mask or by positions, or columns by name."""
        if hasattr(key, "tolist"):  # numpy, pandas, array, Column: Python's own bools and ints
            key = key.tolist()
        elif hasattr(key, "to_list"):  # polars
            key = key.to_list()
        if not isinstance(key, list | tuple):
            raise TypeError(
                "a table takes a position, a slice, a column name, a list of names, a mask or a list of "
                f"positions, not {type(key).__name__}"
            )
        view = self.view
        if key and all(isinstance(name, str) for name in key):
            return self.showing(view.of_columns(key))
        if key and all(isinstance(flag, bool) for flag in key):
            if len(key) != len(view):
                raise IndexError(f"a mask of {len(key)} for a table of {len(view)} rows")
            return self.showing(view.of_rows(compress(view.index, key)))
        if any(isinstance(k, bool | str) or not hasattr(k, "__index__") for k in key):
            raise TypeError("a list of rows or columns is all bools, all positions or all names")
        return self.showing(view.of_rows(view.index_at(operator.index(k)) for k in key))

    def filter(
        self, keep: Callable[[Row], Any] | Mapping[str, Any] | None = None, /, **equal: Any
    ) -> Results:
        """The rows for which `keep` says something true and whose columns equal the values given.

        ``results.filter(lambda row: row["price"] > 10)``, ``results.filter(status="failed")``.

        Args:
            keep: what is asked about each row; or a mapping of column names to values, for names that
                Python takes for no keyword.
            equal: column name -> the value it must equal. ``status`` and ``error`` are the row's own; a field
                of the outputs that is called so is ``output.status``.

        Returns:
            A table; where nothing was found although a field of that name has it, its ``hint`` says so.

        Raises:
            UnknownColumn: no such column.
            TypeError: `keep` is neither.
        """
        wanted = equal
        if isinstance(keep, Mapping):
            wanted, keep = {**keep, **equal}, None
        if keep is not None and not callable(keep):
            raise TypeError(
                "filter() takes a function of a row, such as lambda row: row.ok, or column=value, "
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
        """What to say of a column of the run in which `value` was looked for in vain; ``""`` for nothing."""
        if name not in RESERVED:
            return ""
        source = self.view.source
        looked = f"filter({name}={value!r}) looked at the {name} of the rows"
        for step in (*source.steps_known[-1:], OUTPUT):
            if source.getter(field := f"{step}.{name}") is not None:
                told = f'filter({{"{field}": {value!r}}})'
                return f"{looked}; the outputs have a {name} of their own: {told}"
        if name == "status" and not source.always_states and value not in STATE_NAMES:
            return f"{looked}, which is one of {', '.join(STATE_NAMES)}"
        return ""

    def sort(self, by: str | Callable[[Row], Any], reverse: bool = False) -> Results:
        """The rows ordered by a column or by what `by` returns for a row.

        Equal rows keep their order. Values of different kinds are ordered kind by kind: numbers, text,
        dates, the rest; rows without a value (None, NaN) are last, also in reverse. A row's ``index``
        stays its place in the input.

        Raises:
            UnknownColumn: no such column.
            TypeError: `by` is neither.
        """
        if not isinstance(by, str) and not callable(by):
            raise TypeError(f"sort() takes a column's name or a function of a row, not {type(by).__name__}")
        if isinstance(by, str):
            get = self.view.getter(by)
            pairs = [(get(index), index) for index in self.view.index]
        else:
            pairs = [(_asked(by, row), row.index) for row in self]
        return self.showing(self.view.of_rows(in_order(pairs, reverse)))

    @property
    def ok(self) -> Results:
        """The rows that ended well."""
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
        """Why rows failed, in order."""
        return ItemErrors(self.view.in_state(FAILED), self.showing)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are ``ok``, ``failed``, ``cancelled``, ``skipped``; ``waiting`` and so on if any."""
        return self.view.counts()

    # Columns

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns shown and exported."""
        return self.view.columns

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.view.source.getter(name) is not None

    @property
    def outputs(self) -> Column:
        """The last nested step's whole output, one a row."""
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


def _asked(function: Callable[[Row], Any], row: Row) -> Any:
    """What the user's function says of `row`; its exception says of which row."""
    try:
        return function(row)
    except Exception as error:
        error.add_note(f"in row {row.index} ({row.status}); its columns are {', '.join(row)}")
        raise
