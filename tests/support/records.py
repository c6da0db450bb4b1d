"""Records of runs without what differs from press to press."""

from __future__ import annotations

import re
from typing import Any

RUN = re.compile(r"\brun [0-9a-f]{16}\b")
"""A run in a message."""

VARYING = {"run_id", "about", "started_at", "finished_at", "duration_ms", "stdout", "stderr", "waits"}


def plain(value: Any) -> Any:
    """Return a record without times, identifiers, places of presses and prints."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in VARYING}
    if isinstance(value, str):
        return RUN.sub("run ID", value)
    return [plain(one) for one in value] if isinstance(value, list) else value
