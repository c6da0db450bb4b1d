"""The display for front ends that show HTML but no widgets."""

from __future__ import annotations

from typing import Any, ClassVar

from drawer_ipy.display.cell_output import CellOutput
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.wording import progress_line


class HtmlDisplay(LiveDisplay):
    """Redraws HTML in place, at most twice a second, since each update replaces the whole output."""

    interval: ClassVar[float] = 0.5

    def __init__(self) -> None:
        super().__init__()
        self._output = CellOutput(publish)
        self._shown = ""

    def open(self, snapshot: Snapshot) -> None:
        """Show the view."""
        self._show(snapshot)

    def update(self, snapshot: Snapshot) -> None:
        """Replace the view if it has changed or was cleared."""
        self._show(snapshot)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the view by the results."""
        self._output.close(final_bundle(snapshot, results))

    def _show(self, snapshot: Snapshot) -> None:
        html = static_html(snapshot)
        if html == self._shown:
            self._output.refresh()
            return
        self._shown = html
        self._output.show({"text/html": html, "text/plain": progress_line(snapshot)})


def publish(bundle: dict[str, Any], display_id: str, *, update: bool) -> None:
    """Send `bundle` to the front end under `display_id`; with `update`, it replaces the current output."""
    from IPython.display import display, update_display

    if update:
        update_display(bundle, display_id=display_id, raw=True)
    else:
        display(bundle, display_id=display_id, raw=True)
