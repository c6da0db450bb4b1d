"""The rows that queries have found in a table, of which a few are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import perf_counter

from drawer_ipy.display.tables.query import Query, in_order_of, joined, parts_of
from drawer_ipy.display.tables.texts import FEW, Texts
from drawer_ipy.display.tables.wanted import Alive
from drawer_ipy.results.table_view import Rows, TableView

_KEPT = 4
"""Orders of rows that are kept; one of a million rows takes 8 MB."""

_SOON, _LATER = 0.1, 0.5
"""Seconds after which the rows found so far are shown: if they fill the page, and if there are fewer."""


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Rows for a query.

    Attributes:
        rows: their indices in the record, in the order of the query.
        is_whole: whether they are all rows; if not, the search has only begun.
    """

    rows: Rows
    is_whole: bool = True


class Orders:
    """Finds the rows for queries. Rows found for one query help to find those for a similar one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Query], Rows] = OrderedDict()
        # Queries may be answered on several threads.
        self._lock = threading.Lock()

    def knows(self, version: str, query: Query) -> bool:
        """Whether the rows for `query` are known without a search."""
        return query.is_plain or (version, query) in self._kept

    def find(
        self,
        view: TableView,
        version: str,
        query: Query,
        texts: Texts,
        alive: Alive,
        enough: int | None = None,
    ) -> FoundRows:
        """Return the rows of `view` for `query`.

        Args:
            version: a text that differs after the table has changed.
            texts: the texts of `view`.
            alive: returns whether the rows are still wanted; called from time to time.
            enough: the number of rows that fill a page, if a long search may end with the first rows for now.

        Raises:
            Superseded: the rows are not wanted any more.
            UnknownColumn: the table has no such column any more.
        """
        if query.is_plain:
            return FoundRows(view.index)
        with self._lock:
            known = self._kept.get((version, query))
            if known is not None:
                self._kept.move_to_end((version, query))
                return FoundRows(known)
        began = perf_counter()
        earlier = self._earlier(version, query)
        if earlier is None or (query.key.is_plain and len(earlier) > FEW):
            search, is_sorted = parts_of(view, query, alive, texts), query.sort is None
        else:
            search, is_sorted = texts.search(earlier, view.columns, query.text, alive), True
        parts, number = [], 0
        for part in search:
            parts.append(part)
            number += len(part)
            if enough is None or not number or not is_sorted:
                continue
            if perf_counter() - began > (_SOON if number >= enough else _LATER):
                return FoundRows(joined(parts), is_whole=False)
        rows = joined(parts)
        if not is_sorted:
            rows = in_order_of(view, rows, query, alive)
        self._keep((version, query), rows)
        return FoundRows(rows)

    def _earlier(self, version: str, query: Query) -> Rows | None:
        """Return the fewest rows that are kept and include those for `query`, in its order."""
        text = query.text.casefold()

        def includes(other_version: str, other: Query) -> bool:
            return other_version == version and other.key == query.key and other.text.casefold() in text

        with self._lock:
            kept = [rows for key, rows in self._kept.items() if text and includes(*key)]
        return min(kept, key=len, default=None)

    def _keep(self, key: tuple[str, Query], rows: Rows) -> None:
        with self._lock:
            self._kept[key] = rows
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
