"""JSON Schemas of drawers and buttons, made from the models, with which editors complete and check.

A schema describes what may be *written*: aliases (``as``, ``from``), short forms (``args: [name]``), and null
for "not given". It forbids unknown keys, although a file with unknown keys can still be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from drawer_ipy.definition.backends import BACKENDS
from drawer_ipy.definition.button_runtimes import BUTTON_RUNTIMES
from drawer_ipy.definition.key_texts import key_text
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, DrawerModel, InputSpec, Model
from drawer_ipy.definition.policy import Policy
from drawer_ipy.definition.reading.shape import models_below
from drawer_ipy.definition.step_base import StepBase, step_models

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ADDRESS = "https://drawer-ipy.github.io/drawer_ipy/{}.schema.json"
"""The address of the schema of a ``drawer`` or ``button``, by which files and other schemas refer to it."""

_WORDS = {
    "ArgSpec": "Argument",
    "BackoffSpec": "Backoff",
    "ButtonSpec": "Button",
    "InputSpec": "Input",
    "SwitchCase": "Case",
    "TokenPress": "Token",
}
"""The name of a model's class -> the name of its part of the schema, which editors show."""

_Schema = dict[str, Any]
_NULL: _Schema = {"type": "null"}


def json_schema(what: Literal["drawer", "button"] = "drawer") -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a drawer or of a button as one document.

    >>> json_schema()["properties"]["steps"]["items"]
    {'$ref': '#/$defs/Step'}
    """
    model: type[Model] = DrawerModel if what == "drawer" else ButtonSpec
    models = {one.__name__: one for one in models_below(model)}
    for runtime in BUTTON_RUNTIMES.added():
        if runtime.fields is not None:
            models |= {one.__name__: one for one in models_below(runtime.fields)}
    if what == "drawer":
        kinds = step_models()
        for kind, one in kinds.items():
            models |= {below.__name__: below for below in models_below(one)} | {_name_of(kind): one}
    models.pop("StepBase", None)
    parts = {name: _object(_plain_schema(one), one) for name, one in models.items()}
    if what == "drawer":
        parts["Step"] = _step(kinds)
    whole = _object(_plain_schema(model), model)
    title = "A drawer: a workflow of steps" if what == "drawer" else "A button: a reusable action"
    names = {old: new for old, new in _WORDS.items() if new not in parts}
    parts = {names.get(name, name): part for name, part in parts.items()}
    made = {
        "$schema": DIALECT,
        "$id": ADDRESS.format(what),
        "title": title,
        **whole,
        "$defs": dict(sorted(parts.items())),
    }
    renamed: dict[str, Any] = _with_names(made, names)
    return renamed


def _with_names(schema: Any, names: Mapping[str, str]) -> Any:
    """`schema` with its references to the old `names` of parts replaced by references to the new ones."""
    if isinstance(schema, list):
        return [_with_names(value, names) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str) and (name := names.get(target.removeprefix("#/$defs/"))) is not None:
        return {**schema, **_ref(name)}
    return {key: _with_names(value, names) for key, value in schema.items()}


def _plain_schema(model: type[Model]) -> _Schema:
    made = model.model_json_schema(by_alias=True)
    parts: dict[str, _Schema] = made.pop("$defs", {})
    reference = made.get("$ref", "")  # of a model that refers to itself
    return parts[reference.split("/")[-1]] if reference else made


def _name_of(kind: str) -> str:
    """The name in ``$defs`` of the steps of that kind: ``ForEachStep``."""
    return "".join(word.capitalize() for word in kind.split("_")) + "Step"


def _object(made: Mapping[str, Any], model: type[Model]) -> _Schema:
    """The schema of one model: no titles, no unknown keys, with descriptions and short forms."""
    required = made.get("required", [])
    out: _Schema = {"type": "object", "description": _plain(made.get("description", ""))}
    out["properties"] = {
        key: _property(model, key, value, optional=key not in required)
        for key, value in made["properties"].items()
    }
    if required:
        out["required"] = list(required)
    out["additionalProperties"] = False
    return _with_runtimes(out) if model is ButtonSpec else out


def _with_runtimes(button: _Schema) -> _Schema:
    """`button` with the fields of the runtimes from other distributions, each only for its runtime."""
    rules: list[_Schema] = []
    owners: dict[str, list[str]] = {}
    for runtime in BUTTON_RUNTIMES.added():
        if runtime.fields is None:
            continue
        own = _object(_plain_schema(runtime.fields), runtime.fields)
        said = {"properties": {"runtime": {"const": runtime.name}}, "required": ["runtime"]}
        rules.append(
            {"if": said, "then": {key: own[key] for key in ("properties", "required") if key in own}}
        )
        for key, schema in own["properties"].items():
            owners.setdefault(key, []).append(runtime.name)
            described = {"description": schema["description"]} if "description" in schema else {}
            button["properties"].setdefault(key, described)
    if rules:
        button["allOf"] = rules
        button["dependentSchemas"] = {
            key: {"properties": {"runtime": {"enum": names}}, "required": ["runtime"]}
            for key, names in owners.items()
        }
    return button


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _property(owner: type[Model], key: str, made: Mapping[str, Any], *, optional: bool) -> _Schema:
    short = _SHORT.get((owner.__name__, key)) or _SHORT.get(("*", key))
    schema = short() if short is not None else _steps_by_reference(_untitled(made))
    default = made.get("default")
    if optional:
        schema = _nullable(schema)
        if default not in (None, "", [], {}, 0, False):
            schema["default"] = default
    text = key_text(owner, key)
    return {"description": text, **schema} if text else schema


def _untitled(made: Any) -> Any:
    if isinstance(made, Mapping):
        return {k: _untitled(v) for k, v in made.items() if k not in ("title", "default")}
    return [_untitled(value) for value in made] if isinstance(made, list) else made


def _steps_by_reference(schema: Any) -> Any:
    """`schema` with references to the base of all step models replaced by references to ``Step``."""
    if isinstance(schema, list):
        return [_steps_by_reference(value) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    if schema.get("$ref") == _ref("StepBase")["$ref"]:
        return _ref("Step")
    return {key: _steps_by_reference(value) for key, value in schema.items()}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def _nullable(schema: _Schema) -> _Schema:
    """`schema` or null, which means "not given" for every known key."""
    if not schema or _NULL in schema.get("anyOf", ()):
        return dict(schema)
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _NULL]}
    return {"anyOf": [schema, _NULL]}


def _step(models: Mapping[str, type[StepBase]]) -> _Schema:
    """The schema of a step of any kind, with conditions instead of a union.

    With a union, an editor could report only that the step matches none of the kinds.
    """
    button = {"properties": {"kind": {"enum": ["button", "", None]}}}
    rules = [{"if": button, "then": _ref("ButtonStep")}]
    for kind in models:
        if kind != "button":
            said = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
            rules.append({"if": said, "then": _ref(_name_of(kind))})
    kinds = {"description": key_text(StepBase, "kind"), "enum": [*models, "", None], "default": "button"}
    return {
        "type": "object",
        "description": "One step of a drawer; `kind` is its kind.",
        "properties": {
            "id": {"type": "string", "minLength": 1, "description": key_text(StepBase, "id")},
            "kind": kinds,
        },
        "required": ["id"],
        "allOf": rules,
    }


def _words(model: type[Model], field: str) -> _Schema:
    made: _Schema = model.model_json_schema()["properties"][field]
    return {"enum": made["enum"]}


def _nameless(model: type[Model]) -> _Schema:
    """The schema of an entry under its name, as in ``inputs: {urls: {type: list}}``."""
    made = _object(_plain_schema(model), model)
    made.pop("required", None)
    return made


def _named_list(model: type[Model]) -> _Schema:
    """The schema of a list of names or entries, or a mapping from each name to its type or entry."""
    name = {"type": "string", "minLength": 1}
    entries = {"type": "array", "items": {"anyOf": [name, _ref(model.__name__)]}}
    by_name = {"anyOf": [_words(model, "type"), _nameless(model), _NULL]}
    return {"anyOf": [entries, {"type": "object", "additionalProperties": by_name}]}


def _policy() -> _Schema:
    return {"anyOf": [_words(Policy, "action"), _ref("Policy")]}


def _backend() -> _Schema:
    with_address = {"type": "string", "pattern": "^[a-z_][a-z0-9_]*:."}
    return {"anyOf": [{"enum": BACKENDS.names()}, with_address]}


_EXPRESSION: _Schema = {"type": "string", "minLength": 1}
_LIST_EXPRESSION: _Schema = {"anyOf": [_EXPRESSION, {"type": "array"}]}

# Fields whose notation differs from their model.
_SHORT: Mapping[tuple[str, str], Callable[[], _Schema]] = {
    ("DrawerModel", "inputs"): lambda: _named_list(InputSpec),
    ("ButtonSpec", "args"): lambda: _named_list(ArgSpec),
    ("ButtonSpec", "cache"): lambda: {"type": ["string", "boolean"]},
    ("*", "backend"): _backend,
    ("*", "on_failure"): _policy,
    ("*", "over"): lambda: dict(_LIST_EXPRESSION),
    ("AggregateStep", "from"): lambda: dict(_LIST_EXPRESSION),
    ("MergeStep", "from"): lambda: dict(_LIST_EXPRESSION),
    ("SwitchCase", "when"): lambda: {"anyOf": [_EXPRESSION, {"type": "boolean"}]},
    ("DrawerModel", "drawer_kind"): lambda: {"enum": ["action", "flow", ""]},
    ("DrawerModel", "schema_version"): lambda: {"enum": [1, 2]},
    ("Policy", "compensate_with"): lambda: {"type": ["string", "object"]},
}
