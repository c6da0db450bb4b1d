"""The functions that an expression may call, and their arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sized
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drawer_ipy.errors import ResolveError, did_you_mean
from drawer_ipy.expressions import habits
from drawer_ipy.expressions.paths import collect_hint, type_word
from drawer_ipy.expressions.regex import compile_pattern
from drawer_ipy.expressions.regex_program import InvalidPattern
from drawer_ipy.expressions.text import to_text
from drawer_ipy.expressions.times import PART_NAMES, part_of, to_duration, to_time
from drawer_ipy.expressions.types import (
    check_int64,
    plain,
    type_of,
)

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_UNSIGNED = re.compile(r"\+?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)", re.ASCII | re.IGNORECASE
)
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE", "t", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "f", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Function:
    """The argument counts of a function as ``f(x)`` and as ``x.f()``; empty if that form does not exist.

    `run` is called with the arguments, the receiver first; it raises ResolveError if it does not accept them.
    """

    plain: tuple[int, ...]
    member: tuple[int, ...]
    run: Callable[..., Any]


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
        if not _DECIMAL.fullmatch(text := value.strip(" \t\n\v\f\r")):
            raise ResolveError("double(): this text is not a number")
        result = float(text)
    else:
        raise ResolveError(f"double() does not accept {type_word(value)}")
    if not math.isfinite(result):
        raise ResolveError("double(): the result is not a finite number")
    return result


def _to_uint(value: Any) -> int:
    value = plain(value)
    if isinstance(value, str):
        if not _UNSIGNED.fullmatch(value):
            raise ResolveError("uint(): this text is not a whole number from 0")
        found = int(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ResolveError(f"uint() does not accept {type_word(value)}")
    elif value < 0 or not math.isfinite(value):
        raise ResolveError("uint(): the number is negative or not finite")
    else:
        found = int(value)
    if found >= 2**64:
        raise ResolveError("uint(): the number needs more than 64 bits")
    return found


def _to_bool(value: Any) -> bool:
    value = plain(value)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ResolveError(f"bool() does not accept {type_word(value)}")
    if value not in _BOOLEANS:
        raise ResolveError("bool(): this text is neither true nor false")
    return _BOOLEANS[value]


def _to_bytes(value: Any) -> bytes:
    value = plain(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if not isinstance(value, str):
        raise ResolveError(f"bytes() does not accept {type_word(value)}")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ResolveError("bytes(): the text has half of a surrogate pair") from None


def _matches(text: Any, pattern: Any) -> bool:
    text, pattern = plain(text), plain(pattern)
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise ResolveError(f"matches() does not accept {type_word(text)} and {type_word(pattern)}")
    try:
        return compile_pattern(pattern).is_in(text)
    except InvalidPattern as error:
        raise ResolveError(invalid_pattern(error)) from None


def invalid_pattern(error: InvalidPattern) -> str:
    """Return why ``matches()`` refuses a pattern; it quotes at most a few characters of it."""
    return f"matches(): the pattern is not a valid regular expression (RE2 syntax): {error}"


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
    "uint": Function((1,), (), _to_uint),
    "double": Function((1,), (), _to_double),
    "bool": Function((1,), (), _to_bool),
    "bytes": Function((1,), (), _to_bytes),
    "timestamp": Function((1,), (), to_time),
    "duration": Function((1,), (), to_duration),
    "type": Function((1,), (), type_of),
    "dyn": Function((1,), (), lambda value: value),
    "matches": Function((2,), (1,), _matches),
    "contains": Function((), (1,), _text_test("contains")),
    "startsWith": Function((), (1,), _text_test("startsWith")),
    "endsWith": Function((), (1,), _text_test("endsWith")),
    **{part: Function((), (0, 1), part_of(part)) for part in PART_NAMES},
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
