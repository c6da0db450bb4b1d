"""The value of a plain YAML scalar: the core schema of YAML 1.2.

Without the surprises of YAML 1.1: ``yes``, ``no``, ``on`` and ``off`` are text, and so are dates, ``12:30``
and ``1_000``.
"""

from __future__ import annotations

import re
from typing import Any

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.bounded_numbers import finite, whole
from drawer_ipy.common.short_repr import shown

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
    """Return the value of an unquoted scalar: None, bool, int, float or the text itself.

    Raises:
        BadValue: a whole number of more than :data:`MOST_DIGITS` digits, or a decimal number outside the
            range of a float; the hint follows ``"; "``.
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


def tagged_value(tag: str, text: str) -> Any:
    """Return the value of a scalar with a tag: ``!!str``, ``!!int``, ``!!float``, ``!!bool``, ``!!null``.

    Raises:
        BadValue: the tag is unknown, or the text is not a value of that type.
    """
    short = tag.removeprefix(_PREFIX)
    if tag == "!" or short == "str":
        return text
    if short not in _KNOWN_TAGS:
        raise BadValue(f"unknown tag {tag.replace(_PREFIX, '!!')!r}")
    value = plain_value(text)
    if short == "float" and type(value) is int:
        return finite(text)
    if short == ("null" if value is None else type(value).__name__):
        return value
    raise BadValue(f"{shown(text)} is not of the type {short}")
