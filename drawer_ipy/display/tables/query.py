"""What a page asks a table to show: which rows, in which order."""

from __future__ import annotations

import contextlib
import datetime as dt
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.sameness import same
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.tables.texts import UNREADABLE, KeptTexts, Texts, read, search_text
from drawer_ipy.display.tables.wanted import Alive, Superseded, watched
from drawer_ipy.record.loop import STATE_NAMES
from drawer_ipy.results.ordering import in_order
from drawer_ipy.results.source import Getter
from drawer_ipy.results.table_view import Rows, TableView

_RUN = 20_000
"""Rows that are sorted at once. A sort in C does not let other threads run."""

_LONGEST = 1_000
"""Most characters of a text to search for."""

OPERATORS = ("contains", "is", "=", "<", "<=", ">", ">=", "missing", "present")


class BadRequest(Exception):
    """A page asked for something that does not exist."""


@dataclass(frozen=True, slots=True)
class ColumnCondition:
    """One condition for the values of a column.

    Attributes:
        column: the column's name.
        operator: one of :data:`OPERATORS`.
        text: what values are compared with.
        row: for ``is``, the index in the record of the row whose value is wanted.
    """

    column: str
    operator: str
    text: str = ""
    row: int = -1


@dataclass(frozen=True, slots=True)
class Query:
    """The rows to show, and their order.

    Attributes:
        text: text that one of the visible columns must contain; case does not matter.
        states: names of the states to show; empty for all.
        conditions: all of them must hold.
        sort: the column by which the rows are sorted; ``None`` keeps the table's order.
        reverse: whether the largest values come first.
    """

    text: str = ""
    states: frozenset[str] = frozenset()
    conditions: tuple[ColumnCondition, ...] = ()
    sort: str | None = None
    reverse: bool = False

    @classmethod
    def parse(cls, data: Any, columns: Sequence[str], rows: int) -> Query:
        """Read the query that a page has sent.

        Args:
            data: a mapping of the attributes; columns are positions in `columns`.
            columns: the table's columns.
            rows: the number of rows in the record.

        Raises:
            BadRequest: `data` is not a query of this table.
        """
        if not isinstance(data, Mapping):
            raise BadRequest("a query must be a mapping")
        states = frozenset(map(str, _list(data.get("states"))))
        if not states <= frozenset(STATE_NAMES):
            raise BadRequest("unknown state")
        sort = data.get("sort")
        return cls(
            str(data.get("text") or "")[:_LONGEST],
            states,
            tuple(_condition(one, columns, rows) for one in _list(data.get("conditions"))),
            None if sort is None else column_at(sort, columns),
            bool(data.get("reverse")),
        )

    @property
    def key(self) -> Query:
        """The query without its text, which tells whether two queries differ in anything else."""
        return replace(self, text="")

    @property
    def is_plain(self) -> bool:
        """Whether all rows are shown in the table's own order."""
        return not (self.text or self.states or self.conditions or self.sort is not None)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 100:
        raise BadRequest("expected a short list")
    return value


def column_at(position: Any, columns: Sequence[str]) -> str:
    """Return the name of the column at `position`.

    Raises:
        BadRequest: there is no such column.
    """
    if type(position) is not int or not 0 <= position < len(columns):
        raise BadRequest("there is no such column")
    return columns[position]


def row_at(row: Any, rows: int) -> int:
    """Return `row`, an index in a record of `rows` rows.

    Raises:
        BadRequest: there is no such row.
    """
    if type(row) is not int or not 0 <= row < rows:
        raise BadRequest("there is no such row")
    return row


def _condition(data: Any, columns: Sequence[str], rows: int) -> ColumnCondition:
    if not isinstance(data, Mapping) or data.get("operator") not in OPERATORS:
        raise BadRequest("unknown condition")
    operator, row = data["operator"], -1
    if operator == "is":
        row = row_at(data.get("row"), rows)
    text = str(data.get("text") or "")[:_LONGEST]
    return ColumnCondition(column_at(data.get("column"), columns), operator, text, row)


def rows_of(view: TableView, query: Query, alive: Alive, texts: Texts | None = None) -> Rows:
    """Return the indices in the record of the rows that `query` asks for, in its order.

    It may take seconds for a million rows, and lets other threads run meanwhile.

    Args:
        alive: returns whether the rows are still wanted.
        texts: the texts of `view`, if they are kept.

    Raises:
        Superseded: they are not.
        UnknownColumn: the table has no such column any more.
    """
    texts = texts or Texts(view, KeptTexts(0))
    rows = joined(parts_of(view, query, alive, texts))
    return rows if query.sort is None else in_order_of(view, rows, query, alive)


def parts_of(view: TableView, query: Query, alive: Alive, texts: Texts) -> Iterator[Rows]:
    """Yield the rows that `query` asks for part by part, as they are found, and not sorted.

    Raises:
        Superseded: they are not wanted any more.
        UnknownColumn: the table has no such column any more.
    """
    rows = view.index
    if query.states:
        rows = _in_states(view, query.states, alive)
    for condition in query.conditions:
        rows = joined(_that_hold(view, rows, condition, alive, texts))
    if query.text:
        yield from texts.search(rows, view.columns, query.text, alive)
    else:
        yield rows


def joined(parts: Iterable[Rows]) -> Rows:
    """Return the rows of all `parts`."""
    several = list(parts)
    if len(several) == 1:
        return several[0]
    rows = array("q")
    for part in several:
        rows.extend(part)
    return rows


def in_order_of(view: TableView, rows: Rows, query: Query, alive: Alive) -> Rows:
    """Return `rows`, sorted as `query` asks for.

    Raises:
        Superseded: they are not wanted any more.
        UnknownColumn: the table has no such column any more.
    """
    assert query.sort is not None
    get = view.getter(query.sort)
    pairs = ((read(get, row), row) for row in watched(rows, alive))
    return array("q", in_order(pairs, query.reverse, _Sort(alive)))


def _that_hold(
    view: TableView, rows: Rows, condition: ColumnCondition, alive: Alive, texts: Texts
) -> Iterator[Rows]:
    if condition.operator == "contains" and condition.text:
        yield from texts.search(rows, (condition.column,), condition.text, alive)
        return
    get = view.getter(condition.column)
    holds = test_of(condition, get)
    yield array("q", [row for row in watched(rows, alive) if holds(read(get, row))])


def _in_states(view: TableView, states: Collection[str], alive: Alive) -> Rows:
    wanted = [number for number, name in enumerate(STATE_NAMES) if name in states]
    if len(wanted) == 1:
        return view.in_state(wanted[0]).index
    of = view.source.state
    return array("q", [row for row in watched(view.index, alive) if of(row) in wanted])


class _Sort:
    """Sorts as :func:`sorted` does, in steps of which each takes a tenth of a second at most.

    One sort of a million values in C would stop all other threads for more than a second. Short runs are
    sorted and then merged in pairs; Python's sort merges two sorted runs in linear time.
    """

    def __init__(self, alive: Alive) -> None:
        self._alive = alive

    def __call__(self, items: list[Any], *, key: Callable[[Any], Any], reverse: bool) -> list[Any]:
        runs = [
            self._sorted(items[at : at + _RUN], key=key, reverse=reverse) for at in range(0, len(items), _RUN)
        ]
        while len(runs) > 1:
            pairs = [runs[at : at + 2] for at in range(0, len(runs), 2)]
            runs = [
                self._sorted(pair[0] + pair[1], key=key, reverse=reverse) if len(pair) == 2 else pair[0]
                for pair in pairs
            ]
        return runs[0] if runs else []

    def _sorted(self, items: list[Any], *, key: Callable[[Any], Any], reverse: bool) -> list[Any]:
        if not self._alive():
            raise Superseded
        return sorted(items, key=key, reverse=reverse)


# Conditions


def test_of(condition: ColumnCondition, get: Getter) -> Callable[[Any], bool]:
    """Return the test of a value that `condition` describes; the test never raises.

    Args:
        get: the getter of the condition's column.
    """
    operator, text = condition.operator, condition.text
    if operator == "is":
        wanted = read(get, condition.row)
        return lambda value: value is not UNREADABLE and same(value, wanted)
    if operator == "missing":
        return _is_none
    if operator == "present":
        return lambda value: not _is_none(value)
    if operator == "contains":
        part = text.casefold()
        return lambda value: part in search_text(value).casefold()
    return _comparison(operator, text)


test_of.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


def _is_none(value: Any) -> bool:
    try:
        return is_missing(value)
    except BaseException as error:
        pass_on_interrupt(error)
        return False


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _comparison(operator: str, text: str) -> Callable[[Any], bool]:
    """Compare each value with what `text` means among values of its kind; other values do not match."""
    compare, meanings = _COMPARISONS[operator], tuple(_meanings(operator, text))

    def holds(value: Any) -> bool:
        try:
            if is_missing(value):
                return False
            return any(bool(compare(value, wanted)) for kind, wanted in meanings if kind(value))
        except BaseException as error:  # values that cannot be compared, or whose comparison fails
            pass_on_interrupt(error)
            return False

    return holds


def _meanings(operator: str, text: str) -> Iterator[tuple[Callable[[Any], bool], Any]]:
    """Yield a test of kind and the value of `text` in that kind."""
    plain = text.strip()
    number = _number(plain)
    # As texts, "9" is larger than "10", so a number is compared with texts only for equality.
    if number is None or operator == "=":
        yield (lambda value: isinstance(value, str)), text
    if number is not None:
        yield _is_number, number
    if plain.lower() in ("true", "false"):
        yield (lambda value: type(value).__name__ in ("bool", "bool_")), plain.lower() == "true"
    with contextlib.suppress(ValueError):
        moment = dt.datetime.fromisoformat(plain)
        yield (lambda value: isinstance(value, dt.datetime)), moment
        if moment == dt.datetime.combine(moment, dt.time()):
            yield _is_day, moment.date()


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return None


def _is_day(value: Any) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bool | dt.date) and hasattr(value, "__float__")
