"""What a retry of a table presses, and the retry of a table that is on a page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from drawer_ipy.record.inner import complete
from drawer_ipy.results.origin import RetryRequest
from drawer_ipy.results.table_view import TableView

_LEFT = ("failed", "cancelled", "skipped")


class HasView(Protocol):
    """A table: :class:`~drawer_ipy.Results`."""

    view: TableView


def request_of(view: TableView, *, dependents: bool = False, quiet: bool = False) -> RetryRequest | None:
    """Return the request for the rows of `view` that did not end ok; ``None`` if all did."""
    loop = view.source.loop
    if view.rows is None or loop is None:
        return RetryRequest(None, dependents, quiet) if dependents or view.origin.unfinished() else None
    rows = frozenset(index for index in view.rows if not complete(loop, index))
    return RetryRequest({loop.path[0]: rows}, dependents, quiet) if rows or dependents else None


def left_of(view: TableView) -> dict[str, int] | None:
    """Count the rows that a retry would press, by their states; ``None`` if it would press nothing.

    It is empty if all rows are ok, but something else in the run is not: another loop, or items of a loop
    within an item. A run of another process cannot be retried.
    """
    if not view.origin.can_retry or request_of(view) is None:
        return None
    counts = view.counts()
    return {state: counts[state] for state in _LEFT if counts.get(state)}


def retry_shown(results: HasView, display: Any) -> None:
    """Retry `results` as :meth:`~drawer_ipy.Results.retry` does, shown by `display`, which the caller closes.

    If nothing is left to press, nothing happens.

    Raises:
        DrawerError: as :meth:`~drawer_ipy.Results.retry`.
    """
    wanted = request_of(results.view)
    if wanted is None:
        return
    try:
        results.view.origin.press(replace(wanted, display=display))
    finally:
        results.view = results.view.after_another_press()
