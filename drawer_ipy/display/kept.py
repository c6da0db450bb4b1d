"""The last outputs of runs, for pages that did not receive them: reloaded during the run, or opened later."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import anywidget
import traitlets

from drawer_ipy.display.front_ends import current_shell
from drawer_ipy.display.script import script

MOST = 30
"""Most outputs that are kept, of at most about 200 KB each; the oldest are dropped."""

RECENT = 60.0
"""Seconds after a run's end in which a page that is loaded may have missed that the run was there at all."""


class KeptOutputs(anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """The model that holds them.

    Its script sends ``{"kind": "ask", "id": ...}`` for an output that it lacks (the reply is ``final``), and
    ``hello`` when a page has loaded it (the reply is ``recent``: by their cells, the runs that ended lately).

    The outputs are not part of the state, which every page receives and programs that execute notebooks
    save.
    """

    _esm = script(Path(__file__).parent / "kept.js")

    ended: traitlets.List[Any] = traitlets.List().tag(sync=True)

    replaced: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    """The places of outputs of which a later press of the run has a newer one, and the place of that one."""

    def __init__(self) -> None:
        super().__init__()
        self._bundles: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._recent: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.on_msg(self._message)

    def begin(self, cell: str) -> None:
        """Forget the run that ended last in `cell`; another one begins there."""
        with self._lock:
            self._recent.pop(cell, None)

    def keep(self, place: str, cell: str, bundle: Mapping[str, Any], replaces: Collection[str] = ()) -> None:
        """Keep the last output of the run of `cell` whose view was shown at `place`.

        It replaces those of earlier presses of the run, whose views were shown at the places `replaces`.
        """
        now = time.monotonic()
        with self._lock:
            self._recent = {c: found for c, found in self._recent.items() if now - found[1] < RECENT}
            self._recent[cell] = place, now
            for earlier in replaces:
                self._bundles.pop(earlier, None)
            self._bundles[place] = bundle
            while len(self._bundles) > MOST:
                self._bundles.popitem(last=False)
            replaced = {**self.replaced, **dict.fromkeys(replaces, place)}
            self.replaced = {old: new for old, new in replaced.items() if new in self._bundles}
            self.ended = list(self._bundles)

    def _message(self, _: Any, content: Any, _buffers: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "ask":
            place = content.get("id")
            bundle = self._bundles.get(place) if isinstance(place, str) else None
            if bundle is not None:
                self.send({"kind": "final", "id": place, "data": dict(bundle)})
        elif kind == "hello":
            now = time.monotonic()
            with self._lock:
                recent = {cell: place for cell, (place, at) in self._recent.items() if now - at < RECENT}
            self.send({"kind": "recent", "cells": recent})


_KEPT = "drawer_ipy.outputs"
"""The key of a shell's model in its ``meta``."""


def begin_output(cell: str) -> None:
    """Note that a run begins in `cell`, a cell's id."""
    shell = current_shell()
    kept = shell.meta.get(_KEPT) if _has_kernel(shell) else None
    if kept is not None:
        kept.begin(cell)


def keep_output(place: str, cell: str, bundle: Mapping[str, Any], replaces: Collection[str] = ()) -> None:
    """Keep the last output of a run while the kernel lives; without one, do nothing.

    Args:
        place: where its view was shown (:attr:`~drawer_ipy.display.view.View.place`).
        cell: the id of the cell that started it.
        bundle: the output by MIME type.
        replaces: where the views of earlier presses of the run were shown.
    """
    shell = current_shell()
    if not _has_kernel(shell):
        return
    kept = shell.meta.get(_KEPT)
    if kept is not None and kept.comm is None:  # all widgets may have been closed
        shell.meta.pop(_KEPT, None)
        kept = None
    if kept is None:
        made = KeptOutputs()
        kept = shell.meta.setdefault(_KEPT, made)  # several runs may end at once
        if kept is not made:
            made.close()
    kept.keep(place, cell, bundle, replaces)


def _has_kernel(shell: Any | None) -> TypeGuard[Any]:
    return getattr(shell, "kernel", None) is not None
