"""JSON as others write it: read strictly, with errors that say where and why."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any, NoReturn

_SHOWN, _LOOKED_AT = 60, 500
_BLANK = " \t\r\n"
_BETWEEN = re.compile(r"[\s,;]*")


_TOO_LONG = f"a whole number in it has more than {sys.get_int_max_str_digits():,} digits"


class BadJson(ValueError):
    """Text that is not a JSON value.

    Attributes:
        reason: why not.
        line, column: where, counted from 1; ``None`` where that is not known.
    """

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        super().__init__(reason if line is None else f"line {line}, column {column}: {reason}")


def read_json(text: str) -> Any:
    """The one JSON value that `text` is; white space around it is allowed.

    Of duplicate keys the last one counts. Halves of surrogate pairs stay; see :func:`mend`.

    Raises:
        BadJson: it is none, has NaN or Infinity, a number that does not fit a double or has too many digits,
            or is nested too deeply.
    """
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise _told(error, text) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    except BadJson:
        raise
    except ValueError:  # the only one left: Python converts no integer of more digits than this
        raise BadJson(_TOO_LONG) from None


def read_json_lines(text: str, between: str = "\n") -> list[Any]:
    """The JSON values of `text`, one to a line; blank lines are passed over.

    Args:
        between: what is between two values.

    Raises:
        BadJson: one of them is none; its ``line`` is that of the whole text.
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
    """The JSON values of `text`, with nothing between them but white space, commas and semicolons.

    Line breaks and other control characters within strings are taken as they are.

    Raises:
        BadJson: something in it is none.
    """
    out, at = list[Any](), 0
    try:
        while (at := _BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
            value, at = _LENIENT.raw_decode(text, at)
            out.append(value)
    except json.JSONDecodeError as error:
        raise _told(error, text) from None
    except RecursionError:
        raise BadJson("it is nested too deeply") from None
    except BadJson:
        raise
    except ValueError:
        raise BadJson(_TOO_LONG) from None
    return out


def _told(error: json.JSONDecodeError, text: str) -> BadJson:
    rest = text[error.pos : error.pos + _LOOKED_AT].lstrip()
    start = text[:_LOOKED_AT].lstrip()
    if not rest:
        reason = "it ends too early, as if it had been cut off"
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
        raise BadJson(f"{digits[:_SHOWN]} does not fit a double")
    return number


# Made once: json.loads makes a new one for each text.
_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_LENIENT = json.JSONDecoder(strict=False, parse_constant=_no_constant, parse_float=_finite)


def has_halves(text: str) -> bool:
    """Whether a JSON text may have escapes of halves of surrogate pairs."""
    return "\\ud" in text or "\\uD" in text


def mend(value: Any) -> Any:
    """Halves of surrogate pairs as U+FFFD: text that has them could not be written anywhere."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [mend(item) for item in value]
    if isinstance(value, dict):
        return {mend(key): mend(item) for key, item in value.items()}
    return value
