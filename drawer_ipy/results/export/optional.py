"""Optional libraries, imported when an export needs them."""

from __future__ import annotations

import importlib
from typing import Any

from drawer_ipy.common.install import install_hint
from drawer_ipy.errors import DrawerError


class MissingLibrary(DrawerError, ImportError):
    """An optional library that an export needs is not installed."""


def library(name: str, asked: str, extra: str = "") -> Any:
    """Import the optional module `name`, which `asked` needs; `extra` installs it (by default `name`).

    Raises:
        MissingLibrary: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingLibrary(
            f"{asked} needs {name}, which is not installed",
            remediation=install_hint(extra or name),
        ) from None
