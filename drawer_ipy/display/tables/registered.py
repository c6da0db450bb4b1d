"""The tables of IPython's shell, made when the first one is shown."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drawer_ipy.display.tables.tables import Tables

_KEPT = "drawer_ipy.tables"
"""The key of a shell's tables in its ``meta``."""

_RESULTS = ("drawer_ipy.results.table", "Results")


def tables_of(shell: Any | None) -> Tables | None:
    """Return the tables of `shell`; ``None`` if it belongs to no kernel or if widgets are not installed."""
    kept = getattr(shell, "meta", None)
    if kept is None or not _may_have_tables(shell):
        return None
    from drawer_ipy.display.tables.tables import Tables

    found = kept.get(_KEPT)
    if not isinstance(found, Tables):
        found = kept[_KEPT] = Tables(shell)
    return found


def register(shell: Any) -> None:
    """Let `shell` display every :class:`~drawer_ipy.Results` as a table that a page can work with.

    Only IPython's display does so: ``_repr_html_`` and ``_repr_mimebundle_`` remain static.
    """
    if not _may_have_tables(shell):
        return

    def show(results: Any) -> dict[str, Any] | None:
        tables = tables_of(shell)
        return None if tables is None else tables(results)

    shell.display_formatter.mimebundle_formatter.for_type_by_name(*_RESULTS, show)


def unregister(shell: Any) -> None:
    """Undo :func:`register`, and close the tables."""
    formatter = getattr(getattr(shell, "display_formatter", None), "mimebundle_formatter", None)
    if formatter is not None:
        formatter.pop(".".join(_RESULTS), None)
    tables = shell.meta.pop(_KEPT, None)
    if tables is not None:
        tables.close()


def _may_have_tables(shell: Any | None) -> bool:
    return getattr(shell, "kernel", None) is not None and importlib.util.find_spec("anywidget") is not None
