"""Notifications when the output of a cell is cleared, usually by ``clear_output()`` in a button."""

from __future__ import annotations

import sys
import threading
from typing import Any, Protocol

Destination = tuple[Any, ...]
"""The destination of an output; equal for outputs that the same ``clear_output()`` clears."""

_INSTALLING = threading.Lock()


class Clearable(Protocol):
    """An output that is notified when it is cleared."""

    def cleared(self, where: Destination) -> None:
        """Called when the outputs at `where` were cleared, or will be with the next output there."""


def current_publisher() -> Any | None:
    """IPython's publisher, which sends outputs and ``clear_output()``; ``None`` without IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return getattr(shell, "display_pub", None)


def destination() -> Destination:
    """The destination of an output that is sent now, from this thread and context."""
    publisher = current_publisher()
    cell = (getattr(publisher, "parent_header", None) or {}).get("msg_id")
    return id(publisher), cell, _output_widgets(cell)


def _output_widgets(cell: str | None) -> frozenset[str]:
    """The ``ipywidgets.Output`` widgets that capture the outputs of `cell` now (``with output: ...``)."""
    module = sys.modules.get("ipywidgets.widgets.widget")
    if module is None or cell is None:
        return frozenset()
    widgets = list(module._instances.items())  # noqa: SLF001 - ipywidgets lists them nowhere else
    return frozenset(model for model, widget in widgets if getattr(widget, "msg_id", None) == cell)


class Clearing:
    """Wraps a publisher's ``clear_output`` while there are outputs to notify.

    Attributes:
        lock: held while outputs are cleared. Messages sent by a holder come entirely before or after that.
    """

    def __init__(self, publisher: Any) -> None:
        self.lock: threading.RLock = threading.RLock()
        self._publisher = publisher
        self._behind = publisher.clear_output
        self._replaced = vars(publisher).get("clear_output")
        self._outputs: list[Clearable] = []

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Clear as the publisher does, and notify the outputs."""
        with self.lock:
            self._behind(*args, **kwargs)
            where = destination()
            for output in list(self._outputs):
                output.cleared(where)

    @classmethod
    def watch(cls, output: Clearable) -> Clearing | None:
        """Notify `output` from now on; returns ``None`` if outputs cannot be cleared here."""
        publisher = current_publisher()
        if publisher is None or not hasattr(publisher, "clear_output"):
            return None
        with _INSTALLING:
            found = vars(publisher).get("clear_output")
            if not isinstance(found, Clearing):
                found = publisher.clear_output = cls(publisher)
            found._outputs.append(output)
            return found

    def leave(self, output: Clearable) -> None:
        """Stop notifying `output`; the last one restores the publisher unless it was wrapped again."""
        with _INSTALLING:
            if output in self._outputs:
                self._outputs.remove(output)
            if self._outputs or vars(self._publisher).get("clear_output") is not self:
                return
            if self._replaced is None:
                del self._publisher.clear_output
            else:
                self._publisher.clear_output = self._replaced
