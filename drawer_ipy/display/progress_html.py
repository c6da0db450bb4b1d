"""Progress as HTML.

A state is shown by a mark, a word and a pattern, not by colour alone. All text from a run is escaped.
"""

from __future__ import annotations

from html import escape

from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.wording import counts_words, outcome_words, pace_words, place_words
from drawer_ipy.style.html_frame import block
from drawer_ipy.style.palette import FAINT, PARTIAL, TEXT, TRACK, WARNING, look_of, mark_of

_FILLS = ("ok", "failed", "cancelled", "running")
_COLOUR = f"color:{TEXT}"
_FAINT = f"color:{FAINT}"
_BAD = f"color:{look_of('failed').text}"


def progress_html(snapshot: Snapshot) -> str:
    """The header line and the bar, in about a kilobyte."""
    name = escape(snapshot.drawer)
    words = [*map(escape, place_words(snapshot))]
    words += [] if snapshot.outcome == PARTIAL else _counts(snapshot)
    words += map(escape, pace_words(snapshot))
    look = look_of(snapshot.outcome)
    head = (
        f'<div style="font-variant-numeric:tabular-nums;line-height:1.5;{_COLOUR}">'
        f'<b><span style="color:{look.text}">{look.mark}</span> {name}</b> '
        f"{escape(outcome_words(snapshot))} · "
        f"{' · '.join(words)}</div>"
    )
    return head + bar_html(snapshot)


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
    if not snapshot.warning:
        return ""
    words = escape(snapshot.warning)
    return f'<div role="status" style="font-size:12px;line-height:1.4;{_COLOUR}">{WARNING} {words}</div>'


def static_html(snapshot: Snapshot) -> str:
    """The complete progress as one output."""
    inner = progress_html(snapshot) + warning_html(snapshot) + errors_html(snapshot)
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
        fills = [(name, getattr(snapshot, name)) for name in _FILLS]
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
