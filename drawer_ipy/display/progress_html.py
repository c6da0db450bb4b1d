"""Progress as a piece of HTML.

State is told by symbol, word and pattern, not by colour alone; the colours (Okabe and Ito's) can be told
apart by people who see fewer of them. Everything that comes from a run is escaped.
"""

from __future__ import annotations

from html import escape

from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.wording import counts_words, pace_words, place_words
from drawer_ipy.style.amounts import SYMBOLS
from drawer_ipy.style.html_frame import block

_STRIPES = "repeating-linear-gradient(45deg,{0} 0 4px,{1} 4px 6px)"
_FILLS = (
    ("ok", "#009e73"),
    ("failed", _STRIPES.format("#d55e00", "#7a3600")),
    ("cancelled", _STRIPES.format("#cc79a7", "#f2dbe8")),
    ("running", "#56b4e9"),
)
_COLOUR = "color:var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit))"
_FAINT = "color:var(--jp-content-font-color2,var(--vscode-descriptionForeground,#777))"
_BAD = "color:var(--jp-error-color1,var(--vscode-errorForeground,#c62828))"
_TRACK = "background:var(--jp-layout-color3,var(--vscode-editorWidget-border,rgba(128,128,128,.35)))"


def progress_html(snapshot: Snapshot) -> str:
    """The header line and the bar, in about a kilobyte."""
    name = escape(snapshot.drawer)
    words = [*map(escape, place_words(snapshot)), *_counts(snapshot)]
    words += map(escape, pace_words(snapshot))
    head = (
        f'<div style="font-variant-numeric:tabular-nums;line-height:1.5;{_COLOUR}">'
        f"<b>{SYMBOLS.get(snapshot.status, '')} {name}</b> {snapshot.status} · {' · '.join(words)}</div>"
    )
    return head + bar_html(snapshot)


def errors_html(snapshot: Snapshot) -> str:
    """The last failures, a line each; ``""`` when there is none."""
    lines = "".join(
        f'<div style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
        f"{SYMBOLS['failed']} <bdi>{escape(str(line))}</bdi></div>"
        for line in snapshot.errors
    )
    return f'<div style="font-size:12px;line-height:1.4;{_BAD}">{lines}</div>' if lines else ""


def warning_html(snapshot: Snapshot) -> str:
    """That a loop fails as a whole; ``""`` when there is nothing to say."""
    if not snapshot.warning:
        return ""
    words = escape(snapshot.warning)
    return f'<div role="status" style="font-size:12px;line-height:1.4;{_COLOUR}">⚠ {words}</div>'


def static_html(snapshot: Snapshot) -> str:
    """All of it, as an output of its own."""
    inner = progress_html(snapshot) + warning_html(snapshot) + errors_html(snapshot)
    return block(inner, style="font-size:13px;max-width:60em")


def _counts(snapshot: Snapshot) -> list[str]:
    faint = f'<span style="{_FAINT}">%s</span>'
    return [escape(words) if n else faint % escape(words) for words, n in counts_words(snapshot)]


def bar_html(snapshot: Snapshot) -> str:
    """The bar, split by state."""
    if snapshot.loop is None:
        now, whole, noun = snapshot.steps_done, snapshot.steps, "steps"
        fills = [("ok", now - snapshot.steps_failed), ("failed", snapshot.steps_failed)]
    else:
        now, whole, noun = snapshot.done, snapshot.total, "items"
        fills = [(name, getattr(snapshot, name)) for name, _ in _FILLS]
    colours = dict(_FILLS)
    parts = "".join(
        f'<div title="{n:,} {name}" style="flex:0 0 {100 * n / whole:.2f}%;background:{colours[name]}"></div>'
        for name, n in fills
        if n and whole
    )
    return (
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="{whole}" aria-valuenow="{now}" '
        f'aria-label="{noun} done" style="display:flex;height:10px;border-radius:3px;overflow:hidden;'
        f'margin:2px 0;{_TRACK}">{parts}</div>'
    )
