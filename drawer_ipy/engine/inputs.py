"""Prepare the inputs of a press: fill in defaults, and check for missing values and wrong types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drawer_ipy.definition.models import InputSpec
from drawer_ipy.errors import Code, ErrorInfo


def prepare_inputs(
    specs: Sequence[InputSpec], given: Mapping[str, Any]
) -> tuple[dict[str, Any], ErrorInfo | None]:
    """Return `given` with declared defaults filled in, and the error if the press cannot start.

    A key that is present counts as given, with any value (docs/original.md#4-running-steps). A declared
    optional input that is not given is null; undeclared inputs are passed on unchanged.
    """
    inputs = dict(given)
    missing = [s.name for s in specs if s.required and s.name not in inputs and s.default is None]
    if missing:
        names = ", ".join(missing)
        what = "input" if len(missing) == 1 else "inputs"
        return inputs, ErrorInfo(
            Code.MISSING_INPUT, f"missing {what}: {names}", f"pass {missing[0]}=... when pressing"
        )
    for spec in specs:
        if spec.name not in inputs:
            inputs[spec.name] = spec.default
        elif problem := type_problem(spec, inputs[spec.name]):
            return inputs, ErrorInfo(Code.VALIDATION_ERROR, f"input {spec.name!r} {problem}")
    return inputs, None


def type_problem(spec: InputSpec, value: Any) -> str:
    """Return what is wrong with `value` for `spec`, or ``""``. Null is always allowed."""
    if value is None or (isinstance(value, str) and value == "" and spec.type != "enum"):
        return ""
    if spec.type == "enum":
        if isinstance(value, str | int | float) and value in spec.values:
            return ""
        return f"must be one of {', '.join(map(repr, spec.values))}, not {value!r}"
    if _FITS[spec.type](value):
        return ""
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return f"must be of type {spec.type}, not {shown} ({type(value).__name__})"


def _integral(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        # Text that is an integer loses nothing: buttons receive their arguments as text anyway.
        return value.strip().lstrip("+-").isdecimal()
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer()) or _index(value)


def _index(value: Any) -> bool:
    return hasattr(value, "__index__")


_FITS: Mapping[str, Any] = {
    "any": lambda _: True,
    "string": lambda v: isinstance(v, str | int | float | bool),
    "int": _integral,
    "float": lambda v: _integral(v) or (isinstance(v, float) or hasattr(v, "__float__")),
    "bool": lambda v: isinstance(v, bool) or str(v).lower() in ("true", "false", "0", "1"),
    "list": lambda v: (
        not isinstance(v, str | bytes | Mapping) and (hasattr(v, "__iter__") or hasattr(v, "__aiter__"))
    ),
    "object": lambda v: isinstance(v, Mapping),
}
