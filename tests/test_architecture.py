"""Imports run one way: down the table of docs/architecture.md, and never in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "drawer_ipy"
EVERYWHERE = {"__init__", "__main__", "_version"}
"""The package's own names may be imported anywhere, because they are looked up only when they are used."""


def room_of(module: str) -> str:
    """The folder or top-level file of ``drawer_ipy.NAME...``; ``__init__`` for the package itself."""
    return module.split(".")[1] if "." in module else "__init__"


def layers() -> dict[str, int]:
    """Each room of the table and its layer, 0 at the bottom."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("| layer | what it is for |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    rows = [re.findall(r"`([\w.]+?)(?:\.py|/)`", row.split("|")[1]) for row in reversed(table)]
    return {name: number for number, row in enumerate(rows) for name in row}


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name, without the demo site."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if room_of(name) != "demo":
            found[name] = path
    return found


MODULES = modules()


def imported(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every module of this package that `module` imports.

    Imports inside functions count, and so do those under ``TYPE_CHECKING``.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute"
            source = node.module or ""
            if source.split(".")[0] == "drawer_ipy":
                for alias in node.names:
                    whole = f"{source}.{alias.name}"
                    yield node.lineno, whole if whole in MODULES else source
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.split(".")[0] == "drawer_ipy")


def circle_in(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """The modules of one circle, empty when there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_table_of_layers_lists_every_folder_and_nothing_else() -> None:
    assert {room_of(name) for name in MODULES} - EVERYWHERE == layers().keys()


@pytest.mark.parametrize("module", [name for name in MODULES if room_of(name) not in EVERYWHERE])
def test_a_module_imports_only_from_its_own_layer_and_those_below(module: str) -> None:
    known, room = layers(), room_of(module)
    wrong = [
        f"line {line}: {target}"
        for line, target in imported(module, MODULES[module])
        if room_of(target) not in EVERYWHERE | {room} and known.get(room_of(target), 99) >= known[room]
    ]
    assert not wrong


def test_a_worker_process_loads_a_few_modules_that_import_nothing_else_of_the_package() -> None:
    program = {name for name in MODULES if name.startswith("drawer_ipy.engine.backends.worker.")}
    loaded = program | {"drawer_ipy.common.error_parts"}
    wrong = {name: {target for _, target in imported(name, MODULES[name])} - loaded for name in loaded}
    assert not {name: targets for name, targets in wrong.items() if targets}


def test_there_are_no_circular_imports() -> None:
    arrows = {
        name: {target for _, target in imported(name, path)} - {"drawer_ipy", name}
        for name, path in MODULES.items()
        if name != "drawer_ipy"
    }
    assert circle_in(arrows) == []


def test_a_circular_import_is_found() -> None:
    assert circle_in({"a": ["b"], "b": ["c"], "c": ["a"]})
    assert not circle_in({"a": ["b", "c"], "b": ["c"]})


def test_class_names_are_unique() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
