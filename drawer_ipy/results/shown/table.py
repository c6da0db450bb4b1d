"""Results as static HTML and as text: short, safe with any data, and complete without a script.

The colours are readable on light and dark backgrounds (see :mod:`~drawer_ipy.style.palette`), so a saved
notebook looks right wherever it is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from drawer_ipy.common.counted import number_of
from drawer_ipy.results.failed_item import failed_item
from drawer_ipy.results.shown.grid import Grid, grid_text, make_grid
from drawer_ipy.results.shown.rows_first import hidden_failures, rows_first
from drawer_ipy.results.shown.summary import headline, headline_of, trouble_html, trouble_text
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.html_frame import block, scrolling
from drawer_ipy.style.palette import EDGE, FAINT, LOOKS, TEXT, look_of, text_classes
from drawer_ipy.style.preview import CELL, MORE, Cell, clean, cut, fit, text_width, within

HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
"""The CSS of text that is only for screen readers."""

STYLE = (
    "<style>"
    + f".dry{{color:{TEXT};font-size:13px}}"
    + """
.dry-head{margin:2px 0 4px;font-weight:600}
.dry-scroll{overflow-x:auto;max-width:100%}
.dry.dry table{border-collapse:collapse;margin:0;font-size:inherit;font-variant-numeric:tabular-nums}
.dry.dry table th,.dry.dry table td{padding:2px 8px;text-align:left;white-space:nowrap;vertical-align:top;
"""
    + f"border:0;border-bottom:1px solid {EDGE}}}"
    + ".dry.dry table td.w{white-space:normal;overflow-wrap:anywhere;min-width:14em}"
    + ".dry.dry table td.all{white-space:pre-wrap;overflow-wrap:anywhere}"
    + f".dry.dry table caption{{{HIDDEN}}}"
    + f".dry.dry table tr.last>*{{border-bottom:3px double {TEXT}}}"
    + """
.dry.dry table th{font-weight:600}.dry.dry table th.k{font-weight:400}
.dry.dry table td.r,.dry.dry table th.r{text-align:right}
"""
    + f".dry .k,.dry-note{{color:{FAINT};font-weight:400}}.dry .d{{font-weight:400}}"
    + text_classes(".dry")
    + """
.dry-note{margin:2px 0}
.dry-errors{margin-top:6px}.dry-errors summary{cursor:pointer}
.dry-errors pre{margin:4px 0 4px 16px;max-height:16em;overflow:auto;white-space:pre-wrap}
.dry-errors details>div{margin-left:16px}
.dry-ran{margin-top:6px}.dry-ran>summary{cursor:pointer}
.dry-ran svg{max-width:100%;min-width:640px;height:auto;display:block}
</style>"""
)

_WIDE = 28
"""Characters of a cell from which on its text wraps, so that one long column does not push out the others."""

_STATUSES = {*LOOKS, "error", "timeout"}

_TITLES = 24_000
"""Most bytes of all tooltips of a table together, so that a table of wide cells stays small."""

_CELL = 200
"""Most bytes of a cell's text when escaped: ``&`` takes five, an emoji four."""


Around = Callable[[str], str]
"""Puts HTML into an element in which a script may show something else."""


def to_html(view: TableView, around: Around | None = None) -> str:
    """Format the table as static HTML: a headline, the rows, and why rows failed.

    Args:
        around: is applied to the HTML of the rows.
    """
    return wrap([f'<div class="dry-head">{headline_html(view)}</div>', *body_html(view, around)])


def headline_html(view: TableView) -> str:
    """The headline as HTML, with the outcome in its colour."""
    head = headline_of(view)
    rest = "".join(f" · {escape(part)}" for part in head.rest)
    return f'<span class="{look_of(head.head.state).css}">{isolated(str(head.head))}</span>{rest}'


def body_html(view: TableView, around: Around | None = None) -> list[str]:
    """The HTML below the headline; `around` is applied to the HTML of the rows."""
    parts = []
    told: set[int] = set()
    if len(view):
        grid, first = _grid(view)
        told = _told(view, grid)
        rows = [
            _html_note(first),
            html_table(grid, "results"),
            _html_note(_note(grid, hidden_failures(view, grid.places))),
        ]
        parts += rows if around is None else [around("".join(rows))]
    if view.hint:
        parts.append(f'<div class="dry-note">{escape(view.hint)}</div>')
    return [*parts, trouble_html(view, told)]


def to_text(view: TableView, width: int = 100) -> str:
    """Format the table as plain text, at most `width` columns wide and without colours."""
    lines = [headline(view)]
    told: set[int] = set()
    if len(view):
        grid, first = _grid(view)
        lines += [fit(first, width)] if first else []
        table = _text_table(grid, width, hidden_failures(view, grid.places))
        told = _told(view, grid, "\n".join(table))
        lines += table
    if view.hint:
        lines.append(view.hint)
    return "\n".join(lines + trouble_text(view, width, told))


def errors_to_html(failed: TableView) -> str:
    """Format the failures as an HTML table like that of :func:`to_html`."""
    head = f'<div class="dry-head">{_error_count(failed)}</div>'
    if not len(failed):
        return wrap([head])
    grid = _error_grid(failed)
    told = _told(failed, grid, column="message")
    return wrap([head, html_table(grid, "errors"), _html_note(_note(grid)), trouble_html(failed, told)])


def errors_to_text(failed: TableView, width: int = 100) -> str:
    """Format the failures as a text table like that of :func:`to_text`."""
    if not len(failed):
        return _error_count(failed)
    grid = _error_grid(failed)
    return "\n".join([_error_count(failed), *_text_table(grid, width)])


def wrap(parts: list[str]) -> str:
    """Put `parts` into the block that carries the style."""
    return block(STYLE + "".join(parts), css="dry")


def _grid(view: TableView) -> tuple[Grid, str]:
    """The part of the table to show, and the line that says which rows come first, or ``""``."""
    index = view.index
    # The status and the error come first: a wide table scrolls, and failures must stay visible.
    front = ("status", "error") if view.source.loop is not None else ("step", "status", "error")
    names = sorted(view.columns, key=lambda name: front.index(name) if name in front else len(front))
    columns = {name: view.column(name) for name in names}
    first, told = rows_first(view)

    def fetch(name: str, place: int) -> Any:
        return columns[name][place]

    return make_grid(tuple(columns), len(index), index.__getitem__, fetch, first), told


def _told(view: TableView, grid: Grid, shown: str | None = None, column: str = "error") -> set[int]:
    """The indices of the rows in `grid` that show the whole message of their error.

    Args:
        view: the table.
        grid: the part of it that is shown.
        shown: the table as text, in which columns may be cut; ``None`` for HTML, which shows cells whole.
        column: the column with the error.
    """
    if column not in grid.headers:
        return set()
    at, told = grid.headers.index(column), set()
    for place, row in zip(grid.places, grid.rows, strict=True):
        cell = row[at]
        if (
            place is None
            or cell.kind == "none"
            or cell.more
            or (shown is not None and cell.text not in shown)
        ):
            continue
        index = view.index[place]
        error = failed_item(view.source, index)
        whole = error.message.strip() if column == "message" else f"{error.code}: {error.message.strip()}"
        if len(whole) <= CELL and cell.text == clean(whole):
            told.add(index)
    return told


def _error_grid(failed: TableView) -> Grid:
    names = ("item", "step", "code", "message")
    index = failed.index

    def fetch(name: str, position: int) -> Any:
        return getattr(failed_item(failed.source, index[position]), name)

    return make_grid(names, len(failed), index.__getitem__, fetch)


def _error_count(failed: TableView) -> str:
    n = len(failed)
    return number_of(n, "error") if n else "no errors"


def _text_table(grid: Grid, width: int, failed: int = 0) -> list[str]:
    lines, lost = grid_text(grid, width)
    note = _note(grid, failed, lost)
    return [*lines, fit(note, width)] if note else lines


def _note(grid: Grid, failed: int = 0, lost: int = 0) -> str:
    """The note about rows and columns that are not shown; `failed` of those rows have failed."""
    parts = []
    if grid.cut_rows:
        parts.append(_more(grid.cut_rows, "row") + (f" ({failed:,} of them failed)" if failed else ""))
    if grid.cut_columns + lost:
        parts.append(_more(grid.cut_columns + lost, "column"))
    return " and ".join(parts) + " not shown" if parts else ""


def _more(n: int, word: str) -> str:
    return number_of(n, f"more {word}")


def _html_note(note: str) -> str:
    return f'<div class="dry-note">{note}</div>' if note else ""


def isolated(text: str) -> str:
    """Escape cleaned `text`, and isolate it so that its writing direction does not affect the text around."""
    safe = escape(text, quote=False)
    return safe if text.isascii() else f"<bdi>{safe}</bdi>"


def html_table(grid: Grid, caption: str) -> str:
    """The grid as an HTML table in an element that scrolls; `caption` is for screen readers."""
    budget = _TITLES
    out = [
        f'<div class="dry-scroll" {scrolling(caption)}>',
        f"<table><caption>{escape(caption)}</caption><thead><tr><td></td>",
    ]
    for header, right in zip(grid.headers, grid.right, strict=True):
        out.append(f"<th scope=col{' class=r' if right else ''}>{isolated(within(header, _CELL))}</th>")
    out.append("</tr></thead><tbody>")
    for number, (key, row) in enumerate(zip(grid.keys, grid.rows, strict=True), 1):
        out.append(
            f"<tr{' class=last' if number == grid.first else ''}><th scope=row class=k>{escape(key)}</th>"
        )
        for header, cell, right in zip(grid.headers, row, grid.right, strict=True):
            html, title = _html_cell(header, cell, right, budget)
            budget -= title
            out.append(html)
        out.append("</tr>")
    out.append("</tbody></table></div>")
    return "".join(out)


def _html_cell(header: str, cell: Cell, right: bool, budget: int) -> tuple[str, int]:
    """The cell as HTML, and how many bytes of the `budget` its tooltip takes."""
    title = escape(cut(clean(cell.more), MORE)) if cell.more else ""
    size = len(title.encode())
    if size > budget:
        title, size = "", 0
    words = ["r"] if right else ["w"] if text_width(cell.text) > _WIDE else []
    if cell.kind == "none":
        words.append("d")
    elif header == "status" and cell.text in _STATUSES:
        words.append(look_of(cell.text).css)
    classes = f' class="{" ".join(words)}"' if words else ""
    tooltip = f' title="{title}"' if title else ""
    return f"<td{classes}{tooltip}>{isolated(within(cell.text, _CELL))}</td>", size
