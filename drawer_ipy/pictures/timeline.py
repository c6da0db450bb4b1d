"""The timeline of a run: inline SVG that needs no script.

There is one row per step; the items of a loop are packed into as few lanes as possible. A state is shown by
colour and by shape: bars of failed items are taller than their lane and have a cross, those of cancelled
    items
are hollow, and those of running items end in an arrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from typing import NamedTuple

from drawer_ipy.pictures.picture import Picture
from drawer_ipy.pictures.spans import Load, Span, Track, load_of, pack, thin, tracks_of
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, SKIPPED, STATE_NAMES
from drawer_ipy.record.run import RunRecord
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.palette import EDGE, FONT, LANE, ON_FILL, TEXT, look_of
from drawer_ipy.style.preview import clean, cut, fit, make_cell, text_width

MOST_BARS = 500
"""Most bars of all loops together; if there are more, neighbours are joined."""

MOST_LANES = 48
"""Most lanes of a loop; if there are more, its load is drawn instead."""

MOST_ROWS = 60
"""Most rows for steps and loops."""

_ROW = 18.0
_LOAD = 64.0
_BINS = 140
_CHAR = 6.4  # mean width of a character, px, at the font size below
_DRAWN = (OK, RUNNING, CANCELLED, FAILED)

_STYLE = (
    f"<style>.dtl{{font:11px {FONT};font-variant-numeric:tabular-nums}}.dtl text{{fill:{TEXT}}}"
    ".dtl .f{opacity:.68}.dtl .b{font-weight:600}.dtl .e{text-anchor:end}.dtl .m{text-anchor:middle}"
    f".dtl .g{{stroke:{EDGE}}}.dtl .w{{fill:{LANE}}}"
    ".dtl .s{stroke-linejoin:round}.dtl .s>*:hover{opacity:.7}"
    "</style>"
)


def _paint(state: int) -> str:
    """Attributes of the bars of items in `state`, which also work in a file without its style."""
    colour = look_of(STATE_NAMES[state]).colour
    hollow = ' fill-opacity=".25"' if state == CANCELLED else ""
    return f'fill="{colour}"{hollow} stroke="{colour}"'


def timeline_svg(record: RunRecord, *, width: int = 800) -> str:
    """The run's timeline as an ``<svg>`` element of at most 60 KB; ``""`` if nothing has started.

    Args:
        record: the run, which may still be running.
        width: the width in pixels, at least 320.
    """
    tracks = tracks_of(record)
    return _Drawing(record, tracks, max(320, width)).svg() if tracks else ""


def timeline(record: RunRecord, *, width: int = 800) -> Picture:
    """The run's timeline as a picture, which notebooks display and which can be saved."""
    tracks = tracks_of(record)
    if not tracks:
        words = f"timeline of {clean(record.drawer)}: no step has started"
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dtl" role="img" width="{width}" height="20" '
            f'font-size="11">{_STYLE}<text x="4" y="14">{escape(words)}</text></svg>',
            words,
        )
    drawing = _Drawing(record, tracks, max(320, width))
    return Picture(drawing.svg(), drawing.words)


class _Scale(NamedTuple):
    """Converts times to horizontal positions in pixels."""

    left: float
    per_second: float

    def x(self, seconds: float) -> float:
        return self.left + seconds * self.per_second


class _Drawing:
    """Collects the parts of one picture from top to bottom."""

    def __init__(self, record: RunRecord, tracks: Sequence[Track], width: int) -> None:
        self.record = record
        self.tracks = tracks[:MOST_ROWS]
        self.left_out = len(tracks) - len(self.tracks)
        self.width = width
        self.end = max(1e-6, *(track.end for track in tracks))
        widest = max(
            10 * track.depth + _CHAR * (text_width(line) + 0.1)
            for track in self.tracks
            for line, _ in _labels(track)
        )
        left = math.ceil(min(widest, width * 0.25) + 14)
        self.gutter = left
        self.scale = _Scale(left, (width - left - 12) / self.end)
        self.back: list[str] = []
        self.bars: dict[int, list[str]] = {state: [] for state in _DRAWN}
        self.crosses: list[str] = []
        self.front: list[str] = []
        loops = sum(1 for track in self.tracks if track.loops)
        self.budget = MOST_BARS // max(1, loops)
        self.labelled = sum(len(track.spans) for track in self.tracks) <= MOST_BARS // 2

    def svg(self) -> str:
        y = self._head()
        top = y
        for track in self.tracks:
            y = self._track(track, y)
        if self.left_out:
            self.front.append(f'<text x="4" y="{y + 12:g}" class="f">and {self.left_out:,} more rows</text>')
            y += _ROW
        grid = self._axis(top, y)
        groups = "".join(
            f'<g class="s" {_paint(state)}>{"".join(parts)}</g>'
            for state, parts in self.bars.items()
            if parts
        )
        if self.crosses:
            groups += (
                f'<path d="{"".join(self.crosses)}" stroke="{ON_FILL}" stroke-width="1.4" fill="none" '
                'pointer-events="none"/>'
            )
        height = y + 22
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dtl" role="img" width="{self.width}" '
            f'height="{height:g}" viewBox="0 0 {self.width} {height:g}" font-size="11" '
            f'aria-label="{escape(self.words)}">{_STYLE}'
            f"{''.join(self.back)}{grid}{groups}{''.join(self.front)}</svg>"
        )

    @property
    def words(self) -> str:
        """The description of the picture in one line."""
        counts = ", ".join(f"{n:,} {STATE_NAMES[state]}" for state, n in self._counts())
        return clean(f"timeline of {self.record.drawer}: {counts}, {seconds_text(self.end)}")

    def _counts(self) -> list[tuple[int, int]]:
        """The number of items of the outermost loops by state, or of steps if there is no loop."""
        loops = [track for track in self.tracks if track.loops and not track.depth]
        if loops:
            sums = {s: sum(track.counts[s] for track in loops) for s in (*_DRAWN, SKIPPED)}
        else:
            sums = {s: sum(span.state == s for t in self.tracks for span in t.spans) for s in _DRAWN}
        return [(state, n) for state, n in sums.items() if n]

    # The head: the drawer's name, the time, and the legend

    def _head(self) -> float:
        title = fit(clean(self.record.drawer or "run"), 40)
        took = f" · {seconds_text(self.end)}"
        self.front.append(
            f'<text x="4" y="14"><tspan class="b">{escape(title)}</tspan>'
            f'<tspan class="f">{took}</tspan></text>'
        )
        counts = self._counts()
        entries = [(state, f"{n:,} {STATE_NAMES[state]}") for state, n in counts]
        need = sum(_CHAR * len(words) + (32 if state in self.bars else 14) for state, words in entries)
        y = 5.0 if need + _CHAR * text_width(title + took) + 20 < self.width else 23.0
        x = self.width - need if y < 20 else 4.0
        for state, words in entries:
            if state in self.bars:
                self._bar(x, y, 13, 10, state, "")
                x += 18
            self.front.append(f'<text x="{x:.1f}" y="{y + 9:g}">{words}</text>')
            x += _CHAR * len(words) + 14
        return y + 22

    # Rows

    def _track(self, track: Track, y: float) -> float:
        labels = _labels(track)
        room = int((self.gutter - 14 - 10 * track.depth) / _CHAR)
        for line, (text, css) in enumerate(labels):
            words = escape(fit(text, room))
            tip = f"<title>{escape(text)}</title>" if fit(text, room) != text else ""
            x = 4 + 10 * track.depth
            self.front.append(f'<text x="{x}" y="{y + 12 + 14 * line:g}" class="{css}">{words}{tip}</text>')
        if not track.loops:
            self._span(track.spans[0], y + 3, 11)
            return y + _ROW
        lanes = pack(track.spans)
        many = sum(map(len, lanes)) > self.budget
        as_load = track.stride > 1 or len(lanes) > (MOST_LANES if many else 2 * MOST_LANES)
        pitch = min(15.0, max(3.5, 230 / max(1, len(lanes))))
        height = _LOAD if as_load else max(14.0 * len(labels) + 5, len(lanes) * pitch)
        self.back.append(
            f'<rect class="w" x="{self.scale.x(track.begin):.1f}" y="{y:g}" rx="2" '
            f'width="{max(1.0, (track.end - track.begin) * self.scale.per_second):.1f}" height="{height:g}"/>'
        )
        if as_load:
            self._load(load_of(track, _BINS), y)
        else:
            self._lanes(lanes, y, pitch, many)
        return y + height + 6

    def _lanes(self, lanes: list[list[Span]], y: float, pitch: float, many: bool) -> None:
        gap = 4.0 if pitch >= 12 else pitch * 0.3
        if many:
            lanes = self._thinned(lanes)
        for number, lane in enumerate(lanes):
            for span in lane:
                self._span(span, y + number * pitch + gap / 2, pitch - gap)

    def _thinned(self, lanes: list[list[Span]]) -> list[list[Span]]:
        """The lanes with neighbours joined until the number of bars is within the limit."""
        least = sum(lane[-1].end - lane[0].begin for lane in lanes) / self.budget
        while True:
            thinned = [thin(lane, least) for lane in lanes]
            if sum(map(len, thinned)) <= max(self.budget, 4 * len(lanes)):
                return thinned
            least = 1.5 * least + 1e-9

    def _span(self, span: Span, y: float, height: float) -> None:
        x = self.scale.x(span.begin)
        width = max(1.0, (span.end - span.begin) * self.scale.per_second)
        state = span.state if span.state in self.bars else OK
        self._bar(x, y, width, height, state, escape(self._title(span)))

    def _bar(self, x: float, y: float, width: float, height: float, state: int, title: str) -> None:
        if state == FAILED:
            out = 2.0 if height >= 6 else 1.2
            y, height = y - out, height + 2 * out
            if width >= 8 and height >= 9:
                across, down = x + width / 2, y + height / 2
                self.crosses.append(f"M{across - 2.5:.1f} {down - 2.5:.1f}l5 5m0-5l-5 5")
        # Half a pixel on each side is the rounded outline.
        x, wide, high = x + 0.5, max(0.2, width - 1.6), max(0.5, height - 1)
        d = f"M{_n(x)} {_n(y + 0.5)}h{_n(wide)}"
        if state == RUNNING:
            d += f"l{_n(high / 2)} {_n(high / 2)}l{_n(-high / 2)} {_n(high / 2)}h{_n(-wide)}z"
        else:
            d += f"v{_n(high)}h{_n(-wide)}z"
        tip = f"><title>{title}</title></path>" if title else "/>"
        self.bars[state].append(f'<path d="{d}"{tip}')

    def _title(self, span: Span) -> str:
        name = STATE_NAMES[span.state]
        took = seconds_text(span.end - span.begin)
        if span.source is None:
            if span.count == 1:
                return f"{clean(span.names[0])} · {name} · {took}"
            more = ", …" if span.count > len(span.names) else ""
            return f"{span.count:,} {name}: {', '.join(span.names)}{more}"
        loop, index = span.source
        words = [span.names[0], name, took]
        found = loop.error_of(index) if span.state == FAILED else None
        if found is not None:
            words.append(f"{cut(clean(found[0]), 30)}: {cut(clean(found[1].code), 40)}")
        if self.labelled:
            words.append(cut(make_cell(partial(loop.items.__getitem__, index)).text, 50))
        return " · ".join(words)

    # A loop with too many lanes

    def _load(self, load: Load, y: float) -> None:
        bins = range(_BINS)
        whole = [sum(heights[place] for heights in load.heights.values()) for place in bins]
        top = max(1.0, *whole)
        tall = _LOAD - 10
        floor = y + _LOAD
        step = load.step * self.scale.per_second
        left = self.scale.x(load.begin)
        base = [0.0] * _BINS
        for state in (s for s in _DRAWN if s in load.heights):
            over = [low + load.heights[state][place] for place, low in enumerate(base)]
            edge = "".join(f"V{_n(floor - tall * h / top)}h{_n(step)}" for h in over)
            back = "".join(f"V{_n(floor - tall * h / top)}h{_n(-step)}" for h in reversed(base))
            self.bars[state].append(f'<path stroke="none" d="M{_n(left)} {_n(floor)}{edge}{back}z"/>')
            base = over
        for place, n in enumerate(load.ended.get(FAILED, ())):
            if n:
                x = left + (place + 0.5) * step
                self.bars[FAILED].append(f'<path d="M{_n(x - 2.5)} {_n(y + 1)}h5l-2.5 5z"/>')
        self.front += self._load_path(load, whole, y)

    def _load_path(self, load: Load, whole: Sequence[float], y: float) -> Iterator[str]:
        """The tooltip of a stretch of the load."""
        step, each = load.step * self.scale.per_second, 4
        yield '<g fill="transparent">'
        for place in range(0, _BINS, each):
            ended = {STATE_NAMES[s]: sum(n[place : place + each]) for s, n in load.ended.items()}
            listed = ", ".join(f"{n:,} {name}" for name, n in ended.items() if n) or "none"
            mean = sum(whole[place : place + each]) / len(whole[place : place + each])
            since = seconds_text(load.begin + place * load.step)
            x = self.scale.x(load.begin) + place * step
            yield (
                f'<path d="M{_n(x)} {_n(y)}h{_n(each * step)}v{_n(_LOAD)}h{_n(-each * step)}z">'
                f"<title>at {since}: {mean:,.0f} at once; ended: {listed}</title></path>"
            )
        yield "</g>"

    # The axis

    def _axis(self, top: float, bottom: float) -> str:
        lines, labels = [], []
        for seconds, words in _ticks(self.end, (self.width - self.gutter) / 80):
            x = self.scale.x(seconds)
            lines.append(f"M{_n(x)} {_n(top - 3)}V{_n(bottom)}")
            css = "f e" if x > self.width - 30 else "f m"
            at = min(x, self.width - 4) if css == "f e" else x
            labels.append(f'<text x="{_n(at)}" y="{_n(bottom + 14)}" class="{css}">{words}</text>')
        return f'<path class="g" d="{"".join(lines)}" stroke-width=".6" fill="none"/>{"".join(labels)}'


def _labels(track: Track) -> list[tuple[str, str]]:
    """The lines of a row's label, with their CSS classes."""
    name = ("↳ " if track.depth else "") + clean(track.label)
    if not track.loops:
        return [(name, "")]
    n = sum(track.counts)
    out = [(name, "b"), (f"{n:,} item{'' if n == 1 else 's'}", "f")]
    out += [(f"{track.kept:,} kept", "f")] if track.kept else []
    return [*out, (f"in {track.loops:,} loops", "f")] if track.loops > 1 else out


_STEPS = (1, 2, 5, 10, 15, 30)


def _ticks(end: float, most: float) -> list[tuple[float, str]]:
    """Round times from 0 to `end` seconds, at most `most`, each with its label."""
    size = _tick_size(end / max(2.0, most))
    return [(k * size, _tick_text(k * size, size)) for k in range(int(end / size + 1e-9) + 1)]


def _tick_size(least: float) -> float:
    if least <= 30:
        power = 10.0 ** math.floor(math.log10(least))
        for factor in (1, 2, 5, 10):
            if factor * power >= least * 0.999:
                return 60.0 if factor * power > 30 else 30.0 if factor * power > 10 else factor * power
    for unit in (60.0, 3600.0):
        for factor in _STEPS:
            if factor * unit >= least * 0.999:
                return factor * unit
    return 86400.0 * math.ceil(least / 86400)


def _tick_text(seconds: float, size: float) -> str:
    if not seconds:
        return "0"
    if size < 1e-3:
        return f"{seconds * 1e6:.4g} µs"
    if size < 0.1:
        return f"{seconds * 1e3:.4g} ms"
    if size < 30:
        return f"{seconds:.6g} s"
    minutes, rest = divmod(round(seconds), 60)
    if size < 3600 and minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


def _n(value: float) -> str:
    """A coordinate as short text with a precision of a tenth of a pixel."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
