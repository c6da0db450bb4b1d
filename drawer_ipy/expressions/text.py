"""The text that stands for a value where a reference is spliced into a longer string."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any

from drawer_ipy.common.durations import duration_text, time_text
from drawer_ipy.errors import ResolveError

# Whole decimals below this are written without an exponent, as JSON writers do.
_PLAIN_BELOW = 1e21


def to_text(value: Any) -> str:
    """`value` as text: ``null``, ``true``, plain decimal numbers, compact JSON, RFC 3339 times.

    Maps are written with sorted keys, as where a script gets one; durations read ``90s``; bytes are taken
    as UTF-8; an object that is none of these gives ``str(value)``.

    Raises:
        ResolveError: bytes that are no UTF-8 text, which would have to be altered.
    """
    if type(value) is str:
        return value
    text = _scalar_text(value)
    if text is not None:
        return text
    if isinstance(value, Mapping | Sequence | Set):
        try:
            plain = _jsonable(value)
            return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        except RecursionError:
            kind = type(value).__name__
            message = f"this {kind} cannot be written as text: it contains itself or is too deep"
            raise ResolveError(message) from None
    if hasattr(value, "dtype") and (plain := plain_object(value)) is not None:
        return to_text(plain)
    return str(value)


def _scalar_text(value: Any) -> str | None:
    """The text of a value that holds no others; ``None`` when it does or is not known here."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of_bytes(bytes(value))
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    return None


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ResolveError(
            f"bytes that are no UTF-8 text ({value[:20]!r}) cannot stand within a text",
            remediation="refer to them alone, without any text around, to hand them over as they are",
        ) from None


def float_text(value: float) -> str:
    """The shortest decimal form; ``2`` for 2.0."""
    if math.isfinite(value) and value.is_integer() and abs(value) < _PLAIN_BELOW:
        return str(int(value))
    return float.__repr__(value)


def key_text(key: Any) -> str:
    """A map's key as JSON text has it."""
    return to_text(key)


def _jsonable(value: Any) -> Any:
    """`value` in terms that :func:`json.dumps` writes as this module would."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _json_float(value)
    if isinstance(value, Mapping):
        return {key_text(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray):
        return [_jsonable(v) for v in value]
    plain = plain_object(value)
    return to_text(value) if plain is None else _jsonable(plain)


def _json_float(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None  # JSON has no word for it
    return int(value) if value.is_integer() and abs(value) < _PLAIN_BELOW else float(value)


def plain_object(value: Any) -> Any:
    """A dataclass, pydantic model, named record or NumPy scalar as plain data, else ``None``."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump()
    if hasattr(value, "dtype"):
        # NumPy's scalars and arrays, without importing NumPy.
        convert = getattr(value, "tolist", None)
        return convert() if callable(convert) else None
    return None
