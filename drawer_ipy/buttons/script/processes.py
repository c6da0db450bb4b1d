"""The processes of a run that are still there, so that none outlives the notebook's own process."""

from __future__ import annotations

import atexit
import signal
import time

from drawer_ipy.buttons.script.process import CANCEL_GRACE, Process

_LAST_WAIT = 1.0
"""Seconds that a process has to go after SIGKILL, before the program ends without it."""


class Processes:
    """Knows what of a run is under way; a kernel or program that exits meanwhile ends it.

    An interrupted or cancelled run ends its processes itself. A kernel that is shut down stops its event
    loop at once, though, and with it whatever waits there.
    """

    def __init__(self) -> None:
        self._running: set[Process] = set()
        atexit.register(self.end)

    def add(self, process: Process) -> None:
        """Know of one that is about to start."""
        self._running.add(process)

    def forget(self, process: Process) -> None:
        """Know that it is over."""
        self._running.discard(process)

    def end(self) -> None:
        """End all that are running, first kindly, and wait for that."""
        for number, patience in ((signal.SIGTERM, CANCEL_GRACE), (signal.SIGKILL, _LAST_WAIT)):
            left = [process for process in tuple(self._running) if not process.ended]
            for process in left:
                process.stop(number)
            until = time.monotonic() + patience
            while time.monotonic() < until and not all(process.ended for process in left):
                time.sleep(0.005)

    async def aclose(self) -> None:
        """The run has ended and so has everything it started."""
        atexit.unregister(self.end)
