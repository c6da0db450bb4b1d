"""Numbers of seconds."""

from __future__ import annotations

import math
import numbers
from typing import Any


def is_seconds(value: Any) -> bool:
    """Whether `value` is a finite number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return 0 < float(value) < math.inf
