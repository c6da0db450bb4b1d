"""The processes of a run: which thread runs each, and that none outlives its press or the notebook."""

from __future__ import annotations

import asyncio
import atexit
import signal
import time

from drawer_ipy.buttons.script.process import CANCEL_GRACE, Finished, Process
from drawer_ipy.buttons.script.supervisor import Supervisor
from drawer_ipy.common.threads import Deliveries, NoThread

_LAST_WAIT = 1.0
"""Seconds that a process has to exit after SIGKILL, before the program exits without it."""

_FEW = 3
"""Threads that share the processes. The next ones are only started when each of these has :data:`_MANY`."""

_MANY = 32
"""Processes of a thread from which another thread is worth more than it costs."""


class Processes:
    """Run the processes of a run, and end those that are left when the kernel or program exits.

    An interrupted or cancelled run ends its processes itself. But a kernel that is shut down stops its event
    loop at once, and with it all tasks.
    """

    def __init__(self) -> None:
        self._running: set[Process] = set()
        self._supervisors: list[Supervisor] = []
        self._deliveries: Deliveries | None = None
        atexit.register(self.end)

    async def run(self, process: Process) -> Finished:
        """Run `process`; a cancellation ends the process before it is re-raised.

        Raises:
            NoThread: the system refuses the first thread for processes.
            OSError: the process could not be started.
            ValueError: see :meth:`Process.run`.
            asyncio.CancelledError: after the process has ended.
        """
        supervisor = self._least_busy()
        supervisor.load += 1
        self._running.add(process)
        try:
            return await supervisor.run(process)
        except asyncio.CancelledError:
            await _end(process)
            raise
        finally:
            self._running.discard(process)
            supervisor.load -= 1

    def _least_busy(self) -> Supervisor:
        """Return the thread that has least to do, perhaps a new one."""
        known = self._supervisors
        least = min(known, key=lambda one: one.load, default=None)
        if least is not None and (not least.load or (len(known) >= _FEW and least.load < _MANY)):
            return least
        if self._deliveries is None:
            self._deliveries = Deliveries(asyncio.get_running_loop())
        try:
            least = Supervisor(f"drawer-scripts-{len(known) + 1}", self._deliveries)
        except (OSError, RuntimeError) as error:
            if least is not None:
                return least
            if isinstance(error, OSError):
                raise
            raise NoThread(
                f"the system refuses to start a thread for scripts: {error}",
                remediation="lower `parallelism`",
            ) from None
        known.append(least)
        return least

    def running(self) -> list[tuple[int, str]]:
        """Return the id and the start of each running process; see :attr:`Process.start`."""
        found = ((process.pid, process.start) for process in tuple(self._running))
        return sorted((pid, start) for pid, start in found if pid and start)

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
        """End the threads, and stop watching for the exit: when a run ends, all its processes have ended."""
        atexit.unregister(self.end)
        for supervisor in self._supervisors:  # they wait for nothing, so this takes microseconds
            supervisor.close(1.0)


async def _end(process: Process) -> None:
    """End a process whose caller was cancelled, and wait for its end in any case."""
    process.stop()
    kill_at = time.monotonic() + CANCEL_GRACE
    # Cancelling the future also dropped its result, so this polls. A future shielded from cancellation would
    # slow down every press; polling slows down only cancelled ones.
    while not process.ended:
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            continue  # the caller re-raises the first one; leaving now would leave the process behind
        finally:
            if time.monotonic() >= kill_at:
                process.stop(signal.SIGKILL)
