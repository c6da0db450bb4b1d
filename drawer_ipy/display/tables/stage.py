"""The output of a run as a table sees it: where another press of the run can be shown."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drawer_ipy.display.live import Display


class PlacedDisplay(Display, Protocol):
    """A display whose view pages find by its place."""

    @property
    def place(self) -> str:
        """The place of the view, once it is open (:func:`~drawer_ipy.display.script.mount_html`)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where another press of a run can be shown.

    Attributes:
        table: the key of the run's table, which stays the same.
        context: returns the context of the cell that started the run.
        display: makes a display that takes the place of the run's output.
    """

    table: str
    context: Callable[[], contextvars.Context]
    display: Callable[[], PlacedDisplay]
