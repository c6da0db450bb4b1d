"""The live view in a notebook: plain ipywidgets, replaced by static HTML when the run has ended.

A widget that is left in a saved notebook reopens as a bare object name, so none is left.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from drawer_ipy.display.html import errors_html, final_bundle, progress_html, publish
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.progress import Snapshot

VIEW_MIME = "application/vnd.jupyter.widget-view+json"


class WidgetDisplay(LiveDisplay):
    """Header, bar, last errors and a Cancel button.

    A message goes to the front end only when what it shows has changed: at most one a tick for header
    and bar, one for the errors.
    """

    def __init__(self) -> None:
        super().__init__()
        self._display_id = uuid.uuid4().hex
        self._view: _View | None = None

    def open(self, snapshot: Snapshot) -> None:
        """Make the widgets and show them."""
        self._view = view = _View(snapshot, self._clicked)
        publish(view.bundle(snapshot), self._display_id, update=False)

    def update(self, snapshot: Snapshot) -> None:
        """Send what has changed."""
        if self._view is not None:
            self._view.update(snapshot)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the widgets by the results, then close them."""
        view, self._view = self._view, None
        try:
            publish(final_bundle(snapshot, results), self._display_id, update=view is not None)
        finally:
            if view is not None:
                view.close()

    def _clicked(self) -> None:
        # Maybe on another thread than the run: a kernel with subshells handles messages there.
        self._cancel()


class _View:
    """The widgets of one display."""

    def __init__(self, snapshot: Snapshot, clicked: Any) -> None:
        import ipywidgets

        self._head = ipywidgets.HTML(progress_html(snapshot), layout={"width": "100%", "margin": "0"})
        self._errors = ipywidgets.HTML(errors_html(snapshot), layout={"width": "100%", "margin": "0"})
        self._button = ipywidgets.Button(
            description="Cancel", icon="stop", tooltip="Stop this run; what has ended is kept"
        )
        self._clicked = clicked
        self._button.on_click(self._click)
        self._box = ipywidgets.VBox(
            [self._head, self._errors, self._button], layout={"max_width": "60em", "padding": "2px 0"}
        )

    def bundle(self, snapshot: Snapshot) -> dict[str, Any]:
        """What is published: the view, and the words that are left if the kernel dies before the end."""
        began = time.strftime("%H:%M:%S")
        return {
            VIEW_MIME: {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id},
            "text/plain": f"drawer {snapshot.drawer}: running since {began}, {snapshot.steps} steps",
        }

    def update(self, snapshot: Snapshot) -> None:
        """Send what has changed; a trait that keeps its value sends nothing."""
        self._head.value = progress_html(snapshot)
        self._errors.value = errors_html(snapshot)
        if snapshot.status != "running":
            self._button.disabled = True

    def close(self) -> None:
        """Close every widget, and those that each brought along: closing a box closes only the box."""
        for widget in (self._box, self._head, self._errors, self._button):
            style = getattr(widget, "style", None)
            for part in (widget, widget.layout, style):
                if part is not None:
                    part.close()

    def _click(self, button: Any) -> None:
        self._clicked()  # before anything that could fail
        with button.hold_sync():
            button.disabled = True
            button.description = "Cancelling…"
