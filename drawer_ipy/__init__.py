"""Declare a workflow in a notebook cell, run it over a thousand items, get an ordered table back.

In a notebook: ``%load_ext drawer_ipy``, then ``%%drawer`` cells. In a script: :func:`press`.

Where things are, from the top down; imports run downwards only (tests/test_architecture.py)::

    cli.py        the command ``drawer``
    extending.py  what new kinds of steps and buttons are made of and registered with
    notebook/     magics, cells, background runs; completion/ is the Tab key
    verbs/        create, list, press, logs and so on, for notebook and command line
    pressing/     from a text, path or name to a checked Job; press, apress, each, Drawer
    display/      a run while it happens: live view, HTML, terminal bar
    engine/       plan, bounded loop, graph, policies, secrets; steps/ has one module a kind
    workspace/    everything on disk: buttons, drawers, batteries, history
    results/      the table; shown/ writes it out, export/ converts it
    buttons/      function/, script/, http/, prompt.py: one place a runtime
    pictures/     graph and timeline as SVG and Mermaid
    definition/   models of drawers; reading/ parses text, checking/ finds mistakes
    style/        how values, times and states look everywhere
    journal/      runs on disk, one SQLite file a run
    record/       what a run did: steps, loops, items
    cache/        kept results of presses, one SQLite file
    scrape/       values from pages: selectors, numbers, sitemaps
    expressions/  ``${...}``: lexer, parser, programs
    common/       small tools that every layer uses
    errors.py     error codes, problems, exceptions
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from drawer_ipy._version import __version__

if TYPE_CHECKING:
    from drawer_ipy.buttons import button
    from drawer_ipy.errors import (
        ArgumentError,
        BackendError,
        ButtonNotFound,
        DefinitionError,
        DrawerError,
        DrawerNotFound,
        ResolveError,
        UsageError,
    )
    from drawer_ipy.extending import register_backend, register_button, register_step
    from drawer_ipy.pressing.drawer import Drawer
    from drawer_ipy.pressing.each.press import aeach, each
    from drawer_ipy.pressing.press import apress, press
    from drawer_ipy.pressing.stored import open_stored as open_stored
    from drawer_ipy.pressing.stored import runs
    from drawer_ipy.pressing.validation import Validation
    from drawer_ipy.results import Results
    from drawer_ipy.results.verdict import DrawerCancelled, DrawerFailed

__all__ = [
    "ArgumentError",
    "BackendError",
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
    "aeach",
    "apress",
    "button",
    "each",
    "load_ipython_extension",
    "press",
    "register_backend",
    "register_button",
    "register_step",
    "runs",
    "unload_ipython_extension",
]


_ELSEWHERE = {
    "button": "buttons",
    "DrawerCancelled": "results.verdict",
    "DrawerFailed": "results.verdict",
    "Validation": "pressing.validation",
    "Drawer": "pressing.drawer",
    "aeach": "pressing.each.press",
    "apress": "pressing.press",
    "each": "pressing.each.press",
    "open_stored": "pressing.stored",
    "press": "pressing.press",
    "Results": "results",
    "register_backend": "extending",
    "register_button": "extending",
    "register_step": "extending",
    "runs": "pressing.stored",
}
"""The modules that hold the public names, without those of ``errors``."""


if not TYPE_CHECKING:  # a type checker would take any name for one that this gives

    def __getattr__(name: str) -> Any:
        # Imported when they are asked for: `drawer list` needs neither an HTTP client nor models.
        if name not in __all__ and name != "open_stored":  # the latter is for Results.open
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
    """What ``%unload_ext drawer_ipy`` calls: removes the magics, and ``button`` unless it was replaced."""
    from drawer_ipy import button
    from drawer_ipy.notebook import magics

    magics.unload(shell)
    if shell.user_ns.get("button") is button:
        del shell.user_ns["button"]
