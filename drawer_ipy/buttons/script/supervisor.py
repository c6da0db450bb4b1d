"""A thread that starts and watches several processes.

A thread for each process takes more time. While several threads wait for the interpreter, each system call of
one of them wakes another, which mostly has to wait again. Eight scripts in eight threads meant 14 switches
between threads for each script; in three threads there are 4.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import select
import threading
import time
from collections import deque

from drawer_ipy.buttons.script.child import above_standard
from drawer_ipy.buttons.script.process import Finished, Process
from drawer_ipy.buttons.script.watch import Watch
from drawer_ipy.common.threads import Arrived, Deliveries


class _Supervised:
    """A process that a supervisor runs.

    Args:
        process: the process.
        nothing: see :meth:`Process.run`.
        watch: watches its descriptors.
        future: for how it ended.

    Attributes:
        runs: whether it still runs, or will be started.
        due: the moment, by ``time.monotonic``, when it must go on although nothing is ready.
        arrived: the future, and how the process ended or the exception because of which it was given up.
    """

    __slots__ = ("_steps", "_watch", "arrived", "due", "runs")

    def __init__(
        self, process: Process, nothing: int, watch: Watch, future: asyncio.Future[Finished]
    ) -> None:
        self._steps = process.run(watch, nothing)
        self._watch = watch
        self.runs: bool = True
        self.due: float = 0.0
        self.arrived: Arrived = (future, None, None)

    def is_due(self, now: float) -> bool:
        return bool(self._watch.ready) or self.due <= now

    def go_on(self) -> bool:
        """Start the process, or react to what is ready. Return whether it still runs."""
        try:
            wait = next(self._steps)
        except StopIteration as last:
            self._end(last.value, None)
        except BaseException as error:
            self._end(None, error)
        else:
            self._watch.ready.clear()
            self.due = math.inf if wait is None else time.monotonic() + wait
        return self.runs

    def give_up(self, error: BaseException) -> None:
        """End the process, whose thread cannot go on because of `error`."""
        self._end(None, error)
        with contextlib.suppress(Exception):
            self._steps.close()

    def _end(self, finished: Finished | None, error: BaseException | None) -> None:
        self.runs = False
        self.arrived = (self.arrived[0], finished, error)


class Supervisor:
    """A daemon thread that runs processes. Its methods are for the event loop.

    Args:
        name: the name of the thread.
        deliveries: the way to the event loop.

    Raises:
        OSError: the system refuses a file.
        RuntimeError: the system refuses a thread.

    Attributes:
        load: how many of its processes are awaited, which its owner counts.
    """

    def __init__(self, name: str, deliveries: Deliveries) -> None:
        self.load: int = 0
        self._deliveries = deliveries
        self._new: deque[_Supervised] = deque()
        self._running: list[_Supervised] = []
        self._awake = True
        self._closed = False
        self._poller = select.poll()
        self._watches: dict[int, Watch] = {}
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._wakes, self._waker = self._files = list(os.pipe())
        self._poller.register(self._wakes, select.POLLIN)
        try:
            self._nothing = above_standard(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            self._files.append(self._nothing)
            self._thread.start()
        except (OSError, RuntimeError):
            self._close_files()
            raise

    def run(self, process: Process) -> asyncio.Future[Finished]:
        """Run `process`, and return a future for how it ended. Cancelling the future does not end it.

        The future raises OSError and ValueError, see :meth:`Process.run`.
        """
        future: asyncio.Future[Finished] = self._deliveries.loop.create_future()
        watch = Watch(self._poller, self._watches)
        self._new.append(_Supervised(process, self._nothing, watch, future))
        self._wake()
        return future

    def close(self, patience: float) -> None:
        """End the thread after its last process, and wait for this at most `patience` seconds."""
        self._closed = True
        self._wake()
        self._thread.join(patience)

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            os.write(self._waker, b".")

    def _live(self) -> None:
        try:
            while not (self._closed and not self._running and not self._new):
                try:
                    self._take_turn()
                except BaseException as error:  # no memory for the list of descriptors
                    for one in self._running:
                        one.give_up(error)
                    self._drop_ended()
        finally:
            self._close_files()

    def _take_turn(self) -> None:
        """Start a process, or else wait until one of those that run has to go on."""
        # Changed before the look for a new process: either this finds it, or run() sees that it must wake
        # this thread. (Without the GIL, taking is ordered after the change; a test for being empty is not.)
        self._awake = False
        try:
            new = self._new.popleft()
        except IndexError:
            if not self._closed or self._running:
                self._wait()
            return
        self._awake = True
        self._running.append(new)
        if not new.go_on():
            self._drop_ended()

    def _wait(self) -> None:
        due = min((one.due for one in self._running), default=math.inf)
        # Rounded up, as poll() counts milliseconds: else it would return before the time has come.
        wait = None if due == math.inf else max(0, math.ceil((due - time.monotonic()) * 1000))
        ready = self._poller.poll(wait)
        self._awake = True
        for fd, events in ready:
            if fd == self._wakes:
                os.read(fd, 4096)
            else:
                self._watches[fd].ready[fd] = events
        now, have_ended = time.monotonic(), False
        for one in self._running:
            if one.is_due(now):
                have_ended |= not one.go_on()
        if have_ended:
            self._drop_ended()

    def _drop_ended(self) -> None:
        """Tell the event loop of all processes that have ended, together, so that it wakes once for them."""
        ended = [one.arrived for one in self._running if not one.runs]
        self._running = [one for one in self._running if one.runs]
        self._deliveries.add(*ended)

    def _close_files(self) -> None:
        for fd in self._files:
            os.close(fd)
