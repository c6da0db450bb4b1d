"""Paths of steps: find the step, and the field of it, that a path in a definition belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.definition.reading.shape import children_of, step_children

_PARTS = {"one": 1, "list": 2, "map": 2, "steps": 2, "step_map": 3}
"""How many parts of a path lead through a field of each form."""


def step_at(tree: Any, path: KeyPath) -> tuple[str, str]:
    """Return the dotted id of the innermost step on `path`, and the arg or field below it.

    ``("steps", 0, "steps", 1, "args", "url")`` of a loop ``each`` with a step ``page`` is
    ``("each.page", "url")``. A step without an id is named by its position, ``steps[2]``.
    """
    ids: list[str] = []
    here = tree
    ends = _step_ends(path)
    for i, part in enumerate(path[: ends[-1] if ends else 0], start=1):
        if isinstance(here, list) and isinstance(part, int):
            here = here[part] if part < len(here) else None
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
        if i in ends:
            ids.append(_name(here, part, str(path[i - 2])))
    return ".".join(ids), _field(path[ends[-1] if ends else 0 :])


def step_path(path: KeyPath) -> KeyPath:
    """The part of `path` that leads to the innermost step it passes; ``()`` when it passes none."""
    ends = _step_ends(path)
    return path[: ends[-1]] if ends else ()


def _step_ends(path: KeyPath) -> list[int]:
    """How many parts of `path` lead to each step that it passes, the outermost step first.

    The models say what stands under a key, so a button or an argument that is called ``steps`` is no step.
    """
    ends: list[int] = []
    children = children_of(DrawerModel)
    at = 0
    while at < len(path) and (child := children.get(str(path[at]))) is not None:
        at += _PARTS[child.form]
        if child.form in ("steps", "step_map"):
            if at > len(path) or not isinstance(path[at - 1], int):
                break
            ends.append(at)
            children = step_children()
        else:
            children = children_of(child.model)
    return ends


def _name(step: Any, position: int | str, of: str) -> str:
    named = step.get("id") if isinstance(step, Mapping) else None
    return named if isinstance(named, str) and named else f"{of}[{position}]"


def _field(below: KeyPath) -> str:
    if len(below) > 1 and below[0] == "args":
        return str(below[1])
    return str(below[0]) if below else ""
