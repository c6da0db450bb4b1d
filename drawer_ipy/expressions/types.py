"""CEL's types of Python values."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drawer_ipy.errors import ResolveError
from drawer_ipy.expressions.text import plain_object

_INT64 = 2**63
_PLAIN = (str, int, float, bool, type(None), bytes, list, dict, tuple, datetime, timedelta)


@dataclass(frozen=True, slots=True)
class CelType:
    """The result of ``type(x)``; as text it is its name."""

    name: str

    def __str__(self) -> str:
        return self.name


TYPES: dict[str, CelType] = {
    name: CelType(name)
    for name in (
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
        "type",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
    )
}
# The order matters: in Python a bool is an int, and text and bytes are sequences.
_BY_CLASS: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    ((bytes, bytearray), "bytes"),
    (datetime, "google.protobuf.Timestamp"),
    (timedelta, "google.protobuf.Duration"),
    (Mapping, "map"),
    ((Sequence, Set), "list"),
    (CelType, "type"),
)


class OutOfRange(ResolveError):
    """An operation on numbers has no result that CEL can represent."""


def type_of(value: Any) -> CelType:
    """Return CEL's type of `value`; for a class that CEL does not know, the class name."""
    value = plain(value)
    if value is None:
        return TYPES["null_type"]
    for classes, name in _BY_CLASS:
        if isinstance(value, classes):
            return TYPES[name]
    return CelType(type(value).__qualname__)


def plain(value: Any) -> Any:
    """Return `value`, or its equivalent as a plain Python number, list or map (NumPy values, models)."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, Mapping | Sequence | Set | CelType):
        return value
    converted = plain_object(value)
    return value if converted is None else converted


def check_int64(value: int) -> int:
    """Return `value` if it fits CEL's integers.

    Raises:
        ResolveError: it does not fit.
    """
    if -_INT64 <= value < _INT64:
        return value
    raise OutOfRange("the result does not fit in 64 bits")


def check_finite(value: float) -> float:
    """Return `value` if JSON can represent it.

    Raises:
        ResolveError: it is infinite or not a number.
    """
    if math.isfinite(value):
        return value
    raise OutOfRange("the result is not a finite number")
