"""Permits, which worker processes take to begin presses; without its permit a press can be withdrawn.

The kernel sends presses ahead, so that a worker need not wait for it between two short ones. A worker begins
a press only with its permit, which it reads from a socket that the kernel can read, too. The system gives
each permit to one of the two: a permit that the kernel has taken back belongs to a press that has not begun
and never will, whatever the worker is doing.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

from drawer_ipy.engine.backends.worker.connection import PERMIT

_MOST = 4096


class Permits:
    """The kernel's side of the permits of one worker process.

    Args:
        give: the end of the connection that permits are written to.
        take: the end that they are read from, by the worker as well.
    """

    def __init__(self, give: socket.socket, take: socket.socket) -> None:
        self._give, self._take = give, take
        give.setblocking(False)

    def give(self, numbers: Iterable[int]) -> None:
        """Let the worker begin the presses with these numbers; they rise from call to call."""
        with contextlib.suppress(OSError):  # the worker has ended, which its connection reports
            self._give.sendall(b"".join(map(PERMIT.pack, numbers)))

    def take_back(self) -> list[int]:
        """Return the numbers of the presses that have not begun, and keep them from beginning."""
        found = bytearray()
        with contextlib.suppress(OSError):  # nothing is left, or the connection is closed
            while data := self._take.recv(_MOST, socket.MSG_DONTWAIT):
                found += data
        return [number for (number,) in PERMIT.iter_unpack(found)]

    def stop(self) -> None:
        """Give no more permits; the worker ends when it waits for one."""
        self._give.close()

    def close(self) -> None:
        """Close both ends."""
        self.stop()
        self._take.close()
