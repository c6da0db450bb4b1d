"""Objects with named fields: dataclasses, models of pydantic and named tuples."""

from __future__ import annotations

import dataclasses
from typing import Any


def dataclass_fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass by name, with their values unchanged; ``None`` for anything else."""
    if isinstance(value, type) or not dataclasses.is_dataclass(value):
        return None
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def fields_of(value: Any) -> dict[str, Any] | None:
    """As :func:`dataclass_fields`, also for a model of pydantic and for a named tuple."""
    found = dataclass_fields(value)
    if found is not None or isinstance(value, type):
        return found
    names = getattr(type(value), "model_fields", None)  # pydantic takes long to import
    if isinstance(names, dict) and hasattr(value, "model_dump"):
        return {name: getattr(value, name) for name in names}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=False))
    return None
