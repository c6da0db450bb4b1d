"""Missing values: None, and the markers of pandas, numpy and pyarrow, recognized without importing them.

A float NaN is a number, not a missing value.
"""

from __future__ import annotations

from typing import Any

_ALWAYS = frozenset({"NAType", "NaTType", "MaskedConstant", "NullScalar"})
"""Names of types whose only instance is a missing value."""

_SOMETIMES = frozenset({"datetime64", "timedelta64"})
"""Names of numpy's types that have a missing value, which differs from itself."""

_LIBRARIES = frozenset({"pandas", "numpy", "pyarrow"})


def may_be_missing(kind: type) -> bool:
    """Whether an instance of `kind` can be a missing value other than ``None``."""
    if kind.__module__.partition(".")[0] not in _LIBRARIES:
        return False
    return kind.__name__ in _ALWAYS or kind.__name__ in _SOMETIMES or is_arrow_scalar(kind)


def is_missing(value: Any) -> bool:
    """Whether `value` is ``None``, ``pandas.NA``, ``NaT``, ``numpy.ma.masked`` or a null of pyarrow."""
    if value is None:
        return True
    kind = type(value)
    if not may_be_missing(kind):
        return False
    if kind.__name__ in _ALWAYS:
        return True
    if is_arrow_scalar(kind):
        return not value.is_valid
    return bool(value != value)


def missing_to_none(values: list[Any]) -> list[Any]:
    """Return `values` with None for every missing value; the same list if there is nothing to replace."""
    if not any(map(may_be_missing, set(map(type, values)))):
        return values
    return [None if is_missing(value) else value for value in values]


def is_arrow_scalar(kind: type) -> bool:
    """Whether `kind` is a type of pyarrow for one value."""
    return kind.__module__ == "pyarrow.lib" and kind.__name__.endswith("Scalar")
