"""``pytest --nbval``: what differs between two executions of these notebooks is not compared."""

from __future__ import annotations

from pathlib import Path

import pytest

_SANITIZE = Path(__file__).parent.parent / "tests" / "nbval_sanitize.cfg"


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(_SANITIZE)
