"""Answers to what a page asks about a table; independent of how questions and answers travel."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from drawer_ipy.display.tables.columns import distinct, type_words
from drawer_ipy.display.tables.images import Image, image_of, thumbnail
from drawer_ipy.display.tables.orders import Orders
from drawer_ipy.display.tables.query import BadRequest, Query, column_at, row_at
from drawer_ipy.display.tables.texts import KeptTexts, Texts
from drawer_ipy.display.tables.values import (
    DEEPEST,
    IMAGE,
    MOST_TEXT,
    cell,
    children,
    value_at,
    whole,
)
from drawer_ipy.display.tables.wanted import Alive
from drawer_ipy.results.explaining import story_of
from drawer_ipy.results.export.batches import is_on_disk
from drawer_ipy.results.retrying import left_of
from drawer_ipy.results.shown.story import story_parts
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.preview import clean, cut

MOST_ROWS = 200
"""Most rows in one answer."""

MOST_COLUMNS = 60
"""Most columns in one answer."""

CELL = 300
"""Most characters of a cell."""

_SHORTEST = 24
_CELLS = 400_000
"""Most characters of all cells in one answer."""

_VALUE = 4_000
"""Most characters of a value in an opened row."""

_THUMBNAILS = 40
_THUMBNAIL_BYTES = 1_500_000
"""Most thumbnails in one answer, and most bytes of them together."""

_SAMPLED = 200
"""Rows whose values decide on the types of columns that are on disk."""

_KEPT_THUMBNAILS = 300


@dataclass(slots=True)
class TableAnswer:
    """The answer to one question: JSON values, and the bytes of images."""

    content: dict[str, Any]
    buffers: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table at one moment.

    Attributes:
        view: its rows and columns.
        names: the names of its columns in the order of the page.
        moment: a text that differs after another press, or after rows have been added or have ended.
        texts: the texts of its cells.
    """

    view: TableView
    names: tuple[str, ...]
    moment: str
    texts: Texts

    @property
    def version(self) -> str:
        """A text that differs after the table has changed, its columns included."""
        return f"{self.moment}/{len(self.names)}"


class Answers:
    """Answers the questions of pages about one table.

    A question is a mapping with ``ask``, the name of the question, and its arguments: ``open``, ``rows``,
    ``types``, ``values``, ``row``, ``children``, ``whole`` and ``image``. A row is named by its index in the
    record, a column by its position.

    Args:
        view: returns the table's current rows and columns.
        may_retry: whether the page can press again what did not end ok.
        kept: how much memory the texts of cells may take, in which filters search.
    """

    def __init__(
        self, view: Callable[[], TableView], *, may_retry: bool = False, kept: KeptTexts | None = None
    ) -> None:
        self._view = view
        self._kept = kept or KeptTexts()
        self._may_retry = may_retry
        self._known: _Table | None = None
        self._orders = Orders()
        self._thumbnails: OrderedDict[tuple[Any, int, str], Image | None] = OrderedDict()
        # Questions may be answered on several threads.
        self._lock = threading.Lock()

    def is_quick(self, question: Mapping[str, Any]) -> bool:
        """Whether the answer needs no calculation that grows with the number of rows."""
        ask = question.get("ask")
        if ask == "types" or ask == "values":
            return False
        if ask != "rows":
            return True
        try:
            table = self._table()
            query = self._query(table, question)
        except BadRequest:
            return True
        return self._orders.knows(table.version, query)

    def answer(self, question: Mapping[str, Any], alive: Alive = lambda: True) -> TableAnswer:
        """Answer one question.

        Args:
            alive: returns whether the answer is still wanted; called from time to time.

        Raises:
            BadRequest: the question is about something that does not exist.
            Superseded: the answer is not wanted any more.
        """
        table = self._table()
        answers: dict[Any, Callable[[], TableAnswer]] = {
            "open": lambda: self._open(table, question),
            "rows": lambda: self._rows(table, question, alive),
            "types": lambda: self._types(table, alive),
            "values": lambda: self._values(table, question, alive),
            "row": lambda: self._row(table, question),
            "children": lambda: self._children(table, question),
            "whole": lambda: self._whole(table, question),
            "image": lambda: self._image(table, question),
        }
        found = answers.get(question.get("ask"))
        if found is None:
            raise BadRequest("unknown question")
        answered = found()
        answered.content["version"] = table.version
        return answered

    # The table

    def _table(self) -> _Table:
        """The table now. Its columns are looked up once for each version, since that may read every row."""
        view = self._view()
        counts = ",".join(map(str, view.source.counts(None)))
        moment = f"{len(view.origin.earlier)}/{counts}"
        known = self._known
        if known is not None and known.view is view and known.moment == moment:
            return known
        self._known = table = _Table(view, columns_of(view), moment, Texts(view, self._kept))
        return table

    def _open(self, table: _Table, question: Mapping[str, Any]) -> TableAnswer:
        """Describe the table, and send its first rows, which saves a page the time of another question."""
        view = table.view
        first = self._rows(table, {**question, "query": {}}, lambda: True)
        head = {
            "total": len(view),
            "counts": {state: n for state, n in view.counts().items() if n},
            "columns": [cut(clean(name), 200) for name in table.names],
            "drawer": cut(clean(view.run.drawer or "drawer"), 80),
            "first": first.content,
            "retry": left_of(view) if self._may_retry else None,
        }
        return TableAnswer(head, first.buffers)

    def _types(self, table: _Table, alive: Alive) -> TableAnswer:
        return TableAnswer({"types": [self._type(table.view, name, alive) for name in table.names]})

    def _type(self, view: TableView, name: str, alive: Alive) -> str:
        """The types in a column; of a whole table they are determined once, however often it is shown."""
        loop = view.source.loop if view.is_whole else None

        def find() -> str:
            index, note = view.index, ""
            if is_on_disk(view) and len(index) > _SAMPLED:  # the whole column may be larger than the memory
                index, note = index[:_SAMPLED], f" (first {_SAMPLED} rows)"
            return type_words(view.getter(name), index, alive) + note

        return find() if loop is None else loop.once_ended(("types", name), find)

    def _values(self, table: _Table, question: Mapping[str, Any], alive: Alive) -> TableAnswer:
        name = column_at(question.get("column"), table.names)
        return TableAnswer(distinct(table.view.getter(name), table.view.index, alive))

    def _query(self, table: _Table, question: Mapping[str, Any]) -> Query:
        return Query.parse(question.get("query", {}), table.names, len(table.view.source))

    def _rows(self, table: _Table, question: Mapping[str, Any], alive: Alive) -> TableAnswer:
        view, names = table.view, table.names
        wanted = question.get("rows")
        enough = _span(wanted, 2**53, MOST_ROWS)[1] if question.get("soon") else None
        found = self._orders.find(
            view, table.version, self._query(table, question), table.texts, alive, enough
        )
        rows = found.rows
        begin, end = _span(wanted, len(rows), MOST_ROWS)
        left, right = _span(question.get("columns"), len(names), MOST_COLUMNS)
        getters = [(name, view.getter(name)) for name in names[left:right]]
        limit = max(_SHORTEST, min(CELL, _CELLS // max(1, (end - begin) * len(getters))))
        gathered = _Thumbnails(self, table.version)
        shown = []
        for row in rows[begin:end]:
            cells = [
                gathered.with_picture(cell(partial(get, row), limit), row, name, get) for name, get in getters
            ]
            shown.append([row, view.source.state(row), cells])
        content = {"count": len(rows), "from": begin, "left": left, "width": right - left, "rows": shown}
        if not found.is_whole:
            content["partial"] = True
        return TableAnswer(content, gathered.buffers)

    # One row, one value

    def _row(self, table: _Table, question: Mapping[str, Any]) -> TableAnswer:
        view = table.view
        row = row_at(question.get("row"), len(view.source))
        names = table.names[: _CELLS // _VALUE * 2]
        limit = max(_SHORTEST, min(_VALUE, _CELLS // max(1, len(names))))
        cells = [cell(partial(view.getter(name), row), limit, lines=True) for name in names]
        parts = [
            {"heading": part.heading, "state": part.state, "facts": part.facts, "texts": part.texts}
            for part in story_parts(story_of(view.origin, view.source, row))
        ]
        return TableAnswer({"row": row, "state": view.source.state(row), "cells": cells, "story": parts})

    def _found(self, table: _Table, question: Mapping[str, Any]) -> Any:
        """The value at a row, a column and a path into it."""
        name = column_at(question.get("column"), table.names)
        row = row_at(question.get("row"), len(table.view.source))
        path = question.get("path") or []
        if not isinstance(path, list) or len(path) > DEEPEST or not all(_is_place(place) for place in path):
            raise BadRequest("there is no such value")
        try:
            return value_at(table.view.getter(name)(row), path)
        except Exception as error:  # a value that cannot be read, or has changed
            raise BadRequest(f"the value cannot be read: {type(error).__name__}") from error

    def _children(self, table: _Table, question: Mapping[str, Any]) -> TableAnswer:
        start = question.get("start") or 0
        if not _is_place(start):
            raise BadRequest("there is no such value")
        return TableAnswer(children(self._found(table, question), start, CELL))

    def _whole(self, table: _Table, question: Mapping[str, Any]) -> TableAnswer:
        text = whole(self._found(table, question))
        # A page cannot encode half of a surrogate pair, and a kernel cannot send it.
        sendable = text.encode("utf-8", "replace").decode() if not _can_be_sent(text) else text
        return TableAnswer({"text": sendable[:MOST_TEXT], "characters": len(text), "exact": sendable is text})

    def _image(self, table: _Table, question: Mapping[str, Any]) -> TableAnswer:
        image = image_of(self._found(table, question))
        if image is None or not image.can_be_sent:
            raise BadRequest("this image cannot be shown")
        return TableAnswer({"mime": image.mime, "words": image.words}, [image.data])

    def small_picture(self, version: str, row: int, name: str, fetch: Callable[[], Any]) -> Image | None:
        """Return the thumbnail of a cell; thumbnails are kept, since drawing one takes time."""
        key = (version, row, name)
        if key in self._thumbnails:
            return self._thumbnails[key]
        image = image_of(fetch())
        small = None if image is None else thumbnail(image)
        with self._lock:
            self._thumbnails[key] = small
            while len(self._thumbnails) > _KEPT_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return small


class _Thumbnails:
    """The thumbnails of one answer."""

    def __init__(self, answers: Answers, version: str) -> None:
        self._answers, self._version = answers, version
        self._left = _THUMBNAIL_BYTES
        self.buffers: list[bytes] = []

    def with_picture(self, shown: Any, row: int, name: str, get: Callable[[int], Any]) -> Any:
        """Return the cell `shown`, with its media type and the number of its buffer if it has a picture."""
        if shown[:1] != [IMAGE] or len(self.buffers) >= _THUMBNAILS:
            return shown
        small = self._answers.small_picture(self._version, row, name, partial(get, row))
        if small is None or len(small.data) > self._left:
            return shown
        self._left -= len(small.data)
        self.buffers.append(small.data)
        return [*shown, small.mime, len(self.buffers) - 1]


def columns_of(view: TableView) -> tuple[str, ...]:
    """Return the table's columns in the order of the page: the status and the error come first."""
    first = ("status", "error")
    return tuple(sorted(view.columns, key=lambda name: first.index(name) if name in first else len(first)))


def _span(wanted: Any, total: int, most: int) -> tuple[int, int]:
    if not (isinstance(wanted, list) and len(wanted) == 2 and all(map(_is_place, wanted))):
        raise BadRequest("expected two positions")
    begin = min(wanted[0], total)
    return begin, max(begin, min(wanted[1], total, begin + most))


def _is_place(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _can_be_sent(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
