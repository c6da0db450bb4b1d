"""The texts of cells, in which filters search: case-folded, joined, and kept in bounded memory."""

from __future__ import annotations

import threading
import weakref
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, count
from sys import getsizeof
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.tables.wanted import Alive, Superseded, watched
from drawer_ipy.record.jsonable import digits
from drawer_ipy.results.source import Getter
from drawer_ipy.results.table_view import Rows, TableView
from drawer_ipy.style.preview import preview

MOST_BYTES = 128_000_000
"""Most bytes of the texts that are kept, of all tables of a kernel together."""

_PIECE = 2_000
"""Rows whose texts are joined and searched at once; other threads wait for one at most."""

FEW = 20_000
"""Up to this number of rows, each is read, without joined texts."""

_SEARCHED = 2_000
"""Most characters of an object's repr in which text is searched."""

_MANY = _PIECE // 20
_BETWEEN = "\x00"
"""Separates the texts that are joined."""

_Piece = str | list[str]
"""The texts of a column in some rows: joined, or a list if a text contains the separator."""


class _Unreadable:
    """Replaces a value that cannot be read: it equals nothing and contains no text."""

    def __repr__(self) -> str:
        return ""


UNREADABLE = _Unreadable()


def read(get: Getter, row: int) -> Any:
    """Return the value of `row`, or :data:`UNREADABLE`."""
    try:
        return get(row)
    except BaseException as error:  # reading an object of a class defined by the user may raise anything
        pass_on_interrupt(error)
        return UNREADABLE


def search_text(value: Any) -> str:
    """Return the text of `value` in which a filter searches: a string itself, or else what a cell shows.

    Lists and dicts are searched whole.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ""
    try:
        if kind is dict or kind is list:  # a preview takes ten times as long
            return str(value)
        if kind is float:
            return f"{value:.10g}"
        if kind is int:
            return digits(value)
        if kind is bool:
            return str(value)
        if isinstance(value, str):
            return str.__str__(value)
    except BaseException as error:  # the repr of an inner object failed
        pass_on_interrupt(error)
    return preview(value, _SEARCHED)


class KeptTexts:
    """How much memory the texts of all tables may take together.

    When there is no more, the table that was searched longest ago loses its texts.

    Args:
        most: the number of bytes.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._tables: weakref.WeakSet[Texts] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._moments = count(1)

    def add(self, texts: Texts) -> None:
        """Take note of a table."""
        with self._lock:
            self._tables.add(texts)

    def moment(self) -> int:
        """Return a number that is larger than all earlier ones."""
        return next(self._moments)

    def allow(self, texts: Texts, size: int) -> bool:
        """Whether `texts` may keep `size` more bytes."""
        with self._lock:
            held = sorted((table for table in self._tables if table.size), key=lambda table: table.used)
            total = sum(table.size for table in held)
            for table in held:
                if total + size > self._most and table is not texts:
                    total -= table.size
                    table.forget()
            return total + size <= self._most


class Texts:
    """The texts of one table at one moment, each made when it is first searched.

    Args:
        view: the table.
        kept: how much memory they may take.
    """

    def __init__(self, view: TableView, kept: KeptTexts) -> None:
        self._view = view
        self._kept = kept
        self._pieces: dict[tuple[str, int, int], _Piece] = {}
        self.size: int = 0
        self.used = 0
        kept.add(self)

    def forget(self) -> None:
        """Release the memory."""
        self._pieces, self.size = {}, 0

    def search(
        self, rows: Rows | Sequence[int], names: Sequence[str], text: str, alive: Alive
    ) -> Iterator[Rows]:
        """Yield the indices of those of `rows` that contain `text`, part by part and in their order.

        Args:
            rows: indices of rows in the record.
            names: the columns to search; one of them must contain the text.
            text: what to search for; case does not matter.
            alive: returns whether the rows are still wanted.

        Raises:
            Superseded: they are not.
            UnknownColumn: the table has no such column any more.
        """
        wanted = text.casefold()
        self.used = self._kept.moment()
        getters = {name: self._view.getter(name) for name in names}
        if rows != self._view.index:
            yield from self._search_some(rows, getters, wanted, alive)
            return
        for number in range(-(-len(rows) // _PIECE)):
            part = rows[number * _PIECE : (number + 1) * _PIECE]
            places: set[int] = set()
            for name, get in getters.items():
                if not alive():
                    raise Superseded
                places.update(_places(self._piece(name, number, get, part), wanted))
                if len(places) == len(part):
                    break
            if places:
                yield array("q", [part[place] for place in sorted(places)])

    def _search_some(
        self, rows: Sequence[int], getters: dict[str, Getter], wanted: str, alive: Alive
    ) -> Iterator[Rows]:
        """Search other rows than the table's, or in another order."""
        if len(rows) <= FEW:
            found = [
                row
                for row in watched(rows, alive)
                if any(wanted in search_text(read(get, row)).casefold() for get in getters.values())
            ]
            yield array("q", found)
            return
        among = bytearray(len(self._view.source))
        for part in self.search(self._view.index, tuple(getters), wanted, alive):
            for row in part:
                among[row] = 1
        yield array("q", compress(rows, map(among.__getitem__, rows)))

    def _piece(self, name: str, number: int, get: Getter, rows: Sequence[int]) -> _Piece:
        key = (name, number, len(rows))  # a table of a loop that is still running becomes longer
        found = self._pieces.get(key)
        if found is None:
            found = _join(_texts_of(_values(get, rows)))
            size = getsizeof(found) if isinstance(found, str) else sum(map(getsizeof, found))
            if self._kept.allow(self, size):
                self._pieces[key] = found
                self.size += size
        return found


def _values(get: Getter, rows: Sequence[int]) -> list[Any]:
    try:
        return list(map(get, rows))
    except BaseException as error:  # see :func:`read`
        pass_on_interrupt(error)
        return [read(get, row) for row in rows]


def _whole_numbers(values: list[int]) -> list[str]:
    try:
        return [f"{value}" for value in values]
    except ValueError:  # Python refuses to convert very large ones
        return list(map(search_text, values))


_CONVERTERS: dict[type, Callable[[list[Any]], list[str]]] = {
    str: lambda values: values,
    int: _whole_numbers,
    float: lambda values: [f"{value:.10g}" for value in values],
}
"""The common cases, which take a fraction of the time of :func:`search_text` for each value."""


def _texts_of(values: list[Any]) -> list[str]:
    kinds = set(map(type, values))
    some = [value for value in values if value is not None] if type(None) in kinds else values
    kinds.discard(type(None))
    convert = _CONVERTERS.get(kinds.pop()) if len(kinds) == 1 else None
    texts = list(map(search_text, some)) if convert is None else convert(some)
    if some is values:
        return texts
    following = iter(texts)
    return ["" if value is None else next(following) for value in values]


def _join(texts: list[str]) -> _Piece:
    joined = _BETWEEN.join(texts).casefold()
    if joined.count(_BETWEEN) == len(texts) - 1:
        return joined
    return [text.casefold() for text in texts]


def _places(piece: _Piece, wanted: str) -> Iterator[int]:
    """Yield the places of the texts that contain `wanted`."""
    if isinstance(piece, list):
        yield from (place for place, text in enumerate(piece) if wanted in text)
        return
    if _BETWEEN in wanted:  # no text contains it, or the piece would be a list
        return
    if piece.count(wanted) > _MANY:  # in this case, a search from one to the next takes longer
        yield from (place for place, text in enumerate(piece.split(_BETWEEN)) if wanted in text)
        return
    at, place, counted = piece.find(wanted), 0, 0
    while at >= 0:
        place += piece.count(_BETWEEN, counted, at)
        yield place
        counted = piece.find(_BETWEEN, at)
        if counted < 0:
            return
        at = piece.find(wanted, counted)
