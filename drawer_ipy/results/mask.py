"""Masks: one True or False per row, from comparisons of columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from drawer_ipy.common.missing import is_missing
from drawer_ipy.common.user_code import pass_on_interrupt


class Mask(list[bool]):
    """A list with True for each row that is selected.

    ``results[(results["a"] > 1) & (results["b"] == "x")]``: ``&``, ``|``, ``^`` and ``~`` combine masks, also
    with those of numpy, pandas and polars. A mask has no truth value of its own: use :meth:`any` or
    :meth:`all`.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        raise ValueError(
            "a comparison of a column has one result per row, and so no truth value; combine masks with & "
            "and |, or use .any() or .all()"
        )

    def any(self) -> bool:
        """Whether at least one row is selected."""
        return True in self

    def all(self) -> bool:
        """Whether all rows are selected."""
        return False not in self

    def sum(self) -> int:
        """Return the number of rows that are selected."""
        return self.count(True)

    def __invert__(self) -> Mask:
        return Mask(not flag for flag in self)

    def __and__(self, other: Any) -> Mask:
        return self._with(other, operator.and_)

    def __or__(self, other: Any) -> Mask:
        return self._with(other, operator.or_)

    def __xor__(self, other: Any) -> Mask:
        return self._with(other, operator.xor)

    def __rand__(self, other: Any) -> Mask:
        return self._with(other, operator.and_)

    def __ror__(self, other: Any) -> Mask:
        return self._with(other, operator.or_)

    def __rxor__(self, other: Any) -> Mask:
        return self._with(other, operator.xor)

    def _with(self, other: Any, combine: Callable[[bool, bool], bool]) -> Mask:
        flags = as_flags(other)
        if flags is None:
            return NotImplemented  # type: ignore[no-any-return]
        if len(flags) != len(self):
            raise ValueError(f"masks of {len(self)} and {len(flags)} rows cannot be combined")
        return Mask(map(combine, self, flags))


def as_flags(mask: Any) -> list[bool] | None:
    """Return the entries of a mask as Python's, with missing ones false; ``None`` if it is not a mask."""
    if isinstance(mask, Mask):
        return mask
    if isinstance(mask, bool):
        return None
    entries: Any = mask
    if hasattr(mask, "tolist"):  # numpy, pandas, arrays
        entries = mask.tolist()
    elif hasattr(mask, "to_list"):  # polars
        entries = mask.to_list()
    elif hasattr(mask, "to_pylist"):  # pyarrow
        entries = mask.to_pylist()
    if not isinstance(entries, list | tuple):
        return None
    if len(entries) and not any(isinstance(entry, bool) for entry in entries):
        return None
    flags = [False if is_missing(entry) else entry for entry in entries]
    return flags if all(isinstance(flag, bool) for flag in flags) else None


def compared(
    name: str, values: Iterable[Any], others: Iterable[Any], compare: Callable[[Any, Any], Any]
) -> Mask:
    """Compare the order of values one by one; where one of the two is missing, the result is False.

    Args:
        name: the name of the column, for messages.
        values: its values.
        others: what each is compared with.
        compare: a function of the module operator.

    Raises:
        TypeError: two values cannot be compared; the message names the row.
    """
    out = Mask()
    for row, (value, other) in enumerate(zip(values, others, strict=True)):
        if is_missing(value) or is_missing(other):
            out.append(False)
            continue
        try:
            out.append(bool(compare(value, other)))
        except TypeError:
            raise TypeError(
                f"row {row} of column {name!r} is of type {type(value).__name__}, which cannot be compared "
                f"with {type(other).__name__}; select rows with filter(lambda row: ...)"
            ) from None
    return out


def equal(values: Iterable[Any], others: Iterable[Any], equality: bool) -> Mask:
    """Return where values are equal, or if not `equality`, where they differ; it never raises."""
    return Mask(_equal(a, b) is equality for a, b in zip(values, others, strict=True))


def _equal(a: Any, b: Any) -> bool:
    missing = is_missing(a), is_missing(b)
    if any(missing):
        return all(missing)
    try:
        return bool(a == b)
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
        return False
