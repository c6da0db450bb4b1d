"""The description of a cell of the live view in a few short lines."""

from __future__ import annotations

from drawer_ipy.display.cells import Cells
from drawer_ipy.record.loop import FAILED, PAUSED, RUNNING, STATE_NAMES, LoopRecord
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.palette import KEPT
from drawer_ipy.style.preview import clean, cut, preview
from drawer_ipy.style.waiting import waits_for

_LABEL = 160
_ERROR = 300


def cell_lines(cells: Cells, cell: int) -> list[str]:
    """Describe `cell`: which item, its state and time, its value, why it failed. All text is cleaned."""
    span = cells.span(cell)
    if not span:
        return []
    return _item(cells.loop, span[0]) if len(span) == 1 else _items(cells.loop, span)


def _item(loop: LoopRecord, index: int) -> list[str]:
    state = loop.states[index]
    kept = bool(loop.kept_states()[index]) if loop.kept else False
    head = f"item {index} · {STATE_NAMES[state]}{', kept' if kept else ''}"
    seconds = _seconds(loop, index)
    if seconds is not None:
        head += f" · {seconds_text(seconds)}"
    if state in (RUNNING, PAUSED) and loop.has_begun(index) and len(loop.columns) > 1:
        at = next((column.id for column in loop.columns if not column.statuses[index]), None)
        head += f" · at {cut(clean(at), 60)}" if at else ""
    pause = None if loop.waits is None else loop.waits.pause_of(index)
    if pause is not None:
        head += f" · {waits_for(pause.reason)}"
    lines = [head, f"{cut(clean(loop.label), 40)} = {preview(loop.items[index], _LABEL)}"]
    return lines + _error(loop, index) if state == FAILED else lines


def _items(loop: LoopRecord, span: range) -> list[str]:
    states = loop.states[span.start : span.stop]
    counts = [(states.count(state), name) for state, name in enumerate(STATE_NAMES)]
    counts.append((sum(map(bool, loop.kept_states()[span.start : span.stop])) if loop.kept else 0, KEPT))
    lines = [
        f"items {span.start:,}–{span.stop - 1:,}",
        " · ".join(f"{n:,} {name}" for n, name in counts if n),
    ]
    first = states.find(FAILED)
    return lines if first < 0 else [*lines, f"item {span.start + first}:", *_error(loop, span.start + first)]


def _error(loop: LoopRecord, index: int) -> list[str]:
    decided = loop.error_of(index)
    if decided is None:
        return []
    step, error = decided
    message = error.message[: 2 * _ERROR].strip()  # cut before cleaning: it may be megabytes
    return [cut(clean(f"{step}: {error.code}: {message}"), _ERROR)]


def _seconds(loop: LoopRecord, index: int) -> float | None:
    begin, end = loop.started[index], loop.finished[index]
    if not begin:
        return None
    return max(0.0, (end or loop.elapsed) - begin)
