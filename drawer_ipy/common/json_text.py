"""Parse JSON from outside strictly, with errors that say where and why."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any, NoReturn

_SHOWN, _LOOKED_AT = 60, 500
_BLANK = " \t\r\n"
_BETWEEN = re.compile(r"[\s,;]*")


_TOO_LONG = f"it contains a whole number of more than {sys.get_int_max_str_digits():,} digits"


class BadJson(ValueError):
    """Text that is not a JSON value.

    Attributes:
        reason: what is wrong.
        line, column: the place, counted from 1; ``None`` if unknown.
    """

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(reason if line is None else f"line {line}, column {column}: {reason}")


def read_json(text: str) -> Any:
    """Parse `text` as a single JSON value; white space around it is allowed.

    The last of duplicate keys counts. Unpaired surrogates stay; see :func:`mend`.

    Raises:
        BadJson: the text is not JSON, contains NaN, Infinity, a number too large for a double or an integer
            with too many digits, or is nested too deeply.
    """
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise _bad_json(error, text) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    except BadJson:
        raise
    except ValueError:  # the only cause left: an integer with more digits than Python converts
        raise BadJson(_TOO_LONG) from None


def read_json_lines(text: str, between: str = "\n") -> list[Any]:
    """Parse `text` as JSON values, one per line; blank lines are skipped.

    Args:
        between: the separator of two values.

    Raises:
        BadJson: a value is invalid; ``line`` counts from the beginning of `text`.
    """
    out, line = [], 1
    for piece in text.split(between):
        if piece.strip(_BLANK):
            try:
                out.append(read_json(piece))
            except BadJson as error:
                raise BadJson(error.reason, line + (error.line or 1) - 1, error.column or 1) from None
        line += piece.count("\n") + (between == "\n")
    return out


def read_json_run(text: str) -> list[Any]:
    """Parse `text` as JSON values separated only by white space, commas and semicolons.

    Line breaks and other control characters inside strings are accepted.

    Raises:
        BadJson: a part of the text is not a JSON value.
    """
    out, at = list[Any](), 0
    try:
        while (at := _BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
            value, at = _LENIENT.raw_decode(text, at)
            out.append(value)
    except json.JSONDecodeError as error:
        raise _bad_json(error, text) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    except BadJson:
        raise
    except ValueError:
        raise BadJson(_TOO_LONG) from None
    return out


def _bad_json(error: json.JSONDecodeError, text: str) -> BadJson:
    rest = text[error.pos : error.pos + _LOOKED_AT].lstrip()
    start = text[:_LOOKED_AT].lstrip()
    if not rest:
        reason = "it ends too early; it may have been cut off"
    elif start.startswith("<"):
        reason = f"it looks like markup: {_short(start)}"
    else:
        reason = f"{error.msg[:1].lower()}{error.msg[1:]}, at {_short(rest)}"
    return BadJson(reason, error.lineno, error.colno)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}...")


def _no_constant(word: str) -> NoReturn:
    raise BadJson(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadJson(f"{digits[:_SHOWN]} is too large for a double")
    return number


# Created once: json.loads would create a new decoder for each text.
_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_LENIENT = json.JSONDecoder(strict=False, parse_constant=_no_constant, parse_float=_finite)


def has_halves(text: str) -> bool:
    """Whether a JSON text may contain escapes of unpaired surrogates."""
    return "\\ud" in text or "\\uD" in text


def mend(value: Any) -> Any:
    """Replace unpaired surrogates with U+FFFD, since text with them cannot be encoded."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mend(item) for item in value]
    if isinstance(value, dict):
        return {mend(key): mend(item) for key, item in value.items()}
    return value
