"""Values with their own notation: ``parallelism``, ``cache`` (``7d``) and tolerated failures (``5%``)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import core_schema

from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.common.durations import parse_duration
from drawer_ipy.common.short_repr import shown

AUTO: Final = "auto"

MOST = 32
"""The default of ``max_parallelism``: most items at once of a loop with ``parallelism: auto``."""


def _number_or_auto(value: Any, number: Callable[[Any], Any]) -> Any:
    return value if value == AUTO else number(value)


def _schema(_source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    # Not a union, for which pydantic reports an error per member: this reports only the number's error.
    return core_schema.no_info_wrap_validator_function(
        _number_or_auto,
        core_schema.int_schema(ge=0, strict=True),
        serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
    )


Parallelism = Annotated[int | Literal["auto"], GetPydanticSchema(_schema)]
"""Items at once: 0 and 1 mean one after the other, ``auto`` as many as the server can handle."""


def width_words(parallelism: int | str, most: int) -> str:
    """Describe `parallelism` in words: ``8 at once``; ``""`` for one after the other."""
    if isinstance(parallelism, str):
        return f"as many at once as the server can handle, at most {most}"
    return f"{parallelism} at once" if parallelism > 1 else ""


_DAYS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*d", re.ASCII)


_LENGTHS_ALLOWED = "say for how long: 10m, 1h, 7d or forever"


def parse_length(text: str) -> float:
    """Return the seconds of a length of time: a duration such as ``90m``, or a number of days such as ``7d``.

    Raises:
        BadValue: it is neither (a ValueError).
    """
    days = _DAYS.fullmatch(text.strip())
    return float(days[1]) * 86400 if days else parse_duration(text)


def parse_lasting(value: Any) -> float | None:
    """Return the seconds of ``cache: value``: infinite for ``forever``, ``None`` for no caching.

    Raises:
        BadValue: it is not valid.
    """
    if value is None or value is False:
        return None
    if isinstance(value, bool):
        raise BadValue("`cache: true` does not say for how long", _LENGTHS_ALLOWED)
    if isinstance(value, int | float):
        raise BadValue(f"`cache: {shown(value)}` has no unit", _LENGTHS_ALLOWED)
    if not isinstance(value, str):
        raise BadValue(f"`cache` must be text, not a {type(value).__name__}", _LENGTHS_ALLOWED)
    text = value.strip()
    if text.lower() in ("forever", "off", "no"):
        return math.inf if text.lower() == "forever" else None
    try:
        seconds = parse_length(text)
    except ValueError:
        raise BadValue(f"`cache: {text[:60]}` is not a length of time", _LENGTHS_ALLOWED) from None
    if seconds <= 0 or math.isinf(seconds):
        raise BadValue(f"`cache: {text[:60]}` keeps nothing", _LENGTHS_ALLOWED)
    return seconds


_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*", re.ASCII)


def parse_tolerance(value: Any) -> int | Fraction:
    """Return the failures that ``tolerated_failures: value`` allows: a count, or a share between 0 and 1.

    Raises:
        BadValue: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    percent = _PERCENT.fullmatch(value) if isinstance(value, str) and len(value) <= 60 else None
    share = Fraction(percent[1]) / 100 if percent else None
    if share is None or share > 1:
        raise BadValue(
            f"tolerated_failures cannot be {shown(value)}", 'give a count, or a share such as "5%"'
        )
    return share


def drawer_named(target: str) -> str | None:
    """Return NAME of ``drawer/NAME``, or ``None`` if `target` names a button."""
    return target.removeprefix("drawer/") if target.startswith("drawer/") else None
