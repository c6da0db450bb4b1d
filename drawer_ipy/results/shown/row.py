"""The repr of one row of a table, as text and as HTML."""

from __future__ import annotations

from functools import partial
from html import escape

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.results.shown.table import isolated, wrap
from drawer_ipy.results.source import StepCell
from drawer_ipy.results.table_view import TableView
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.preview import clean, cut, make_cell, pad, preview, text_width, within

_VALUE = 200
_COLUMNS = 40
_LONG = 2000
_BYTES = 3000


def row_text(view: TableView, index: int) -> str:
    """The row's status, columns and steps, one per line."""
    names = view.columns[:_COLUMNS]
    wide = min(30, max((text_width(clean(name)) for name in names), default=0))
    lines = [_head(view, index)]
    lines += [f"  {pad(cut(clean(name), 40), wide)}  {_value(view, index, name)}" for name in names]
    if len(view.columns) > _COLUMNS:
        lines.append(f"  … {len(view.columns) - _COLUMNS} more columns")
    lines += [f"  step {line}" for line in _steps(view, index)]
    return "\n".join(lines)


def row_html(view: TableView, index: int) -> str:
    """The same as a table of two columns."""
    out = [f'<div class="dry-head">{escape(_head(view, index))}</div>']
    out.append(f'<table aria-label="row {index}"><tbody>')
    for name in view.columns[:_COLUMNS]:
        cell = make_cell(partial(view.getter(name), index))
        whole = _value(view, index, name, _LONG) if cell.more else cell.text
        css = "d" if cell.kind == "none" else "all"
        text = isolated(within(whole, _BYTES))
        out.append(f"<tr><th scope=row>{isolated(cut(clean(name), 40))}</th><td class={css}>{text}</td></tr>")
    out.append("</tbody></table>")
    if len(view.columns) > _COLUMNS:
        out.append(f'<div class="dry-note">{len(view.columns) - _COLUMNS} more columns</div>')
    out += [f'<div class="dry-note">step {isolated(line)}</div>' for line in _steps(view, index)]
    return wrap(out)


def _head(view: TableView, index: int) -> str:
    took = view.source.duration(index)
    return f"row {index} · {view.source.status(index)}" + (
        f" · {seconds_text(took)}" if took is not None else ""
    )


def _value(view: TableView, index: int, name: str, limit: int = _VALUE) -> str:
    try:
        value = view.getter(name)(index)
    except BaseException as error:  # reading an object of a class defined by the user may raise anything
        pass_on_interrupt(error)
        return clean(f"<{type(error).__name__} when read>")
    return "–" if value is None else preview(value, limit)


def _steps(view: TableView, index: int) -> list[str]:
    return [_step(cell) for cell in view.source.steps(index).values()]


def _step(cell: StepCell) -> str:
    tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
    why = f": {cut(clean(str(cell.error)[:600]), 300)}" if cell.error is not None else ""
    return f"{clean(cell.id)}: {cell.status or 'did not run'}{tries}{why}"
