"""Keeps the front end's kernel indicator busy while a cell waits for a run.

A kernel that answers something else while a cell runs (a debugger, a page that was reloaded) then says that
it is idle. Front ends show what a kernel said last, so it says again that it is busy.
"""

from __future__ import annotations

import time
from typing import Any

_PAUSE = 0.5


class BusyIndicator:
    """Reports the kernel as busy, in the context of the cell that runs.

    Args:
        shell: IPython's shell; without a kernel, nothing is reported.
    """

    def __init__(self, shell: Any | None) -> None:
        self._shell = shell
        self._kernel = getattr(shell, "kernel", None)
        self._events = getattr(shell, "events", None)
        self._last = 0.0
        self._is_on = False

    def begin(self) -> None:
        """Start if a cell is running; the indicator is left alone as soon as the cell has ended."""
        if hasattr(self._kernel, "send_response") and self._events is not None and _runs_a_cell(self._shell):
            self._is_on = True
            self._events.register("post_run_cell", self._cell_ended)

    def report(self) -> None:
        """Report the kernel as busy if the cell is still running, at most twice a second."""
        now = time.monotonic()
        if self._is_on and self._kernel is not None and now - self._last >= _PAUSE:
            self._last = now
            self._kernel.send_response(self._kernel.iopub_socket, "status", {"execution_state": "busy"})

    def end(self) -> None:
        """Stop; further calls do nothing."""
        if self._is_on and self._events is not None:
            self._is_on = False
            self._events.unregister("post_run_cell", self._cell_ended)

    def _cell_ended(self, _result: Any) -> None:
        self.end()


def _runs_a_cell(shell: Any) -> bool:
    """Whether a cell is running: IPython then keeps the place for its value."""
    return getattr(getattr(shell, "displayhook", None), "exec_result", None) is not None
