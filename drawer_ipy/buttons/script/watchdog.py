"""A small process that ends the scripts of a kernel which was killed.

A killed process can clean up nothing. On Linux, the first script of a process starts a shell that reads a
pipe from the process: each script's group is added and removed over it. The pipe ends when the process does,
for any reason, and then the shell ends the groups that are left, and itself. (PR_SET_PDEATHSIG would be bound
to the thread that starts a script, and those come and go.)
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

from drawer_ipy.common.process_ids import start_of

_SHELL = "/bin/sh"
_NAME = "drawer-watchdog"
_START = 'exec 3<&0; "$0" -c "$1" "$2" <&3 3<&- &'

# It reads lines `+ GROUP START` and `- GROUP`. A group is ended only if its leader has the same start time or
# has ended: then no other group gets its number while any of its processes lives.
_PROGRAM = r"""
set -f
trap '' HUP INT QUIT TERM PIPE
while read -r what group start; do
    case $what in
        +) eval "s_$group=\$start" ;;
        -) unset "s_$group" ;;
    esac
done
is_same() {
    read -r line < "/proc/$1/stat" || return 0
    set -- "$1" "$2" ${line##*) }
    [ "${22}" = "$2" ]
}
each() {
    for name in $names; do
        eval "start=\$$name"
        is_same "${name#s_}" "$start" && kill -s "$1" -- "-${name#s_}"
    done
}
names=
IFS='
'
for line in $(set); do
    case $line in s_[0-9]*=*) names="$names ${line%%=*}" ;; esac
done
IFS=' '
[ -n "$names" ] || exit 0
each TERM
sleep 0.5
each KILL
"""


class Watchdog:
    """Starts the shell with the first script, and keeps it up to date. Its methods never raise or block.

    On other systems than Linux it does nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._groups: dict[int, str] = {}
        self._is_able = sys.platform == "linux"
        self._knows_forks = False

    def add(self, group: int) -> str:
        """Have a process group ended if this process is killed; return when its leader, which runs, started.

        See :func:`~drawer_ipy.common.process_ids.start_of`.
        """
        start = start_of(group)
        if not self._is_able or not start:
            return start
        with self._lock:
            self._groups[group] = start
            if self._pipe is None or not self._send(f"+ {group} {start}\n"):
                self._begin()
        return start

    def remove(self, group: int) -> None:
        """Forget a process group; its leader has ended and still has its number."""
        with self._lock:
            if self._groups.pop(group, None) is not None and self._pipe is not None:
                self._send(f"- {group}\n")

    def _send(self, line: str) -> bool:
        """Send a line; return False if the shell has ended."""
        assert self._pipe is not None
        try:
            os.write(self._pipe, line.encode("ascii"))
        except BlockingIOError:
            pass  # it was stopped by a signal; it must not stop the scripts
        except OSError:
            os.close(self._pipe)
            self._pipe = None
            return False
        return True

    def _begin(self) -> None:
        """Start the shell, and tell it about all groups."""
        if not self._knows_forks:
            os.register_at_fork(after_in_child=self._forget)
            self._knows_forks = True
        try:
            end, self._pipe = os.pipe()
        except OSError:
            return
        os.set_blocking(self._pipe, False)
        try:
            # The shell is a grandchild, so that this process need not wait for it. It has a session of its
            # own, which Ctrl-C in a terminal does not reach, and nothing of this process but the pipe.
            subprocess.run(
                [_SHELL, "-c", _START, _SHELL, _PROGRAM, _NAME],
                stdin=end,
                stdout=subprocess.DEVNULL,
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
        for group, start in self._groups.items() if self._pipe is not None else ():
            if not self._send(f"+ {group} {start}\n"):
                break

    def _forget(self) -> None:
        """Close the pipe in a child that was forked: its scripts are not those of its parent."""
        self._lock = threading.Lock()
        self._groups = {}
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            with contextlib.suppress(OSError):
                os.close(pipe)


WATCHDOG = Watchdog()
"""The watchdog of this process: there is one process to watch, whatever runs in it."""
