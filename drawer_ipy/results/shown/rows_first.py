"""The rows that a shortened table shows before the others, so that failures are never hidden."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from drawer_ipy.record.loop import CANCELLED, FAILED, STATE_NAMES
from drawer_ipy.results.shown.grid import FIRST, is_cut
from drawer_ipy.results.table_view import TableView

_FIRST_STATES = (FAILED, CANCELLED)


def rows_first(view: TableView) -> tuple[list[int], str]:
    """The positions of the failed and cancelled rows to show first, and a line that describes them.

    At most :data:`~drawer_ipy.results.shown.grid.FIRST` rows, failed ones before cancelled ones, each in the
    order of the table. An empty list and ``""`` if the whole table is shown, or if all its rows have the same
    status.
    """
    counts = view.source.counts(view.rows)
    if not is_cut(len(view)) or max(counts) == len(view):
        return [], ""
    places: list[int] = []
    words = []
    for state in _FIRST_STATES:
        found = _places(view, state, FIRST - len(places)) if counts[state] else []
        if found:
            n, of = len(found), counts[state]
            words.append(
                f"{n:,} {STATE_NAMES[state]}" if n == of else f"{n:,} of {of:,} {STATE_NAMES[state]}"
            )
            places += found
    if not words:
        return [], ""
    word = "row" if counts[FAILED] + counts[CANCELLED] == 1 else "rows"
    return places, f"{' and '.join(words)} {word} first"


def hidden_failures(view: TableView, shown: Sequence[int | None]) -> int:
    """How many failed rows are not at one of the positions `shown`."""
    failed = view.source.counts(view.rows)[FAILED]
    if not failed:
        return 0
    index = view.index
    return failed - sum(place is not None and view.source.state(index[place]) == FAILED for place in shown)


def _places(view: TableView, state: int, most: int) -> list[int]:
    """The positions of the first `most` rows in `state`."""
    if view.is_whole:  # a row's position is its index
        return list(islice(view.source.where(state, None), most))
    state_at = view.source.state
    return list(islice((place for place, row in enumerate(view.index) if state_at(row) == state), most))
