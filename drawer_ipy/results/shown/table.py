"""Results as static HTML and as text: short, safe with any data, whole without a script.

The colours are those of the front end (JupyterLab's and VS Code's variables), with fallbacks that can be
read on light and dark, so a saved notebook looks right wherever it is opened.
"""

from __future__ import annotations

from html import escape
from typing import Any

from drawer_ipy.results.failed_item import failed_item
from drawer_ipy.results.shown.grid import Grid, grid_text, make_grid
from drawer_ipy.results.shown.summary import headline, trouble_html, trouble_text
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.html_frame import block
from drawer_ipy.style.preview import MORE, Cell, clean, cut, fit, within

STYLE = """<style>
.dry{color:var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit));font-size:13px}
.dry-head{margin:2px 0 4px;font-weight:600}
.dry-scroll{overflow-x:auto;max-width:100%}
.dry.dry table{border-collapse:collapse;margin:0;font-size:inherit;font-variant-numeric:tabular-nums}
.dry.dry table th,.dry.dry table td{padding:2px 8px;text-align:left;white-space:nowrap;vertical-align:top;
border:0;border-bottom:1px solid var(--jp-border-color2,var(--vscode-panel-border,rgba(128,128,128,.35)))}
.dry.dry table th{font-weight:600}
.dry.dry table td.r,.dry.dry table th.r{text-align:right}
.dry{--ok:var(--jp-success-color1,var(--vscode-testing-iconPassed,#2e7d32));
--bad:var(--jp-error-color1,var(--vscode-errorForeground,#c62828));
--off:var(--jp-warn-color1,var(--vscode-editorWarning-foreground,#b26a00))}
.dry .k,.dry .d,.dry-note{color:color-mix(in srgb,currentColor 65%,transparent);font-weight:400}
.dry .ok{color:color-mix(in srgb,var(--ok) 70%,currentColor)}
.dry .bad,.dry .dry-bad{color:color-mix(in srgb,var(--bad) 70%,currentColor)}
.dry .off{color:color-mix(in srgb,var(--off) 60%,currentColor)}
.dry-note{margin:2px 0}
.dry-errors{margin-top:6px}.dry-errors summary{cursor:pointer}
.dry-errors pre{margin:4px 0 4px 16px;max-height:16em;overflow:auto;white-space:pre-wrap}
.dry-errors details>div{margin-left:16px}
.dry-ran{margin-top:6px}.dry-ran>summary{cursor:pointer}.dry-ran svg{max-width:100%;height:auto;display:block}
</style>"""

_STATUS_CLASS = {
    "ok": "ok",
    "failed": "bad",
    "error": "bad",
    "timeout": "bad",
    "cancelled": "off",
    "skipped": "d",
    "waiting": "d",
}

_TITLES = 24_000
"""Bytes that all tooltips of a table may take together: a page of wide cells must stay small."""

_CELL = 200
"""Bytes that the text of a cell may take when it is escaped: ``&`` is five, an emoji four."""


def to_html(view: TableView) -> str:
    """The table as static HTML: a headline, the rows, and why rows failed."""
    return wrap([f'<div class="dry-head">{escape(headline(view))}</div>', *body_html(view)])


def body_html(view: TableView) -> list[str]:
    """What is below the headline."""
    parts = []
    if len(view):
        grid = _grid(view)
        parts += [_html_table(grid), _html_note(grid)]
    if view.hint:
        parts.append(f'<div class="dry-note">{escape(view.hint)}</div>')
    return [*parts, trouble_html(view)]


def to_text(view: TableView, width: int = 100) -> str:
    """The table as plain text no wider than `width` columns, without colours."""
    lines = [headline(view)]
    if len(view):
        grid = _grid(view)
        lines += _text_table(grid, width)
    if view.hint:
        lines.append(view.hint)
    return "\n".join(lines + trouble_text(view, width))


def errors_to_html(failed: TableView) -> str:
    """The failures as a table like :func:`to_html`'s."""
    head = f'<div class="dry-head">{_error_count(failed)}</div>'
    if not len(failed):
        return wrap([head])
    grid = _error_grid(failed)
    return wrap([head, _html_table(grid), _html_note(grid), trouble_html(failed)])


def errors_to_text(failed: TableView, width: int = 100) -> str:
    """The failures as a table like :func:`to_text`'s."""
    if not len(failed):
        return _error_count(failed)
    grid = _error_grid(failed)
    return "\n".join([_error_count(failed), *_text_table(grid, width)])


def wrap(parts: list[str]) -> str:
    """`parts` in the block that carries the style."""
    return block(STYLE + "".join(parts), css="dry")


def _grid(view: TableView) -> Grid:
    index = view.index
    # The status comes first when it is told at all: a wide table scrolls, and failures must be in sight.
    names = sorted(view.columns, key=lambda name: name != "status")
    columns = {name: view.column(name) for name in names}
    return make_grid(tuple(columns), len(index), index.__getitem__, lambda name, place: columns[name][place])


def _error_grid(failed: TableView) -> Grid:
    names = ("item", "step", "code", "message")
    index = failed.index

    def fetch(name: str, position: int) -> Any:
        return getattr(failed_item(failed.source, index[position]), name)

    return make_grid(names, len(failed), index.__getitem__, fetch)


def _error_count(failed: TableView) -> str:
    n = len(failed)
    return "no errors" if n == 0 else "1 error" if n == 1 else f"{n:,} errors"


def _text_table(grid: Grid, width: int) -> list[str]:
    lines, lost = grid_text(grid, width)
    note = _note(grid, lost)
    return [*lines, fit(note, width)] if note else lines


def _note(grid: Grid, lost: int = 0) -> str:
    cuts = [(grid.cut_rows, "row"), (grid.cut_columns + lost, "column")]
    parts = [f"{n:,} more {word}{'' if n == 1 else 's'}" for n, word in cuts if n]
    return " and ".join(parts) + " not shown" if parts else ""


def _html_note(grid: Grid) -> str:
    note = _note(grid)
    return f'<div class="dry-note">{note}</div>' if note else ""


def isolated(text: str) -> str:
    """Clean `text` escaped, and kept from turning the direction of what stands around it."""
    safe = escape(text, quote=False)
    return safe if text.isascii() else f"<bdi>{safe}</bdi>"


def _html_table(grid: Grid) -> str:
    budget = _TITLES
    out = ['<div class="dry-scroll"><table><thead><tr><th></th>']
    for header, right in zip(grid.headers, grid.right, strict=True):
        out.append(f"<th{' class=r' if right else ''}>{isolated(within(header, _CELL))}</th>")
    out.append("</tr></thead><tbody>")
    for key, row in zip(grid.keys, grid.rows, strict=True):
        out.append(f"<tr><td class=k>{escape(key)}</td>")
        for header, cell, right in zip(grid.headers, row, grid.right, strict=True):
            html, title = _html_cell(header, cell, right, budget)
            budget -= title
            out.append(html)
        out.append("</tr>")
    out.append("</tbody></table></div>")
    return "".join(out)


def _html_cell(header: str, cell: Cell, right: bool, budget: int) -> tuple[str, int]:
    """The cell, and how many bytes its tooltip takes of the `budget`."""
    title = escape(cut(clean(cell.more), MORE)) if cell.more else ""
    size = len(title.encode())
    if size > budget:
        title, size = "", 0
    words = ["r"] if right else []
    if cell.kind == "none":
        words.append("d")
    elif header == "status" and cell.text in _STATUS_CLASS:
        words.append(_STATUS_CLASS[cell.text])
    classes = f' class="{" ".join(words)}"' if words else ""
    tooltip = f' title="{title}"' if title else ""
    return f"<td{classes}{tooltip}>{isolated(within(cell.text, _CELL))}</td>", size
