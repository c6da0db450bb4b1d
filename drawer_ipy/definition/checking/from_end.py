"""Negative indices in references: they count from the end in Python, but are invalid in a list here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from drawer_ipy.definition.checking.schemas import NoSuchField, schema_at
from drawer_ipy.definition.checking.scope import Known, NamesInScope
from drawer_ipy.expressions import Reference

_INDEX = re.compile(r"\[\s*-")
_LISTS = ("results", "values")
"""Members of outputs that are lists in every step kind."""


class FromEnd(NamedTuple):
    """A negative index.

    Attributes:
        message, hint: what is wrong with it, and what to write instead.
        certain: whether the indexed value is known to be a list; a map could have such a key.
    """

    message: str
    hint: str
    certain: bool


def from_end(ref: Reference, name: str, known: Known, names: NamesInScope) -> FromEnd | None:
    """Return the first negative index in `ref`, or ``None``.

    Args:
        name, known: what the root of `ref` refers to.
        names: all names in scope.
    """
    at = next((i for i, key in enumerate(ref.path) if type(key) is int and key < 0), None)
    found = _INDEX.search(ref.text)
    if at is None or found is None:
        return None
    index, owner = int(ref.path[at]), ref.text[: found.start()].rstrip()
    return FromEnd(
        f"the index [{index}] does not count from the end of a list",
        f"write {owner}[size({owner}) - {-index}]",
        not ref.guarded and _is_list(ref.path[:at], name, known, names),
    )


def _is_list(path: tuple[str | int, ...], name: str, known: Known, names: NamesInScope) -> bool:
    """Whether the value at that path below the root is known to be a list."""
    if known.kind == "root" and name == "inputs" and len(path) == 1:
        declared = names.inputs.types.named(str(path[0]))
        return declared is not None and names.inputs.types[declared] == "list"
    if known.kind != "step" or path[:1] != ("output",):
        return False
    if known.schema is not None:
        return _is_array(known.schema, path[1:])
    return len(path) == 2 and path[1] in _LISTS and path[1] in known.output_keys


def _is_array(schema: Mapping[str, Any], path: tuple[str | int, ...]) -> bool:
    try:
        return schema_at(schema, path).get("type") == "array"
    except NoSuchField:
        return False
