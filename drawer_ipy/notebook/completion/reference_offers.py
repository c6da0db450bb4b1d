"""Proposals inside ``${...}``: inputs, earlier steps, loop variables, and their members."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from drawer_ipy.expressions.functions import FUNCTIONS
from drawer_ipy.notebook.completion.half_written import OutlineNode, Spot
from drawer_ipy.notebook.completion.known_names import KnownNames
from drawer_ipy.notebook.completion.offers import Offer, Word, beginning, words

_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]*)*$", re.ASCII)
_LOOPS = {"for_each": "item", "batch": "batch"}
"""Kinds that bind a variable, with its default name."""


def reference_offer(spot: Spot, names: KnownNames) -> Offer | None:
    """The proposals inside ``${...}``, or ``None`` if the cursor is not in one."""
    begin = spot.typed.rfind("${")
    if begin < 0 or "}" in spot.typed[begin:]:
        return None
    expression = spot.typed[begin + 2 :]
    found = _PATH.search(expression)
    if found is None:
        ended = not expression.strip() or expression[-1] in " \t(,?:!&|=<>+-*/%["
        return beginning("", _roots(spot.node, names, functions=False)) if ended else Offer()
    path = found[0]
    if "." not in path:
        return beginning(path, _roots(spot.node, names, functions=True))
    owner = path.rpartition(".")[0]
    return beginning(
        path, [Word(f"{owner}.{word.text}", word.kind) for word in _members(owner, spot.node, names)]
    )


def whole_references(node: OutlineNode, names: KnownNames) -> Iterator[str]:
    """References that are likely as a whole value, nearest first."""
    variables, steps = _scope(node)
    yield from variables
    for step in steps:
        yield f"{step.said('id')}.output"
    yield from (f"inputs.{name}" for name in names.inputs())


def _roots(node: OutlineNode, names: KnownNames, functions: bool) -> Iterator[Word]:
    variables, steps = _scope(node)
    yield from words(variables, "variable")
    yield from words([step.said("id") for step in steps], "variable", ".output")
    yield Word("inputs.", "module")
    for root, known in (("env", True), ("batteries", bool(names.batteries()))):
        if known:
            yield Word(f"{root}.", "module")
    if functions:
        yield from words(["has", *FUNCTIONS], "function", "(")


def _members(owner: str, node: OutlineNode, names: KnownNames) -> list[Word]:
    if owner == "inputs":
        return words(names.inputs(), "variable")
    if owner == "env":
        return words(sorted(os.environ), "variable")
    if owner == "batteries":
        return words(names.batteries(), "variable")
    _, steps = _scope(node)
    by_id = {step.said("id"): step for step in reversed(steps)}
    if owner in by_id:
        found = ["output", "error.code", "error.message", "error.status", "error.body"]
        return words(found, "property")
    step, _, member = owner.rpartition(".")
    if member == "output" and step in by_id:
        return words(names.fields(by_id[step]), "property")
    return []


def _scope(node: OutlineNode) -> tuple[list[str], list[OutlineNode]]:
    """Loop variables and steps that an expression at `node` can refer to, nearest first."""
    variables: list[str] = ["item"] if node.name == "pluck" else []
    steps: list[OutlineNode] = []
    inner = node
    for outer in node.around():
        if isinstance(inner.name, int) and outer is inner.parent and _is_steps(outer):
            before = [step for step in outer.items[: inner.name] if step.said("id")]
            steps += reversed(before)
        # The variable is bound in the loop's steps, not in its other fields.
        if inner.name == "steps" and inner is not outer and outer.said("kind") in _LOOPS:
            variables.append(outer.said("as") or _LOOPS[outer.said("kind")])
        inner = outer
    return list(dict.fromkeys(variables)), steps


def _is_steps(node: OutlineNode) -> bool:
    """Whether a list contains steps: of a drawer, a loop, a case, or a branch."""
    if node.name == "steps":
        return True
    return node.parent is not None and node.parent.name == "branches"
