"""The parts of a bar: solid while its item worked, hollow while it waited."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from drawer_ipy.pictures.spans import Span

_LEAST = 1.5
"""Least width in pixels of a hollow part, and of the solid part at the end, which shows the state."""

_MOST = 12
"""Most hollow parts of one bar."""


class Pieces(NamedTuple):
    """The parts of one bar from left to right, each as its left edge and its width in pixels."""

    solid: list[tuple[float, float]]
    hollow: list[tuple[float, float]]


def pieces_of(span: Span, x: Callable[[float], float], *, lasts: bool) -> Pieces:
    """Divide the bar of `span`.

    Args:
        x: converts seconds to pixels.
        lasts: whether the bar may end with a hollow part, since the item still waits.
    """
    left, right = x(span.begin), x(span.end)
    right = max(right, left + 1.0)
    if not span.waits:
        return Pieces([(left, right - left)], [])
    edge = right if lasts else right - min(_LEAST, right - left)
    longest = sorted(span.waits, key=lambda wait: wait[0] - wait[1])[:_MOST]
    hollow: list[tuple[float, float]] = []
    for begin, end, _ in sorted(longest):
        a, b = max(left, x(begin)), min(edge, x(end))
        if hollow and a - sum(hollow[-1]) < 1.0:  # with no room for work in between
            a = hollow.pop()[0]
        if b - a >= _LEAST:
            hollow.append((a, b - a))
    solid: list[tuple[float, float]] = []
    at = left
    for a, width in hollow:
        if a - at >= 0.5:
            solid.append((at, a - at))
        at = a + width
    if right - at > 0.2:
        solid.append((at, right - at))
    return Pieces(solid, hollow)
