"""How long results may be used again, as definitions write it: ``1h``, ``7d``, ``forever``."""

from __future__ import annotations

import math
import re
from typing import Any

from drawer_ipy.common.durations import parse_duration
from drawer_ipy.common.short_repr import shown

_DAYS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*d", re.ASCII)
_ALLOWED = "say for how long: 10m, 1h, 7d or forever"


def parse_lasting(value: Any) -> float | None:
    """The seconds that ``cache: value`` stands for; infinite for ``forever``, ``None`` for not at all.

    Raises:
        ValueError: it stands for nothing; what is wrong and, after ``"; "``, what is allowed.
    """
    if value is None or value is False:
        return None
    if isinstance(value, bool):
        raise ValueError(f"`cache: true` does not say for how long; {_ALLOWED}")
    if isinstance(value, int | float):
        raise ValueError(f"`cache: {shown(value)}` has no unit; {_ALLOWED}")
    if not isinstance(value, str):
        raise ValueError(f"`cache` must be text, not a {type(value).__name__}; {_ALLOWED}")
    text = value.strip()
    if text.lower() in ("forever", "off", "no"):
        return math.inf if text.lower() == "forever" else None
    days = _DAYS.fullmatch(text)
    try:
        seconds = float(days[1]) * 86400 if days else parse_duration(text)
    except ValueError:
        raise ValueError(f"`cache: {text[:60]}` is no length of time; {_ALLOWED}") from None
    if seconds <= 0 or math.isinf(seconds):
        raise ValueError(f"`cache: {text[:60]}` keeps nothing; {_ALLOWED}")
    return seconds
