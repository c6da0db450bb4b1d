"""The model of the live view: the data that `view.js` draws on every page that shows it.

The whole state is in the model, so a reloaded page and a second view show the same. The script receives only
numbers, state bytes and short cleaned texts, and inserts the texts as plain text.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from drawer_ipy.display.outline import Outline, OutlineRow
from drawer_ipy.display.page_channel import PageChannel, needs_channel
from drawer_ipy.display.script import script
from drawer_ipy.display.snapshot import Snapshot
from drawer_ipy.display.wording import kept_line
from drawer_ipy.style.palette import LOOKS, properties

VIEW_MIME = "application/vnd.jupyter.widget-view+json"

_HERE = Path(__file__).parent


class View(anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """One live view.

    The script sends ``{"kind": "hello"}`` when it has been loaded, ``cancel`` for a click on Cancel (the
    reply is ``ack``), and ``ask`` for the description of a cell (the reply is ``told``). Messages may arrive
    on another thread than the run's.

    Args:
        cancel: stops the run; can be called from any thread.
        tell: returns the description of a cell of a top-level step, ``[]`` for an unknown cell.
        may_interrupt: whether a Cancel without a reply may interrupt the kernel: only if the interrupt would
            reach the cell that shows the view.
        cell: the id of the cell that started the run.
        replaces: the places of the views of earlier presses of the run.
    """

    # As text: anywidget would watch a Path, and the watcher would keep every view alive.
    _esm = script(_HERE / "view.js")
    _css = properties(".drawer-view") + (_HERE / "view.css").read_text(encoding="utf-8")

    place: traitlets.Unicode[str, str | bytes] = traitlets.Unicode().tag(sync=True)
    """Where the view is shown: the argument of :func:`~drawer_ipy.display.script.mount_html`."""

    cell: traitlets.Unicode[str, str | bytes] = traitlets.Unicode().tag(sync=True)
    """The id of the notebook cell that started the run, if the front end has sent it."""

    replaces: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """The places of earlier views of the run, whose outputs this one replaces."""

    channel: traitlets.Unicode[str, str | bytes] = traitlets.Unicode().tag(sync=True)
    """The channel on which the script sends its messages; ``""``: it uses the model's comm."""

    marks: traitlets.Dict[str, Any] = traitlets.Dict({state: look.mark for state, look in LOOKS.items()}).tag(
        sync=True
    )
    head: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    elapsed: traitlets.Float[float, int | float] = traitlets.Float().tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    cells: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    ended_cells: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    errors: traitlets.List[Any] = traitlets.List().tag(sync=True)
    warning: traitlets.Unicode[str, str | bytes] = traitlets.Unicode("").tag(sync=True)
    cancelling: traitlets.Bool[bool, bool | int] = traitlets.Bool(False).tag(sync=True)
    may_interrupt: traitlets.Bool[bool, bool | int] = traitlets.Bool(True).tag(sync=True)
    over: traitlets.Bool[bool, bool | int] = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        cancel: Callable[[], None],
        tell: Callable[[str, int], Sequence[str]],
        *,
        may_interrupt: bool = True,
        cell: str = "",
        replaces: Sequence[str] = (),
    ) -> None:
        place = uuid.uuid4().hex
        channel = f"drawer_ipy {place}" if needs_channel() else ""
        # A kernel that needs a channel cannot be interrupted.
        may_interrupt = may_interrupt and not channel
        super().__init__(
            place=place, cell=cell, may_interrupt=may_interrupt, replaces=[*replaces], channel=channel
        )
        self._cancel, self._tell = cancel, tell
        self._cancelled = False
        # Rows are sent under short names, since a step's id may be any text of any length.
        self._names: dict[tuple[str, ...], str] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        self.heard: bool = False
        """Whether a page has reported that it can draw the view."""
        self.on_msg(lambda _widget, content, _buffers: self._message(content))
        self._channel = PageChannel(channel, self._message) if channel else None

    def show(self, snapshot: Snapshot, outline: Outline) -> None:
        """Send the changes in one message; a trait that keeps its value is not sent."""
        over = snapshot.status != "running"
        live: dict[str, bytes] = {}
        ended = dict(self.ended_cells)
        for step_id, cells in outline.pictures():
            key = self._name((step_id,))
            if cells.loop.ended or over:
                if key not in ended or key in self.cells:
                    ended[key] = cells.read()
            else:
                live[key] = cells.read()
                ended.pop(key, None)
        with self.hold_sync():
            self.head = _head(snapshot, snapshot.loop and self._name((snapshot.loop,)))
            self.elapsed = round(snapshot.elapsed, 1) if over else float(int(snapshot.elapsed))
            self.rows = [_row(row, self._name(row.path)) for row in outline.rows()]
            self.cells, self.ended_cells = live, ended
            self.errors = [
                {"index": line.index, "step": line.step, "text": line.text} for line in snapshot.errors
            ]
            self.warning = snapshot.warnings
            self.cancelling = self._cancelled
            self.over = over

    def close(self) -> None:
        """Close the model and its layout model.

        It is emptied first, since a notebook that is executed without a front end (nbclient) keeps the last
        state of every model, even of closed ones.
        """
        with self.hold_sync():
            self._esm, self._css = "export default {};", ""
            self.rows, self.cells, self.ended_cells, self.errors, self.warning = [], {}, {}, [], ""
        if self._channel is not None:
            self._channel.close()
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    def _name(self, path: tuple[str, ...]) -> str:
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = f"r{len(self._names)}"
            self._paths[name] = path
        return name

    def _message(self, content: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "cancel":
            self._cancel()  # before anything that could fail
            self._cancelled = True
            self.send({"kind": "ack"})
        elif kind == "ask":
            row, cell = content.get("row"), content.get("cell")
            path = self._paths.get(row, ()) if isinstance(row, str) else ()
            if isinstance(cell, int) and len(path) == 1:  # only top-level steps have cells
                self.send({"kind": "told", "row": row, "cell": cell, "lines": [*self._tell(path[0], cell)]})
        elif kind == "hello":
            self.heard = True


def _head(snapshot: Snapshot, loop: str | None) -> dict[str, Any]:
    return {
        "drawer": snapshot.drawer,
        "status": snapshot.status,
        "outcome": snapshot.outcome,
        "words": snapshot.head.words,
        "step": snapshot.step,
        "position": snapshot.position,
        "steps": snapshot.steps,
        "steps_done": snapshot.steps_done,
        "steps_failed": snapshot.steps_failed,
        "loop": loop,
        "counts": list(snapshot.by_state.values()),
        "kept": kept_line(snapshot),
        "waits": [[*line.parts, line.until] for line in snapshot.waits],
        "so_far": snapshot.so_far,
        "rate": float(f"{snapshot.rate:.3g}"),
        "eta": None if snapshot.eta is None else round(snapshot.eta),
        "retries": snapshot.retries,
        "cached": snapshot.cached,
        "width": snapshot.width,
    }


def _row(row: OutlineRow, key: str) -> dict[str, Any]:
    running = row.status in ("running", "paused")
    return {
        "key": key,
        "name": row.name,
        "depth": row.depth,
        "status": row.status,
        "counts": list(row.counts),
        "seconds": int(row.seconds) if running else round(row.seconds, 2),
        "per": row.per,
        "loops": row.loops,
        "so_far": row.so_far,
    }
