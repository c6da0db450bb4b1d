"""Grids: the part of a table that fits on a screen, and its layout as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from drawer_ipy.style.preview import Cell, clean, cut, fit, make_cell, pad, text_width

HEAD = TAIL = 10
"""Rows shown from each end of a longer table."""

FIRST = 10
"""Most rows that are put before the others in a longer table, since they matter most."""

MOST_COLUMNS = 12

_LEFT_COLUMNS = 8
_HEADER = 40
_NARROWEST = 7
_GAP = Cell("…")


@dataclass(frozen=True, slots=True)
class Grid:
    """The part of a table that is shown.

    Attributes:
        headers: the column names, cleaned and shortened.
        places: the position of each row in the table, ``None`` for the gap.
        first: how many rows are put before the others, out of order.
        keys: the label to the left of each row; ``…`` for the gap.
        rows: the cells of each row, one per header.
        right: whether each column holds numbers and is aligned to the right.
        cut_rows, cut_columns: how many rows and columns are not shown.
    """

    headers: list[str]
    keys: list[str]
    rows: list[list[Cell]]
    right: list[bool]
    cut_rows: int
    cut_columns: int
    places: list[int | None]
    first: int = 0


def make_grid(
    names: Sequence[str],
    n: int,
    key: Callable[[int], object],
    fetch: Callable[[str, int], Any],
    first: Sequence[int] = (),
) -> Grid:
    """Make the grid of a table with `n` rows.

    Args:
        names: the column names.
        n: the number of rows.
        key: position of a row -> its label.
        fetch: column and position -> value; called only for cells that are shown.
        first: the positions of the rows to put before the others, if not all rows are shown.
    """
    shown: list[str | None] = list(names)
    if len(names) > MOST_COLUMNS:
        right_end = MOST_COLUMNS - _LEFT_COLUMNS
        shown = [*names[:_LEFT_COLUMNS], None, *names[len(names) - right_end :]]
    if not is_cut(n):
        first = ()
    places = [*first, *_ends(n, first)]

    def cell(name: str | None, place: int | None) -> Cell:
        if name is None or place is None:
            return _GAP
        return make_cell(lambda: fetch(name, place))

    rows = [[cell(name, place) for name in shown] for place in places]
    return Grid(
        headers=["…" if name is None else cut(clean(name), _HEADER) for name in shown],
        keys=["…" if place is None else str(key(place)) for place in places],
        rows=rows,
        right=[_numeric([row[i] for row in rows]) for i in range(len(shown))],
        cut_rows=n - sum(place is not None for place in places),
        cut_columns=max(0, len(names) - MOST_COLUMNS),
        places=places,
        first=len(first),
    )


def is_cut(n: int) -> bool:
    """Whether a table of `n` rows is too long to be shown whole."""
    return n > HEAD + TAIL


def _ends(n: int, without: Sequence[int]) -> list[int | None]:
    """The positions of the first and last of `n` rows, except those in `without`; ``None`` is a gap."""
    apart = frozenset(without)
    if n - len(apart) <= HEAD + TAIL:
        return [place for place in range(n) if place not in apart]
    head = islice((place for place in range(n) if place not in apart), HEAD)
    tail = islice((place for place in reversed(range(n)) if place not in apart), TAIL)
    return [*head, None, *reversed([*tail])]


def _numeric(cells: list[Cell]) -> bool:
    kinds = {cell.kind for cell in cells if cell is not _GAP} - {"none"}
    return kinds == {"num"}


def grid_text(grid: Grid, width: int) -> tuple[list[str], int]:
    """Format the grid as lines of aligned text, at most `width` wide.

    Returns:
        The lines, and how many columns did not fit.
    """
    key_width = max([text_width(key) for key in grid.keys], default=0)
    natural = [
        max([text_width(header), *(text_width(row[i].text) for row in grid.rows)])
        for i, header in enumerate(grid.headers)
    ]
    columns, widths = _share(natural, width - key_width)
    out = [
        _line(
            " " * key_width, ["…" if i is None else grid.headers[i] for i in columns], columns, widths, grid
        )
    ]
    rule = "─" * (key_width + sum(widths) + 2 * len(widths))
    out.append(rule)
    for number, (key, row) in enumerate(zip(grid.keys, grid.rows, strict=True), 1):
        texts = ["…" if i is None else row[i].text for i in columns]
        out.append(_line(pad(key, key_width, right=True), texts, columns, widths, grid))
        if number == grid.first:
            out.append(rule)
    lost = sum(i not in columns and header != "…" for i, header in enumerate(grid.headers))
    return out, lost


def _line(key: str, texts: list[str], columns: list[int | None], widths: list[int], grid: Grid) -> str:
    cells = [
        pad(fit(text, wide), wide, right=i is not None and grid.right[i])
        for text, i, wide in zip(texts, columns, widths, strict=True)
    ]
    return "  ".join([key, *cells]).rstrip()


def _share(natural: list[int], room: int) -> tuple[list[int | None], list[int]]:
    """The columns that fit (``None`` is a gap) and their widths, with two spaces before each column."""
    columns: list[int | None] = list(range(len(natural)))
    widths = list(natural)
    dropped = False
    while columns:
        spare = room - 2 * len(columns)
        least = sum(min(wide, _NARROWEST) for wide in widths)
        if least <= spare or len(columns) - dropped <= 1:
            return columns, _shrink(widths, max(1, spare))
        # Drop columns from the middle outwards: the item is on the left, its status and error on the right.
        middle = len(columns) // 2
        if not dropped:
            columns[middle], widths[middle], dropped = None, 1, True
        else:
            gap = columns.index(None)
            out = gap - 1 if gap >= len(columns) - gap else gap + 1
            del columns[out], widths[out]
    return columns, widths


def _shrink(widths: list[int], room: int) -> list[int]:
    """Reduce the largest of `widths` evenly until they fit into `room`."""
    if sum(widths) <= room:
        return widths
    left, out = room, [0] * len(widths)
    for rank, i in enumerate(sorted(range(len(widths)), key=widths.__getitem__)):
        out[i] = max(1, min(widths[i], left // (len(widths) - rank)))
        left -= out[i]
    return out
