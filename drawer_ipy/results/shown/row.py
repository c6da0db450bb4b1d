"""One row of a table, written out."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.results.shown.table import isolated, wrap
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.preview import clean, cut, make_cell, pad, preview, text_width

if TYPE_CHECKING:
    from drawer_ipy.results import Row, StepCell

_VALUE = 200
_COLUMNS = 40


def row_text(row: Row) -> str:
    """The row's status, its columns and its steps, one a line."""
    names = list(row)[:_COLUMNS]
    wide = min(30, max((text_width(clean(name)) for name in names), default=0))
    lines = [_head(row)]
    lines += [f"  {pad(cut(clean(name), 40), wide)}  {_value(row, name)}" for name in names]
    if len(row) > _COLUMNS:
        lines.append(f"  … {len(row) - _COLUMNS} more columns")
    lines += [f"  step {line}" for line in _steps(row)]
    return "\n".join(lines)


def row_html(row: Row) -> str:
    """The same as a table of two columns."""
    out = [f'<div class="dry-head">{escape(_head(row))}</div><div class="dry-scroll"><table><tbody>']
    for name in list(row)[:_COLUMNS]:
        cell = make_cell(partial(row.__getitem__, name))
        text = isolated(cell.more or cell.text)
        css = " class=d" if cell.kind == "none" else ""
        out.append(f"<tr><th>{isolated(cut(clean(name), 40))}</th><td{css}>{text}</td></tr>")
    out.append("</tbody></table></div>")
    if len(row) > _COLUMNS:
        out.append(f'<div class="dry-note">{len(row) - _COLUMNS} more columns</div>')
    out += [f'<div class="dry-note">step {isolated(line)}</div>' for line in _steps(row)]
    return wrap(out)


def _head(row: Row) -> str:
    took = row.duration
    return f"row {row.index} · {row.status}" + (f" · {seconds_text(took)}" if took is not None else "")


def _value(row: Row, name: str) -> str:
    try:
        value = row[name]
    except BaseException as error:  # a user's object may do anything when it is looked at
        pass_on_interrupt(error)
        return clean(f"<{type(error).__name__} when read>")
    return "–" if value is None else preview(value, _VALUE)


def _steps(row: Row) -> list[str]:
    return [_step(cell) for cell in row.steps.values()]


def _step(cell: StepCell) -> str:
    tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
    why = f": {cut(clean(str(cell.error)[:600]), 300)}" if cell.error is not None else ""
    return f"{clean(cell.id)}: {cell.status or 'did not run'}{tries}{why}"
