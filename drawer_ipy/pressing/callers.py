"""The names that a caller of ``press`` can see, whether it calls directly or through asyncio."""

from __future__ import annotations

import asyncio.coroutines
import inspect
import sys
from collections import ChainMap
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, TypeVar

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


def asynchronous(function: F) -> F:
    """Mark a plain function that returns a coroutine as a coroutine function.

    A coroutine function starts only when it is awaited, maybe in a task; a plain one still sees its caller.
    """
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(function)
    function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001 - how 3.11 marks one
    return function
