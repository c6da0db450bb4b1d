"""An output of a cell that is redrawn in place, and shown again if a button clears the cell's output."""

from __future__ import annotations

import contextvars
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from drawer_ipy.display.clearing import Clearing, Destination, destination

_PAUSE = 0.3
"""Least seconds between two times that it is shown again, since a button may clear for every item."""


class Publish(Protocol):
    """A function that sends a bundle to the front end."""

    def __call__(self, bundle: dict[str, Any], display_id: str, *, update: bool) -> None:
        """Send it under `display_id`; with `update`, it replaces the current output."""


class CellOutput:
    """One output of the cell that runs when it is first shown.

    Args:
        publish: sends the output.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._display_id = uuid.uuid4().hex
        self._bundle: Mapping[str, Any] | None = None
        self._clearing: Clearing | None = None
        self._cell = contextvars.Context()
        self._where: Destination = ()
        self._is_gone = False
        self._again_at = 0.0

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show `bundle`, by MIME type, in place of the previous one."""
        if self._bundle is None:
            self._open()
        with self._lock():
            first, self._bundle = self._bundle is None, bundle
            if self._is_gone:
                self._anew_in_time()
            else:
                self._send(update=not first)

    def reopen(self) -> None:
        """Use the output for another run: after :meth:`close`, show it again if it is cleared."""
        if self._clearing is None:
            self._clearing = Clearing.watch(self)

    def context(self) -> contextvars.Context:
        """A copy of the context of its cell: what is printed in it belongs to that cell."""
        return self._cell.copy()

    def refresh(self) -> None:
        """Show the current bundle again if a button has cleared it."""
        if self._is_gone:
            with self._lock():
                self._anew_in_time()

    def close(self, bundle: Mapping[str, Any]) -> None:
        """Show `bundle` as the final one. It is not shown again if it is cleared later."""
        try:
            with self._lock():
                first, before, self._bundle = self._bundle is None, self._bundle, bundle
                if self._is_gone:
                    self._anew()
                elif bundle != before:
                    self._send(update=not first)
        finally:
            clearing, self._clearing = self._clearing, None
            if clearing is not None:
                clearing.leave(self)

    def cleared(self, where: Destination) -> None:
        """See :class:`~drawer_ipy.display.clearing.Clearable`."""
        if where == self._where:
            self._is_gone = True

    def _open(self) -> None:
        self._cell = contextvars.copy_context()
        self._where = destination()
        self._clearing = Clearing.watch(self)

    def _lock(self) -> AbstractContextManager[Any]:
        # Otherwise the output may be cleared between the check of `_is_gone` and the next message.
        return nullcontext() if self._clearing is None else self._clearing.lock

    def _anew_in_time(self) -> None:
        if time.monotonic() >= self._again_at:
            self._anew()

    def _anew(self) -> None:
        self._is_gone = False
        self._again_at = time.monotonic() + _PAUSE
        # In its own cell, even if another one runs now; kernels before 7 know only the cell that runs.
        cell = self._cell.copy()
        self._where = cell.run(destination)
        cell.run(self._send, update=False)
        if destination() != self._where:
            self._send(
                update=True
            )  # for programs that receive only the messages of the cell that runs (nbclient)

    def _send(self, *, update: bool) -> None:
        self._publish(dict(self._bundle or {}), self._display_id, update=update)
