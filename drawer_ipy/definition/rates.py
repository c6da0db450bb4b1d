"""Rates as definitions write them: starts per unit of time, ``5/s`` or ``100/min``."""

from __future__ import annotations

import re

_RATE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*/\s*([a-z]+)\s*", re.ASCII)
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1.0),
    **dict.fromkeys(("m", "min", "minute"), 60.0),
    **dict.fromkeys(("h", "hour"), 3600.0),
    **dict.fromkeys(("d", "day"), 86400.0),
}
_ALLOWED = 'write a number above 0 and a unit: "5/s", "100/min", "1/h", "20/day"'


def parse_rate(text: str) -> float:
    """The starts per second that `text` allows; ``"30/min"`` is 0.5.

    Raises:
        ValueError: it is no rate; what is wrong and, after ``"; "``, what is allowed.
    """
    found = _RATE.fullmatch(text) if len(text) <= 60 else None
    if found is None or found[2] not in _SECONDS:
        raise ValueError(f"{text[:60]!r} is no rate; {_ALLOWED}")
    rate = float(found[1]) / _SECONDS[found[2]]
    if rate <= 0:
        raise ValueError(f"{text!r} never lets anything start; {_ALLOWED}")
    return rate
