"""A small process that ends the scripts of a kernel which was killed.

A killed process can clean up nothing. On Linux, the first script of a process starts a shell that waits for
the end of a pipe from the process, which comes when the process ends for any reason. The groups of the
running scripts are in a file in memory that both share; the shell reads it then, and ends them and itself.
(PR_SET_PDEATHSIG would be bound to the thread that starts a script, and those come and go.)

A script that does nothing takes less than a millisecond, so neither side works for each script: it is a line
in memory for the process, and nothing for the shell.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import subprocess
import sys
import tempfile
import threading
import time

from drawer_ipy.common.process_ids import start_of, start_ticks

_SHELL = "/bin/sh"
_NAME = "drawer-watchdog"
_START = 'exec 3<&0; "$0" -c "$1" "$2" <&3 3<&- 4<&1 >/dev/null &'

# It reads lines `GROUP SINCE UNTIL`; other lines are blank. A group is ended only if its leader started
# between these moments or has ended: then no other group gets its number while any of its processes lives.
_PROGRAM = r"""
set -f
trap '' HUP INT QUIT TERM PIPE
while read -r _; do :; done
is_same() {
    read -r line < "/proc/$1/stat" || return 0
    set -- "$1" "$2" "$3" ${line##*) }
    [ "${23}" -ge "$2" ] && [ "${23}" -le "$3" ]
}
each() {
    signal=$1
    shift
    while [ $# -gt 2 ]; do
        is_same "$1" "$2" "$3" && kill -s "$signal" -- "-$1"
        shift 3
    done
}
all=
while read -r group since until; do
    [ -z "$group" ] || all="$all $group $since $until"
done <&4
[ -n "$all" ] || exit 0
each TERM $all
sleep 0.5
each KILL $all
"""

_PAUSE = 0.5
"""Seconds between two looks whether the shell still runs."""


class _GroupFile:
    """A file without a name with the running groups, one line each.

    Attributes:
        fd: its descriptor.

    Raises:
        OSError: the system refuses such a file.
    """

    _WIDTH = 56
    """Bytes of a line: a group has at most 7 digits, a moment at most 20."""

    def __init__(self) -> None:
        self.fd: int = _nameless_file()
        self._lines: dict[int, int] = {}
        self._free: list[int] = []
        self._count = 0
        self._grow(64)

    def _grow(self, lines: int) -> None:
        before, self._count = self._count, lines
        os.ftruncate(self.fd, lines * self._WIDTH)
        self._bytes = mmap.mmap(self.fd, lines * self._WIDTH)
        self._free.extend(range(before, lines))
        for line in range(before, lines):
            self._write(line, b"")

    def add(self, group: int, since: int, until: int) -> None:
        if not self._free:
            self._grow(2 * self._count)
        line = self._lines[group] = self._free.pop()
        self._write(line, b"%d %d %d" % (group, since, until))

    def remove(self, group: int) -> None:
        line = self._lines.pop(group, None)
        if line is not None:
            self._write(line, b"")
            self._free.append(line)

    def _write(self, line: int, text: bytes) -> None:
        begin = line * self._WIDTH
        self._bytes[begin : begin + self._WIDTH] = text.ljust(self._WIDTH - 1) + b"\n"

    def close(self) -> None:
        self._bytes.close()
        os.close(self.fd)


def _nameless_file() -> int:
    """Return the descriptor of a file in memory, or of one on disk that has no name any more."""
    try:
        return os.memfd_create(_NAME)
    except (AttributeError, OSError):  # some builds of Python and some sandboxes lack it
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


class Watchdog:
    """Starts the shell with the first script, and keeps the file up to date. Its methods do not raise.

    On other systems than Linux it does nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: _GroupFile | None = None
        self._pipe: int | None = None
        self._look_at = 0.0
        self._is_able = sys.platform == "linux"
        self._clock_differs: bool | None = None
        self._knows_forks = False

    def add(self, group: int, since: int) -> None:
        """Have a process group, whose leader runs, ended if this process is killed.

        Args:
            since: :func:`~drawer_ipy.common.process_ids.start_ticks` before the leader was started.
        """
        if not self._is_able:
            return
        until = start_ticks()
        with self._lock, contextlib.suppress(OSError):
            if self._clock_differs is not False:  # some sandboxes count starts from another moment
                start = int(start_of(group) or 0)
                if not start:  # it has ended
                    return
                self._clock_differs = not since <= start <= until
                since = until = start
            if self._groups is None:
                self._groups = _GroupFile()
            self._groups.add(group, since, until)
            if not self._is_watched():
                self._begin(self._groups)

    def remove(self, group: int) -> None:
        """Forget a process group; its leader has ended and still has its number."""
        with self._lock, contextlib.suppress(OSError):
            if self._groups is not None:
                self._groups.remove(group)

    def _is_watched(self) -> bool:
        """Whether the shell runs, or did a moment ago."""
        if self._pipe is None:
            return False
        now = time.monotonic()
        if now < self._look_at:
            return True
        self._look_at = now + _PAUSE
        poll = select.poll()
        poll.register(self._pipe, 0)
        if not poll.poll(0):  # it tells only errors: nobody reads
            return True
        os.close(self._pipe)
        self._pipe = None
        return False

    def _begin(self, groups: _GroupFile) -> None:
        """Start the shell."""
        if not self._knows_forks:
            os.register_at_fork(after_in_child=self._forget)
            self._knows_forks = True
        end, self._pipe = os.pipe()
        try:
            # The shell is a grandchild, so that this process need not wait for it. It has a session of its
            # own, which Ctrl-C in a terminal does not reach, and nothing of this process but pipe and file.
            subprocess.run(
                [_SHELL, "-c", _START, _SHELL, _PROGRAM, _NAME],
                stdin=end,
                stdout=groups.fd,
                stderr=subprocess.DEVNULL,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
                cwd="/",
                start_new_session=True,
                check=False,
                timeout=5,
            )
        except (OSError, subprocess.SubprocessError):
            os.close(self._pipe)
            self._pipe = None
        finally:
            os.close(end)

    def _forget(self) -> None:
        """Close pipe and file in a child that was forked: its scripts are not those of its parent."""
        self._lock = threading.Lock()
        groups, self._groups = self._groups, None
        pipe, self._pipe = self._pipe, None
        with contextlib.suppress(OSError):
            if groups is not None:
                groups.close()
            if pipe is not None:
                os.close(pipe)


WATCHDOG = Watchdog()
"""The watchdog of this process: there is one process to watch, whatever runs in it."""
