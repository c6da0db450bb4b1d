"""How to install the optional parts of this package."""

from __future__ import annotations


def install_hint(extra: str) -> str:
    """Say how to install `extra` of pyproject.toml; the package is not on an index yet."""
    return f"in your clone of drawer_ipy: pip install '.[{extra}]'"
