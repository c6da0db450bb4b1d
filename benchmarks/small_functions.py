"""Functions that are pressed in other processes, in a module that takes no time to import there."""

from __future__ import annotations

import time
from typing import Any

SECONDS = 0.05
REST_SECONDS = 0.01


def nothing(x: Any) -> Any:
    """A function that returns at once."""
    return x


def compute(x: Any) -> Any:
    """A function that computes for about 50 ms of an idle core, in Python."""
    end = time.thread_time() + SECONDS
    while time.thread_time() < end:
        pass
    return x


def rest(x: Any) -> Any:
    """A function that waits for 10 ms."""
    time.sleep(REST_SECONDS)
    return x
