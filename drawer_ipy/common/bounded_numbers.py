"""Parse numbers without loss: integers of bounded length, and finite floats."""

from __future__ import annotations

import math

from drawer_ipy.common.bad_value import BadValue

MOST_DIGITS = 4_300
"""Most digits of an integer; Python's default limit for converting from and to text."""


def whole(digits: str, base: int = 10) -> int:
    """Parse `digits` as an integer.

    Raises:
        BadValue: it has more than :data:`MOST_DIGITS` digits.
    """
    # The bound counts decimal digits in every base, so that every number can also be written.
    if len(digits) * math.log10(base) > MOST_DIGITS:
        raise BadValue(f"this whole number has more than {MOST_DIGITS} digits", "put it in quotes")
    return int(digits, base)


def finite(text: str) -> float:
    """Parse `text` as a finite float.

    Raises:
        BadValue: the number is too large for a float; it would silently become infinite.
    """
    value = float(text)
    if math.isinf(value):
        raise BadValue("this number is too large for a float", "put it in quotes")
    return value
