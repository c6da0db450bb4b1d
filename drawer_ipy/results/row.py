"""One row of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, SKIPPED
from drawer_ipy.results.explaining import story_of
from drawer_ipy.results.shown.story import Story
from drawer_ipy.results.source import StepCell
from drawer_ipy.results.table_view import TableView


class Row(Mapping[str, Any]):
    """One item: a mapping of the table's columns to values, and the item's outcome.

    ``row[name]`` accepts the same names as ``results[name]``.
    """

    __slots__ = ("_view", "index")

    def __init__(self, view: TableView, index: int) -> None:
        self._view = view
        self.index: int = index
        """The item's position in the input, from 0 (not its position in a subset)."""

    def __getitem__(self, name: str) -> Any:
        """Return the row's value in a column.

        Raises:
            UnknownColumn: there is no such column (a KeyError).
        """
        return self._view.getter(name)(self.index)

    def __iter__(self) -> Iterator[str]:
        return iter(self._view.columns)

    def __len__(self) -> int:
        return len(self._view.columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the row's values for numpy, so that ``numpy.array(results)`` has a row for each row.

        Raises:
            ValueError: `copy` is False.
        """
        from drawer_ipy.results.export.arrays import row_array

        if copy is False:
            raise ValueError("an array of a row is always a copy of its values")
        return row_array(list(self.values()), dtype)

    @property
    def item(self) -> Any:
        """The item itself (for a run without a loop, the id of the step)."""
        return self._view.source.item(self.index)

    @property
    def status(self) -> str:
        """State: ``ok``, ``failed``, ``cancelled``, ``skipped``, ``waiting``, ``running``, ``paused``."""
        return self._view.source.status(self.index)

    @property
    def output(self) -> Any:
        """The last nested step's output; ``None`` if it did not run or failed."""
        return self._view.source.output(self.index)

    @property
    def error(self) -> ErrorInfo | None:
        """Why the item failed or was cancelled, else ``None``."""
        found = self._view.source.error(self.index)
        return None if found is None else found[1]

    @property
    def steps(self) -> dict[str, StepCell]:
        """The results of all nested steps, by id in the order of the definition, including steps not run."""
        return self._view.source.steps(self.index)

    @property
    def ok(self) -> bool:
        """Whether the item ended ok."""
        return self._state == OK

    @property
    def failed(self) -> bool:
        """Whether the item failed by itself (and was not cancelled)."""
        return self._state == FAILED

    @property
    def cancelled(self) -> bool:
        """Whether the item was cancelled while it ran."""
        return self._state == CANCELLED

    @property
    def skipped(self) -> bool:
        """Whether the item was never started."""
        return self._state == SKIPPED

    @property
    def started(self) -> float | None:
        """The start time in seconds since the epoch; ``None`` if it did not start."""
        return self._view.source.started(self.index)

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; ``None`` if it has not ended or never started."""
        return self._view.source.duration(self.index)

    def explain(self) -> Story:
        """Return the story of this item; see :meth:`Results.explain`."""
        return story_of(self._view.origin, self._view.source, self.index)

    @property
    def _state(self) -> int:
        return self._view.source.state(self.index)

    def __repr__(self) -> str:
        from drawer_ipy.results.shown.row import row_text

        return row_text(self._view, self.index)

    def _repr_html_(self) -> str:
        from drawer_ipy.results.shown.row import row_html

        return row_html(self._view, self.index)
