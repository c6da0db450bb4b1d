"""A warning about a loop in which every item fails for the same reason, while it can still be stopped."""

from __future__ import annotations

from itertools import islice

from drawer_ipy.record.loop import FAILED, OK, PAUSED, RUNNING, WAITING, LoopRecord
from drawer_ipy.style.preview import clean, cut

ENOUGH = 20
"""The failures of one kind in a row, without any success, that cause the warning."""

_LOOKED_AT = 1_000
_KIND = 80


class FailingAlike:
    """Watches one loop. It reads the live record; its cost does not depend on the number of items."""

    __slots__ = ("_failed", "_failed_before", "_loop", "_ok_before", "_told")

    def __init__(self, loop: LoopRecord) -> None:
        self._loop = loop
        # The record of a retry begins with the items of the earlier press.
        self._ok_before = loop.counts[OK]
        self._failed_before = self._failed = loop.counts[FAILED]
        self._told = ""

    def warning(self) -> str:
        """The current warning, or ``""``."""
        counts = self._loop.counts
        failed = counts[FAILED]
        if counts[OK] > self._ok_before or failed - self._failed_before < ENOUGH:
            return ""
        left = counts[WAITING] + counts[RUNNING] + counts[PAUSED]
        if self._loop.ended or (self._loop.total is not None and not left):
            return ""  # too late to stop
        if failed != self._failed:
            self._failed = failed
            kind = _kind_of_last(self._loop)
            self._told = kind and (
                f"{ENOUGH} items in a row failed with {kind} and none has succeeded. Cancel to stop now; for "
                f"a loop that stops by itself set `on_item_failure: stop` or `tolerated_failures: {ENOUGH}`."
            )
        return self._told


def _kind_of_last(loop: LoopRecord) -> str:
    """The code and exception class of the last failures, ``""`` if they differ."""
    found: set[int] = set()
    for column in loop.columns:
        # Errors are added as they happen, so the last ones are at the end of the dict.
        recent = (i for i in islice(reversed(column.errors), _LOOKED_AT) if loop.states[i] == FAILED)
        found.update(islice(recent, ENOUGH))
    last = sorted(found, key=loop.finished.__getitem__)[-ENOUGH:]
    decided = [loop.error_of(index) for index in last]
    kinds = {
        (failure[1].code, type(failure[1].exception).__name__ if failure[1].exception is not None else "")
        for failure in decided
        if failure is not None
    }
    if len(last) < ENOUGH or None in decided or len(kinds) != 1:
        return ""
    code, exception = kinds.pop()
    return cut(clean(f"{code} ({exception})" if exception else code), _KIND)
