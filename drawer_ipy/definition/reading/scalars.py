"""The value of a plain YAML scalar: the core schema of YAML 1.2.

YAML 1.1's surprises are left out: ``yes``, ``no``, ``on`` and ``off`` are text, so are dates, ``12:30``
and ``1_000``.
"""

from __future__ import annotations

import math
import re
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.short_repr import shown

MOST_DIGITS = 4_300
"""Digits a whole number may have; Python, as it comes, neither reads nor writes more."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NANS = frozenset({".nan", ".NaN", ".NAN"})
_PREFIX = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset({"str", "int", "float", "bool", "null"})


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar: None, bool, int, float or the text itself.

    Raises:
        BadValue: a whole number of more than :data:`MOST_DIGITS` digits, or a decimal number that no float
            can hold; after ``"; "`` what to do.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> Any:
    if _INT.fullmatch(text):
        return whole(text, 10)
    if _OCTAL.fullmatch(text):
        return whole(text[2:], 8)
    if _HEX.fullmatch(text):
        return whole(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return finite(text)
    infinite = _INFINITE.fullmatch(text)
    if infinite:
        return float(infinite[1] + "inf")
    return float("nan") if text in _NANS else text


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


def tagged_value(tag: str, text: str) -> Any:
    """The value of a scalar with an explicit tag: ``!!str``, ``!!int``, ``!!float``, ``!!bool``, ``!!null``.

    Raises:
        BadValue: the tag is another one, or the text is no such value; the message says so.
    """
    short = tag.removeprefix(_PREFIX)
    if tag == "!" or short == "str":
        return text
    if short not in _KNOWN_TAGS:
        raise BadValue(f"the tag {tag.replace(_PREFIX, '!!')!r} is not known here")
    value = plain_value(text)
    if short == "float" and type(value) is int:
        return finite(text)
    if short == ("null" if value is None else type(value).__name__):
        return value
    raise BadValue(f"{shown(text)} is not of the type {short}")
