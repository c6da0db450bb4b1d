"""Finds indices below 0: they count from the end in Python, and name nothing in a list here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from drawer_ipy.definition.checking.schemas import NoSuchField, schema_at
from drawer_ipy.definition.checking.scope import Known, NamesInScope
from drawer_ipy.expressions import Reference

_INDEX = re.compile(r"\[\s*-")
_LISTS = ("results", "values")
"""Members that are lists in the output of every kind of step that has them."""


class FromEnd(NamedTuple):
    """An index that counts from the end.

    Attributes:
        message, hint: what is wrong with it, and what to write instead.
        certain: what it indexes is known to be a list; a map could have such a key.
    """

    message: str
    hint: str
    certain: bool


def from_end(ref: Reference, name: str, known: Known, names: NamesInScope) -> FromEnd | None:
    """The first index below 0 in `ref`; ``None`` when there is none.

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
    """Whether the value at that path below the root is a list for certain."""
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
