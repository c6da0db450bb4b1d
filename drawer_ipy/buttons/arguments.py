"""Arguments: check them against a button's declaration, and convert them to text.

The rules are those of the original engine. It passes arguments to scripts as text, so types are checked on
the text. Four of its faults are fixed: integers are never written with an exponent, null counts as not
given, a missing argument has its own error code, and two arguments never share one environment variable.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import pathlib
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from drawer_ipy.common.durations import duration_text, time_text
from drawer_ipy.common.records import dataclass_fields
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import ArgumentError, Code, did_you_mean

_INT = re.compile(r"[+-]?[0-9]+\Z")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_BOOL = frozenset({"true", "false", "1", "0"})
_INT64 = range(-(2**63), 2**63)
Bytes = bytes | bytearray | memoryview
_PLAIN_FLOAT = 1e21
"""Integral floats from this value on keep their exponent, as in JavaScript and Go."""


class Arguments:
    """The declared arguments of one button, with a check for each.

    Args:
        specs: what the button declares, in order.
        owner: the button's name, for messages.
    """

    def __init__(self, specs: Iterable[ArgSpec], owner: str) -> None:
        self.specs: tuple[ArgSpec, ...] = tuple(specs)
        self._owner = owner
        self._names = frozenset(spec.name for spec in self.specs)
        self._checks = tuple((spec.name, spec, _checker(spec)) for spec in self.specs)

    def values(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return `args` without nulls, with defaults filled in and declared arguments checked.

        Raises:
            ArgumentError: MISSING_ARG with the names of all missing arguments, or VALIDATION_ERROR for the
                first invalid one (in the order of declaration).
        """
        given = {name: value for name, value in args.items() if value is not None}
        for name, spec, check in self._checks:
            value = given.get(name)
            if value is None:
                if spec.default is not None:
                    given[name] = spec.default
                elif spec.required:
                    raise self._missing(given)
            elif check is not None:
                check(to_text(value, name), value)
        return given

    def texts(self, args: Mapping[str, Any]) -> dict[str, str]:
        """Return the arguments as :meth:`values` does, each converted to the text that a script gets."""
        return {name: to_text(value, name) for name, value in self.values(args).items()}

    def _missing(self, given: Mapping[str, Any]) -> ArgumentError:
        lacking = [
            spec.name
            for spec in self.specs
            if spec.required and spec.default is None and spec.name not in given
        ]
        return missing_args(self._owner, lacking, [name for name in given if name not in self._names])


def missing_args(owner: str, lacking: list[str], strangers: Iterable[str] = ()) -> ArgumentError:
    """Return the error for missing required arguments; `strangers` are given but undeclared arguments."""
    names = ", ".join(repr(name) for name in lacking)
    plural = "s" if len(lacking) > 1 else ""
    near = next((n for n in strangers if did_you_mean(n, lacking)), None)
    hint = f"{near!r} was given: {did_you_mean(near, lacking)}" if near is not None else ""
    example = ", ".join(f"{name}: ..." for name in lacking)
    return ArgumentError(
        f"button {owner!r} needs the argument{plural} {names}, which {'were' if plural else 'was'} not given",
        code=Code.MISSING_ARG,
        remediation=hint or f"give the step `args: {{{example}}}` or the drawer an input of that name",
    )


def _checker(spec: ArgSpec) -> Callable[[str, Any], None] | None:
    """Return a function that raises if a value's text does not fit `spec`; ``None`` if any text fits."""
    if spec.type == "enum":
        allowed = [to_text(value, spec.name) for value in spec.values]
        return _Check(spec.name, frozenset(allowed).__contains__, f"one of {', '.join(map(repr, allowed))}")
    test, wanted = _TESTS.get(spec.type, (None, ""))
    return None if test is None else _Check(spec.name, test, wanted)


class _Check:
    """The check of one argument, and the description of what it accepts."""

    __slots__ = ("_name", "_test", "_wanted")

    def __init__(self, name: str, test: Callable[[str], bool], wanted: str) -> None:
        self._name = name
        self._test = test
        self._wanted = wanted

    def __call__(self, text: str, value: Any) -> None:
        if not self._test(text):
            raise ArgumentError(
                f"argument {self._name!r} must be {self._wanted}, not {shorten(value)}",
                code=Code.VALIDATION_ERROR,
                remediation=f"pass {self._wanted} as {self._name!r}, or declare it with another type",
            )


def is_int(text: str) -> bool:
    """Whether `text` is an optional sign and digits, within 64 bits."""
    # Twenty characters are enough for any 64-bit integer; allow some leading zeros, but not thousands.
    return _INT.match(text) is not None and len(text) <= 40 and int(text) in _INT64


def is_float(text: str) -> bool:
    """Whether `text` is a finite decimal number."""
    return _FLOAT.match(text) is not None and math.isfinite(float(text))


def is_bool(text: str) -> bool:
    """Whether `text` is true, false, 1 or 0 in any case."""
    return text.lower() in _BOOL


_TESTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "int": (is_int, "a whole number"),
    "float": (is_float, "a number"),
    "bool": (is_bool, "true or false"),
}


def shorten(value: Any, limit: int = 80) -> str:
    """Return a value's repr for a message, at most `limit` characters."""
    try:
        shown = repr(value)
    except BaseException as error:
        pass_on_interrupt(error)
        shown = f"a {type(value).__name__}"
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def to_text(value: Any, name: str = "") -> str:
    """Return a value as the text that a script, a URL or a prompt gets.

    Strings are unchanged, booleans become ``true`` or ``false``, numbers take their shortest form (integral
    ones without an exponent), lists and maps become compact JSON with sorted keys.

    Raises:
        ArgumentError: VALIDATION_ERROR if the value has no form in JSON; `name` is the argument's name.
    """
    if type(value) is str:
        return value
    plain = _plain(value, name)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_json(value: Any, name: str = "") -> Any:
    """Return a value as JSON types: None, bool, int, float, str, list, dict. Raises as :func:`to_text`."""
    return _plain(value, name)


def _plain(value: Any, name: str, depth: int = 0) -> Any:
    if value is None or value is True or value is False or type(value) in (str, int):
        return value
    if depth > 200:
        raise _unfit(value, name, "is nested too deeply")
    if isinstance(value, float):
        return _plain_float(float(value), name)
    if isinstance(value, Mapping):
        return {_key(k, name): _plain(v, name, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v, name, depth + 1) for v in value]
    return _plain_object(value, name, depth)


def _plain_float(value: float, name: str) -> int | float:
    if not math.isfinite(value):
        raise _unfit(value, name, "is not a finite number")
    return int(value) if value.is_integer() and abs(value) < _PLAIN_FLOAT else value


def _key(key: Any, name: str) -> str:
    return key if type(key) is str else to_text(key, name)


def _plain_object(value: Any, name: str, depth: int) -> Any:
    """Convert objects with an obvious JSON form."""
    if isinstance(value, enum.Enum):
        return _plain(value.value, name, depth + 1)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, datetime.datetime):
        return time_text(value)
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Bytes):
        return _text_of_bytes(value, name)
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath):
        return str(value)
    return _plain_fields(value, name, depth)


def _plain_fields(value: Any, name: str, depth: int) -> Any:
    """Return the fields of a model or dataclass by name."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"), name, depth + 1)
    if (shallow := dataclass_fields(value)) is not None:
        return _plain(shallow, name, depth + 1)
    return _plain_foreign(value, name, depth)


def _plain_foreign(value: Any, name: str, depth: int) -> Any:
    """Convert NumPy scalars and arrays, recognized by ``.item()`` and ``.tolist()`` to avoid an import."""
    for method in ("item", "tolist"):
        convert = getattr(value, method, None)
        if callable(convert) and hasattr(value, "dtype"):
            try:
                return _plain(convert(), name, depth + 1)
            except (TypeError, ValueError):
                continue
    if isinstance(value, Sequence):  # the lazy entries of a loop
        return [_plain(v, name, depth + 1) for v in value]
    raise _unfit(value, name, "is not a JSON value")


def _text_of_bytes(value: bytes | bytearray | memoryview, name: str) -> str:
    """Decode bytes as UTF-8; refuse other bytes, because decoding would alter them."""
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise _unfit(
            bytes(value),
            name,
            "is not UTF-8 text",
            "encode the bytes as text (base64), send them as the whole body of a request "
            '(`body: "{{data}}"`), pass them to a script by `stdin`, or use a Python function button',
        ) from None


def check_text(text: str, what: str) -> None:
    """Raise ArgumentError if `text` contains half of a surrogate pair, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"{what} would contain {error.object[error.start]!r}, half of a surrogate pair, "
            "which UTF-8 cannot encode"
        ) from None


def unsendable(value: Any, name: str, why: str) -> ArgumentError:
    """Return the error for an argument with a character that cannot be sent unchanged."""
    return _unfit(value, name, why, "remove the character from the argument")


def _unfit(value: Any, name: str, what: str, remediation: str = "") -> ArgumentError:
    where = f"argument {name!r}: " if name else ""
    return ArgumentError(
        f"{where}{shorten(value)} (a {type(value).__name__}) {what}",
        code=Code.VALIDATION_ERROR,
        remediation=remediation
        or "scripts, requests and prompts accept text, numbers, booleans, lists and maps; "
        "a Python function button accepts any object",
    )
