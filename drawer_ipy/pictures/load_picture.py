"""The picture of a loop with too many lanes: how many items worked and waited at each moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from drawer_ipy.pictures.shapes import Scale, number
from drawer_ipy.pictures.spans import Load
from drawer_ipy.record.loop import FAILED, PAUSED, STATE_NAMES
from drawer_ipy.style.amounts import seconds_text

TALL = 64.0
"""The height of the picture, px."""

BINS = 140
"""The number of stretches of time."""


def draw_load(
    load: Load, y: float, scale: Scale, bars: Mapping[int, list[str]], hollow: list[str]
) -> Iterator[str]:
    """Add the areas of `load` to `bars`, by state, and to `hollow`; return the tooltips above them.

    Args:
        load: the load in :data:`BINS` stretches.
        y: the upper edge, px.
        scale: converts its times.
    """
    bins = range(BINS)
    whole = [sum(heights[place] for heights in load.heights.values()) for place in bins]
    top = max(1.0, *whole)
    step = load.step * scale.per_second
    left = scale.x(load.begin)
    base = [0.0] * BINS
    for state in (*bars, PAUSED):  # the items that waited are on top
        if state not in load.heights:
            continue
        over = [low + load.heights[state][place] for place, low in enumerate(base)]
        path = _area(base, over, (left, y + TALL), step, (TALL - 10) / top)
        if state == PAUSED:
            hollow.append(f'<path d="{path}"/>')
        else:
            bars[state].append(f'<path stroke="none" d="{path}"/>')
        base = over
    for place, n in enumerate(load.ended.get(FAILED, ())):
        if n:
            x = left + (place + 0.5) * step
            bars[FAILED].append(f'<path d="M{number(x - 2.5)} {number(y + 1)}h5l-2.5 5z"/>')
    return _tooltips(load, whole, y, scale)


def _area(
    base: Sequence[float], over: Sequence[float], corner: tuple[float, float], step: float, each: float
) -> str:
    """The area between two lines; `each` is the height of one item, px."""
    left, floor = corner
    edge = "".join(f"V{number(floor - each * h)}h{number(step)}" for h in over)
    back = "".join(f"V{number(floor - each * h)}h{number(-step)}" for h in reversed(base))
    return f"M{number(left)} {number(floor - each * base[0])}{edge}{back}z"


def _tooltips(load: Load, whole: Sequence[float], y: float, scale: Scale) -> Iterator[str]:
    step, each = load.step * scale.per_second, 4
    yield '<g fill="transparent">'
    for place in range(0, BINS, each):
        ended = {STATE_NAMES[s]: sum(n[place : place + each]) for s, n in load.ended.items()}
        listed = ", ".join(f"{n:,} {name}" for name, n in ended.items() if n) or "none"
        mean = _mean(whole[place : place + each])
        waited = _mean(load.heights[PAUSED][place : place + each]) if PAUSED in load.heights else 0.0
        of_them = f", {waited:,.0f} of them waiting" if waited >= 0.5 else ""
        since = seconds_text(load.begin + place * load.step)
        x = scale.x(load.begin) + place * step
        box = f"M{number(x)} {number(y)}h{number(each * step)}v{number(TALL)}h{number(-each * step)}z"
        yield (
            f'<path d="{box}"><title>at {since}: {mean:,.0f} at once{of_them}; ended: {listed}</title></path>'
        )
    yield "</g>"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
