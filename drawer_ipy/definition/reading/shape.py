"""Checks of the keys of a definition, with hints for common mistakes.

pydantic keeps unknown keys (so that a newer file is written back completely) and does not report them; this
module does, with the key that was probably meant. It walks the tree along the models, so a new field or step
kind needs no change here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.nearest import Near
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.models import ButtonStep, DrawerModel, Model
from drawer_ipy.definition.step_base import STEP_KINDS, StepBase, model_of, step_models

_KIND_SLIPS = {
    "for": "for_each",
    "foreach": "for_each",
    "each": "for_each",
    "loop": "for_each",
    "map": "for_each",
    "if": "switch",
    "case": "switch",
    "sleep": "wait",
    "delay": "wait",
    "workflow": "drawer",
    "subdrawer": "drawer",
    "function": "button",
    "task": "button",
    "action": "button",
    "reduce": "aggregate",
    "collect": "aggregate",
}

# Keys of other tools -> keys of drawers; used only if the key on the right is valid and not given.
_KEY_SLIPS = {
    "name": "id",
    "item": "as",
    "var": "as",
    "in": "over",
    "items": "over",
    "foreach": "over",
    "for_each": "over",
    "concurrency": "parallelism",
    "workers": "parallelism",
    "max_parallel": "parallelism",
    "timeout": "timeout_seconds",
    "if": "when",
    "with": "args",
    "params": "args",
    "parameters": "args",
    "do": "steps",
    "tasks": "steps",
    "outputs": "return",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the shape of a definition, without its position in the text.

    Attributes:
        path: the path of the value.
        message, remediation: as in :class:`~drawer_ipy.errors.Problem`.
        soft: whether a file on disk can still be read (the original ignores the problem).
        on_key: whether it is about the key rather than the value.
        fix: how to continue, so that the rest can be checked: rename it to the correct ``key``, set the
            correct ``kind`` of the step, or leave it out: ``out`` if it belongs elsewhere, ``drop`` if it may
            be the misspelt name of any field.
    """

    path: KeyPath
    message: str
    remediation: str = ""
    soft: bool = False
    on_key: bool = True
    fix: tuple[Literal["key", "kind", "out", "drop"], str] | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """The model of the values in one field, and their container.

    ``list`` may also be written as a mapping by name; ``steps`` contains steps of any kind, ``step_map``
    named lists of steps.
    """

    form: Literal["one", "list", "map", "steps", "step_map"]
    model: type[Model]


def keys_of(model: type[Model]) -> list[str]:
    """Return the valid keys of `model`, as they are written (``as``, not ``as_``)."""
    return [info.alias or name for name, info in model.model_fields.items()]


def keys_in(tree: Mapping[str, Any], model: type[Model]) -> list[str]:
    """Return the valid keys of `tree`, a `model`; keys that depend on its other values come last."""
    beside = model.beside(tree)
    return keys_of(model) if beside is None else [*keys_of(model), *keys_of(beside)]


def children_in(tree: Mapping[str, Any], model: type[Model]) -> dict[str, Child]:
    """Return the fields of `tree`, a `model`, that contain models."""
    beside = model.beside(tree)
    return children_of(model) if beside is None else children_of(model) | children_of(beside)


def kind_of(step: Mapping[str, Any]) -> str:
    """Return the kind of a raw step; the default is ``button``."""
    kind = step.get("kind")
    return "button" if kind in (None, "") else str(kind)


def _models_in(annotation: Any) -> list[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _containers_in(annotation: Any) -> Iterator[Any]:
    yield get_origin(annotation)
    for inner in get_args(annotation):
        yield from _containers_in(inner)


def step_children() -> dict[str, Child]:
    """The fields of every kind of step that hold models; a step of an unknown kind may hold any of them."""
    children = {"steps": Child("steps", StepBase), "branches": Child("step_map", StepBase)}
    for kind in STEP_KINDS.in_use():
        children |= children_of(kind.model)
    return children


def models_below(model: type[Model]) -> list[type[Model]]:
    """Return the models of everything inside a `model`, except the step kinds."""
    found: dict[type[Model], None] = {}
    pending = [model]
    while pending:
        for info in pending.pop().model_fields.values():
            new = [one for one in _models_in(info.annotation) if one not in found]
            found.update(dict.fromkeys(new))
            pending += new
    return list(found)


@lru_cache(maxsize=64)
def children_of(model: type[Model]) -> dict[str, Child]:
    """Return the fields of `model` that contain models, by key."""
    out: dict[str, Child] = {}
    for name, info in model.model_fields.items():
        found = _models_in(info.annotation)
        if not found:
            continue
        containers = set(_containers_in(info.annotation))
        key = info.alias or name
        if issubclass(found[0], StepBase):
            out[key] = Child("step_map" if dict in containers else "steps", StepBase)
        elif dict in containers:
            out[key] = Child("map", found[0])
        else:
            out[key] = Child("list" if list in containers else "one", found[0])
    return out


def findings(tree: Mapping[str, Any], model: type[Model], near: Near) -> list[Finding]:
    """Return every unknown key, key of another kind and unknown kind in `tree`, from top to bottom."""
    return list(_walk(tree, model, (), near))


def _walk(tree: Any, model: type[Model], path: KeyPath, near: Near) -> Iterator[Finding]:
    if not isinstance(tree, Mapping):
        return  # a value of the wrong type is pydantic's to report
    known = keys_in(tree, model)
    for key in tree:
        if key not in known:
            yield _unknown_key(key, tree, model, known, (*path, key), near)
    for key, child in children_in(tree, model).items():
        if key in tree:
            yield from _below(tree[key], child, (*path, key), near)


def _below(value: Any, child: Child, path: KeyPath, near: Near) -> Iterator[Finding]:
    if child.form == "one":
        yield from _walk(value, child.model, path, near)
    elif child.form == "step_map" and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _below(inner, Child("steps", child.model), (*path, key), near)
    elif isinstance(value, Mapping) and child.form in ("map", "list"):
        # Inputs and args may be written as a mapping, whose keys then are names.
        for key, inner in value.items():
            yield from _walk(inner, child.model, (*path, key), near)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if child.form == "steps":
                yield from _step(inner, (*path, i), near)
            else:
                yield from _walk(inner, child.model, (*path, i), near)


def _step(step: Any, path: KeyPath, near: Near) -> Iterator[Finding]:
    if not isinstance(step, Mapping):
        return
    kind = kind_of(step)
    model = model_of(kind)
    if model is None and (trouble := STEP_KINDS.trouble(kind)):
        yield Finding((*path, "kind"), trouble, "update or uninstall that distribution", on_key=False)
    elif model is None:
        meant = _meant_kind(kind, near)
        hint = f"did you mean {meant!r}?" if meant else ""
        hint = f"{hint} the step kinds are {', '.join(STEP_KINDS)}".strip()
        message = f"unknown step kind {shown(kind)}"
        finding = Finding((*path, "kind"), message, hint, on_key=False)
        yield replace(finding, fix=("kind", meant)) if meant else finding
    elif unknown := _unknown_kind(step, path):
        yield unknown  # the other keys are checked against that kind
    else:
        yield from _walk(step, model, path, near)


def _meant_kind(kind: str, near: Near) -> str:
    plain = re.sub(r"[\W_]", "", kind.lower())
    meant = _KIND_SLIPS.get(plain) or next((k for k in STEP_KINDS if k.replace("_", "") == plain), "")
    return meant or _quoted(near(kind, STEP_KINDS))


def _unknown_kind(step: Mapping[str, Any], path: KeyPath) -> Finding | None:
    """The finding for a step without a kind and without a button that has keys of another kind."""
    if step.get("kind") not in (None, "") or step.get("button"):
        return None
    own = keys_of(ButtonStep)
    keys = [key for key in step if key not in own and _kinds_with(key)]
    if not keys:
        return None
    models = step_models()
    kind = max(models, key=lambda kind: len({*keys} & {*keys_of(models[kind])}))
    finding = _other_kind(keys[0], step, _kinds_with(keys[0]), (*path, keys[0]))
    return replace(finding, remediation=f"add `kind: {kind}`", fix=("kind", kind))


def _unknown_key(
    key: str, tree: Mapping[str, Any], model: type[Model], known: list[str], path: KeyPath, near: Near
) -> Finding:
    same = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")
    slip = _KEY_SLIPS.get(same, "")
    for meant in (same, slip):
        if meant != key and meant in known and meant not in tree:
            return Finding(
                path, f"unknown key {key!r}", f"did you mean {meant!r}?", True, True, ("key", meant)
            )
    kinds = _kinds_with(key)
    if issubclass(model, StepBase) and kinds:
        return _other_kind(key, tree, kinds, path)
    if model is DrawerModel and kinds and key not in ("kind", "args"):
        hint = f"put it into a step under `steps:` (it is a key of {_listed(kinds)} steps)"
        message = f"{key!r} belongs to a step, not to the drawer"
        return Finding(path, message, hint, True, True, ("out", ""))
    closest = near(key, known)
    if closest:
        return Finding(path, f"unknown key {key!r}", closest, True, True, ("key", _quoted(closest)))
    allowed = f"valid keys: {', '.join(k for k in known if k != 'bindings')}"
    hint = _near_in_other_kind(key, model, near) or allowed
    return Finding(path, f"unknown key {key!r}", hint, True, True, ("drop", ""))


def _kinds_with(key: str) -> list[str]:
    return [kind for kind, other in step_models().items() if key in keys_of(other)]


def _near_in_other_kind(key: str, model: type[Model], near: Near) -> str:
    if not issubclass(model, StepBase):
        return ""
    owners = {known: kind for kind, other in reversed(step_models().items()) for known in keys_of(other)}
    closest = near(key, owners)
    return f"{closest} it belongs to {owners[_quoted(closest)]} steps" if closest else ""


def _quoted(hint: str) -> str:
    """The word that a "did you mean" suggests, or ``""``."""
    return hint.split("'")[1] if hint else ""


def _other_kind(key: str, step: Mapping[str, Any], kinds: list[str], path: KeyPath) -> Finding:
    said = step.get("kind") not in (None, "")
    message = f"{key!r} belongs to {_listed(kinds)} steps, but the kind of this step is {kind_of(step)!r}"
    change = f"remove it, or change the kind to {_listed(kinds)}"
    hint = change if said else f"add `kind: {kinds[0]}`"
    return Finding(path, message, hint, True, True, ("drop", ""))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
