"""Convert a definition's model to the mapping in its file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from drawer_ipy.definition.models import Model
from drawer_ipy.errors import UsageError


def document(model: Model) -> dict[str, Any]:
    """Return the given fields of `model` in the order of its declaration, followed by unknown keys.

    Fields that were not given are left out. Mappings and lists are copied, with the same objects in them.
    Integral seconds and milliseconds are written as integers, since the original reads only integers.
    """
    out: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        if name in model.model_fields_set:
            value = getattr(model, name)
            whole = type(value) is float and value.is_integer() and info.annotation is not Any
            out[info.alias or name] = int(value) if whole else _copied(value)
    for key, value in (model.model_extra or {}).items():
        out[key] = _copied(value)
    return out


def _copied(value: Any) -> Any:
    if isinstance(value, Model):
        return document(value)
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(inner) for inner in value]
    return value


def spelt_out(entries: Sequence[Model]) -> list[dict[str, Any]]:
    """Return inputs or arguments as in files: always with name, type and ``required``.

    In a cell the name is enough, but the original has no defaults for the other two.
    """
    return [
        {**{key: getattr(entry, key) for key in ("name", "type", "required")}, **document(entry)}
        for entry in entries
    ]


def json_text(tree: Mapping[str, Any]) -> str:
    """Return `tree` as the text of a file: indented by two spaces, with a line end at the end.

    Raises:
        UsageError: a value cannot be JSON (a Python object in a drawer made by code); the message says which.
    """
    return json.dumps(_checked(tree, ""), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _checked(value: Any, at: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _checked(inner, f"{at}.{key}" if at else str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_checked(inner, f"{at}[{i}]") for i, inner in enumerate(value)]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if (
        value is None
        or isinstance(value, str | bool | int)
        or (isinstance(value, float) and math.isfinite(value))
    ):
        return value
    what = repr(value) if isinstance(value, float) else f"a Python object ({type(value).__name__})"
    raise UsageError(
        f"{at} is {what}, which cannot be saved to a file",
        remediation="declare an input for it, and pass the value when you press the drawer",
    )
