"""Small adjustments to a raw definition before it is validated by the models.

The original reads ``null`` as "not given" for every known key, and a negative parallelism as 0; the strict
models would reject both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.models import ArgSpec, InputSpec, Model
from drawer_ipy.definition.reading.shape import Child, Finding, children_in, keys_in, kind_of
from drawer_ipy.definition.step_base import model_of


def normalise(
    tree: Mapping[str, Any], model: type[Model], *, lenient: bool
) -> tuple[dict[str, Any], list[Finding]]:
    """Return a copy of `tree` without nulls under the keys of `model`, and the findings about other changes.

    With `lenient`, a negative ``parallelism`` becomes 0 and is reported.
    """
    work = _Work(lenient)
    return work.mapping(tree, model, ()), work.found


class _Work:
    def __init__(self, lenient: bool) -> None:
        self.found: list[Finding] = []
        self._lenient = lenient

    def mapping(self, tree: Mapping[str, Any], model: type[Model], path: KeyPath) -> dict[str, Any]:
        known = set(keys_in(tree, model))
        children = children_in(tree, model)
        out: dict[str, Any] = {}
        for key, value in tree.items():
            if value is None and key in known:
                continue
            out[key] = self._below(value, children[key], (*path, key)) if key in children else value
        count = out.get("parallelism")
        if self._lenient and "parallelism" in known and type(count) is int and count < 0:
            out["parallelism"] = 0
            message = f"parallelism {shown(count)} is read as 0: one after the other"
            self.found.append(Finding((*path, "parallelism"), message, soft=True, on_key=False))
        return out

    def _below(self, value: Any, child: Child, path: KeyPath) -> Any:
        if child.form == "one":
            return self.mapping(value, child.model, path) if isinstance(value, Mapping) else value
        if isinstance(value, list):
            return [self._entry(inner, child, (*path, i)) for i, inner in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        if child.form == "step_map":
            steps = Child("steps", child.model)
            return {key: self._below(inner, steps, (*path, key)) for key, inner in value.items()}
        if child.form == "steps":
            return value
        by_name = {key: self._entry(inner, child, (*path, key)) for key, inner in value.items()}
        return _listed(by_name, child.model) if child.form == "list" else by_name

    def _entry(self, value: Any, child: Child, path: KeyPath) -> Any:
        if not isinstance(value, Mapping):
            return value
        if child.form != "steps":
            return self.mapping(value, child.model, path)
        model = model_of(kind_of(value))
        return self.mapping(value, model, path) if model is not None else value


def _listed(by_name: dict[str, Any], model: type[Model]) -> Any:
    """Convert inputs or args written as a mapping by name to the list that the models expect."""
    if model is InputSpec:
        return [_named(name, spec, {}) for name, spec in by_name.items()]
    if model is ArgSpec:
        return [_named(name, spec, {"required": True}) for name, spec in by_name.items()]
    return by_name


def _named(name: str, spec: Any, short: dict[str, Any]) -> Any:
    if isinstance(spec, Mapping):
        return {"name": name, **spec}
    return {"name": name, **short} if spec is None else {"name": name, "type": spec, **short}
