"""Dotted paths of steps: ``each.parallelism``, ``each.work.args.n``, ``each.steps.0.args.n``.

Ids may contain dots, so the longest id that fits is used. A name that is both an id and a field (``args``,
``steps``) means the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.definition.reading.shape import children_of, keys_of, kind_of
from drawer_ipy.definition.step_base import StepBase, model_of
from drawer_ipy.errors import did_you_mean
from drawer_ipy.verbs.base import VerbCode, VerbError

Tree = dict[str, Any]

CASE = "case"
"""The kind of a place that is a case of a switch."""


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A step, or a case of a switch, in a definition's tree.

    Attributes:
        owner: its mapping in the tree.
        kind: the step's kind, or :data:`CASE`.
        where: its dotted path.
        rest: the rest of the path after it, or ``""``.
        around: the steps that contain it, outermost first; if it is a step, `owner` is last.
        siblings: the list that contains it, for a step.
    """

    owner: Tree
    kind: str
    where: str
    rest: str
    around: tuple[Tree, ...] = ()
    siblings: tuple[Tree, ...] = ()


def find_place(tree: Tree, path: str) -> FieldPlace:
    """Find the step or case that `path` names in a drawer's `tree`.

    Raises:
        VerbError: STEP_NOT_FOUND, NESTED_STEP_NOT_FOUND, or AMBIGUOUS if two branches have a step with that
            id.
    """
    steps = _steps(tree)
    place = _by_id(steps, path, "", ())
    if place is None:
        ids = [str(step.get("id", "")) for step in steps]
        known = f"the steps are {', '.join(ids)}" if ids else "there are no steps yet; `add` creates one"
        name = path.partition(".")[0]
        hint = f"{did_you_mean(name, ids)} {known}".strip()
        raise VerbError(f"there is no step {name!r}", code=VerbCode.STEP_NOT_FOUND, remediation=hint)
    while place.rest:
        inner = _inside(place)
        if inner is None:
            break
        place = inner
    return place


def _inside(place: FieldPlace) -> FieldPlace | None:
    """The place one level down, or ``None`` if the rest of the path is about `place` itself."""
    head, _, more = place.rest.partition(".")
    inside = holders(place.kind)
    if head in inside and more:
        return _by_position(place, head, more)
    if place.kind == CASE:
        return None if head in ("when", "id") else _nested(place)
    if head in keys_of(model_of(place.kind) or StepBase) or not inside:
        return None
    return _nested(place)


def holders(kind: str) -> dict[str, str]:
    """The fields of such a step that contain steps: ``steps``, ``step_map``, or ``cases`` of a switch."""
    if kind == CASE:
        return {"steps": "steps"}
    children = children_of(model_of(kind) or StepBase)
    found = {key: child.form for key, child in children.items() if child.form in ("steps", "step_map")}
    return {"cases": "cases", **found} if kind == "switch" else {**found}


def names_in(place: FieldPlace) -> list[str]:
    """The words that can follow `place` in a path to a step in it."""
    inside = [str(step.get("id", "")) for _, steps in _lists(place) for step in steps]
    if place.kind == "switch":
        cases = enumerate(place.owner.get("cases") or ())
        inside += [case.get("id") or f"cases.{i}" for i, case in cases]
    inside += [name for key in _named_lists(place) for name in place.owner.get(key) or ()]
    # A step whose id several branches have can be named only with its branch.
    return [name for name in dict.fromkeys(inside) if name and inside.count(name) == 1]


def _nested(place: FieldPlace) -> FieldPlace | None:
    """The nested step, or the branch, that the rest of the path begins with."""
    found = []
    for label, steps in _lists(place):
        inner = _by_id(steps, place.rest, _joined(place.where, label), place.around)
        if inner is not None:
            found.append(inner)
    branch = _branch(place)
    if branch is not None:
        found.append(branch)
    if len(found) == 1:
        return found[0]
    head = place.rest.partition(".")[0]
    if found:
        ways = " or ".join(f"{inner.where}" for inner in found)
        message = f"{place.where}.{head} may be several steps"
        raise VerbError(message, code=VerbCode.AMBIGUOUS, remediation=f"write {ways}")
    if "." not in place.rest:
        return None  # one word is more likely a misspelt field
    ids = [str(step.get("id", "")) for _, steps in _lists(place) for step in steps]
    known = f"its steps are {', '.join(ids)}" if ids else "it has no steps"
    message = f"there is no step {head!r} in {place.where!r}"
    hint = f"{did_you_mean(head, ids)} {known}".strip()
    raise VerbError(message, code=VerbCode.NESTED_STEP_NOT_FOUND, remediation=hint)


def _by_id(steps: list[Tree], path: str, where: str, around: tuple[Tree, ...]) -> FieldPlace | None:
    """The step with the longest id that `path` begins with."""
    fitting = [step for step in steps if _begins(path, str(step.get("id", "")))]
    if not fitting:
        return None
    step = max(fitting, key=lambda step: len(step["id"]))
    rest = path[len(step["id"]) + 1 :]
    return _step_place(step, steps, _joined(where, step["id"]), rest, around)


def _branch(place: FieldPlace) -> FieldPlace | None:
    """A case of a switch, or a branch of a split, by its name."""
    if place.kind == "switch":
        named = [case for case in place.owner.get("cases") or () if _begins(place.rest, case.get("id") or "")]
        if named:
            case = max(named, key=lambda case: len(case["id"]))
            rest = place.rest[len(case["id"]) + 1 :]
            return FieldPlace(case, CASE, _joined(place.where, case["id"]), rest, place.around)
    for key in _named_lists(place):
        for name, steps in (place.owner.get(key) or {}).items():
            if place.rest.startswith(f"{name}."):
                return _by_id(steps, place.rest[len(name) + 1 :], _joined(place.where, name), place.around)
    return None


def _by_position(place: FieldPlace, head: str, more: str) -> FieldPlace:
    """``steps.N``, ``cases.N`` or ``branches.NAME.N`` below `place`."""
    where = _joined(place.where, head)
    entries: Any = place.owner.get(head) or []
    word, _, rest = more.partition(".")
    if head in _named_lists(place):
        entries = entries.get(word) if isinstance(entries, Mapping) else None
        where = _joined(where, word)
        word, _, rest = rest.partition(".")
    count = len(entries) if isinstance(entries, list) else 0
    if not (word.isascii() and word.isdecimal() and len(word) < 9 and int(word) < count):
        what = "case" if head == "cases" else "step"
        message = f"there is no {where}.{word}"
        known = f"they are numbered from 0 to {count - 1}" if count else f"it has no {what}"
        raise VerbError(message, code=VerbCode.NESTED_STEP_NOT_FOUND, remediation=known)
    where = _joined(where, word)
    if place.kind == "switch" and head == "cases":
        return FieldPlace(entries[int(word)], CASE, where, rest, place.around)
    return _step_place(entries[int(word)], entries, where, rest, place.around)


def _step_place(
    step: Tree, siblings: list[Tree], where: str, rest: str, around: tuple[Tree, ...]
) -> FieldPlace:
    return FieldPlace(step, kind_of(step), where, rest, (*around, step), tuple(siblings))


def _lists(place: FieldPlace) -> Iterator[tuple[str, list[Tree]]]:
    """The lists of steps in `place`, each with the name of its branch in a path."""
    for key, form in holders(place.kind).items():
        if form == "steps":
            yield "" if key == "steps" else key, _steps(place.owner, key)
    if place.kind == "switch":
        for i, case in enumerate(place.owner.get("cases") or ()):
            yield case.get("id") or f"cases.{i}", _steps(case)
    for key in _named_lists(place):
        yield from (place.owner.get(key) or {}).items()


def _named_lists(place: FieldPlace) -> list[str]:
    return [key for key, form in holders(place.kind).items() if form == "step_map"]


def _steps(owner: Tree, key: str = "steps") -> list[Tree]:
    steps = owner.get(key)
    return steps if isinstance(steps, list) else []


def _begins(path: str, name: str) -> bool:
    return bool(name) and (path == name or path.startswith(name + "."))


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where and name else where or name
