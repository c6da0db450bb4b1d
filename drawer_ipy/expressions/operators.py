"""CEL's operators on Python values.

Integers and floats may be mixed, as drawers written for the original engine expect. A bool is never a number.
For an operand of a type that CEL does not have (a Path, a Decimal, a frame), Python's operator is used.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.paths import lookup_entry, type_word
from drawer_ipy.expressions.types import CelType, OutOfRange, check_finite, check_int64, plain

_KNOWN = (int, float, str, bytes, bytearray, type(None), Mapping, Sequence, CelType)
# If both operands are of one of these classes, Python and CEL agree.
_IDENTICAL = frozenset({str, int, bool, bytes, type(None)})
_IDENTICAL_ORDER = frozenset({int, float, str, bool, bytes})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse(op: str, left: Any, right: Any) -> ResolveError:
    hint = ""
    if op == "+" and isinstance(left, str) != isinstance(right, str):
        hint = "convert both to text with string(), or write them into a text: a ${x} b"
    elif op in "-*/%" and (isinstance(left, str) or isinstance(right, str)):
        hint = "convert text to a number with int() or double()"
    return ResolveError(
        f"{op} does not work between {type_word(left)} and {type_word(right)}", remediation=hint
    )


def _foreign(op: str, python: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Apply `python` if an operand has a type that CEL does not know; otherwise raise."""
    if isinstance(left, _KNOWN) and isinstance(right, _KNOWN):
        raise _refuse(op, left, right)
    try:
        return python(left, right)
    except ResolveError:
        raise
    except BaseException as error:
        pass_on_interrupt(error)
        raise _refuse(op, left, right) from error


def _number(value: Any) -> Any:
    """Check the result of arithmetic against CEL's ranges."""
    return check_int64(value) if isinstance(value, int) else check_finite(value)


def add(left: Any, right: Any) -> Any:
    """``left + right``: numbers, text, bytes, lists, times and durations."""
    if type(left) is int and type(right) is int:
        return check_int64(left + right)
    left, right = plain(left), plain(right)
    if _is_number(left) and _is_number(right):
        return _number(_bounded(operator.add, left, right))
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, bytes | bytearray) and isinstance(right, bytes | bytearray):
        return bytes(left) + bytes(right)
    if _is_list(left) and _is_list(right):
        return [*left, *right]
    return _foreign("+", operator.add, left, right)


def subtract(left: Any, right: Any) -> Any:
    """``left - right``: numbers, times and durations."""
    if type(left) is int and type(right) is int:
        return check_int64(left - right)
    left, right = plain(left), plain(right)
    if _is_number(left) and _is_number(right):
        return _number(_bounded(operator.sub, left, right))
    return _foreign("-", operator.sub, left, right)


def multiply(left: Any, right: Any) -> Any:
    """``left * right``."""
    if type(left) is int and type(right) is int:
        return check_int64(left * right)
    left, right = plain(left), plain(right)
    if _is_number(left) and _is_number(right):
        return _number(_bounded(operator.mul, left, right))
    if isinstance(left, timedelta) or isinstance(right, timedelta):
        raise _refuse("*", left, right)
    return _foreign("*", operator.mul, left, right)


def divide(left: Any, right: Any) -> Any:
    """``left / right``; between two integers the fraction is dropped, as in CEL."""
    left, right = plain(left), plain(right)
    if _is_number(left) and _is_number(right):
        if right == 0:
            raise OutOfRange("division by zero")
        if isinstance(left, int) and isinstance(right, int):
            quotient = abs(left) // abs(right)
            return check_int64(quotient if (left < 0) == (right < 0) else -quotient)
        return _number(_bounded(operator.truediv, left, right))
    if isinstance(left, timedelta) or isinstance(right, timedelta):
        raise _refuse("/", left, right)
    return _foreign("/", operator.truediv, left, right)


def modulo(left: Any, right: Any) -> Any:
    """``left % right``; the sign is that of `left`, as in CEL."""
    left, right = plain(left), plain(right)
    if _is_number(left) and _is_number(right):
        if right == 0:
            raise OutOfRange("division by zero")
        if isinstance(left, int) and isinstance(right, int):
            rest = abs(left) % abs(right)
            return rest if left >= 0 else -rest
        return _number(_bounded(math.fmod, left, right))
    if isinstance(left, str | timedelta) or isinstance(right, timedelta):
        raise _refuse("%", left, right)
    return _foreign("%", operator.mod, left, right)


def _bounded(compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Apply Python's arithmetic; an overflow raises a ResolveError."""
    try:
        return compute(left, right)
    except (OverflowError, ValueError) as error:
        raise OutOfRange("the result is not a finite number") from error


def negate(value: Any) -> Any:
    """``-value``."""
    value = plain(value)
    if _is_number(value):
        return _number(-value)
    if isinstance(value, _KNOWN):
        raise ResolveError(f"- does not work on {type_word(value)}")
    try:
        return -value
    except BaseException as error:
        pass_on_interrupt(error)
        raise ResolveError(f"- does not work on {type_word(value)}") from error


def truth(value: Any, where: str) -> bool:
    """Return `value`, which must be true or false.

    Raises:
        ResolveError: it is not; in CEL, neither 0 nor "" is false. `where` names the place in the message.
    """
    value = plain(value)
    if isinstance(value, bool):
        return value
    raise ResolveError(
        f"{where} must be true or false, not {type_word(value)}",
        remediation="compare it with something, e.g. x > 0, x != '' or x != null",
    )


def negation(value: Any) -> bool:
    """``!value``."""
    return not (value if value is True or value is False else truth(value, "the operand of !"))


def equal(left: Any, right: Any) -> bool:
    """``left == right``: numbers by value, whatever their types; lists and maps by content."""
    kind = type(left)
    if kind is type(right) and kind in _IDENTICAL:
        return bool(left == right)
    return _equal(plain(left), plain(right))


def not_equal(left: Any, right: Any) -> bool:
    """``left != right``."""
    return not equal(left, right)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return len(left) == len(right) and all(_same_entry(k, v, right) for k, v in left.items())
    if _is_list(left) and _is_list(right):
        return len(left) == len(right) and all(map(equal, left, right))
    try:
        return bool(left == right)
    except BaseException as error:
        pass_on_interrupt(error)
        raise _refuse("==", left, right) from error


def _same_entry(key: Any, value: Any, other: Mapping[Any, Any]) -> bool:
    found = lookup_entry(other, key)
    return bool(found) and equal(value, found[0])


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _ordered(op: str, python: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the comparison `op` of two numbers, texts, bytes, bools, times or durations."""
    alike: tuple[Any, ...] = (str, bool, bytes | bytearray, datetime, timedelta)

    def compare(left: Any, right: Any) -> Any:
        kind = type(left)
        if kind is type(right) and kind in _IDENTICAL_ORDER:
            return python(left, right)
        left, right = plain(left), plain(right)
        if _is_number(left) and _is_number(right):
            return python(left, right)
        for kind in alike:
            if isinstance(left, kind) and isinstance(right, kind):
                break
        else:
            return _foreign(op, python, left, right)
        try:
            return python(left, right)
        except TypeError as error:  # a time with a zone and one without
            raise ResolveError(f"{op}: {error}") from error

    return compare


def contained(value: Any, container: Any) -> bool:
    """``value in container``: a list's entries, a map's keys."""
    container = plain(container)
    if isinstance(container, Mapping):
        return bool(lookup_entry(container, plain(value)))
    if isinstance(container, str | bytes | bytearray):
        raise ResolveError(
            f"'in' needs a list or a map on its right, not {type_word(container)}",
            remediation="to search text, write text.contains(part)",
        )
    if isinstance(container, Sequence | Set):
        if isinstance(container, list | tuple | set | frozenset) and type(value) is str:
            return value in container
        return any(equal(value, entry) for entry in container)
    try:
        return bool(value in container)
    except BaseException as error:
        pass_on_interrupt(error)
        raise ResolveError(f"'in' cannot search {type_word(container)}") from error


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "==": equal,
    "!=": not_equal,
    "<": _ordered("<", operator.lt),
    "<=": _ordered("<=", operator.le),
    ">": _ordered(">", operator.gt),
    ">=": _ordered(">=", operator.ge),
    "in": contained,
}
