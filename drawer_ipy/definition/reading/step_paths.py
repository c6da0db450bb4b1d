"""Paths of steps: find the step, and the field of it, that a path in a definition belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.definition.reading.shape import step_fields


def step_at(tree: Any, path: KeyPath) -> tuple[str, str]:
    """Return the dotted id of the innermost step on `path`, and the arg or field below it.

    ``("steps", 0, "steps", 1, "args", "url")`` of a loop ``each`` with a step ``page`` is
    ``("each.page", "url")``. A step without an id is named by its position, ``steps[2]``.
    """
    ids: list[str] = []
    here = tree
    rest = 0
    fields = step_fields()
    for i, part in enumerate(path):
        if isinstance(here, list) and isinstance(part, int) and _is_step(path, i, fields):
            here = here[part] if part < len(here) else None
            ids.append(_name(here, part, str(path[i - 1])))
            rest = i + 1
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part] if part < len(here) else None
        else:
            here = here.get(part) if isinstance(here, Mapping) else None
    return ".".join(ids), _field(path[rest:])


def step_path(path: KeyPath) -> KeyPath:
    """Return the part of `path` up to the innermost step on it, or ``()`` if there is no step on it."""
    fields = step_fields()
    ends = [i + 1 for i, part in enumerate(path) if isinstance(part, int) and _is_step(path, i, fields)]
    return path[: ends[-1]] if ends else ()


def _is_step(path: KeyPath, i: int, fields: tuple[set[str], set[str]]) -> bool:
    if i == 0 or path[0] == "flow":
        return False
    lists, named = fields
    return path[i - 1] in lists or (i > 1 and path[i - 2] in named)


def _name(step: Any, position: int, of: str) -> str:
    named = step.get("id") if isinstance(step, Mapping) else None
    return named if isinstance(named, str) and named else f"{of}[{position}]"


def _field(below: KeyPath) -> str:
    if len(below) > 1 and below[0] == "args":
        return str(below[1])
    return str(below[0]) if below else ""
