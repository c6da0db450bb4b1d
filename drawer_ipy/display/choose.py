"""The choice of a display for the environment in which a drawer is pressed."""

from __future__ import annotations

import importlib.util
from typing import Any

from drawer_ipy.display.front_ends import loads_widgets_for_outputs_only
from drawer_ipy.display.live import Display, NullDisplay
from drawer_ipy.errors import UsageError, did_you_mean

KINDS = ("auto", "widget", "html", "text", "none")
"""The displays that a user can choose."""


def choose_display(
    shell: Any | None, *, quiet: bool = False, kind: str = "auto", background: bool = False
) -> Display:
    """Make a display for one run, importing the libraries that it needs.

    Args:
        shell: IPython's shell, ``None`` in a plain Python program.
        quiet: show nothing, for any kind.
        kind: one of :data:`KINDS`; ``auto`` is a widget in a Jupyter kernel, HTML if widgets are not
            installed, and a bar on standard error everywhere else.
        background: whether other cells run meanwhile: a bar would be mixed with their output, so ``auto`` is
            no display if there are no outputs that can be redrawn.

    Raises:
        UsageError: the kind is unknown, or cannot be shown here.
    """
    if kind not in KINDS:
        known = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise UsageError(f"display must be {known}, not {kind!r}", remediation=did_you_mean(kind, KINDS))
    if quiet or kind == "none":
        return NullDisplay()
    in_kernel = getattr(shell, "kernel", None) is not None
    if kind == "auto" and background and not in_kernel:
        return NullDisplay()
    if kind == "auto":
        kind = ("widget" if _has_widgets() else "html") if in_kernel else "text"
    if kind == "text":
        from drawer_ipy.display.terminal import TextDisplay

        return TextDisplay()
    if not in_kernel:
        raise UsageError(
            f"the display {kind!r} needs a Jupyter notebook", remediation="use 'text' here, or 'auto'"
        )
    if kind == "html":
        from drawer_ipy.display.html import HtmlDisplay

        return HtmlDisplay()
    if not _has_widgets():
        raise UsageError("the display 'widget' needs anywidget", remediation="pip install anywidget")
    from drawer_ipy.display.tables.registered import tables_of
    from drawer_ipy.display.widget import WidgetDisplay

    in_output = loads_widgets_for_outputs_only(shell)
    return WidgetDisplay(may_interrupt=not background, in_output=in_output, tables=tables_of(shell))


def _has_widgets() -> bool:
    return importlib.util.find_spec("anywidget") is not None
