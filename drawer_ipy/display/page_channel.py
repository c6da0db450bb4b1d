"""Messages of a page to a kernel in the same browser, past the queue that a busy kernel leaves unread.

A kernel in the browser (JupyterLite) has one thread, and handles no message of a widget while a cell runs.
What is posted on a BroadcastChannel arrives at its event loop as soon as the cell waits for something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drawer_ipy.common.platform import has_threads


def needs_channel() -> bool:
    """Whether a page can reach a run of this kernel only through a channel."""
    return not has_threads()


class PageChannel:
    """Receives what pages of this browser post under one name.

    Args:
        name: the name, which no other channel has.
        hear: is called with each message, converted to Python.
    """

    def __init__(self, name: str, hear: Callable[[Any], None]) -> None:
        from js import BroadcastChannel
        from pyodide.ffi import create_proxy

        self._channel = BroadcastChannel.new(name)
        # Pyodide would free a function that only JavaScript refers to.
        self._heard = create_proxy(lambda event: hear(_to_python(event.data)))
        self._channel.onmessage = self._heard

    def close(self) -> None:
        """Receive nothing more; further calls do nothing."""
        heard, self._heard = self._heard, None
        if heard is not None:
            self._channel.close()
            self._channel.onmessage = None
            heard.destroy()


def _to_python(value: Any) -> Any:
    convert = getattr(value, "to_py", None)
    return value if convert is None else convert()
