"""The origins of demo sites that run in this process.

HTTP buttons refuse loopback addresses unless they are allowed. A demo site served by this process is
harmless, so it is allowed. A port belongs to a process, so the set is kept per process.
"""

from __future__ import annotations

_running: set[str] = set()


def site_started(origin: str) -> None:
    """Add `origin` (``http://127.0.0.1:PORT``), which this process now serves."""
    _running.add(origin)


def site_stopped(origin: str) -> None:
    """Remove `origin`, which is no longer served; another process may take the port."""
    _running.discard(origin)


def running_origins() -> frozenset[str]:
    """Return the origins of the demo sites that run in this process."""
    return frozenset(_running)
