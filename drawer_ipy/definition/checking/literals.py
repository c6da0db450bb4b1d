"""Type checks of arguments: whether a literal, or a reference of a known type, fits the declared type.

The rules are those of docs/original.md#41-button (flattening, then checking) and, for types of references,
docs/original.md#7-validation. A script receives values as text, so any value that can be written as text
without loss fits a string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drawer_ipy.common.short_repr import shown
from drawer_ipy.definition.models import ArgSpec, InputSpec
from drawer_ipy.errors import did_you_mean

_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_BOOLS = ("true", "false", "1", "0")
_INT64 = 2**63

# Argument type -> types whose values it accepts; a type accepts itself, and `any` accepts all.
_TAKES: Mapping[str, frozenset[str]] = {
    "string": frozenset({"enum", "int", "float", "bool"}),
    "float": frozenset({"int"}),
    "enum": frozenset(),
    "int": frozenset(),
    "bool": frozenset(),
}

# Argument type -> JSON Schema types whose values it accepts.
_TAKES_SCHEMA: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string", "integer", "number", "boolean", "null"}),
    "enum": frozenset({"string", "null"}),
    "int": frozenset({"integer", "number", "null"}),
    "float": frozenset({"integer", "number", "null"}),
    "bool": frozenset({"boolean", "null"}),
}


def literal_problem(spec: ArgSpec, value: Any) -> tuple[str, str]:
    """Return what is wrong with a literal `value` for the argument and how to fix it, or two ``""``.

    Null is never wrong here: it means "not given".
    """
    if value is None or spec.type in ("any", "string"):
        return "", ""
    if spec.type == "enum":
        words = [_flat(word) for word in spec.values]
        if _flat(value) in words:
            return "", ""
        listed = f"use one of {', '.join(words)}"
        return f"cannot be {shown(value)}", f"{did_you_mean(_flat(value), words)} {listed}".strip()
    fits, wanted = _FITS[spec.type]
    return ("", "") if fits(value) else (f"must be {wanted}, not {shown(value)}", "")


def input_problem(spec: InputSpec, value: Any) -> tuple[str, str]:
    """Like :func:`literal_problem`, but for an input of a drawer, whose value is not converted.

    Empty text also counts as "not given", except for an enum.
    """
    empty = isinstance(value, str) and value == "" and spec.type != "enum"
    if spec.type == "any" or value is None or empty:
        return "", ""
    if spec.type == "enum":
        if isinstance(value, str | int | float) and value in spec.values:
            return "", ""
        words = [_flat(word) for word in spec.values]
        return (
            f"cannot be {shown(value)}",
            f"{did_you_mean(_flat(value), words)} use one of {', '.join(words)}",
        )
    bare = value.strip() if isinstance(value, str) else value
    fits, wanted = _INPUT_FITS[spec.type]
    return ("", "") if fits(bare) else (f"must be {wanted}, not {shown(value)}", "")


def type_fits(source: str, target: str) -> bool:
    """Whether an input of type `source` may be passed to an argument of type `target`."""
    if source == target or "any" in (source, target):
        return True
    return source in _TAKES.get(target, frozenset())


def schema_fits(schema: Mapping[str, Any], target: str) -> bool:
    """Whether a value that `schema` describes may be passed to an argument of type `target`.

    A schema without a plain ``type`` fits any argument.
    """
    types = schema.get("type")
    names = [types] if isinstance(types, str) else types
    if target == "any" or not isinstance(names, list) or not names:
        return True
    return any(name in _TAKES_SCHEMA.get(target, frozenset()) for name in names)


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else shown(value)


def _is_int(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return len(value) <= 30 and _INT.fullmatch(value) is not None and _in_64_bits(int(value))
    if isinstance(value, float):
        return value.is_integer() and _in_64_bits(int(value))
    return isinstance(value, int) and _in_64_bits(value)


def _in_64_bits(value: int) -> bool:
    return -_INT64 <= value < _INT64


def _is_float(value: Any) -> bool:
    if isinstance(value, str):
        return _FLOAT.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    return isinstance(value, str | int) and str(value).lower() in _BOOLS


_FITS: Mapping[str, Any] = {
    "int": (_is_int, "a whole number of at most 64 bits"),
    "float": (_is_float, "a number"),
    "bool": (_is_bool, "true or false"),
}

_INPUT_FITS: Mapping[str, Any] = {
    **_FITS,
    "string": (lambda v: not isinstance(v, Mapping | list | tuple), "text"),
    "list": (lambda v: hasattr(v, "__iter__") and not isinstance(v, str | bytes | Mapping), "a list"),
    "object": (lambda v: isinstance(v, Mapping), "a mapping"),
}
