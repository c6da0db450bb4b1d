"""Shapes of a timeline as SVG path data."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """Converts times to horizontal positions in pixels."""

    left: float
    per_second: float

    def x(self, seconds: float) -> float:
        return self.left + seconds * self.per_second


def number(value: float) -> str:
    """A coordinate as short text with a precision of a tenth of a pixel."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def box(x: float, y: float, width: float, height: float, *, arrow: bool = False) -> str:
    """A part of a bar as path data; with an `arrow`, its right end is a point."""
    # Half a pixel on each side is the rounded outline.
    x, wide, high = x + 0.5, max(0.2, width - 1.6), max(0.5, height - 1)
    d = f"M{number(x)} {number(y + 0.5)}h{number(wide)}"
    if arrow:
        half = number(high / 2)
        return d + f"l{half} {half}l-{half} {half}h{number(-wide)}z"
    return d + f"v{number(high)}h{number(-wide)}z"


def tip(title: str) -> str:
    return f"><title>{title}</title></path>" if title else "/>"
