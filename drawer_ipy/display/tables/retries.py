"""A retry that a page asks for: another press in the output of the run, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from drawer_ipy.common.tracebacks import describe
from drawer_ipy.display.tables.stage import Stage
from drawer_ipy.engine.events import Listeners, RunStarted
from drawer_ipy.errors import DrawerError
from drawer_ipy.results import Results
from drawer_ipy.results.origin import Origin
from drawer_ipy.results.retrying import retry_shown

Reply = Callable[[dict[str, Any]], None]

Changed = Callable[[Origin, str, str], None]
"""Called with the run, the key of the table from which it was pressed, and a problem (``""`` for none)."""


def retry_table(results: Results, stage: Stage | None, reply: Reply, changed: Changed) -> None:
    """Press again what did not end ok in `results`, and show it in the output of the run.

    It runs like :meth:`~drawer_ipy.Results.retry`, but the kernel stays free for other cells.

    Args:
        results: the table; kept until the press has ended.
        stage: the output of the run.
        reply: called once: with ``started`` when the press begins, with a ``problem`` if it cannot begin, or
            with neither if nothing was pressed.
        changed: called when a press that began has ended.
    """
    if stage is None:
        reply({"problem": "this table cannot be retried from here; call its method retry()"})
        return
    press = _Press(results, stage, reply, changed)
    threading.Thread(target=press.run, name="drawer retry from a page", daemon=True).start()


class _Press:
    """One retry, and the display that it uses, which reports when the press begins."""

    def __init__(self, results: Results, stage: Stage, reply: Reply, changed: Changed) -> None:
        self._results, self._stage = results, stage
        self._reply, self._changed = reply, changed
        self._began = False

    def run(self) -> None:
        """Press, in the context of the cell: what buttons print belongs to it, as in a retry there."""
        problem = self._stage.context().run(self._pressed)
        if self._began:
            self._changed(self._results.view.origin, self._stage.table, problem)
        else:
            self._reply({"problem": problem} if problem else {})

    def _pressed(self) -> str:
        """Press, and return what went wrong."""
        try:
            self._display = self._stage.display()
            try:
                retry_shown(self._results, self)
            finally:
                self._display.close(self._results if self._began else None)
        except DrawerError as error:
            return str(error)
        except BaseException as error:  # the thread ends; the page must hear of it
            return describe(error)
        return ""

    # A display

    def attach(self, listeners: Listeners, cancel: Callable[[], None]) -> None:
        """See :meth:`~drawer_ipy.display.live.Display.attach`."""
        self._display.attach(listeners, cancel)
        listeners.on(RunStarted, self._started)  # after the display's own listener

    def detach(self) -> None:
        """Do nothing: the context is that of the cell from the start."""

    def close(self, results: Any | None) -> None:
        """Do nothing: the display is closed when the tables have the new record."""

    def _started(self, _event: RunStarted) -> None:
        self._began = True
        self._reply({"started": True, "place": self._display.place})
