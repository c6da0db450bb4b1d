"""The timeline of a run: inline SVG that needs no script.

There is one row per step; the items of a loop are packed into as few lanes as possible. A state is shown by
colour and by shape: bars of failed items are taller than their lane and have a cross, those of cancelled
items are pale, and those of running items end in an arrow. A bar is an outline while its item waited.

Several runs are drawn one below the other, each from its own beginning, on one axis.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape

from drawer_ipy.pictures.frame import CHAR, MOST_ROWS, Frame, labels_of
from drawer_ipy.pictures.load_picture import BINS, TALL, draw_load
from drawer_ipy.pictures.picture import PLAIN, Picture
from drawer_ipy.pictures.pieces import pieces_of
from drawer_ipy.pictures.shapes import Scale, box, number, tip
from drawer_ipy.pictures.spans import Span, Track, load_of, pack, thin, tracks_of
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, PAUSED, RUNNING, SKIPPED, STATE_NAMES
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.waits import Wait, waited
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.palette import EDGE, FONT, LANE, ON_FILL, TEXT, look_of
from drawer_ipy.style.preview import clean, cut, fit, make_cell, text_width
from drawer_ipy.style.waiting import waited_text

MOST_LANES = 48
"""Most lanes of a loop; if there are more, its load is drawn instead."""

_ROW = 18.0
_DRAWN = (OK, RUNNING, CANCELLED, FAILED)
_NAMED = (*_DRAWN, SKIPPED, PAUSED)

_STYLE = (
    f"<style>.dtl{{font:11px {FONT};font-variant-numeric:tabular-nums}}.dtl text{{fill:{TEXT}}}"
    ".dtl .f{opacity:.75}.dtl .b{font-weight:600}.dtl .e{text-anchor:end}.dtl .m{text-anchor:middle}"
    f".dtl .g{{stroke:{EDGE};stroke-opacity:1}}.dtl .w{{fill:{LANE};fill-opacity:1}}"
    ".dtl .s{stroke-linejoin:round}.dtl .s>*:hover{opacity:.7}"
    "</style>"
)


def _paint(state: int) -> str:
    """Attributes of the bars of items in `state`, which also work in a file without its style."""
    colour = look_of(STATE_NAMES[state]).colour
    opacity = {CANCELLED: ' fill-opacity=".25"', PAUSED: ' fill-opacity="0"'}.get(state, "")
    return f'fill="{colour}"{opacity} stroke="{colour}"'


def timeline_svg(record: RunRecord, *, width: int = 800) -> str:
    """The run's timeline as an ``<svg>`` element of at most 60 KB; ``""`` if nothing has started.

    Args:
        record: the run, which may still be running.
        width: the width in pixels, at least 320.
    """
    drawings = _drawings([record], max(320, width))
    return _svg(drawings) if drawings[0].tracks else ""


def timeline(record: RunRecord, *others: RunRecord, width: int = 800) -> Picture:
    """The timelines of runs as one picture, which notebooks display and which can be saved.

    Args:
        record: the run.
        others: runs to draw below it on the same axis.
        width: see :func:`timeline_svg`.
    """
    drawings = _drawings([record, *others], max(320, width))
    if not any(drawing.tracks for drawing in drawings):
        words = "; ".join(drawing.words for drawing in drawings)
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dtl" role="img" width="{width}" height="20" '
            f'aria-label="{escape(words)}" font-size="11" {PLAIN}>{_STYLE}'
            f'<text x="4" y="14">{escape(words)}</text></svg>',
            words,
        )
    return Picture(_svg(drawings), "; ".join(drawing.words for drawing in drawings))


def _drawings(records: Sequence[RunRecord], width: int) -> list[_Drawing]:
    """The drawings of runs, all with the same scale."""
    tracks = [tracks_of(record) for record in records]
    frame = Frame.of(tracks, width)
    return [_Drawing(record, rows, frame) for record, rows in zip(records, tracks, strict=True)]


def _svg(drawings: Sequence[_Drawing]) -> str:
    """The drawings one below the other as an ``<svg>`` element, above the labels of their axis."""
    y, parts = 0.0, []
    for drawing in drawings:
        body, height = drawing.body()
        parts.append(f'<g transform="translate(0 {number(y)})">{body}</g>' if y else body)
        y += height + (8 if drawing is not drawings[-1] else 0)
    frame = drawings[0].frame
    height = y + 22
    words = "; ".join(drawing.words for drawing in drawings)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dtl" role="img" width="{frame.width}" '
        f'height="{height:g}" viewBox="0 0 {frame.width} {height:g}" font-size="11" {PLAIN} '
        f'aria-label="{escape(words)}">{_STYLE}'
        f"{''.join(parts)}{''.join(_axis_labels(frame, y))}</svg>"
    )


class _Drawing:
    """Collects the parts of one picture from top to bottom."""

    def __init__(self, record: RunRecord, tracks: Sequence[Track], frame: Frame) -> None:
        self.record = record
        self.tracks = tracks[:MOST_ROWS]
        self.left_out = len(tracks) - len(self.tracks)
        self.frame = frame
        self.end = max((track.end for track in tracks), default=0.0)
        self.waited = sum(track.waited for track in self.tracks if not track.depth)
        self.scale = _scale(frame)
        self.back: list[str] = []
        self.bars: dict[int, list[str]] = {state: [] for state in _DRAWN}
        self.hollow: list[str] = []
        self.crosses: list[str] = []
        self.front: list[str] = []

    def body(self) -> tuple[str, float]:
        """The parts of the picture, and their height."""
        y = self._head()
        top = y
        for track in self.tracks:
            y = self._track(track, y)
        if self.left_out:
            self.front.append(f'<text x="4" y="{y + 12:g}" class="f">and {self.left_out:,} more rows</text>')
            y += _ROW
        grid = self._grid(top, y)
        groups = "".join(
            f'<g class="s" {_paint(state)}>{"".join(parts)}</g>'
            for state, parts in self.bars.items()
            if parts
        )
        if self.hollow:
            groups += f'<g class="h" {_paint(PAUSED)}>{"".join(self.hollow)}</g>'
        if self.crosses:
            groups += (
                f'<path d="{"".join(self.crosses)}" stroke="{ON_FILL}" stroke-width="1.4" fill="none" '
                'pointer-events="none"/>'
            )
        return f"{''.join(self.back)}{grid}{groups}{''.join(self.front)}", y

    @property
    def words(self) -> str:
        """The description of the picture in one line."""
        if not self.tracks:
            return f"timeline of {clean(self.record.drawer)}: no step has started"
        counts = ", ".join(words for _, words in self._entries())
        return clean(f"timeline of {self.record.drawer}: {counts}, {seconds_text(self.end)}")

    def _entries(self) -> list[tuple[int, str]]:
        """The legend: states with the number of items in them, and how long items waited."""
        entries = [(state, f"{n:,} {STATE_NAMES[state]}") for state, n in self._counts()]
        waited = [(PAUSED, f"waited {seconds_text(self.waited)}")] if self.waited else []
        return entries + waited

    def _counts(self) -> list[tuple[int, int]]:
        """The number of items of the outermost loops by state, or of steps if there is no loop."""
        loops = [track for track in self.tracks if track.loops and not track.depth]
        if loops:
            sums = {s: sum(sum(track.counts[s : s + 1]) for track in loops) for s in _NAMED}
        else:
            sums = {s: sum(span.state == s for t in self.tracks for span in t.spans) for s in _NAMED}
        return [(state, n) for state, n in sums.items() if n]

    # The head: the drawer's name, the time, and the legend

    def _head(self) -> float:
        title = fit(clean(self.record.drawer or "run"), 40)
        took = f" · {seconds_text(self.end)}" if self.tracks else " · no step has started"
        if self.frame.several and self.record.started:
            took += time.strftime(" · began %H:%M:%S", time.localtime(self.record.started))
        self.front.append(
            f'<text x="4" y="14"><tspan class="b" font-weight="600">{escape(title)}</tspan>'
            f'<tspan class="f">{took}</tspan></text>'
        )
        entries = self._entries()
        with_bar = (*_DRAWN, PAUSED)
        need = sum(CHAR * len(words) + (32 if state in with_bar else 14) for state, words in entries)
        y = 5.0 if need + CHAR * text_width(title + took) + 20 < self.frame.width else 23.0
        x = self.frame.width - need if y < 20 else 4.0
        for state, words in entries:
            if state == PAUSED:
                self._outline([(x, 13)], y, 10, "")
            elif state in with_bar:
                self._bar([(x, 13)], y, 10, state, "")
            x += 18 if state in with_bar else 0
            self.front.append(f'<text x="{x:.1f}" y="{y + 9:g}">{words}</text>')
            x += CHAR * len(words) + 14
        return y + 22

    # Rows

    def _track(self, track: Track, y: float) -> float:
        labels = labels_of(track)
        room = int((self.frame.gutter - 14 - 10 * track.depth) / CHAR)
        for line, (text, css) in enumerate(labels):
            words = escape(fit(text, room))
            tip = f"<title>{escape(text)}</title>" if fit(text, room) != text else ""
            x = 4 + 10 * track.depth
            self.front.append(f'<text x="{x}" y="{y + 12 + 14 * line:g}" class="{css}">{words}{tip}</text>')
        if not track.loops:
            self._span(track.spans[0], y + 3, 11)
            return y + _ROW
        lanes = pack(track.spans) if track.stride == 1 else []
        many = sum(1 + len(span.waits) for lane in lanes for span in lane) > self.frame.budget
        as_load = track.stride > 1 or len(lanes) > (MOST_LANES if many else 2 * MOST_LANES)
        pitch = min(15.0, max(3.5, 230 / max(1, len(lanes))))
        height = TALL if as_load else max(14.0 * len(labels) + 5, len(lanes) * pitch)
        self.back.append(
            '<rect class="w" fill="currentColor" fill-opacity=".08" rx="2" '
            f'x="{self.scale.x(track.begin):.1f}" y="{y:g}" '
            f'width="{max(1.0, (track.end - track.begin) * self.scale.per_second):.1f}" height="{height:g}"/>'
        )
        if as_load:
            self.front += draw_load(load_of(track, BINS), y, self.scale, self.bars, self.hollow)
        else:
            self._lanes(lanes, y, pitch, many)
        return y + height + 6

    def _lanes(self, lanes: list[list[Span]], y: float, pitch: float, many: bool) -> None:
        gap = 4.0 if pitch >= 12 else pitch * 0.3
        if many:
            lanes = self._thinned(lanes)
        for place, lane in enumerate(lanes):
            for span in lane:
                self._span(span, y + place * pitch + gap / 2, pitch - gap)

    def _thinned(self, lanes: list[list[Span]]) -> list[list[Span]]:
        """The lanes with neighbours joined until the number of bars is within the limit."""
        least = sum(lane[-1].end - lane[0].begin for lane in lanes) / self.frame.budget
        while True:
            thinned = [thin(lane, least) for lane in lanes]
            if sum(map(len, thinned)) <= max(self.frame.budget, 4 * len(lanes)):
                return thinned
            least = 1.5 * least + 1e-9

    def _span(self, span: Span, y: float, height: float) -> None:
        lasts = span.state == PAUSED
        pieces = pieces_of(span, self.scale.x, lasts=lasts)
        state = RUNNING if lasts else span.state if span.state in self.bars else OK
        title = escape(self._title(span))
        if pieces.solid:
            self._bar(pieces.solid, y, height, state, title, arrow=not lasts)
        if pieces.hollow:
            told = escape(self._waited_title(span)) if self.frame.labelled else ""
            self._outline(pieces.hollow, y, height, told if pieces.solid else title)

    def _bar(
        self,
        pieces: Sequence[tuple[float, float]],
        y: float,
        height: float,
        state: int,
        title: str,
        *,
        arrow: bool = True,
    ) -> None:
        """Draw the solid parts of a bar, each given by its left edge and width."""
        x, width = pieces[-1]
        if state == FAILED:
            out = 2.0 if height >= 6 else 1.2
            y, height = y - out, height + 2 * out
            if width >= 8 and height >= 9:
                across, down = x + width / 2, y + height / 2
                self.crosses.append(f"M{across - 2.5:.1f} {down - 2.5:.1f}l5 5m0-5l-5 5")
        d = "".join(box(a, y, wide, height) for a, wide in pieces[:-1])
        d += box(x, y, width, height, arrow=arrow and state == RUNNING)
        self.bars[state].append(f'<path d="{d}"{tip(title)}')

    def _outline(self, pieces: Sequence[tuple[float, float]], y: float, height: float, title: str) -> None:
        """Draw the parts of a bar while its item waited."""
        d = "".join(box(x, y, width, height) for x, width in pieces)
        self.hollow.append(f'<path d="{d}"{tip(title)}')

    def _waited_title(self, span: Span) -> str:
        words = "; ".join(
            waited_text(reason, times, seconds)
            for reason, (times, seconds) in waited(
                Wait(0, 0, reason, begin, end) for begin, end, reason in span.waits
            ).items()
        )
        return f"{clean(span.names[0])} · waited {words}"

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
        if self.frame.labelled:
            words.append(cut(make_cell(partial(loop.items.__getitem__, index)).text, 50))
        return " · ".join(words)

    # The axis

    def _grid(self, top: float, bottom: float) -> str:
        xs = (self.scale.x(seconds) for seconds, _ in _frame_ticks(self.frame))
        lines = "".join(f"M{number(x)} {number(top - 3)}V{number(bottom)}" for x in xs)
        plain = 'stroke="currentColor" stroke-opacity=".3" stroke-width=".6" fill="none"'
        return f'<path class="g" d="{lines}" {plain}/>'


def _scale(frame: Frame) -> Scale:
    return Scale(frame.gutter, (frame.width - frame.gutter - 12) / frame.end)


def _frame_ticks(frame: Frame) -> list[tuple[float, str]]:
    return _ticks(frame.end, (frame.width - frame.gutter) / 80)


def _axis_labels(frame: Frame, bottom: float) -> Iterator[str]:
    """The times below the last row."""
    for seconds, words in _frame_ticks(frame):
        x = _scale(frame).x(seconds)
        last = x > frame.width - 30
        css, anchor = ("f e", "end") if last else ("f m", "middle")
        at = f'x="{number(min(x, frame.width - 4) if last else x)}" y="{number(bottom + 14)}"'
        yield f'<text {at} class="{css}" text-anchor="{anchor}">{words}</text>'


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
