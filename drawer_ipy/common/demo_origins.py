"""Which origins of this process are demo sites.

HTTP buttons refuse loopback addresses unless told otherwise; a demo site that this very process serves is
harmless and is let through. That a port is ours is a fact about the process, so it is kept for the
process: the one piece of shared state of the package.
"""

from __future__ import annotations

_running: set[str] = set()


def site_started(origin: str) -> None:
    """`origin` (``http://127.0.0.1:PORT``) is served from now on."""
    _running.add(origin)


def site_stopped(origin: str) -> None:
    """`origin` is served no more; the port may be anybody's."""
    _running.discard(origin)


def running_origins() -> frozenset[str]:
    """Origins of the demo sites that run in this process."""
    return frozenset(_running)
