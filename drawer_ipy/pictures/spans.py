"""The data of a timeline: when each step and item of a run was running, as spans on lanes.

The work and the size of the result are limited for any number of items: of a very long loop only every n-th
item is used (and, up to a limit, every item that did not end ok), and spans too short to be visible are
joined with their neighbours on the lane.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from drawer_ipy.record.inner import loops_in
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, PAUSED, RUNNING, STATE_NAMES, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.waits import Reason

EXAMINED = 40_000
"""Most items of all loops of one row that are all used."""

SAMPLED = 5_000
"""About how many are used if there are more: some 35 for each stretch of the picture."""

_STEP_STATES = {"ok": OK, "running": RUNNING, "paused": PAUSED, "cancelled": CANCELLED}
_NAMED = 3

Stretch = tuple[float, float, Reason]
"""A wait: its beginning and end in seconds since the run began, and the reason."""


@dataclass(slots=True)
class Span:
    """The time of one item or step, or of several that are too short to be drawn separately.

    Attributes:
        begin, end: seconds since the run began.
        state: the state in which it ended, by state number.
        names: the first few items.
        count: the number of items.
        source: the loop and the index in it, if it is one item.
        waits: when it waited, each as its beginning, its end and the reason. If the span stands for several
            items, one interval shows the share of their time.
    """

    begin: float
    end: float
    state: int
    names: list[str]
    count: int = 1
    source: tuple[LoopRecord, int] | None = None
    waits: Sequence[Stretch] = ()


@dataclass(slots=True)
class Track:
    """One row of a timeline: a step, or the items of a loop.

    Attributes:
        label: the step's id.
        depth: how deeply it is nested.
        spans: the spans, sorted by their beginning.
        begin, end: the time of the whole row, in seconds since the run began.
        loops: the number of loops that its items belong to; 0 for a step that is not a loop.
        counts: how many items ended in each state, by state number, without kept ones.
        kept: the number of items that were kept from an earlier press.
        stride: n if every n-th item was used; 1 for all items. A span's count is the number of items that it
            represents.
        waited: seconds for which items, or the step, waited, all together.
    """

    label: str
    depth: int
    spans: list[Span]
    begin: float
    end: float
    loops: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * len(STATE_NAMES))
    kept: int = 0
    stride: int = 1
    waited: float = 0.0


def tracks_of(record: RunRecord) -> list[Track]:
    """The rows of a timeline: the steps in order, each loop with the loops within it below."""
    zero = _zero(record)
    if zero is None:
        return []
    now = (record.finished or record.clock()) - zero
    out: list[Track] = []
    for step in record.steps + record.compensations:
        if step.started:
            out += _step_tracks(step, zero, now)
    return out


def _zero(record: RunRecord) -> float | None:
    started = [step.started for step in record.steps if step.started]
    return min([*started, *([record.started] if record.started else [])]) if started else None


def _step_tracks(step: StepResult, zero: float, now: float) -> Iterator[Track]:
    begin = max(0.0, step.started - zero)
    end = max(begin, (step.finished - zero) if step.finished else now)
    if isinstance(step.output, LoopOutput):
        yield from _loop_tracks([(step.output.record, "")], zero, 0, (begin, end))
        return
    state = _STEP_STATES.get(step.status, FAILED)
    waits = () if step.waits is None else step.waits.until(zero + end)
    # Without those of a step that was kept from an earlier press.
    stretches = [(wait.begin - zero, wait.end - zero, wait.reason) for wait in waits if wait.begin >= zero]
    span = Span(begin, end, state, [step.id], waits=stretches)
    yield Track(step.id, 0, [span], begin, end, waited=_seconds(stretches))


Named = tuple[LoopRecord, str]
"""A loop, and the prefix of the index in the names of its items."""


def _loop_tracks(
    loops: Sequence[Named], zero: float, depth: int, whole: tuple[float, float] | None = None
) -> Iterator[Track]:
    """The row of all loops of the same step, then the rows of the loops within their items."""
    counts = [sum(column) for column in zip(*(loop.counts for loop, _ in loops), strict=True)]
    total = sum(counts)
    stride = -(-total // SAMPLED) if total > EXAMINED else 1
    spans = [span for named in loops for span in _spans(named, zero, stride)]
    if not spans and whole is None:
        return
    spans.sort(key=lambda span: span.begin)
    begin, end = whole or (spans[0].begin, max(span.end for span in spans))
    kept = sum(loop.kept for loop, _ in loops)
    if kept:
        counts = [sum(span.count for span in spans if span.state == s) for s in range(len(counts))]
    waits = [wait for loop, _ in loops if loop.waits is not None for wait in loop.waits]
    waited = sum(wait.end - wait.begin for wait in waits)
    yield Track(loops[0][0].path[-1], depth, spans, begin, end, len(loops), counts, kept, stride, waited)
    inner: dict[str, list[Named]] = {}
    for loop, prefix in loops:
        for column in loop.columns:
            found = inner.setdefault(column.id, [])
            if len(found) < EXAMINED:
                found += [(within, f"{prefix}{index}.") for index, within in loops_in(loop, column)]
    for below in inner.values():
        if below:
            yield from _loop_tracks(below, zero, depth + 1)


def _spans(named: Named, zero: float, stride: int) -> Iterator[Span]:
    loop, prefix = named
    offset, still = max(0.0, loop.began - zero), loop.elapsed
    states, started, finished = loop.states, loop.started, loop.finished
    waits: dict[int, list[Stretch]] = {}
    for wait in () if loop.waits is None else loop.waits.until(still):
        waits.setdefault(wait.item, []).append((offset + wait.begin, offset + wait.end, wait.reason))
    for index, weight in _examined(loop, stride):
        begin = started[index]
        held: Sequence[Stretch] = waits.get(index, ())
        if begin > 0 or (held and states[index] == PAUSED):  # a value below 0 is an item of an earlier press
            end = offset + max(begin, finished[index] or still)
            since = offset + begin
            if held:  # an item may have waited for the loop's rate before it began
                since = min(since, *(wait[0] for wait in held)) if begin > 0 else held[0][0]
            names = [f"{prefix}{index}"]
            yield Span(since, end, states[index], names, weight, (loop, index), held)


def _examined(loop: LoopRecord, stride: int) -> Iterable[tuple[int, int]]:
    """The indices of the items that are used, and how many items each represents."""
    n = len(loop.states)
    if stride == 1:
        return ((index, 1) for index in range(n))
    # If there are only a few failures, all of them are used.
    if loop.counts[FAILED] + loop.counts[CANCELLED] > SAMPLED:
        return ((index, stride) for index in range(0, n, stride))
    odd = [match.start() for match in _NOT_OK.finditer(bytes(loop.states))]
    weights = dict.fromkeys(range(0, n, stride), stride) | dict.fromkeys(odd, 1)
    return sorted(weights.items())


_NOT_OK = re.compile(b"[%c%c]" % (FAILED, CANCELLED))


def pack(spans: Iterable[Span]) -> list[list[Span]]:
    """Distribute spans (sorted by beginning) to as few lanes as possible, each to the first free lane."""
    lanes: list[list[Span]] = []
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    for span in spans:
        while busy and busy[0][0] <= span.begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(span)
        heapq.heappush(busy, (span.end, lane))
    return lanes


def thin(lane: Sequence[Span], least: float) -> list[Span]:
    """Join neighbours on the lane until each stretch is at least `least` seconds long.

    A stretch with several states becomes one span per state, next to each other with proportional lengths.
    """
    out: list[Span] = []
    stretch: list[Span] = []
    for span in lane:
        if stretch and max(span.end, stretch[-1].end) - stretch[0].begin > least:
            out += _joined(stretch)
            stretch = []
        stretch.append(span)
    return out + (_joined(stretch) if stretch else [])


def _seconds(waits: Iterable[Stretch]) -> float:
    return sum(end - begin for begin, end, _ in waits)


def _joined(stretch: list[Span]) -> list[Span]:
    if len(stretch) == 1:
        return stretch
    begin, end = stretch[0].begin, stretch[-1].end
    waits = [wait for span in stretch for wait in span.waits]
    held = _seconds(waits) / max(1e-9, sum(span.end - span.begin for span in stretch))
    parts: dict[int, Span] = {}
    for span in stretch:
        part = parts.get(span.state)
        if part is None:
            parts[span.state] = Span(0.0, 0.0, span.state, span.names[:_NAMED], span.count)
        else:
            part.count += span.count
            part.names += span.names[: _NAMED - len(part.names)]
    whole = sum(part.count for part in parts.values())
    # Failures get at least a third of the stretch, so that they are visible.
    shares = {s: max(p.count / whole, 0.0 if s == OK else 0.34) for s, p in parts.items()}
    scale = (end - begin) / sum(shares.values())
    for state in sorted(parts):
        part = parts[state]
        part.begin, part.end = begin, begin + shares[state] * scale
        if waits:
            longest = max(waits, key=lambda wait: wait[1] - wait[0])
            part.waits = [(begin, begin + min(1.0, held) * (part.end - begin), longest[2])]
        begin = part.end
    return [parts[state] for state in sorted(parts)]


@dataclass(slots=True)
class Load:
    """How many items ran at once in equal stretches of time.

    Attributes:
        begin, step: the start of the first stretch and the length of each, in seconds.
        heights: state in which the items ended -> mean number of items at work in each stretch; those that
            waited are under ``PAUSED``.
        ended: state -> how many items ended in each stretch.
    """

    begin: float
    step: float
    heights: dict[int, list[float]]
    ended: dict[int, list[int]]


def load_of(track: Track, bins: int) -> Load:
    """The load of `track` in `bins` stretches, for a track with too many lanes to draw."""
    step = max(1e-9, (track.end - track.begin) / bins)
    load = Load(track.begin, step, {}, {})
    # The contribution of an item to the stretches between its first and its last is stored as differences.
    between: dict[int, list[float]] = {}

    def add(state: int, since: float, until: float, count: int) -> int:
        heights = load.heights.setdefault(state, [0.0] * bins)
        rises = between.setdefault(state, [0.0] * (bins + 1))
        begin, end = (since - track.begin) / step, (until - track.begin) / step
        first = min(bins - 1, max(0, int(begin)))
        last = min(bins - 1, max(first, int(end)))
        if first == last:
            heights[first] += count * (end - begin)
        else:
            heights[first] += count * (first + 1 - begin)
            heights[last] += count * (end - last)
            rises[first + 1] += count
            rises[last] -= count
        return last

    for span in track.spans:
        last = add(span.state, span.begin, span.end, span.count)
        for since, until, _ in span.waits:
            add(PAUSED, since, until, span.count)
            add(span.state, since, until, -span.count)
        load.ended.setdefault(span.state, [0] * bins)[last] += span.count
    for state, rises in between.items():
        for place, height in enumerate(accumulate(rises[:bins])):
            load.heights[state][place] += height
    return load
