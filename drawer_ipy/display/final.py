"""The output that stays in the notebook after a run: static HTML without a script, and text.

At most 200 KB for any items: each part has its own limit.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.display.progress_html import bar_html, static_html
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.wording import progress_line
from drawer_ipy.record.run import RunRecord
from drawer_ipy.results.shown.table import Around, body_html, headline_html, isolated, wrap
from drawer_ipy.style.html_frame import scrolling
from drawer_ipy.style.preview import clean, cut

if TYPE_CHECKING:
    from drawer_ipy.display.tables.stage import Stage
    from drawer_ipy.display.tables.tables import Tables
    from drawer_ipy.results import Results

_NAME = 80


def final_bundle(
    snapshot: Snapshot, results: Any | None, tables: Tables | None = None, stage: Stage | None = None
) -> dict[str, Any]:
    """The final output in the notebook, by MIME type.

    Args:
        snapshot: the state of the run at its end.
        results: its results; if ``None``, or if they cannot be shown, the last progress is shown.
        tables: lets a page work with the table; ``None`` for a static table only.
        stage: lets a page press the run again.
    """
    if results is not None:
        try:
            if isinstance(getattr(results, "run", None), RunRecord):
                around = tables.around(results, stage) if tables is not None and len(results) else None
                return {"text/html": final_html(snapshot, results, around), "text/plain": repr(results)}
            bundle: dict[str, Any] = dict(results._repr_mimebundle_())
            return bundle
        except (
            BaseException
        ) as error:  # a value's own repr failed; the outcome of the run must still be shown
            pass_on_interrupt(error)
            pass
    return {"text/html": static_html(snapshot), "text/plain": progress_line(snapshot)}


def final_html(snapshot: Snapshot, results: Results, around: Around | None = None) -> str:
    """The summary, the table, why rows failed, and the timeline; `around` is applied to the table."""
    head = _head(results)
    parts = [bar_html(snapshot), *body_html(results.view, around), _picture(results.run)]
    return wrap([head, *parts])


def _head(results: Results) -> str:
    run = results.run
    name = isolated(cut(clean(run.drawer or "drawer"), _NAME))
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started)) if run.started else ""
    began = f'<span class="d"> · {at}</span>' if at else ""
    return f'<div class="dry-head">{name} · {headline_html(results.view)}{began}</div>'


def _picture(run: RunRecord) -> str:
    from drawer_ipy.pictures.picture import in_page
    from drawer_ipy.pictures.timeline import timeline_svg

    try:
        svg = in_page(timeline_svg(run))
    except BaseException as error:  # the table must be shown even if the picture cannot be drawn
        pass_on_interrupt(error)
        return ""
    if not svg:
        return ""
    shown = f'<div class="dry-scroll" {scrolling("timeline")}>{svg}</div>'
    return f'<details class="dry-ran" open><summary>what ran when</summary>{shown}</details>'
