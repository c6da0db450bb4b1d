"""The log of a run's buttons below its view: the last lines, redrawn in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar

from drawer_ipy.common.counted import number_of
from drawer_ipy.display.cell_output import CellOutput
from drawer_ipy.display.html import publish
from drawer_ipy.display.live import Display, LiveDisplay
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.engine.events import Listeners
from drawer_ipy.style.html_frame import block, scrolling
from drawer_ipy.style.preview import clean, cut

_SHOWN = 100
_WIDTH = 300
_STYLE = (
    "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;"
    "padding:2px 6px;max-height:14em;overflow:auto;font-size:12px;line-height:1.35"
)


class LogDisplay(LiveDisplay):
    """The last lines of a log in a separate output, which is empty while there are none.

    The output exists from the start, so that it belongs to the cell that started the run in every kernel.

    Args:
        lines: returns the current log, oldest line first.
        dropped: returns how many earlier lines were dropped.
    """

    interval: ClassVar[float] = 0.5

    def __init__(self, lines: Callable[[], Sequence[str]], dropped: Callable[[], int]) -> None:
        super().__init__()
        self._lines, self._dropped = lines, dropped
        self._output = CellOutput(publish)
        self._shown: dict[str, str] | None = None

    def open(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - as LiveDisplay
        """Create the output."""
        self._shown = self._bundle(live=True)
        self._output.show(self._shown)

    def update(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - as LiveDisplay
        """Redraw it if there are new lines, or if it was cleared."""
        bundle = self._bundle(live=True)
        if bundle == self._shown:
            self._output.refresh()
            return
        self._shown = bundle
        self._output.show(bundle)

    def finish(self, snapshot: Snapshot, results: Any | None) -> None:  # noqa: ARG002 - as LiveDisplay
        """Leave the last lines, collapsed."""
        if self._shown is not None:
            self._output.close(self._bundle(live=False))

    def _bundle(self, *, live: bool) -> dict[str, str]:
        lines = [cut(clean(line), _WIDTH) for line in self._lines()]
        return log_bundle(lines[-_SHOWN:], self._dropped() + max(0, len(lines) - _SHOWN), live=live)


def log_bundle(lines: Sequence[str], before: int, *, live: bool) -> dict[str, str]:
    """The cleaned `lines` by MIME type; `before` earlier lines are not shown."""
    if not lines:
        return {"text/html": "", "text/plain": ""}
    count = before + len(lines)
    head = f"printed: {number_of(count, 'line')}"
    head += f", the last {len(lines)}" if before else ""
    text = "\n".join(lines)
    html = (
        f"<details{' open' if live else ''}><summary>{head}</summary>"
        f'<pre style="{_STYLE}" {scrolling("printed text")}>{escape(text)}</pre></details>'
    )
    return {"text/html": block(html), "text/plain": f"{head}\n{text}"}


class Together:
    """Several displays of one run that act as one."""

    def __init__(self, *displays: Display) -> None:
        self._displays = displays

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.attach`."""
        for display in self._displays:
            display.attach(listeners, cancel)

    def detach(self) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.detach`."""
        for display in self._displays:
            display.detach()

    def close(self, results: Any | None) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.close`."""
        for display in self._displays:
            display.close(results)
