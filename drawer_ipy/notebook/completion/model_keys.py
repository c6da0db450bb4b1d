"""The keys that a mapping in a ``%%drawer`` cell may have, in the order in which they are proposed."""

from __future__ import annotations

import contextlib

from drawer_ipy.definition.models import ButtonSpec, DrawerModel, Model, StepBase
from drawer_ipy.definition.reading.shape import keys_in, keys_of
from drawer_ipy.definition.step_base import step_models
from drawer_ipy.notebook.completion.half_written import OutlineNode

_FORGOTTEN = ("bindings", "schema_version", "version", "created_at", "updated_at")
"""Keys that are not proposed, since they are never needed."""

_STEP_FIRST = ("id", "kind", "button", "drawer", "over", "as", "parallelism", "cases", "steps", "args")
_DRAWER_FIRST = ("steps", "inputs", "return", "buttons")
_BUTTON_FIRST = ("url", "code", "prompt", "runtime", "args", "method", "query", "headers", "body")
"""The usual order of the first keys."""

_ONE_OF = {"url", "code", "prompt"}
"""Keys of a button of which it has exactly one."""


def model_keys(model: type[Model], node: OutlineNode) -> list[str]:
    """The keys of `node`, a mapping that `model` describes: first those that it must have."""
    keys, usual = _every_key(model, node)
    required = _required_keys(model)
    places = {key: i for i, key in enumerate(usual)}
    keys.sort(key=lambda key: (key not in required, places.get(key, len(usual))))
    return [key for key in keys if key not in _impossible_keys(model, node)]


def _every_key(model: type[Model], node: OutlineNode) -> tuple[list[str], tuple[str, ...]]:
    """All keys of `model`, and which of them usually come first."""
    if model is StepBase:  # the kind is still undecided: the keys of all kinds
        return list(
            dict.fromkeys(key for step in step_models().values() for key in keys_of(step))
        ), _STEP_FIRST
    if issubclass(model, StepBase):
        return keys_of(model), _STEP_FIRST
    if model is DrawerModel:
        return keys_of(model), _DRAWER_FIRST
    return keys_in({"runtime": node.said("runtime")}, model), _BUTTON_FIRST if model is ButtonSpec else ()


def _impossible_keys(model: type[Model], node: OutlineNode) -> set[str]:
    impossible = set(_FORGOTTEN)
    if model is ButtonSpec and _ONE_OF & node.keys.keys():
        impossible |= _ONE_OF - node.keys.keys()
    if (
        isinstance(node.name, str)
        and node.parent is not None
        and node.parent.name in ("buttons", "inputs", "args")
    ):
        impossible.add("name")  # its key is its name
    return impossible


def _required_keys(model: type[Model]) -> set[str]:
    """The keys without which `model` is an error; of alternatives, all."""
    required = {info.alias or name for name, info in model.model_fields.items() if info.is_required()}
    if model is DrawerModel:
        return required | {"steps"}
    if issubclass(model, StepBase) and model is not StepBase:
        kind = next((kind for kind, known in step_models().items() if known is model), "")
        with contextlib.suppress(
            Exception
        ):  # a kind of another distribution may check more than an empty step has
            empty = model.model_construct(id="step", kind=kind)
            required.update(key for fault in empty.faults() for key in fault.missing)
    return required
