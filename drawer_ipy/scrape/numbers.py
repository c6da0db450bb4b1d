"""Numbers as written on pages: ``£1,234.50``, ``1.234,50 €``, ``−12 °C``, ``(12.50)``, ``12,-``."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

CENTS, SPLIT = "\x01", "\x02"
"""Markers in a text: the first for a decimal sign that only the mark-up shows (``12<sup>99</sup>``), the
second for any other border between elements that separates two digits."""

_GROUPING = "\u00a0\u2007\u2009\u202f '’‘ʼ_٬"
"""Separators between groups of three digits, besides point and comma."""

_MINUS = "-\u2212\u2013\u2010\u2011\u2012\ufe63\uff0d"
_CURRENCY = r"(?:[A-Z]{2,3}|[Kk]r\.?|Rs\.?|Fr\.?|Ft|zł|Kč|[^\w\s()\d.,+%:;/-])"
_WITHOUT_CENTS = re.compile(r"(?<!\w)(?:Rp|IDR|VND|Ft|HUF|JPY|KRW|ISK|CLP|PYG)(?!\w)|[₫đ¥円₩원₲]")
"""Currencies without decimals."""

_FRACTION = "¼½¾⅐-⅞↉"
_SUPERSCRIPT = "⁰¹²³⁴-⁹"

_NUMBER = re.compile(rf"\d(?:[\d.,٫{_GROUPING}{CENTS}{SPLIT}]*\d)?|[{_FRACTION}]")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SIGN = re.compile(rf"(?:^|\W)([{_MINUS}+])(\s*)[^\w\s]?\s*$")
_AFTER_WORD = re.compile(rf"\w\s+[{_MINUS}]\s")
_IN_BRACKETS = re.compile(rf"\s*{_CURRENCY}?\s*\(\s*{_CURRENCY}?\s*$")
_BRACKET_ENDS = re.compile(rf"\s*(%|{_CURRENCY})?\s*\)\s*(?:{_CURRENCY})?\s*$")
_EXPONENT = re.compile(r"[eE]([+-]?\d{1,3})(?!\w)")
_NO_DECIMALS = re.compile(rf"[.,]\s?[{_MINUS}—]{{1,2}}(?!\w)")
_MINUS_BEHIND = re.compile(rf"[{_MINUS}]\s*{_CURRENCY}?\s*$")
_CENTS_BEHIND = re.compile(rf"[€£$](?: (?=\d\d\s*$))?(\d\d)(?![\d.,%€£${_GROUPING}]|\s*[€£$])")
_VULGAR = re.compile(rf"\s?([{_FRACTION}])")
_NO_NUMBER_BEHIND = re.compile(rf"\s*[×x·*]\s?10\s?[\^{_SUPERSCRIPT}{SPLIT}{CENTS}]|\s+\d+/\d|:\d\d")
_RAISED = re.compile(rf"[{_SUPERSCRIPT}]+")
_DATE = re.compile(
    r"(?<![\w.,-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}-\d{1,2}-\d{4}|\d{1,4}/\d{1,2}/\d{1,4}|\d{3}-\d{3}-\d{4})(?!\d)"
)
_PHONE = re.compile(r"\+\d[\d\s()/.-]{6,}\Z")

_WHOLE = re.compile(r"\d+|(?!0)\d{1,3}(?:\.\d{3})+|(?!0)\d{1,3}(?:,\d{3})+|(?!0)\d{1,2}(?:,\d{2})+,\d{3}")
_GROUPS = re.compile(r"\d{1,3}(?:(\D)\d{3})(?:\1\d{3})*")
_NEAR = 24
"""Maximum characters around a number in a text that contains only a number, a currency and signs."""

_LONGEST = 400
"""Maximum characters of a number; Python refuses to parse far longer ones."""

_COMMA = frozenset(
    ("af", "az", "be", "bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fo", "fr",
     "gl", "hr", "hu", "hy", "id", "is", "it", "ka", "kk", "kl", "ky", "lb", "lt", "lv", "mk", "mn",
     "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "rw", "sk", "sl", "sq", "sr", "sv", "tr", "tt",
     "uk", "uz", "vi")
)  # fmt: skip
_POINT = frozenset(
    ("am", "ar", "bn", "cy", "en", "fa", "fil", "ga", "gu", "he", "hi", "ja", "km", "kn", "ko",
     "lo", "ml", "mr", "ms", "mt", "my", "ne", "pa", "si", "sw", "ta", "te", "th", "ur", "yo", "zh",
     "zu")
)  # fmt: skip
_REGIONS = {
    "de-ch": ".", "de-li": ".", "it-ch": ".", "en-za": ",", "es-mx": ".", "es-us": ".", "es-pr": ".",
    "es-do": ".", "es-gt": ".", "es-hn": ".", "es-ni": ".", "es-pa": ".", "es-pe": ".", "es-sv": ".",
}  # fmt: skip


class Reading(NamedTuple):
    """The result of parsing a number.

    Attributes:
        value: the number; ``None`` if there is none, or none that is certain enough.
        doubt: what it could mean as well, ``""`` if it is unambiguous.
    """

    value: float | int | None
    doubt: str = ""


class _FirstNumber(NamedTuple):
    """The first number in a text.

    Attributes:
        sign: -1 or 1.
        digits: the digits with their separators.
        more: a fraction to add, as in ``1½``.
        exponent: the power of ten.
        doubt: see Reading.
    """

    sign: int
    digits: str
    more: float = 0.0
    exponent: int = 0
    doubt: str = ""


def decimal_sign(locale: str) -> str:
    """Return the decimal sign of a language (``de``), also with a region (``de-CH``); ``""`` if unknown."""
    name = locale.replace("_", "-").lower()
    language = name.partition("-")[0]
    if name in _REGIONS:
        return _REGIONS[name]
    return "," if language in _COMMA else "." if language in _POINT else ""


def to_float(text: str) -> float | None:
    """Return the first number in `text`; ``None`` if there is none. See :func:`read_float`."""
    return read_float(text).value


def to_int(text: str) -> int | None:
    """Return the first number in `text` as an integer; ``None`` if there is none. See :func:`read_int`."""
    value = read_int(text).value
    return None if value is None else int(value)


def read_float(text: str, decimal: str = "") -> Reading:
    """Parse the first number in `text`.

    Currency signs and words around it are skipped. If both point and comma occur, the later one is the
    decimal sign; one that occurs several times separates thousands. A single comma separates thousands if
    exactly three digits follow (``1,234``) and the number does not begin with zero (``0,750``), otherwise it
    is the decimal sign (``12,5``); a single point always is (``1.234``). Spaces and apostrophes separate
    thousands.

    Args:
        decimal: the decimal sign, ``.`` or ``,``; the other one then separates thousands, and a text that
            does not fit is not a number. ``""`` to detect it.
    """
    plain = text.strip()
    if not decimal and _PLAIN.fullmatch(plain):
        return Reading(_finite(plain), _doubt(plain.lstrip("+-")))
    found = _first(text, whole=False)
    if found is None:
        return Reading(None)
    doubt = found.doubt or ("" if decimal else _doubt(found.digits))
    digits = found.digits
    if doubt and not found.doubt and _WITHOUT_CENTS.search(text):
        digits, doubt = re.sub(r"\D", "", digits), ""
    parts = _parts(digits, decimal)
    if parts is None or (found.more and parts[1]):
        return Reading(None, _parted(found.digits))
    number = _finite(f"{parts[0]}.{parts[1] or 0}e{found.exponent}")
    if number is None:
        return Reading(None)
    return Reading(found.sign * (number + found.more), doubt)


def read_int(text: str, decimal: str = "") -> Reading:
    """Parse the first number in `text` as an integer.

    This works like :func:`read_float`, but a single point before exactly three digits separates thousands
    (``1.234``): as a decimal sign it would not leave an integer.
    """
    plain = text.strip()
    if plain.isascii() and plain.lstrip("+-").isdigit() and len(plain) - len(plain.lstrip("+-")) <= 1:
        return Reading(int(plain) if len(plain) <= _LONGEST else None)
    found = _first(text, whole=True)
    if found is None or len(found.digits) > _LONGEST or found.more:
        return Reading(None)
    if not decimal and not found.exponent and _GROUPS.fullmatch(found.digits) and found.digits[0] != "0":
        return Reading(found.sign * int(re.sub(r"\D", "", found.digits)), found.doubt)
    parts = _parts(found.digits, decimal)
    if parts is None:
        return Reading(None, _parted(found.digits))
    whole, decimals = parts
    if found.exponent:
        number = Decimal(f"{whole}.{decimals or 0}").scaleb(found.exponent)
        fine = number == number.to_integral_value() and number.adjusted() < _LONGEST
        return Reading(found.sign * int(number) if fine else None, found.doubt)
    return Reading(None if decimals.strip("0") else found.sign * int(whole), found.doubt)


def _parted(digits: str) -> str:
    if SPLIT not in digits:
        return ""
    return f"the digits {digits.replace(SPLIT, '|')} are in several elements, so the number is null"


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _doubt(digits: str) -> str:
    """Describe the other number that `digits` with their separators could mean."""
    found = re.fullmatch(r"([1-9]\d{0,2})([.,])(\d{3})", digits)
    if found is None:
        return ""
    whole, decimal = found[1] + found[3], f"{found[1]}.{found[3]}"
    read = decimal if found[2] == "." else whole
    hint = "specify it by `float:en` or `float:de`"
    return f"{digits!r} may be {decimal} or {whole}, and was read as {read}; {hint}"


def _first(text: str, *, whole: bool) -> _FirstNumber | None:
    """Return the first number; ``None`` if there is none, or something that only begins like one.

    Args:
        whole: whether a single sign before three digits separates thousands.
    """
    found = _NUMBER.search(text)
    if found is None or _is_phone(text.strip()):
        return None
    digits, start = found[0], found.start()
    if any(date.start() <= start < date.end() for date in _DATE.finditer(text)):
        return None
    if not digits[0].isdigit():
        return _FirstNumber(_sign(text[:start]), "0", unicodedata.numeric(digits))
    # A number may begin with its decimal sign: ".5".
    if start and text[start - 1] in ".," and (start == 1 or not text[start - 2].isalnum()):
        digits, start = f"0{text[start - 1]}{digits}", start - 1
    kept = _cut(digits)
    if not kept:
        return None
    after = digits[len(kept) :] + text[found.end() :]
    return _with_what_follows(kept, text[:start], after, whole=whole)


def _is_phone(text: str) -> bool:
    return _PHONE.search(text) is not None and _GROUPS.fullmatch(text.lstrip("+")) is None


def _with_what_follows(digits: str, before: str, after: str, *, whole: bool) -> _FirstNumber | None:
    """Return the number for `digits`, taking into account the text before and after them."""
    sign, more, exponent = _sign(before), 0.0, 0
    behind = after if len(after) < _NEAR else "and more"
    if _NO_NUMBER_BEHIND.match(after):
        return None
    if raised := _RAISED.match(after):
        # Two raised digits after an integer are cents; other raised digits are an exponent or a footnote.
        if len(raised[0]) != 2:
            return None
        digits += CENTS + unicodedata.normalize("NFKC", raised[0])
        after = after[raised.end() :]
    elif power := _EXPONENT.match(after):
        exponent, after = int(power[1]), after[power.end() :]
    elif vulgar := _VULGAR.match(after):
        more, after = unicodedata.numeric(vulgar[1]), after[vulgar.end() :]
    elif none := _NO_DECIMALS.match(after):
        digits, after = f"{digits}{none[0][0]}", after[none.end() :]
    elif (cents := _CENTS_BEHIND.match(after)) and not set(digits) & set(".,"):
        digits, after = f"{digits}{CENTS}{cents[1]}", after[cents.end() :]
    elif _MINUS_BEHIND.match(behind):
        sign = -sign
    if len(before) < _NEAR and _IN_BRACKETS.fullmatch(before) and (end := _BRACKET_ENDS.match(behind)):
        money = bool(end[1] and end[1] != "%") or before.strip(" (\t\n") != ""
        plain = _is_whole(digits) or (whole and _GROUPS.fullmatch(digits) is not None)
        return _in_brackets(_FirstNumber(sign, digits, more, exponent, ""), plain=plain and not money)
    return _FirstNumber(sign, digits, more, exponent, "")


def _in_brackets(found: _FirstNumber, *, plain: bool) -> _FirstNumber:
    """Return a number in parentheses: a negative amount, unless it is `plain`, which may be a count."""
    if not plain:
        return found._replace(sign=-1)
    doubt = f"an integer in parentheses, ({found.digits}), may be negative, and was read as positive"
    return found._replace(doubt=doubt)


def _is_whole(digits: str) -> bool:
    parts = _parts(digits, "")
    return parts is None or not parts[1]


def _sign(before: str) -> int:
    """Return the sign of a number after `before`; a dash between words and numbers is not a sign."""
    before = before[-20:]
    found = _SIGN.search(before)
    if (
        found is None
        or found[1] == "+"
        or (found[2] and _AFTER_WORD.search(before[max(0, found.start() - 1) :]))
    ):
        return 1
    return -1


def _cut(digits: str) -> str:
    """Return `digits` up to a space that separates two numbers (``5 12``) instead of thousands (``2 100``).

    ``""`` if the space belongs to something other than a number (a telephone's ``0 800 123``).
    """
    for space in re.finditer(rf"[{_GROUPING}]", digits):
        after = re.match(r"\d{3}(?!\d)", digits[space.end() :])
        before = re.search(r"(?<!\d)\d{1,3}$", digits[: space.start()])
        if after is not None and digits[: space.start()] == "0":
            return ""
        if after is None or before is None:
            return digits[: space.start()].rstrip(f".,٫{_GROUPING}")
    return digits


def _parts(digits: str, decimal: str) -> tuple[str, str] | None:
    """Return the digits before and after the decimal sign; ``None`` for ``1.2.3``, which is not a number."""
    if SPLIT in digits:
        return None
    if CENTS in digits:
        whole, _, decimals = digits.partition(CENTS)
        whole = whole.rstrip(".,")
        fits = _WHOLE.fullmatch(re.sub(rf"[{_GROUPING}]", "", whole)) and re.fullmatch(r"\d\d", decimals)
        return (re.sub(r"\D", "", whole), decimals) if fits else None
    spaced = re.search(rf"[{_GROUPING}]", digits) is not None
    digits = re.sub(rf"[{_GROUPING}]", "", digits).replace("٫", decimal or ".")
    at = digits.rfind(decimal) if decimal else _decimal_at(digits, spaced=spaced)
    if at >= 0 and digits.count(digits[at]) > 1:
        if decimal:
            return None
        at = -1
    whole, decimals = (digits, "") if at < 0 else (digits[:at], digits[at + 1 :])
    if decimals and not decimals.isdigit():
        return None
    return (re.sub(r"\D", "", whole), decimals) if _WHOLE.fullmatch(whole) else None


def _decimal_at(digits: str, *, spaced: bool) -> int:
    """Return the position of the decimal sign; -1 if there is none.

    Args:
        spaced: whether another character separates thousands.
    """
    point, comma = digits.rfind("."), digits.rfind(",")
    if point >= 0 and comma >= 0:
        return max(point, comma)
    if digits.count(".") == 1:
        return point
    if digits.count(",") == 1 and (spaced or digits[0] == "0" or len(digits) - comma != 4):
        return comma
    return -1
