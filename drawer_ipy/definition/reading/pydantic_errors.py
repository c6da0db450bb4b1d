"""Translation of pydantic's errors into this package's messages.

pydantic describes its own types and the members of unions; a user who has written ``parallelism: "4"`` needs
to know that it must be a whole number, without quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from drawer_ipy.common.key_path import KeyPath
from drawer_ipy.common.nearest import Near
from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.button_fields import Follow, TokenPress
from drawer_ipy.definition.model_base import FAULTY_EXTENSION
from drawer_ipy.definition.reading.characters import NO_BREAK_SPACES, character_name
from drawer_ipy.definition.reading.shape import Finding
from drawer_ipy.definition.reading.step_paths import step_path
from drawer_ipy.definition.step_base import UNKNOWN_KIND

_SHORT = 40

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
    "model_attributes_type": "a mapping (`key: value`)",
    "finite_number": "a finite number",
}
_TEXT = "str"
_MEMBERS = (_TEXT, Follow.__name__, TokenPress.__name__)
"""pydantic's names for the members of unions of text and a mapping."""

_WANT_MAPPING = ("model_type", "dict_type", "model_attributes_type")
_NEEDED = {
    "id": "give every step its own id: `id: name`",
    "name": "give it a name: `name: ...`",
    "kind": "give its kind: `kind: ...`",
}


def translate(error: ValidationError, tree: Any, near: Near) -> list[Finding]:
    """Return one finding per place; pydantic's errors about the members of a union are combined."""
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    written = Written(tree)
    for detail in error.errors(include_url=False, include_input=False):
        if detail["type"] == UNKNOWN_KIND:
            continue  # shape.py reports unknown kinds
        path = written.path(detail["loc"])
        if detail["loc"][-1] == _TEXT and isinstance(_at(tree, path), Mapping):
            continue  # it is meant to be a mapping, and another error describes what is wrong in it
        by_path.setdefault(path, []).append(detail)
    return [_finding(path, details, _at(tree, path), near) for path, details in by_path.items()]


class Written:
    """Converts pydantic's locations to paths of keys and positions in the definition as written.

    Members of unions (``"str"``) are left out; a position in a list that was written as a mapping by name
    becomes that name; parts below a scalar are removed.

    Args:
        tree: the definition.
    """

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._keys: dict[int, list[Any]] = {}  # id of a mapping -> its keys, for lookups by position

    def path(self, loc: Sequence[str | int]) -> KeyPath:
        """The path that `loc` describes."""
        path: list[str | int] = []
        here = self._tree
        for part in loc:
            if part in _MEMBERS and not (isinstance(here, Mapping) and part in here):
                continue
            if isinstance(here, Mapping):
                by_position = isinstance(part, int) and part < len(here)
                path.append(self._key(here, int(part)) if by_position else part)
                here = here.get(str(path[-1]))
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                path.append(part)
                here = here[part]
            else:
                break
        return tuple(path)

    def _key(self, mapping: Mapping[Any, Any], position: int) -> Any:
        keys = self._keys.get(id(mapping))
        if keys is None:
            keys = self._keys[id(mapping)] = list(mapping)
        return keys[position]


_MISSING = object()


def _at(tree: Any, path: KeyPath) -> Any:
    here = tree
    for part in path:
        if isinstance(here, Mapping):
            here = here.get(str(part), _MISSING)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:
            return _MISSING
    return here


def _finding(path: KeyPath, details: list[ErrorDetails], value: Any, near: Near) -> Finding:
    what = _named(path)
    first = details[0]
    context = first.get("ctx") or {}
    if first["type"] == "missing" or (first["type"] == "string_too_short" and path):
        # An entry that is written short, `args: [""]`, is one part above the key it stands for.
        short = isinstance(path[-1], int)
        owner, key = (what, str(first["loc"][-1])) if short else (_named(path[:-1]), str(path[-1]))
        return Finding(path, f"{owner} has no {key}", _NEEDED.get(key, ""), on_key=False)
    if first["type"] == "literal_error":
        words = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        words = [word for word in words if word]
        meant = near(value, words) if isinstance(value, str) else ""
        listed = f"use one of {', '.join(words)}"
        return Finding(path, f"{what} cannot be {_shown(value)}", f"{meant} {listed}".strip(), on_key=False)
    if first["type"] == "greater_than_equal":
        hint = f"the minimum is {context['ge']}"
        return Finding(path, f"{what} cannot be {_shown(value)}", hint, on_key=False)
    if first["type"] == FAULTY_EXTENSION:
        return Finding(path, first["msg"], "report it to its authors", on_key=False)
    if first["type"] in ("value_error", "assertion_error") and "error" in context:
        return Finding(path, f"{what} cannot be {_shown(value)}: {context['error']}", "", on_key=False)
    expected = list(dict.fromkeys(_EXPECTED[d["type"]] for d in details if d["type"] in _EXPECTED))
    if not expected:
        return Finding(path, f"{what} cannot be {_shown(value)}", "", on_key=False)
    said = f"the text {_shown(value)}" if isinstance(value, str) and value else _shown(value)
    message = f"{what} must be {' or '.join(expected)}, not {said}"
    return Finding(path, message, _type_hint(first["type"], path, value), on_key=False)


def _type_hint(kind: str, path: KeyPath, value: Any) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        if path[-1] == "duration":
            return f'give a unit: "{shown(value)}s"'
        return f'put it in quotes: "{_shown(value)}"' if len(_shown(value)) < _SHORT else "put it in quotes"
    if kind == "string_type" and isinstance(value, Mapping | list):
        return "put text that begins with { or [ in quotes"
    if kind in ("int_type", "float_type", "bool_type") and isinstance(value, str):
        return _unquote_hint(kind, value)
    if kind in _WANT_MAPPING and isinstance(value, str) and ":" in value and value[0] not in NO_BREAK_SPACES:
        return "a space is missing after the colon: `key: value`"
    if kind in ("list_type", *_WANT_MAPPING) and isinstance(value, str) and value[:1] in NO_BREAK_SPACES:
        return f"it is indented with {character_name(value[0])}; indent with ordinary spaces"
    if kind == "list_type" and isinstance(value, Mapping):
        return "begin each entry with `- `"
    return ""


def _unquote_hint(kind: str, value: str) -> str:
    if "${" in value:
        return "references are allowed only in args and expressions; write the value itself"
    if kind == "bool_type":
        return "YAML 1.2 has only true and false" if value.lower() in ("yes", "no", "on", "off") else ""
    bare = value.strip().lstrip("-")
    return f"write it without quotes: {value}" if bare.isdigit() and len(bare) < _SHORT else ""


def _named(path: KeyPath) -> str:
    """`path` as text, starting at its step: ``steps[2]`` or ``buttons.f.args[0].type``."""
    if not path:
        return "the definition"
    step = step_path(path)  # the problem's step_id already names the step
    out = ""
    for part in path[-2:] if path == step else path[len(step) :]:
        out += f"[{part}]" if isinstance(part, int) else (f".{part}" if out else part)
    return out


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "missing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return shown(value, _SHORT) if value else "empty"
    return shown(value, _SHORT)
