"""What the timelines of one picture share: size, scale, and the limits that keep the picture small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from drawer_ipy.common.counted import number_of
from drawer_ipy.pictures.spans import Track
from drawer_ipy.style.preview import clean, text_width

MOST_BARS = 500
"""Most bars of all loops together; if there are more, neighbours are joined."""

MOST_ROWS = 60
"""Most rows for the steps and loops of a run."""

CHAR = 6.4
"""Mean width of a character in a label, px."""


class Frame(NamedTuple):
    """What the drawings of one picture share.

    Attributes:
        width: of the picture, px.
        gutter: width of the labels on the left, px.
        end: the last moment on the axis, s.
        budget: most bars of one loop.
        labelled: whether there is room for the items' values in tooltips.
        several: whether there is more than one run.
    """

    width: int
    gutter: int
    end: float
    budget: int
    labelled: bool
    several: bool

    @classmethod
    def of(cls, tracks: Sequence[Sequence[Track]], width: int) -> Frame:
        """Return the frame for the rows of several runs.

        Args:
            width: of the picture, px.
        """
        shown = [track for several in tracks for track in several[:MOST_ROWS]]
        lines = [(10 * track.depth, line) for track in shown for line, _ in labels_of(track)]
        widest = max((indent + CHAR * (text_width(line) + 0.1) for indent, line in lines), default=0.0)
        loops = sum(1 for track in shown if track.loops)
        return cls(
            width,
            math.ceil(min(widest, width * 0.25) + 14),
            max(1e-6, *(track.end for several in tracks for track in several), 0.0) if shown else 1.0,
            MOST_BARS // max(1, loops),
            sum(len(track.spans) for track in shown) <= MOST_BARS // 2,
            len(tracks) > 1,
        )


def labels_of(track: Track) -> list[tuple[str, str]]:
    """The lines of a row's label, with their CSS classes."""
    name = ("↳ " if track.depth else "") + clean(track.label)
    if not track.loops:
        return [(name, "")]
    n = sum(track.counts)
    out = [(name, "b"), (number_of(n, "item"), "f")]
    out += [(f"{track.kept:,} kept", "f")] if track.kept else []
    return [*out, (f"in {track.loops:,} loops", "f")] if track.loops > 1 else out
