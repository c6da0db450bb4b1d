"""What Python can do on this platform: threads, processes, sockets, and waiting in code that cannot await.

In a browser (Pyodide), Python has one thread. Other modules ask these functions instead of the platform's
name, so that a difference between platforms is in one place.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable
from typing import Any, Final, Literal, TypeVar

T = TypeVar("T")

Ability = Literal["threads", "processes", "sockets"]
"""What a feature may need and a platform may lack."""

_REASONS: Final[dict[Ability, str]] = {
    "threads": "Python in the browser has no threads",
    "processes": "Python in the browser cannot start processes",
    "sockets": "Python in the browser cannot open connections",
}


def in_browser() -> bool:
    """Whether this is Python compiled to WebAssembly in a JavaScript environment."""
    return sys.platform == "emscripten"


def lacks(*needs: Ability) -> str:
    """Return why this platform cannot do the first of `needs` that it lacks; ``""`` if it can do all."""
    # All of them: the browser's Python has none.
    return _REASONS[needs[0]] if needs and in_browser() else ""


def has_threads() -> bool:
    """Whether a thread can be started."""
    return not lacks("threads")


def file_locks() -> Any | None:
    """Return the module ``fcntl``; ``None`` on Windows, and where a kernel in the browser made it empty."""
    try:
        import fcntl
    except ImportError:
        return None
    return fcntl if hasattr(fcntl, "flock") else None


def thread_seconds() -> float:
    """Processor seconds of this thread; without that clock, seconds of a clock that never goes back."""
    clock = getattr(time, "thread_time", time.perf_counter)
    try:
        return float(clock())
    except OSError:  # the function exists, and the clock does not
        return time.perf_counter()


def can_wait() -> bool:
    """Whether :func:`wait` works here and now: the engine must be able to switch stacks (JSPI)."""
    if not in_browser():
        return False
    from pyodide.ffi import can_run_sync

    return bool(can_run_sync())


def wait(awaitable: Awaitable[T]) -> T:
    """Wait for `awaitable` on the running event loop, which serves other tasks meanwhile.

    Call it only if :func:`can_wait`.

    Raises:
        BaseException: any exception of `awaitable`.
    """
    from pyodide.ffi import run_sync

    found: Any = run_sync(awaitable)
    return found  # type: ignore[no-any-return]
