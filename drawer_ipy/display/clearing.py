"""Hears when something clears what a cell shows, ``clear_output()`` in a button first of all."""

from __future__ import annotations

import sys
import threading
from typing import Any, Protocol

Destination = tuple[Any, ...]
"""Where an output goes; equal for outputs that one ``clear_output()`` takes away together."""

_INSTALLING = threading.Lock()


class Clearable(Protocol):
    """An output that wants to know."""

    def cleared(self, where: Destination) -> None:
        """What was shown at `where` is gone, or goes with the next output that comes there."""


def current_publisher() -> Any | None:
    """IPython's publisher, by which outputs and ``clear_output()`` go; ``None`` without IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return getattr(shell, "display_pub", None)


def destination() -> Destination:
    """Where an output goes that is sent now, from this thread and context."""
    publisher = current_publisher()
    cell = (getattr(publisher, "parent_header", None) or {}).get("msg_id")
    return id(publisher), cell, _output_widgets(cell)


def _output_widgets(cell: str | None) -> frozenset[str]:
    """The ``ipywidgets.Output`` that are taking the outputs of `cell` now (``with output: ...``)."""
    module = sys.modules.get("ipywidgets.widgets.widget")
    if module is None or cell is None:
        return frozenset()
    widgets = list(module._instances.items())  # noqa: SLF001 - ipywidgets lists them nowhere else
    return frozenset(model for model, widget in widgets if getattr(widget, "msg_id", None) == cell)


class Clearing:
    """Stands in front of a publisher's ``clear_output`` while there are outputs that want to know.

    Attributes:
        lock: held while something is cleared. What is sent by who holds it comes before or after that.
    """

    def __init__(self, publisher: Any) -> None:
        self.lock = threading.RLock()
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
        """Let `output` know from now on; ``None`` where nothing can be cleared."""
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
