"""A loop's items as the bytes of a picture: one per item, or one per several items if there are too many."""

from __future__ import annotations

from drawer_ipy.record.loop import (
    CANCELLED,
    FAILED,
    OK,
    PAUSED,
    RUNNING,
    SKIPPED,
    STATE_NAMES,
    WAITING,
    LoopRecord,
)

MOST = 10_000
"""Most cells of a picture; if there are more items, several share a cell."""

_STRIDE = 64
_LEVEL, _BUSY, _HELD = 3, 5, 6
KEPT = len(STATE_NAMES)
"""The number that stands for items which are ok, and were kept from an earlier press."""

_BASES = (OK, KEPT, WAITING, CANCELLED, SKIPPED, FAILED)
_TO_KEPT = bytes(KEPT ^ OK if state == OK else 0 for state in range(256))


class Cells:
    """The picture of one loop, which is read repeatedly while it runs.

    A byte has the state of its item (:data:`~drawer_ipy.record.loop.STATE_NAMES`, or :data:`KEPT`) in its
    three lowest bits.
    For several items it is their most common state; the two bits above encode how many failed (0 none,
    1 some, 2 a tenth or more, 3 half or more), the next whether any is running, the next whether any waits.

    Args:
        loop: the loop's record, which changes while it runs and, over an iterator, grows.
        most: the most cells.
    """

    __slots__ = ("_kept", "_most", "_picture", "_seen", "loop", "per")

    def __init__(self, loop: LoopRecord, most: int = MOST) -> None:
        self.loop: LoopRecord = loop
        self._most = most
        self.per: int = max(1, -(-len(loop) // most))
        """Items per cell; the last cell may have fewer."""
        self._seen = b""
        self._kept = (0, 0, 0)
        self._picture = bytearray(-(-len(loop) // self.per))

    def _grow(self, items: int) -> None:
        """Make room for `items`; twice as many share a cell when there would be too many cells."""
        while -(-items // self.per) > self._most:
            self.per *= 2
            self._seen = b""
        self._picture.extend(bytes(max(0, -(-items // self.per) - len(self._picture))))
        del self._picture[-(-items // self.per) :]

    def span(self, cell: int) -> range:
        """The items of `cell`; empty if the cell is not in the picture."""
        if not 0 <= cell < len(self._picture):
            return range(0)
        return range(cell * self.per, min((cell + 1) * self.per, len(self.loop)))

    def _states(self) -> bytes:
        """The states of the items, with :data:`KEPT` for those that are ok and were kept."""
        loop = self.loop
        if not loop.kept_ok:
            return bytes(loop.states)
        n, kept_ok, kept = self._kept
        if n != len(loop) or kept_ok != loop.kept_ok:  # kept items stay as they are
            marks = loop.kept_states().translate(_TO_KEPT)
            n, kept = len(marks), int.from_bytes(marks)
            self._kept = n, loop.kept_ok, kept
        return (int.from_bytes(loop.states[:n]) | kept).to_bytes(n)

    def read(self) -> bytes:
        """The current picture; for a large loop, only the cells that have changed are computed again."""
        now = self._states()
        if len(now) > self.per * len(self._picture):
            self._grow(len(now))
        if self.per == 1:
            return now
        per, seen = self.per, self._seen
        wide = per * _STRIDE
        for begin in range(0, len(now), wide):
            part = now[begin : begin + wide]
            if part != seen[begin : begin + wide]:
                first = begin // per
                cells = bytes(_cell(part[i : i + per]) for i in range(0, len(part), per))
                self._picture[first : first + len(cells)] = cells
        self._seen = now
        return bytes(self._picture)


def counts_shown(loop: LoopRecord) -> tuple[int, ...]:
    """The number of items in each of these states; without :data:`KEPT` if none was kept."""
    if not loop.kept_ok:
        return tuple(loop.counts)
    counts = [*loop.counts, loop.kept_ok]
    counts[OK] -= loop.kept_ok
    return tuple(counts)


def _cell(states: bytes) -> int:
    """The byte for several items."""
    failed = states.count(FAILED)
    share = 2 * failed >= len(states), 10 * failed >= len(states), failed > 0
    base = FAILED if share[0] else max(_BASES, key=states.count)
    running, paused = states.count(RUNNING), states.count(PAUSED)
    if running + paused == len(states):
        base = RUNNING if running else PAUSED
    return base | sum(share) << _LEVEL | bool(running) << _BUSY | bool(paused) << _HELD
