"""Why and when a step or an item waits: the pauses that last now, and the intervals that have ended.

A million items may wait, so intervals are kept in arrays of limited length. Nothing is kept for an item that
never waits.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

SHORT = 0.03
"""Seconds below which a wait is neither shown nor kept."""

MOST = 50_000
"""Most intervals of one loop or step; if there are more, the longest are kept."""


class Why(StrEnum):
    """The kinds of reasons for a wait, the most important first."""

    ASKED = "host asks to wait"
    BACKOFF = "backoff"
    RATE = "rate limit"
    BUSY = "host is busy"
    QUEUE = "queue"
    SHARED = "shared press"
    STEP = "wait step"


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason for a wait.

    Attributes:
        why: its kind.
        subject: what is waited for: a host, a rate, the name of a queue; ``""`` if there is nothing to add. A
            queue without a name is the run's limit on concurrent buttons.
    """

    why: Why
    subject: str = ""


@dataclass(slots=True, eq=False)
class Pause:
    """A wait that has not ended.

    Attributes:
        reason: why.
        until: the time of ``time.perf_counter()`` at which it ends, ``None`` if that is unknown.
    """

    reason: Reason
    until: float | None = None


class Wait(NamedTuple):
    """A wait that has ended; `begin` and `end` are seconds, as the owner of the intervals counts them.

    Attributes:
        item: the index of the item; 0 for a step.
        step: the position of the nested step that waited; -1 if the item waited before its first step.
        reason: why.
    """

    item: int
    step: int
    reason: Reason
    begin: float
    end: float


@dataclass(slots=True, eq=False)
class _Lasting:
    """A pause of one item, and the pause of the same item around it."""

    pause: Pause
    step: int
    since: float
    former: int
    outer: _Lasting | None


class Waits:
    """The waits of the items of a loop by index, or of one step (index 0).

    Attributes:
        least: seconds of the shortest intervals that are kept.
    """

    __slots__ = ("_begins", "_ends", "_indices", "_live", "_reasons", "_steps", "_whys", "least")

    def __init__(self) -> None:
        self.least: float = SHORT
        self._reasons: dict[Reason, int] = {}
        self._live: dict[int, _Lasting] = {}
        self._indices = array("q")
        self._steps = array("h")
        self._whys = array("i")
        self._begins = array("d")
        self._ends = array("d")

    def __getstate__(self) -> object:
        """Pickle the intervals, but not the pauses: they belong to a run in this process."""
        return None, {name: getattr(self, name) for name in self.__slots__ if name != "_live"}

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        self._live = {}
        for name, value in state[1].items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return len(self._indices)

    def __iter__(self) -> Iterator[Wait]:
        """Return the intervals, in the order in which they ended."""
        reasons = list(self._reasons)
        columns = (self._indices[:], self._steps[:], self._whys[:], self._begins[:], self._ends[:])
        for index, step, why, begin, end in zip(*columns, strict=False):  # they may grow meanwhile
            yield Wait(index, step, reasons[why], begin, end)

    def of(self, index: int) -> list[Wait]:
        """Return the intervals of the item `index`."""
        if index not in self._indices:
            return []
        return [wait for wait in self if wait.item == index]

    def until(self, now: float) -> Iterator[Wait]:
        """Return the intervals, and those that last until `now`."""
        yield from self
        for index, live in tuple(self._live.items()):
            if now - live.since >= self.least:
                yield Wait(index, live.step, live.pause.reason, live.since, now)

    # Pauses

    def begin(self, index: int, pause: Pause, step: int, now: float, former: int = 0) -> bool:
        """Begin `pause` of the item `index`; return whether the item was not paused before.

        Args:
            step: see :class:`Wait`.
            former: the state of the item until now.
        """
        outer = self._live.get(index)
        if outer is not None:  # while a pause lasts, only the innermost one counts
            self._keep(index, outer, now)
            former = outer.former
        self._live[index] = _Lasting(pause, step, now, former, outer)
        return outer is None

    def end(self, index: int, pause: Pause, now: float) -> int | None:
        """End `pause` of the item `index`; return the item's former state if no other pause is left."""
        top = self._live.get(index)
        if top is None:
            return None
        if top.pause is not pause:  # a task of its own still waits for the item
            while top.outer is not None and top.outer.pause is not pause:
                top = top.outer
            if top.outer is not None:
                top.outer = top.outer.outer
            return None
        self._keep(index, top, now)
        if top.outer is None:
            del self._live[index]
            return top.former
        top.outer.since = now
        self._live[index] = top.outer
        return None

    def now(self) -> Iterator[tuple[int, Pause]]:
        """Return the items that wait now, with their pauses."""
        for index, live in tuple(self._live.items()):
            yield index, live.pause

    def pause_of(self, index: int) -> Pause | None:
        """Return the pause of the item `index`, ``None`` if it does not wait now."""
        live = self._live.get(index)
        return None if live is None else live.pause

    def has_begun(self, index: int, waiting: int) -> bool:
        """Whether an item that waits now had begun before, that is, was in another state than `waiting`."""
        live = self._live.get(index)
        return live is not None and live.former != waiting

    # Intervals

    def _keep(self, index: int, live: _Lasting, now: float) -> None:
        if now - live.since < self.least:
            return
        why = self._reasons.setdefault(live.pause.reason, len(self._reasons))
        self._indices.append(index)
        self._steps.append(live.step)
        self._whys.append(why)
        self._begins.append(live.since)
        self._ends.append(now)
        if len(self._indices) > MOST:
            self._thin()

    def _thin(self) -> None:
        """Drop the shorter half of the intervals, and shorter ones from now on."""
        lengths = [end - begin for begin, end in zip(self._begins, self._ends, strict=True)]
        kept = sorted(sorted(range(len(lengths)), key=lengths.__getitem__)[len(lengths) // 2 :])
        self.least = min(lengths[place] for place in kept)
        for name in ("_indices", "_steps", "_whys", "_begins", "_ends"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, [column[place] for place in kept]))


Waited = Mapping[Reason, tuple[int, float]]
"""Reason -> the number of waits, and their seconds in all."""


def waited(waits: Iterable[Wait]) -> Waited:
    """Add up `waits`; the longest come first."""
    found: dict[Reason, tuple[int, float]] = {}
    for wait in waits:
        times, seconds = found.get(wait.reason, (0, 0.0))
        found[wait.reason] = times + 1, seconds + wait.end - wait.begin
    return dict(sorted(found.items(), key=lambda pair: -pair[1][1]))
