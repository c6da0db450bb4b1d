"""One child process from start to end: output captured, time and memory limited, ended with its group.

It is started and watched in a thread (see supervisor.py), which is measurably faster than asyncio's
subprocesses and does not depend on a child watcher.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

from drawer_ipy.buttons.output import DEFAULT_LIMIT, Capture, Lines
from drawer_ipy.buttons.script.child import ScriptChild
from drawer_ipy.buttons.script.feeding import Feed
from drawer_ipy.buttons.script.watch import Watch
from drawer_ipy.buttons.script.watchdog import WATCHDOG
from drawer_ipy.common.process_ids import pidfd, start_of, start_ticks

TERM_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL after a timeout (as in the original), or after too much output."""

CANCEL_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL after a cancellation, which is short because a user is waiting."""

_LAST_WORDS = 0.3
"""Seconds that the rest of a group may continue to write after its leader has exited."""

_CHUNK = 64 * 1024
_DRAIN_LIMIT = 1024 * 1024
"""Maximum bytes read after the process has exited; a pipe holds 64 KiB unless it was enlarged."""


Steps = Generator[float | None, None, "Finished"]
"""A running process, for the thread that watches it. It yields the longest time in seconds until it must go
on, ``None`` if it only has to when one of its descriptors is ready.
"""


@dataclass(slots=True)
class Finished:
    """How a process ended.

    Attributes:
        returncode: exit code, negative for the signal that ended it.
        stdout, stderr: its output until it exited, up to the limit.
        too_long: ``stdout`` or ``stderr``, if it wrote more than the limit to it; else ``""``.
        timed_out: whether it was ended because of its timeout.
        altered: whether stdout contained bytes that are not UTF-8 text, replaced by U+FFFD.
    """

    returncode: int
    stdout: str
    stderr: str
    too_long: str
    timed_out: bool
    altered: bool = False


class Process:
    """A child process in its own session. Only one thread iterates :meth:`run`; the rest is for any thread.

    Attributes:
        ended: whether :meth:`run` has ended, with or without success.

    Args:
        argv: the program and its arguments, encoded.
        added: the variables that it gets beside those of this process, encoded.
        timeout: seconds until its group gets SIGTERM and, :data:`TERM_GRACE` later, SIGKILL.
        on_line: called in the same thread with each line of stderr.
        limit: maximum bytes of stdout and of stderr; if the process writes more, its group is ended as after
            a timeout.
        stdin: the data for its stdin.
    """

    def __init__(
        self,
        argv: tuple[bytes, ...],
        added: Mapping[bytes, bytes],
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
        limit: int = DEFAULT_LIMIT,
        stdin: bytes = b"",
    ) -> None:
        self._stdin = stdin
        self._argv = argv
        self._added = added
        self._timeout = timeout
        self._on_line = on_line
        self.ended: bool = False
        self._start = ""
        self._lines = Lines()
        self._out = Capture(limit)
        self._err = Capture(limit)
        # The lock keeps a signal from being sent to a process id that no longer belongs to this child.
        self._lock = threading.Lock()
        self._child: ScriptChild | None = None
        self._reaped = False
        self._ending = False
        self._timed_out = False
        self._kill_at: float | None = None
        self._deadline: float | None = None

    @property
    def pid(self) -> int:
        """The process id while it runs, else 0; it is also the id of its group."""
        return 0 if self._child is None or self._reaped else self._child.pid

    @property
    def start(self) -> str:
        """When the process started (see ``process_ids.start_of``); ``""`` if nobody asked while it ran."""
        with self._lock:
            if not self._start and self.pid:
                self._start = start_of(self.pid)
            return self._start

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Signal the whole group, from any thread; a process not yet started is ended once it is."""
        with self._lock:
            self._ending = True
            self._signal(number)

    def run(self, watch: Watch, nothing: int) -> Steps:
        """Start the process, and return how it ended when it has exited and its group is gone.

        Args:
            watch: for its descriptors.
            nothing: a descriptor from which nothing can be read, for its stdin if there are no data for it.

        Raises:
            OSError: it could not be started.
            ValueError: an argument or variable contains a NUL character.
        """
        try:
            child = self._start_child(nothing)
            try:
                yield from self._watch(child, watch)
            finally:
                watch.clear()
                self._reap(child)
            return self._finished(child)
        finally:
            self.ended = True

    def _start_child(self, nothing: int) -> ScriptChild:
        if self._timeout is not None:
            self._deadline = time.monotonic() + self._timeout
        with self._lock:
            since = start_ticks()
            child = ScriptChild(self._argv, self._added, None if self._stdin else nothing)
            self._child = child
            WATCHDOG.add(child.pid, since)
            if self._ending:
                self._signal(signal.SIGKILL)
        return child

    def _finished(self, child: ScriptChild) -> Finished:
        if self._on_line is not None:
            self._tell(self._lines.end())
        too_long = "stdout" if self._out.cut else "stderr" if self._err.cut else ""
        out, timed_out = self._out, self._timed_out
        assert child.code is not None, "it was collected"
        return Finished(child.code, out.text(), self._err.text(), too_long, timed_out, out.altered)

    def _signal(self, number: int) -> None:
        """Send a signal to the group; the caller holds the lock."""
        if self._child is not None and not self._reaped:
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                pass
            except PermissionError:
                # macOS raises this for a group whose only member is a zombie.
                pass

    def _watch(self, child: ScriptChild, watch: Watch) -> Generator[float | None, None, None]:
        """Read until the process has exited, even if processes that it started still run.

        The original waits for those, too (docs/original.md#processes-requests-history, number 69).
        """
        pipes = {child.stdout: self._out, child.stderr: self._err}
        for pipe in pipes:
            watch.register(pipe, select.POLLIN)
        exit_watch = _ExitWatch(child, watch)
        feed = Feed(child, self._stdin, watch) if self._stdin else None
        try:
            while not exit_watch.exited:
                self._keep_time()
                yield exit_watch.patience(self._wait(), bool(pipes))
                exit_watch.look(watch.ready)
                for fd, events in watch.ready.items():
                    if fd in pipes:
                        self._read(fd, events, pipes, watch)
                    elif feed is not None and fd == feed.fd:
                        feed.write()
            if feed is not None:
                feed.close()
            if self._ending:
                yield from self._end_group(watch, pipes)
            self._drain(pipes, watch)
        finally:
            exit_watch.close()

    def _read(self, fd: int, events: int, pipes: dict[int, Capture], watch: Watch) -> int:
        """Read what is available and return the number of bytes; at its end, unregister the pipe."""
        chunk = b"" if events == select.POLLHUP else os.read(fd, _CHUNK)
        sink = pipes[fd]
        if not chunk:
            watch.unregister(fd)
            del pipes[fd]
            return 0
        sink.add(chunk)
        if self._on_line is not None and sink is self._err:
            self._tell(self._lines.add(chunk))
        return len(chunk)

    def _tell(self, lines: list[str]) -> None:
        if self._on_line is not None:
            for line in lines:
                self._on_line(line)

    def _wait(self) -> float | None:
        """Return the seconds until the next deadline, ``None`` if there is none."""
        due = self._kill_at if self._kill_at is not None else self._deadline
        return None if due is None else max(0.0, due - time.monotonic())

    def _keep_time(self) -> None:
        """End the group if its time is up or it has written too much: SIGTERM first, then SIGKILL."""
        if self._kill_at is None:
            self._timed_out = self._deadline is not None and time.monotonic() >= self._deadline
            if self._timed_out or self._out.cut or self._err.cut:
                self._kill_at = time.monotonic() + TERM_GRACE
                self.stop()
        elif time.monotonic() >= self._kill_at:
            self._kill_at = time.monotonic() + TERM_GRACE  # SIGKILL is repeated, to be safe
            self.stop(signal.SIGKILL)

    def _end_group(self, watch: Watch, pipes: dict[int, Capture]) -> Generator[float | None, None, None]:
        """End the rest of the group; its leader is a zombie, which keeps the group's id from being reused."""
        until = time.monotonic() + _LAST_WORDS
        while pipes and (left := until - time.monotonic()) > 0:
            yield left
            for fd, events in watch.ready.items():
                if fd in pipes:
                    self._read(fd, events, pipes, watch)
                else:
                    watch.unregister(fd)
        self.stop(signal.SIGKILL)

    def _drain(self, pipes: dict[int, Capture], watch: Watch) -> None:
        """Read what the process wrote before it exited, without waiting for other processes."""
        if not pipes:
            return
        poller, left = select.poll(), _DRAIN_LIMIT
        for pipe in pipes:
            poller.register(pipe, select.POLLIN)
        while pipes and left > 0:
            ready = [(fd, events) for fd, events in poller.poll(0) if fd in pipes]
            if not ready:
                return
            left -= sum(self._read(fd, events, pipes, watch) for fd, events in ready)

    def _reap(self, child: ScriptChild) -> None:
        """Collect the exit code, and make sure that no child is left behind."""
        with self._lock:
            WATCHDOG.remove(child.pid)
            if child.poll() is None:
                self._signal(signal.SIGKILL)
                child.wait()
            self._reaped = True
        child.close()


class _ExitWatch:
    """Detect that a child has exited, without reaping it: by a pidfd, or else by polling.

    Attributes:
        exited: whether it has exited.
    """

    __slots__ = ("_child", "_fd", "_pause", "exited")

    def __init__(self, child: ScriptChild, watch: Watch) -> None:
        self._child = child
        self._pause = 0.001
        self._fd = pidfd(child.pid)
        self.exited = False
        if self._fd is not None:
            watch.register(self._fd, select.POLLIN)

    def patience(self, due: float | None, reading: bool) -> float | None:
        """Return the maximum seconds until the next look; `due` is the limit for other reasons."""
        if self._fd is None:
            # A process with closed pipes is about to exit.
            self._pause = min(self._pause * 1.5, 0.02) if reading else 0.001
            due = self._pause if due is None else min(due, self._pause)
        return due

    def look(self, ready: Mapping[int, int]) -> None:
        """Update :attr:`exited`; `ready` are the descriptors that are ready, with their events."""
        if self._fd is None:
            self.exited = _has_exited(self._child)
        else:
            self.exited = self._fd in ready

    def close(self) -> None:
        """Close the descriptor."""
        if self._fd is not None:
            os.close(self._fd)


def _has_exited(child: ScriptChild) -> bool:
    """Whether the child has exited; if the system allows it, it remains a zombie."""
    if child.code is not None:
        return True
    if hasattr(os, "waitid"):
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, child.pid, flags) is not None
        except ChildProcessError:
            pass  # another wait() reaped it (a SIGCHLD handler); poll() can handle that
    return child.poll() is not None
