"""Whether two values are the same, for values of any types."""

from __future__ import annotations

from typing import Any

from drawer_ipy.common.user_code import pass_on_interrupt


def same(a: Any, b: Any) -> bool:
    """Whether `a` is or equals `b`.

    Two NaN are the same, and so are arrays of the same shape with equal entries. Values that cannot be
    compared are different. It never raises.
    """
    if a is b:
        return True
    try:
        equal = a == b
        try:
            return bool(equal) or bool(a != a and b != b)
        except (TypeError, ValueError):  # comparing arrays returns an array, which is neither true nor false
            return bool(_shape(a) == _shape(b) and equal.all())
    except BaseException as error:  # an object whose comparison fails
        pass_on_interrupt(error)
        return False


def _shape(value: Any) -> Any:
    return getattr(value, "shape", None)
