"""The scripts of a run on disk, so that a later process can end those that were left running."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import signal
import time
from collections.abc import Iterable, Sequence
from typing import Any

from drawer_ipy.common.process_ids import ProcessPlace, here, start_of

ROW = "/scripts"
"""Stands for the id of a step in the row of a press; no step can have it."""

_GRACE, _LAST_WAIT = 0.5, 1.0
"""Seconds after SIGTERM, and after SIGKILL."""

Script = tuple[int, str]
"""Process id and start; see :func:`~drawer_ipy.common.process_ids.start_of`."""


def encode_scripts(scripts: Sequence[Script]) -> bytes:
    """Return running scripts of this machine as bytes."""
    return pickle.dumps((dataclasses.astuple(here()), list(scripts)), protocol=5)


def decode_scripts(content: Any) -> list[Script]:
    """Return the scripts that may still run here; `content` is what was pickled.

    Raises:
        TypeError, ValueError: it is damaged.
    """
    place, scripts = content
    if not ProcessPlace(*map(str, place)).is_here:
        return []
    return [(int(pid), str(start)) for pid, start in scripts if int(pid) > 1 and start]


def end_scripts(scripts: Iterable[Script]) -> int:
    """End the process groups of scripts that still run, and wait for that; return their number.

    A process that has the number of a script but another start is not touched.
    """
    left = [script for script in scripts if _runs(script)]
    count = len(left)
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _LAST_WAIT)):
        for pid, _ in left:
            with contextlib.suppress(OSError):
                os.killpg(pid, number)
        until = time.monotonic() + patience
        while (left := [script for script in left if _runs(script)]) and time.monotonic() < until:
            time.sleep(0.01)
    return count


def _runs(script: Script) -> bool:
    pid, start = script
    with contextlib.suppress(OSError):
        return start_of(pid) == start and os.getpgid(pid) == pid
    return False
