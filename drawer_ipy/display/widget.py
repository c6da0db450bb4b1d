"""The live view in a notebook: an anywidget, replaced by static HTML when the run has ended.

A widget in a saved notebook is shown only as the name of an object, so none is kept. If no page reports that
it can draw the widget, HTML is shown in its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

from drawer_ipy.display.cell_lines import cell_lines
from drawer_ipy.display.cell_output import CellOutput
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.html import publish
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.view import VIEW_MIME, View
from drawer_ipy.engine.events import Listeners


class WidgetDisplay(LiveDisplay):
    """Shows a header, a bar, the picture of the items, the last errors and a Cancel button.

    A message is sent to the front end only if something has changed, at most one per tick.

    Args:
        may_interrupt: whether a Cancel without a reply may interrupt the kernel; ``False`` for a run in the
            background, since the interrupt would reach another cell.
    """

    # The other half of a message's cost is spent after the call, by the thread that sends it.
    share: ClassVar[float] = 0.01

    patience: ClassVar[float] = 4.0
    """Seconds for a page to load the widget's script before HTML is shown in its place."""

    def __init__(self, *, may_interrupt: bool = True) -> None:
        super().__init__()
        self.may_interrupt = may_interrupt
        self._output = CellOutput(publish)
        self._outline = Outline()
        self._view: View | None = None
        self._instead: _Instead | None = None

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.attach`."""
        self._outline.attach(listeners)
        super().attach(listeners, cancel)

    def open(self, snapshot: Snapshot) -> None:
        """Make the widget and show it."""
        self._view = view = View(self._clicked, self._asked, may_interrupt=self.may_interrupt)
        view.show(snapshot, self._outline)
        began = f"drawer {snapshot.drawer}: running since {time.strftime('%H:%M:%S')}, {snapshot.steps} steps"
        shown = {"version_major": 2, "version_minor": 0, "model_id": view.model_id}
        bundle = {VIEW_MIME: shown, "text/html": static_html(snapshot), "text/plain": began}
        self._output.show(bundle)
        if _is_heard():
            self._instead = _Instead(bundle, self._output, self.patience)

    def update(self, snapshot: Snapshot) -> None:
        """Send the changes; show the view again if it was cleared."""
        if self._view is not None:
            self._output.refresh()
            self._view.show(snapshot, self._outline)
            if self._instead is not None:
                self._instead.update(snapshot, heard=self._view.heard)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the widget by the results, then close it."""
        view, self._view = self._view, None
        try:
            self._output.close(final_bundle(snapshot, results))
        finally:
            if view is not None:
                view.close()

    def _clicked(self) -> None:
        # Possibly on another thread than the run: a kernel with subshells handles messages there.
        self._cancel()

    def _asked(self, step_id: str, cell: int) -> list[str]:
        cells = self._outline.cells(step_id)
        return [] if cells is None else [self._listeners.hide(line) for line in cell_lines(cells, cell)]


class _Instead:
    """Shows HTML in place of a view until a page reports that it can draw the view.

    Args:
        bundle: the published bundle with the view.
        output: the output that shows it.
        patience: seconds to wait for a page.
    """

    _interval = 0.5

    def __init__(self, bundle: dict[str, Any], output: CellOutput, patience: float) -> None:
        self._bundle, self._output = bundle, output
        self._due = time.perf_counter() + patience
        self._html = ""

    def update(self, snapshot: Snapshot, *, heard: bool) -> None:
        """Show the HTML if there is no page and it has changed, or the view if there is a page now."""
        if heard:
            if self._html:
                self._html = ""
                self._output.show(self._bundle)
            return
        now = time.perf_counter()
        if now < self._due:
            return
        self._due = now + self._interval
        html = static_html(snapshot)
        if html != self._html:
            self._html = html
            self._output.show({"text/html": html, "text/plain": self._bundle["text/plain"]})


def _is_heard() -> bool:
    """Whether a page's message would arrive during the run.

    If the run has its own thread, the cell waits on the kernel's loop, and kernels before 7 handle no message
    while a cell runs; then a missing message means nothing.
    """
    try:
        from ipykernel import version_info
    except ImportError:
        return False
    return threading.current_thread() is threading.main_thread() and int(version_info[0]) >= 7
