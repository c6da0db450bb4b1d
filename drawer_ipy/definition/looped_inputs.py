"""Which inputs of a drawer must be lists, since steps loop over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from drawer_ipy.definition.declared import branches_of
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.definition.step_base import StepBase
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import compile_expression


def input_in(expression: Any, *, members: bool = False) -> str:
    """The input that `expression` is, as in ``${inputs.urls}``; ``""`` if it is anything else.

    Args:
        members: whether it may also be a member of the input, as in ``${inputs.site.urls}``.
    """
    if not isinstance(expression, str):
        return ""
    try:
        template = compile_expression(expression)
    except ResolveError:
        return ""
    references = template.references
    if not template.is_whole or len(references) != 1 or not references[0].whole:
        return ""
    reference = references[0]
    fits = len(reference.path) == 1 or (members and reference.path)
    return str(reference.path[0]) if reference.root == "inputs" and fits else ""


def looped_inputs(drawer: DrawerModel) -> dict[str, str]:
    """Input name -> dotted id of the first step that loops over the whole input."""
    found: dict[str, str] = {}
    for step_id, name in _loops(drawer.steps, ""):
        found.setdefault(name, step_id)
    return found


def _loops(steps: Iterable[StepBase], above: str) -> Iterator[tuple[str, str]]:
    for step in steps:
        step_id = f"{above}.{step.id}" if above else step.id
        for key in step.lists:
            if name := input_in(step.value_of(key)):
                yield step_id, name
        for branch in branches_of(step):
            yield from _loops(branch.steps, step_id)
