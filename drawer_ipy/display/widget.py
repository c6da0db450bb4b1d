"""The live view in a notebook: HTML in the output, and a model whose script draws the view in its place.

Where no script draws the view, and in a saved notebook, the HTML shows the last snapshot or the results. The
model is in the output only for front ends that would otherwise not load its script.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from drawer_ipy.display.busy import BusyIndicator
from drawer_ipy.display.cell_lines import cell_lines
from drawer_ipy.display.cell_output import CellOutput
from drawer_ipy.display.final import final_bundle
from drawer_ipy.display.front_ends import cell_id, current_shell
from drawer_ipy.display.html import Snapshots, publish
from drawer_ipy.display.kept import begin_output, keep_output
from drawer_ipy.display.live import LiveDisplay
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.run_output import RunOutput
from drawer_ipy.display.script import ENDED, mount_html
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.tables.stage import Stage
from drawer_ipy.display.view import VIEW_MIME, View
from drawer_ipy.engine.events import Listeners

if TYPE_CHECKING:
    from drawer_ipy.display.tables.tables import Tables


class WidgetDisplay(LiveDisplay):
    """Shows a header, a bar, the picture of the items, the last errors and a Cancel button.

    A message is sent to the front end only if something has changed, at most one per tick.

    Args:
        may_interrupt: whether a Cancel without a reply may interrupt the kernel; ``False`` for a run in the
            background, since the interrupt would reach another cell.
        in_output: whether the output contains the model, for front ends that otherwise do not load its script
            (:func:`~drawer_ipy.display.front_ends.loads_widgets_for_outputs_only`).
        tables: lets pages work with the final table; ``None`` for a static table only.
        where: the output of an earlier press of the run, which this one replaces; ``None`` for a new output.
    """

    # The other half of a message's cost is spent after the call, by the thread that sends it.
    share: ClassVar[float] = 0.01

    patience: ClassVar[float] = 4.0
    """Seconds for a page to load the script of an output with the model before HTML is shown in its place."""

    def __init__(
        self,
        *,
        may_interrupt: bool = True,
        in_output: bool = False,
        tables: Tables | None = None,
        where: RunOutput | None = None,
    ) -> None:
        super().__init__()
        self.may_interrupt = may_interrupt
        self._in_output = in_output
        self._tables = tables
        shell = current_shell()
        self._where = where or RunOutput(CellOutput(publish), cell_id(shell))
        self._cell, self._output = self._where.cell, self._where.output
        # While a run in the background goes on, the kernel is free for other cells.
        self._busy = BusyIndicator(shell if may_interrupt else None)
        self._outline = Outline()
        self._view: View | None = None
        self._place = self._model_id = ""
        self._snapshots = Snapshots(self._output, self._bundle)
        self._pauses = Pauses(self.patience if in_output else 0.0)
        self._has_model = in_output

    @property
    def place(self) -> str:
        """The place of the view; ``""`` before it is opened."""
        return self._place

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.attach`."""
        self._outline.attach(listeners)
        super().attach(listeners, cancel)

    def open(self, snapshot: Snapshot) -> None:
        """Make the model and show the first snapshot."""
        self._view = view = View(
            self._clicked,
            self._asked,
            may_interrupt=self.may_interrupt,
            cell=self._cell,
            replaces=self._where.places,
        )
        self._place, self._model_id = view.place, view.model_id
        view.show(snapshot, self._outline)
        if self._where.places:
            self._output.reopen()
        self._snapshots.show(snapshot)
        begin_output(self._cell)
        self._busy.begin()

    def update(self, snapshot: Snapshot) -> None:
        """Send the changes; show the output again if it was cleared, and a new snapshot from time to time."""
        view = self._view
        if view is None:
            return
        self._busy.report()
        self._output.refresh()
        view.show(snapshot, self._outline)
        if self._is_due(heard=view.heard):
            self._snapshots.show(snapshot)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:
        """Replace the snapshot by the results, then close the model."""
        view, self._view = self._view, None
        self._busy.end()
        try:
            stage = None if view is None else self._stage()
            bundle = final_bundle(snapshot, results, self._tables, stage)
            if view is not None and "text/html" in bundle:
                bundle["text/html"] = mount_html(self._place, bundle["text/html"], css=ENDED)
            self._output.close(bundle)
            if view is not None and "text/html" in bundle:
                keep_output(self._place, self._cell, bundle, self._where.places)
        finally:
            if view is not None:
                view.close()

    def _stage(self) -> Stage:
        """Where another press of the run can be shown: in the same output."""
        where, in_output, tables = self._where.after(self._place), self._in_output, self._tables

        def display() -> WidgetDisplay:
            # The kernel is free for other cells, as during a run in the background.
            return WidgetDisplay(may_interrupt=False, in_output=in_output, tables=tables, where=where)

        return Stage(where.table, where.output.context, display)

    def _is_due(self, *, heard: bool) -> bool:
        """Whether the output is to be shown anew, and whether it then contains the model."""
        if not self._in_output:
            return self._pauses.is_over(heard=heard)
        # Each time the model is shown its view is drawn from the start, so it is shown only after HTML.
        if heard:
            again, self._has_model = not self._has_model, True
            return again
        due = self._pauses.is_over(heard=False)
        self._has_model = self._has_model and not due
        return due

    def _bundle(self, html: str, text: str) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/html": mount_html(self._place, html), "text/plain": text}
        if self._has_model:
            bundle[VIEW_MIME] = {"version_major": 2, "version_minor": 0, "model_id": self._model_id}
        return bundle

    def _clicked(self) -> None:
        # Possibly on another thread than the run: a kernel with subshells handles messages there.
        self._cancel()

    def _asked(self, step_id: str, cell: int) -> list[str]:
        cells = self._outline.cells(step_id)
        return [] if cells is None else [self._listeners.hide(line) for line in cell_lines(cells, cell)]


class Pauses:
    """When the snapshot in the output is due again: seldom if a page draws the view, often if none does.

    A page draws it once it has sent a message, which may not be possible during the run.

    Args:
        patience: seconds for a page to send its first message; no snapshot is due before.
    """

    drawn: ClassVar[float] = 10.0
    """Most seconds between two snapshots if a page draws the view: they are for the saved notebook.

    The first comes after a second, and each pause is twice as long as the one before.
    """

    not_drawn: ClassVar[float] = 0.5
    """Seconds between two snapshots if no page draws it."""

    unknown: ClassVar[float] = 2.0
    """Seconds between two snapshots if no message would arrive."""

    def __init__(self, patience: float) -> None:
        self._drawn = 1.0
        heard = _is_heard()
        self._pause = self.not_drawn if heard else self.unknown
        if not heard and patience:
            patience = math.inf  # a missing message means nothing
        self._last = time.monotonic() + patience

    def is_over(self, *, heard: bool) -> bool:
        """Whether the next snapshot is due; if it is, the next pause begins."""
        now = time.monotonic()
        over = now - self._last >= (self._drawn if heard else self._pause)
        if over:
            self._last = now
            self._drawn = min(2 * self._drawn, self.drawn)
        return over


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
