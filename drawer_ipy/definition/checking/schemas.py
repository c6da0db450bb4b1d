"""Lookups of members in a button's ``output_schema`` along the path of a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.errors import did_you_mean

_OPEN: Mapping[str, Any] = {}


class NoSuchField(Exception):
    """The schema does not allow a member; the message names it, ``remediation`` lists the known members."""

    def __init__(self, message: str, remediation: str) -> None:
        super().__init__(message)
        self.remediation = remediation


def schema_at(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """Return the schema of the member at `path`, or an empty schema if it is not described.

    Args:
        schema: JSON Schema of the whole output.
        path: member names and list positions below ``output``.

    Raises:
        NoSuchField: a member is not among the listed ``properties`` of an object, or `path` continues below
            a plain value.
    """
    here = schema
    for part in path:
        if any(word in here for word in ("$ref", "allOf", "anyOf", "oneOf", "patternProperties")):
            return _OPEN  # not supported here: an empty schema avoids false errors
        here = _item(here, part) if isinstance(part, int) or part.isdecimal() else _property(here, part)
    return here


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type")
    if isinstance(types, str):
        return [types]
    return [name for name in types if isinstance(name, str)] if isinstance(types, list) else []


def _item(schema: Mapping[str, Any], part: int | str) -> Mapping[str, Any]:
    types = _types(schema)
    if types and "array" not in types:
        if isinstance(part, str) and "object" in types:
            return _property(schema, part)
        raise NoSuchField(f"has no entry {part}: it is {_article(types)}", "")
    items = schema.get("items")
    return items if isinstance(items, Mapping) else _OPEN


def _property(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    properties = schema.get("properties")
    types = _types(schema)
    if not isinstance(properties, Mapping):
        if types and "object" not in types:
            hint = "take an entry first, as in [0]" if "array" in types else ""
            raise NoSuchField(f"has no field {name!r}: it is {_article(types)}", hint)
        return _OPEN
    if name in properties:
        found = properties[name]
        return found if isinstance(found, Mapping) else _OPEN
    if isinstance(schema.get("additionalProperties"), Mapping) or schema.get("additionalProperties") is True:
        return _OPEN
    known = [str(key) for key in properties]
    listed = f"its output_schema has {', '.join(known)}" if known else "its output_schema has no fields"
    raise NoSuchField(f"has no field {name!r}", f"{did_you_mean(name, known)} {listed}".strip())


def _article(types: list[str]) -> str:
    word = " or ".join(types)
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
