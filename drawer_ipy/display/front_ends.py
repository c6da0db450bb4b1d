"""The shell in which this process runs, and what its front end can do."""

from __future__ import annotations

import os
import sys
from typing import Any


def current_shell() -> Any | None:
    """The current IPython shell, or ``None``; does not import IPython."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def cell_id(shell: Any | None) -> str:
    """The id of the notebook cell that is running now, ``""`` if the front end did not send it."""
    read = getattr(shell, "get_parent", None)
    parent = read() if callable(read) else None
    found = (parent or {}).get("metadata", {}).get("cellId")
    return found if isinstance(found, str) else ""


def loads_widgets_for_outputs_only(shell: Any | None) -> bool:
    """Whether the front end loads a widget's script only when an output contains the widget.

    That is so in VS Code, which sets a variable in the notebook's namespace or starts the kernel itself, and
    in Google Colab.
    """
    names = getattr(shell, "user_ns", {})
    if "__vsc_ipynb_file__" in names or any(name.startswith("COLAB_") for name in os.environ):
        return True
    # A Jupyter server in a terminal of VS Code may have inherited the variable; its kernels have a session.
    return "VSCODE_PID" in os.environ and "JPY_SESSION_NAME" not in os.environ
