"""A definition's model as the mapping that its file holds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from drawer_ipy.definition.models import Model
from drawer_ipy.errors import UsageError


def document(model: Model) -> dict[str, Any]:
    """What was said about `model`, in the order of its fields, with keys that it does not know last.

    Fields that nobody gave are left out. Mappings and lists are copies, their values the same objects.
    Seconds and milliseconds are whole numbers where they can be: the original reads no others.
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
    """Inputs or arguments as files hold them: name, type and whether they are required are always said.

    In a cell a bare name will do; the original knows no default for them.
    """
    return [
        {**{key: getattr(entry, key) for key in ("name", "type", "required")}, **document(entry)}
        for entry in entries
    ]


def json_text(tree: Mapping[str, Any]) -> str:
    """`tree` as a file's text: two spaces a level, one line end at the end.

    Raises:
        UsageError: a value is not JSON (a Python object in a drawer that code made); it says which.
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
        f"{at} is {what}, which no file can hold",
        remediation="declare an input for it, and hand it over when you press",
    )
