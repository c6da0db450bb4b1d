"""The functions that are left to the CEL engine: dates, durations, regular expressions, bytes.

Operators and paths are ours, so that any Python object can pass through them; what needs CEL's exact
rules (its time arithmetic by zone, its RE2 expressions) is one small CEL program per function.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from drawer_ipy.common.durations import duration_text, time_text
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.paths import type_word

MAX_ARGS = 2
_STATUS = re.compile(r"^[A-Z_]+: ")


@lru_cache(maxsize=1)
def _environment() -> Any:
    from cel_expr_python import cel  # the engine is loaded when needed

    names = {f"_{i}": cel.Type.DYN for i in range(MAX_ARGS + 1)}
    return cel.NewEnv(variables=names)


@lru_cache(maxsize=256)
def _program(source: str) -> Any:
    return _environment().compile(source, disable_check=True)


def call(name: str, member: bool, values: tuple[Any, ...]) -> Any:
    """The CEL function `name` of `values`; the first of them is the receiver if it is a member.

    Raises:
        ResolveError: the function does not take these values.
    """
    operands: list[str] = []
    data: dict[str, Any] = {}
    for position, value in enumerate(values):
        operand, bound = _bind(f"_{position}", value)
        operands.append(operand)
        data[f"_{position}"] = bound
    if member:
        source = f"{operands[0]}.{name}({', '.join(operands[1:])})"
    else:
        source = f"{name}({', '.join(operands)})"
    try:
        result = _program(source).eval(data=data)
        failed = result.type().name() == "ERROR"
        value = result.plain_value() if failed else result.value()
    except (RuntimeError, ValueError, OverflowError, TypeError) as error:
        raise ResolveError(f"{name}() failed: {type(error).__name__}") from error
    if failed:
        raise _refused(name, str(value), values)
    return bytes(value) if isinstance(value, bytearray) else value


def _bind(variable: str, value: Any) -> tuple[str, Any]:
    """How the CEL source names an argument, and what is bound to the variable.

    The engine takes no Python times, so they go in as text.
    """
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"timestamp({variable})", time_text(aware)
    if isinstance(value, timedelta):
        return f"duration({variable})", duration_text(value)
    return variable, value


def _refused(name: str, message: str, values: tuple[Any, ...]) -> ResolveError:
    if "overload" in message or "Non-CEL value" in message:
        given = " and ".join(type_word(value) for value in values)
        return ResolveError(f"{name}() does not take {given}")
    # The engine quotes a faulty pattern, and a value may be a secret.
    reason = _STATUS.sub("", message)
    if name == "matches":
        reason = "the pattern is not a regular expression (RE2 syntax)"
    return ResolveError(f"{name}(): {reason[:1].lower()}{reason[1:]}")
