"""The docstrings of the functions that press describe every parameter, and their code stays short."""

from __future__ import annotations

import ast
import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import drawer_ipy

PACKAGE = Path(drawer_ipy.__file__).parent
PRESSING = ("press", "apress", "each", "aeach")


@pytest.mark.parametrize("name", PRESSING)
def test_every_parameter_is_described_once_and_in_its_order(name: str) -> None:
    function = getattr(drawer_ipy, name)
    text = inspect.getdoc(function) or ""
    described = re.findall(r"^    (\w+): ", text.partition("Args:")[2].partition("Raises:")[0], re.MULTILINE)
    assert described == list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", PRESSING)
def test_help_shows_the_signature_and_what_is_raised(name: str) -> None:
    shown = pydoc.plain(pydoc.render_doc(getattr(drawer_ipy, name)))
    assert "parallelism: \"int | Literal['auto'] | None\" = None" in shown
    assert "end at the first failed item" in shown or "overrides" in shown
    assert re.search(r"Raises:\n +\w", shown)


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")


def test_no_file_is_longer_than_400_lines() -> None:
    assert [name for name, text in sources() if text.count("\n") > 400] == []


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 50
    ]
    assert long == []
