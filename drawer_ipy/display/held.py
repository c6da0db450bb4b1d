"""What a run waits for at one moment, in a few lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from drawer_ipy.common.counted import number_of
from drawer_ipy.record.loop import PAUSED, LoopRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Pause, Reason, Why
from drawer_ipy.style.amounts import clock_text
from drawer_ipy.style.waiting import subject_of, waits_for

_LINES = 3
_INNER = 200
"""Most loops within items that are examined."""

_ORDER = {why: place for place, why in enumerate(Why)}


@dataclass(frozen=True, slots=True)
class WaitLine:
    """One reason why steps or items wait.

    Attributes:
        parts: the text before the remaining time, the words that belong to that time, and the text after it.
        until: seconds since the run began at which the first of them goes on; ``None`` if unknown or soon.
    """

    parts: tuple[str, str, str]
    until: float | None = None

    def text(self, elapsed: float) -> str:
        """The line when the run has taken `elapsed` seconds."""
        before, within, after = self.parts
        left = 0.0 if self.until is None else self.until - elapsed
        return f"{before}{within}{_left_text(left)}{after}" if left > 0 else before + after


class Held:
    """The pauses of a run at one moment.

    Args:
        loops: the top-level loops.
        steps: the top-level steps that are not loops.
        inner: the loops within items, which count if nothing else waits.
    """

    def __init__(
        self, loops: Iterable[LoopRecord], steps: Iterable[StepResult], inner: Iterable[LoopRecord]
    ) -> None:
        self._items = list(_pauses_of(loops))
        self._steps = [pause for step in steps if step.waits is not None for _, pause in step.waits.now()]
        if not self._items and not self._steps:
            self._items = list(_pauses_of(islice(inner, _INNER)))

    def lines(self, began: float, retries: int) -> tuple[WaitLine, ...]:
        """The reasons in words, the most important first.

        Args:
            began: the time of ``time.perf_counter()`` at which the run began.
            retries: the number of retries so far.
        """
        found: dict[Reason, tuple[int, int, float]] = {}
        for is_step, pauses in ((0, self._items), (1, self._steps)):
            for pause in pauses:
                items, steps, soonest = found.get(pause.reason, (0, 0, math.inf))
                until = math.inf if pause.until is None else pause.until
                found[pause.reason] = items + 1 - is_step, steps + is_step, min(soonest, until)
        order = sorted(found.items(), key=lambda pair: (_ORDER[pair[0].why], -pair[1][0]))
        now = perf_counter()
        out: list[WaitLine] = []
        for reason, (items, steps, until) in order[:_LINES]:
            least = 0.0 if reason.why == Why.ASKED else 1.0  # the time to the next start of a rate is noise
            shown = now + least < until < math.inf
            parts = _parts(reason, _counted(items, steps), 0 if out else retries)
            out.append(WaitLine(parts, round(until - began, 1) if shown else None))
        return tuple(out)


def held_by(loop: LoopRecord) -> float | None:
    """Seconds for which no item of `loop` can end, since servers and policies make all of them wait.

    ``None`` if some item may go on at any time. Limits on rates and slots are the loop's usual pace.
    """
    if loop.waits is None or not loop.counts[PAUSED]:
        return None
    pauses = [pause for _, pause in loop.waits.now() if pause.until is not None]
    if not any(pause.reason.why in (Why.ASKED, Why.BACKOFF, Why.STEP) for pause in pauses):
        return None
    return max(0.0, min(pause.until for pause in pauses if pause.until is not None) - perf_counter())


def _pauses_of(loops: Iterable[LoopRecord]) -> Iterator[Pause]:
    for loop in loops:
        if loop.waits is not None and loop.counts[PAUSED]:
            yield from (pause for _, pause in loop.waits.now())


def _counted(items: int, steps: int) -> str:
    named = ((items, "item"), (steps, "step"))
    return ", ".join(number_of(n, noun) for n, noun in named if n)


def _parts(reason: Reason, counted: str, retries: int) -> tuple[str, str, str]:
    again = f" · {number_of(retries, 'retry')}" if retries else ""
    wait = "waits" if counted.startswith("1 ") and "," not in counted else "wait"
    match reason.why:
        case Why.ASKED:
            return waits_for(reason), " ", f" · {counted}{again}"
        case Why.BACKOFF:
            return f"{counted} {wait} before the next attempt", ", the first for ", again
        case Why.SHARED:
            return f"{counted} {wait} for another to get {subject_of(reason)}", "", ""
        case Why.STEP:
            return f"{counted} {wait} in step {subject_of(reason)}", ", the first for ", ""
    return f"{waits_for(reason)}: {counted} {wait}", ", the first for ", ""


def _left_text(seconds: float) -> str:
    """Whole seconds, rounded up: ``3 s``, ``2:05``."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 60 else clock_text(whole)
