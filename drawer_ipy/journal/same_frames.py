"""Whether a frame of pandas, or a scalar of numpy, that was read back is the same as before."""

from __future__ import annotations

from typing import Any


def same_frame(one: Any, other: Any) -> bool:
    """Whether two DataFrames of pandas have the same labels, dtypes, values and metadata."""
    if one.shape != other.shape or one.attrs != other.attrs or one.flags != other.flags:
        return False
    if not (_same_index(one.columns, other.columns) and _same_index(one.index, other.index)):
        return False
    if list(one.dtypes) != list(other.dtypes):
        return False
    places = range(one.shape[1])
    return all(_same_values(one.iloc[:, place], other.iloc[:, place]) for place in places)


def same_series(one: Any, other: Any) -> bool:
    """Whether two Series of pandas have the same name, labels, dtype, values and metadata."""
    return (
        type(one.name) is type(other.name)
        and one.name == other.name
        and one.dtype == other.dtype
        and one.attrs == other.attrs
        and one.flags == other.flags
        and _same_index(one.index, other.index)
        and _same_values(one, other)
    )


def same_scalar(one: Any, other: Any) -> bool:
    """Whether two scalars of numpy are the same, and of the same type."""
    return type(one) is type(other) and repr(one.dtype) == repr(other.dtype) and repr(one) == repr(other)


def _same_index(one: Any, other: Any) -> bool:
    """Whether two indexes have the same type, labels and names; a range stays a range."""
    if type(one) is not type(other) or len(one) != len(other) or list(one.names) != list(other.names):
        return False
    if one.nlevels > 1:
        levels = range(one.nlevels)
        return all(
            _same_index(one.get_level_values(level), other.get_level_values(level)) for level in levels
        )
    if one.dtype != other.dtype or getattr(one, "freq", None) != getattr(other, "freq", None):
        return False
    if hasattr(one, "step"):
        return (one.start, one.stop, one.step) == (other.start, other.stop, other.step)
    return _same_values(one, other)


def _same_values(one: Any, other: Any) -> bool:
    if one.dtype != object:
        return bool(one.equals(other))
    return all(map(_same, one, other))


def _same(one: Any, other: Any) -> bool:
    """Whether two objects of a column are the same; containers count as different."""
    if one is other:
        return True
    if type(one) is not type(other) or type(one) not in _PLAIN:
        return False
    return bool(one == other or (one != one and other != other))


_PLAIN = frozenset({str, bytes, int, float, bool})
