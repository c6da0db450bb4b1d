"""How the optional parts of this package are installed."""

from __future__ import annotations


def install_hint(extra: str) -> str:
    """What to type for the libraries of `extra`, one of pyproject.toml's; the package is on no index yet."""
    return f"in your clone of drawer_ipy: pip install '.[{extra}]'"
