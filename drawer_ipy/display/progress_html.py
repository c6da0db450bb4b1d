"""Progress as HTML.

A state is shown by a mark, a word and a pattern, not by colour alone. All text from a run is escaped.
"""

from __future__ import annotations

import time
from html import escape

from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.wording import counts_words, kept_line, pace_words, place_words, waits_text
from drawer_ipy.style.html_frame import block
from drawer_ipy.style.palette import FAINT, KEPT, TEXT, TRACK, WARNING, look_of, mark_of

_FILLS = (KEPT, "ok", "failed", "cancelled", "running", "paused")
_COLOUR = f"color:{TEXT}"
_FAINT = f"color:{FAINT}"
_BAD = f"color:{look_of('failed').text}"


def progress_html(snapshot: Snapshot, as_of: float | None = None) -> str:
    """The header line and the bar, in about a kilobyte.

    Args:
        snapshot: the state to show.
        as_of: seconds since 1970; added to the words, for HTML that may be read later.
    """
    name = escape(snapshot.drawer)
    words = [*map(escape, place_words(snapshot)), *_counts(snapshot)] if snapshot.status == "running" else []
    words += map(escape, pace_words(snapshot))
    head = snapshot.head
    look = look_of(head.state)
    shown = (
        f'<div style="font-variant-numeric:tabular-nums;line-height:1.5;{_COLOUR}">'
        f'<b><span style="color:{look.text}">{look.mark}</span> {name}</b> '
        f"{escape(head.words)}{as_of_words(as_of)} · "
        f"{' · '.join(words)}</div>"
    )
    lines = _line_html(KEPT, kept_line(snapshot)) + _line_html("paused", waits_text(snapshot))
    return shown + bar_html(snapshot) + lines


def as_of_words(as_of: float | None) -> str:
    """`` as of 14:02:03 on 2026-11-27`` in local time; ``""`` for ``None``."""
    return "" if as_of is None else time.strftime(" as of %H:%M:%S on %Y-%m-%d", time.localtime(as_of))


def _line_html(state: str, words: str) -> str:
    """A line with the appearance of `state`, ``""`` without words."""
    look = look_of(state)
    style = f"font-size:12px;line-height:1.4;color:{look.text}"
    return f'<div style="{style}">{look.mark} <bdi>{escape(words)}</bdi></div>' if words else ""


def errors_html(snapshot: Snapshot) -> str:
    """The last failures, one per line, or ``""``."""
    lines = "".join(
        f'<div style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
        f"{mark_of('failed')} <bdi>{escape(str(line))}</bdi></div>"
        for line in snapshot.errors
    )
    return f'<div style="font-size:12px;line-height:1.4;{_BAD}">{lines}</div>' if lines else ""


def warning_html(snapshot: Snapshot) -> str:
    """The warning that all items of a loop fail, or ``""``."""
    if not snapshot.warnings:
        return ""
    words = escape(snapshot.warnings)
    return f'<div role="status" style="font-size:12px;line-height:1.4;{_COLOUR}">{WARNING} {words}</div>'


def static_html(snapshot: Snapshot, as_of: float | None = None) -> str:
    """The complete progress as one output; for `as_of`, see :func:`progress_html`."""
    inner = progress_html(snapshot, as_of) + warning_html(snapshot) + errors_html(snapshot)
    return block(inner, style="font-size:13px;max-width:60em")


def _counts(snapshot: Snapshot) -> list[str]:
    faint = f'<span style="{_FAINT}">'
    return [escape(words) if n else f"{faint}{escape(words)}</span>" for words, n in counts_words(snapshot)]


def bar_html(snapshot: Snapshot) -> str:
    """The bar, split by state."""
    if snapshot.loop is None:
        now, whole, noun = snapshot.steps_done, snapshot.steps, "steps"
        fills = [("ok", now - snapshot.steps_failed), ("failed", snapshot.steps_failed)]
    else:
        now, whole, noun = snapshot.done, snapshot.total, "items"
        counts = snapshot.by_state
        fills = [(state, counts.get(state, 0)) for state in _FILLS]
    parts = "".join(
        f'<div title="{n:,} {name}" style="flex:0 0 {100 * n / whole:.2f}%;'
        f'background:{look_of(name).fill}"></div>'
        for name, n in fills
        if n and whole
    )
    # Without a total, the parts are shares of what there is so far, and the bar has no value.
    value = f'aria-valuemin="0" aria-valuemax="{whole}" aria-valuenow="{now}" '
    if snapshot.so_far:
        value = f'aria-valuetext="{now:,} so far" '
    return (
        f'<div role="progressbar" {value}'
        f'aria-label="{noun} done" style="display:flex;height:10px;border-radius:3px;overflow:hidden;'
        f'margin:2px 0;background:{TRACK}">{parts}</div>'
    )
