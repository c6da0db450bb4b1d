"""Convert values to text, for references inside a longer string."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any

from drawer_ipy.common.durations import duration_text, time_text
from drawer_ipy.common.records import dataclass_fields
from drawer_ipy.errors import ResolveError

# Integral floats below this are written without an exponent, as JSON writers do.
_PLAIN_BELOW = 1e21


def to_text(value: Any) -> str:
    """Return `value` as text: ``null``, ``true``, plain decimal numbers, compact JSON, RFC 3339 times.

    Maps are written with sorted keys, as scripts receive them; durations as ``90s``; bytes are decoded as
    UTF-8; for any other object the result is ``str(value)``.

    Raises:
        ResolveError: bytes are not valid UTF-8, so they would have to be altered.
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
            message = f"this {kind} cannot be converted to text: it contains itself or is nested too deeply"
            raise ResolveError(message) from None
    if hasattr(value, "dtype") and (plain := plain_object(value)) is not None:
        return to_text(plain)
    return str(value)


def _scalar_text(value: Any) -> str | None:
    """Return the text of a value that contains no others; ``None`` for containers and other classes."""
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
            f"bytes that are not valid UTF-8 ({value[:20]!r}) cannot be part of a text",
            remediation="to pass them unchanged, write the reference alone, without text around it",
        ) from None


def float_text(value: float) -> str:
    """Return the shortest decimal form; ``2`` for 2.0."""
    if math.isfinite(value) and value.is_integer() and abs(value) < _PLAIN_BELOW:
        return str(int(value))
    return float.__repr__(value)


def key_text(key: Any) -> str:
    """Return a map's key as in JSON text."""
    return to_text(key)


def _jsonable(value: Any) -> Any:
    """Convert `value` so that :func:`json.dumps` writes it as this module would."""
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
        return None  # JSON cannot represent it
    return int(value) if value.is_integer() and abs(value) < _PLAIN_BELOW else float(value)


def plain_object(value: Any) -> Any:
    """Return a dataclass, pydantic model, named record or NumPy scalar as plain data, else ``None``."""
    if isinstance(value, type):
        return None
    if (fields := dataclass_fields(value)) is not None:
        return fields
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump()
    if hasattr(value, "dtype"):
        # NumPy scalars and arrays, without importing NumPy.
        convert = getattr(value, "tolist", None)
        return convert() if callable(convert) else None
    return None
