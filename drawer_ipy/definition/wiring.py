"""References between the steps of a drawer, read from its definition, for its picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from drawer_ipy.definition import declared
from drawer_ipy.definition.models import DrawerModel, StepBase
from drawer_ipy.definition.step_base import Use
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions import Template, alias_of, compile_expression, compile_value

NamePath = tuple[str, ...]
"""What a reference names: ``("fetch",)`` is a step or loop variable, ``("inputs", "urls")`` an input."""


def uses_of(step: StepBase, known: Collection[str]) -> list[NamePath]:
    """What `step` and its nested steps refer to outside it, in the order of the definition.

    References that cannot be parsed are left out: this is for a picture, and validation reports them.

    Args:
        known: ids of steps and names of loop variables, to distinguish hyphens from subtraction.
    """
    found = dict.fromkeys(_own(step, known))
    for branch in declared.branches_of(step):
        found |= dict.fromkeys(_outer(branch.steps, known, declared.variable_of(step)))
    return list(found)


def uses_of_value(value: Any, known: Collection[str]) -> list[NamePath]:
    """What the references in `value` (a ``return`` block) refer to."""
    return list(
        dict.fromkeys(name for template in _compiled(value, bare=False) for name in _names(template, known))
    )


def names_in(drawer: DrawerModel) -> set[str]:
    """The ids of all steps at any depth, and the names of all loop variables."""
    out: set[str] = set()
    pending: list[StepBase] = list(drawer.steps)
    while pending:
        step = pending.pop()
        out |= {step.id, declared.variable_of(step) or step.id}
        pending += [inner for branch in declared.branches_of(step) for inner in branch.steps]
    return out


def _outer(steps: Sequence[StepBase], known: Collection[str], variable: str) -> Iterator[NamePath]:
    bound = {variable}
    for step in steps:
        yield from (name for name in uses_of(step, known) if name[0] not in bound)
        bound.add(step.id)


def _own(step: StepBase, known: Collection[str]) -> Iterator[NamePath]:
    """What the step's own fields refer to, including those of its compensation."""
    undo = step.on_failure.compensate_with if step.on_failure is not None else None
    undone = [undo.get("args"), undo.get("stdin")] if isinstance(undo, Mapping) else None
    texts = [
        Use(("args",), step.args, "template"),
        *declared.uses_of(step),
        Use(("on_failure",), undone, "template"),
    ]
    for use in texts:
        for template in _compiled(use.value, bare=use.form != "template"):
            yield from (name for name in _names(template, known) if name[0] not in use.adds)


def _compiled(value: Any, *, bare: bool) -> Iterator[Template]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _compiled(inner, bare=bare)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _compiled(inner, bare=bare)
    elif isinstance(value, str) and value:
        try:
            yield compile_expression(value) if bare else compile_value(value)
        except ResolveError:
            return


def _names(template: Template, known: Collection[str]) -> Iterator[NamePath]:
    def exists(path: tuple[str | int, ...]) -> bool:
        return path[0] in known or path[0] in ("inputs", "env", "batteries")

    for ref in template.references_given(exists):
        if ref.root == "inputs" and ref.path:
            yield "inputs", str(ref.path[0])
        else:
            yield (ref.root if ref.root in known else alias_of(ref.root, known) or ref.root,)
