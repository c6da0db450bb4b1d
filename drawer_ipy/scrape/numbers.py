"""Numbers as pages write them: ``£1,234.50``, ``1.234,50 €``, ``−12 °C``."""

from __future__ import annotations

import math
import re

_GROUPING = "\u00a0\u2007\u2009\u202f '’_٬"
"""What may stand between groups of three digits, beside the point and the comma."""

_NUMBER = re.compile(rf"\d(?:[\d.,٫{_GROUPING}]*\d)?")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SIGN = re.compile(r"(?:^|\W)([-−+])\s*[^\w\s]?\s*$")
_WHOLE = re.compile(r"\d+|\d{1,3}([.,])(?:\d{2,3}\1)*\d{3}")
_GROUPS = re.compile(r"\d{1,3}(?:(\D)\d{3})(?:\1\d{3})*")


def to_float(text: str) -> float | None:
    """The first number in `text`; ``None`` when there is none.

    Currency signs and words around it are passed over. Of point and comma the later one is the decimal
    sign where both occur; one that occurs several times separates thousands. A single comma separates
    thousands where exactly three digits follow (``1,234``), else it is the decimal sign (``12,5``); a single
    point always is the decimal sign (``1.234``). Spaces and apostrophes separate thousands.
    """
    plain = text.strip()
    if _PLAIN.fullmatch(plain):
        return _finite(plain)
    found = _first(text)
    if found is None:
        return None
    sign, digits = found
    parts = _parts(digits)
    number = None if parts is None else _finite(f"{parts[0]}.{parts[1] or 0}")
    return None if number is None else sign * number


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def to_int(text: str) -> int | None:
    """The first number in `text` as a whole one; ``None`` when there is none, or it is none.

    As :func:`to_float`, but a single point before exactly three digits separates thousands (``1.234``):
    as a decimal sign it would leave no whole number.
    """
    plain = text.strip()
    if plain.isascii() and plain.lstrip("+-").isdigit() and len(plain) - len(plain.lstrip("+-")) <= 1:
        return int(plain) if len(plain) <= _LONGEST else None
    found = _first(text)
    if found is None:
        return None
    sign, digits = found
    if len(digits) > _LONGEST:
        return None
    parts = (re.sub(r"\D", "", digits), "") if _GROUPS.fullmatch(digits) else _parts(digits)
    return sign * int(parts[0]) if parts is not None and not parts[1].strip("0") else None


_LONGEST = 400
"""Characters of a number; Python refuses to read far longer ones."""


def _first(text: str) -> tuple[int, str] | None:
    """Sign and digits, with what separates them, of the first number."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits, start = found[0], found.start()
    # A number may begin with its decimal sign: ".5".
    if start and text[start - 1] in ".," and (start == 1 or not text[start - 2].isalnum()):
        digits, start = f"0{text[start - 1]}{digits}", start - 1
    before = _SIGN.search(text[max(0, start - 20) : start])
    negative = before is not None and before[1] in "-−"
    return (-1 if negative else 1), _cut(digits)


def _cut(digits: str) -> str:
    """`digits` up to where a space parts two numbers (``5 12``) and not thousands (``2 100``)."""
    for space in re.finditer(rf"[{_GROUPING}]", digits):
        after = re.match(r"\d{3}(?!\d)", digits[space.end() :])
        before = re.search(r"(?<!\d)\d{1,3}$", digits[: space.start()])
        if after is None or before is None:
            return digits[: space.start()].rstrip(f".,٫{_GROUPING}")
    return digits


def _parts(digits: str) -> tuple[str, str] | None:
    """The digits before and after the decimal sign; ``None`` for ``1.2.3``, which is no number."""
    digits = re.sub(rf"[{_GROUPING}]", "", digits).replace("٫", ".")
    point, comma = digits.rfind("."), digits.rfind(",")
    at = -1
    if point >= 0 and comma >= 0:
        at = max(point, comma)
    elif digits.count(".") == 1:
        at = point
    elif digits.count(",") == 1 and len(digits) - comma != 4:
        at = comma
    if at >= 0 and digits.count(digits[at]) > 1:
        at = -1
    whole, decimals = (digits, "") if at < 0 else (digits[:at], digits[at + 1 :])
    return (re.sub(r"\D", "", whole), decimals) if _WHOLE.fullmatch(whole) else None
