"""Numbers read from text without a loss: whole ones of bounded length, floats that are finite."""

from __future__ import annotations

import math

from drawer_ipy.common.bad_value import BadValue

MOST_DIGITS = 4_300
"""Digits a whole number may have; Python, as it comes, neither reads nor writes more."""


def whole(digits: str, base: int = 10) -> int:
    """The whole number that `digits` are.

    Raises:
        BadValue: it has more than :data:`MOST_DIGITS` digits.
    """
    # Digits of a smaller base say less; the bound is one for all, so that every number can be written.
    if len(digits) * math.log10(base) > MOST_DIGITS:
        raise BadValue(f"this whole number has more than {MOST_DIGITS} digits", "put it in quotes")
    return int(digits, base)


def finite(text: str) -> float:
    """The decimal number `text`.

    Raises:
        BadValue: a float cannot hold it; it would silently become infinite.
    """
    value = float(text)
    if math.isinf(value):
        raise BadValue("this number is larger than a float can be", "put it in quotes")
    return value
