"""The display for front ends that show HTML but no widgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

from drawer_ipy.display.cell_output import CellOutput
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.progress_html import as_of_words, static_html
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.wording import progress_line


class HtmlDisplay(LiveDisplay):
    """Redraws HTML in place, at most twice a second, since each update replaces the whole output."""

    interval: ClassVar[float] = 0.5

    def __init__(self) -> None:
        super().__init__()
        self._output = CellOutput(publish)
        self._snapshots = Snapshots(self._output)

    def open(self, snapshot: Snapshot) -> None:
        """Show the view."""
        self._snapshots.show(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        """Replace the view if it has changed or was cleared."""
        self._snapshots.show(snapshot)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the view by the results."""
        self._output.close(final_bundle(snapshot, results))


class Snapshots:
    """Progress as HTML in an output. It is saved with the notebook, so it says when it was true.

    Args:
        output: the output that shows it.
        wrap: makes the output's bundle of the HTML and the text.
    """

    def __init__(self, output: CellOutput, wrap: Callable[[str, str], dict[str, Any]] | None = None) -> None:
        self._output = output
        self._wrap = wrap or _bundle
        self._shown = ""

    def show(self, snapshot: Snapshot) -> None:
        """Show `snapshot` if it differs from the last one, or the last one again if it was cleared."""
        html = static_html(snapshot)
        if html == self._shown:
            self._output.refresh()
            return
        self._shown = html
        text, now = progress_line(snapshot), time.time()
        if snapshot.status == "running":
            html, text = static_html(snapshot, now), f"{text},{as_of_words(now)}"
        self._output.show(self._wrap(html, text))


def _bundle(html: str, text: str) -> dict[str, Any]:
    return {"text/html": html, "text/plain": text}


def publish(bundle: dict[str, Any], display_id: str, *, update: bool) -> None:
    """Send `bundle` to the front end under `display_id`; with `update`, it replaces the current output."""
    from IPython.display import display, update_display

    if update:
        update_display(bundle, display_id=display_id, raw=True)
    else:
        display(bundle, display_id=display_id, raw=True)
