"""What a caller of ``press`` can see, whether it calls directly or through asyncio: names and cells."""

from __future__ import annotations

import asyncio.coroutines
import inspect
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Protocol, TypeVar

from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import DrawerModel

F = TypeVar("F", bound=Callable[..., Any])

_RUNNERS = ("asyncio", "concurrent", "threading", "anyio")
"""Packages that call a function for somebody else, such as ``asyncio.to_thread(press, D)``."""


def callers_names(frame: FrameType) -> Mapping[str, Any]:
    """Return the variables that the code of `frame` can see: its locals over its globals.

    If `frame` belongs to a library that runs functions in threads or tasks, they are the variables of the
    main module, which in a notebook is the notebook. Globals are read on access, since a function may have
    been fixed by the time of a retry.
    """
    if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _RUNNERS:
        return vars(sys.modules["__main__"])
    if frame.f_locals is frame.f_globals:
        return frame.f_globals
    return ChainMap(dict(frame.f_locals), frame.f_globals)


CELLS = "drawer_ipy"
"""The key in the ``meta`` of an IPython shell of what its cells have defined."""


class CellDefinitions(Protocol):
    """What the cells of a notebook have defined.

    Attributes:
        buttons: the buttons of ``%%button`` cells, by name.
        drawers: the drawers of ``%%drawer NAME`` cells, by name.
    """

    buttons: dict[str, Button]
    drawers: dict[str, DrawerModel]


def callers_cells(names: Mapping[str, Any]) -> CellDefinitions | None:
    """Return what the cells of the notebook have defined that the caller's code belongs to.

    Args:
        names: the caller's names, as :func:`callers_names` returns them.
    """
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None:
        return None
    own = names.maps[-1] if isinstance(names, ChainMap) else names
    found: CellDefinitions | None = shell.meta.get(CELLS) if own is shell.user_ns else None
    return found


def asynchronous(function: F) -> F:
    """Mark a plain function that returns a coroutine as a coroutine function.

    A coroutine function starts only when it is awaited, maybe in a task; a plain one still sees its caller.
    """
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001 - how 3.11 marks one
    return function
