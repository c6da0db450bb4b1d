"""The functions that an expression may call, and their arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drawer_ipy.errors import ResolveError, did_you_mean
from drawer_ipy.expressions import cel, habits
from drawer_ipy.expressions.paths import collect_hint, type_word
from drawer_ipy.expressions.text import to_text
from drawer_ipy.expressions.types import (
    check_int64,
    plain,
    type_of,
)

_DATE_PARTS = (
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Function:
    """The argument counts of a function as ``f(x)`` and as ``x.f()``; empty if that form does not exist.

    `run` is called with the arguments, the receiver first; with ``None``, CEL evaluates the function.
    """

    plain: tuple[int, ...] = ()
    member: tuple[int, ...] = ()
    run: Callable[..., Any] | None = None


def _size(value: Any) -> int:
    value = plain(value)
    if isinstance(value, Sized) and not isinstance(value, bool | int | float):
        return len(value)
    hint = collect_hint(value) or "pass text, a list or a map"
    raise ResolveError(f"size() does not accept {type_word(value)}", remediation=hint)


def _to_int(value: Any) -> int:
    value = plain(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return check_int64(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ResolveError("int() does not accept an infinite number")
        return check_int64(int(value))
    if isinstance(value, datetime):
        return int(value.timestamp() // 1)
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ResolveError(
                "int(): this text is not a whole number",
                remediation="use double() for a decimal number",
            )
        return check_int64(int(value))
    raise ResolveError(f"int() does not accept {type_word(value)}")


def _to_double(value: Any) -> float:
    value = plain(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        result = float(value)
    elif isinstance(value, str):
        result = float(cel.call("double", False, (value,)))
    else:
        raise ResolveError(f"double() does not accept {type_word(value)}")
    if not math.isfinite(result):
        raise ResolveError("double(): the result is not a finite number")
    return result


def _text_test(name: str) -> Callable[[Any, Any], bool]:
    def run(text: Any, part: Any) -> bool:
        if not isinstance(text, str) or not isinstance(part, str):
            given = type_word(text if not isinstance(text, str) else part)
            hint = f"to search a list, write {to_text('x in list')}" if name == "contains" else ""
            raise ResolveError(f"{name}() needs text, not {given}", remediation=hint)
        if name == "contains":
            return part in text
        return text.startswith(part) if name == "startsWith" else text.endswith(part)

    return run


FUNCTIONS: dict[str, Function] = {
    "size": Function((1,), (0,), _size),
    "string": Function((1,), (), to_text),
    "int": Function((1,), (), _to_int),
    "uint": Function((1,)),
    "double": Function((1,), (), _to_double),
    "bool": Function((1,)),
    "bytes": Function((1,)),
    "timestamp": Function((1,)),
    "duration": Function((1,)),
    "type": Function((1,), (), type_of),
    "dyn": Function((1,), (), lambda value: value),
    "matches": Function((2,), (1,)),
    "contains": Function((), (1,), _text_test("contains")),
    "startsWith": Function((), (1,), _text_test("startsWith")),
    "endsWith": Function((), (1,), _text_test("endsWith")),
    **{part: Function((), (0, 1)) for part in _DATE_PARTS},
}
_MACRO_NAMES = ("has", "map", "filter", "all", "exists", "exists_one")


def signature_problem(name: str, member: bool, count: int, receiver: str = "") -> tuple[str, str] | None:
    """Return what is wrong with a call of `name` and how to fix it; ``None`` if it is valid.

    Args:
        receiver: the ``x`` of ``x.name()`` if it is a bare name.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        return f"there is no function {name}()", habits.of_call(name, member, receiver) or _instead(name)
    counts = function.member if member else function.plain
    if count in counts:
        return None
    form = f"x.{name}" if member else name
    forms = [f"{name}({_slots(n)})" for n in function.plain]
    forms += [f"x.{name}({_slots(n)})" for n in function.member]
    return f"{form}() does not accept {count} arguments", f"write {' or '.join(forms)}"


def _instead(name: str) -> str:
    known = [*FUNCTIONS, *_MACRO_NAMES]
    own = f"to call a function of your own, press it in a step: `button: {name}`"
    return did_you_mean(name, known) or f"the functions are {', '.join(known)}; {own}"


def _slots(count: int) -> str:
    return ", ".join("abc"[:count])


def call(name: str, member: bool, values: Sequence[Any]) -> Any:
    """Call the function `name`; `values` starts with the receiver, if there is one.

    Raises:
        ResolveError: it does not accept these values.
    """
    run = FUNCTIONS[name].run
    if run is not None:
        return run(*values)
    return cel.call(name, member, tuple(plain(value) for value in values))
