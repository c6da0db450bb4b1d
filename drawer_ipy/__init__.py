"""Declare a workflow in a notebook cell, run it over a thousand items, get an ordered table back.

In a notebook: ``%load_ext drawer_ipy``, then ``%%drawer`` cells. In a script: :func:`press`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from drawer_ipy._version import __version__

if TYPE_CHECKING:
    from drawer_ipy.buttons import button
    from drawer_ipy.errors import (
        ArgumentError,
        ButtonNotFound,
        DefinitionError,
        DrawerError,
        DrawerNotFound,
        ResolveError,
        UsageError,
    )
    from drawer_ipy.pressing.drawer import Drawer
    from drawer_ipy.pressing.press import apress, press
    from drawer_ipy.pressing.validation import Validation
    from drawer_ipy.results import Results
    from drawer_ipy.results.verdict import DrawerCancelled, DrawerFailed

__all__ = [
    "ArgumentError",
    "ButtonNotFound",
    "DefinitionError",
    "Drawer",
    "DrawerCancelled",
    "DrawerError",
    "DrawerFailed",
    "DrawerNotFound",
    "ResolveError",
    "Results",
    "UsageError",
    "Validation",
    "__version__",
    "apress",
    "button",
    "load_ipython_extension",
    "press",
    "unload_ipython_extension",
]


_ELSEWHERE = {
    "button": "buttons",
    "DrawerCancelled": "results.verdict",
    "DrawerFailed": "results.verdict",
    "Validation": "pressing.validation",
    "Drawer": "pressing.drawer",
    "apress": "pressing.press",
    "press": "pressing.press",
    "Results": "results",
}
"""The modules that hold the public names, without those of ``errors``."""


def __getattr__(name: str) -> Any:
    # Imported when they are asked for: `drawer list` needs neither an HTTP client nor models.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext drawer_ipy`` calls: registers the magics, and ``button`` unless it is taken."""
    from drawer_ipy import button
    from drawer_ipy.notebook import magics

    magics.load(shell)
    shell.user_ns.setdefault("button", button)


def unload_ipython_extension(shell: Any) -> None:
    """What ``%unload_ext drawer_ipy`` calls."""
    from drawer_ipy import button
    from drawer_ipy.notebook import magics

    magics.unload(shell)
    if shell.user_ns.get("button") is button:
        del shell.user_ns["button"]
