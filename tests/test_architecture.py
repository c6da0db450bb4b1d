"""Imports run one way: down the table of docs/architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "drawer_ipy"
EVERYWHERE = {"__init__", "__main__", "_version"}
"""The package's own names are imported from anywhere, when they are asked for."""


def layers() -> dict[str, int]:
    """Each module or folder of the table and its layer, 0 at the bottom."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("| layer | what it is for |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    rows = [re.findall(r"`([\w.]+?)(?:\.py|/)`", row.split("|")[1]) for row in reversed(table)]
    return {name: number for number, row in enumerate(rows) for name in row}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module with the name its row has."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name not in EVERYWHERE and name != "demo":
            yield name, path


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of what is imported of this package when the module runs, also within functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "drawer_ipy":
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("drawer_ipy."):
            yield node.lineno, str(node.module).split(".")[1]
        else:
            yield from imported(node)


def test_every_module_has_a_place_in_the_table() -> None:
    assert {name for name, _ in modules()} == layers().keys()


@pytest.mark.parametrize("path", [path for _, path in modules()], ids=lambda path: path.stem)
def test_a_module_imports_only_what_is_beside_or_below_it(path: Path) -> None:
    known = layers()
    mine = known[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    above = [
        f"line {line}: {name}"
        for line, name in imported(tree)
        if name not in EVERYWHERE and known.get(name, -1) > mine
    ]
    assert not above
