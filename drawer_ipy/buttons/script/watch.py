"""The descriptors of one process, among those of several that one thread watches."""

from __future__ import annotations

import select


class Watch:
    """Register descriptors of one process; it learns which of them are ready.

    Args:
        poller: watches the descriptors of all processes of the thread.
        watches: whose each of these descriptors is.

    Attributes:
        ready: those that were ready in the last poll, with their events.
    """

    __slots__ = ("_fds", "_poller", "_watches", "ready")

    def __init__(self, poller: select.poll, watches: dict[int, Watch]) -> None:
        self._poller = poller
        self._watches = watches
        self._fds: set[int] = set()
        self.ready: dict[int, int] = {}

    def register(self, fd: int, events: int) -> None:
        """Watch a descriptor for `events`, such as ``select.POLLIN``."""
        self._poller.register(fd, events)
        self._watches[fd] = self
        self._fds.add(fd)

    def unregister(self, fd: int) -> None:
        """Stop watching a descriptor."""
        self._poller.unregister(fd)
        del self._watches[fd]
        self._fds.discard(fd)

    def clear(self) -> None:
        """Stop watching all of them."""
        for fd in tuple(self._fds):
            self.unregister(fd)
