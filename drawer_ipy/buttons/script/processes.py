"""The running processes of a run, so that none outlives the notebook's process."""

from __future__ import annotations

import atexit
import signal
import time

from drawer_ipy.buttons.script.process import CANCEL_GRACE, Process

_LAST_WAIT = 1.0
"""Seconds that a process has to exit after SIGKILL, before the program exits without it."""


class Processes:
    """Keep track of the running processes of a run, and end them when the kernel or program exits.

    An interrupted or cancelled run ends its processes itself. But a kernel that is shut down stops its event
    loop at once, and with it all tasks.
    """

    def __init__(self) -> None:
        self._running: set[Process] = set()
        atexit.register(self.end)

    def add(self, process: Process) -> None:
        """Add a process that is about to start."""
        self._running.add(process)

    def running(self) -> list[tuple[int, str]]:
        """Return the id and the start of each running process; see :attr:`Process.start`."""
        found = ((process.pid, process.start) for process in tuple(self._running))
        return sorted((pid, start) for pid, start in found if pid and start)

    def forget(self, process: Process) -> None:
        """Remove a process that has ended."""
        self._running.discard(process)

    def end(self) -> None:
        """End all running processes, SIGTERM first, and wait for them."""
        for number, patience in ((signal.SIGTERM, CANCEL_GRACE), (signal.SIGKILL, _LAST_WAIT)):
            left = [process for process in tuple(self._running) if not process.ended]
            for process in left:
                process.stop(number)
            until = time.monotonic() + patience
            while time.monotonic() < until and not all(process.ended for process in left):
                time.sleep(0.005)

    async def aclose(self) -> None:
        """Stop watching for the exit: when a run ends, all its processes have ended."""
        atexit.unregister(self.end)
