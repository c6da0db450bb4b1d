"""The graph of a drawer: steps, loops and branches as boxes, with arrows for references between them.

The colours are the front end's (JupyterLab's and VS Code's variables) with fallbacks; the words and the
outline of a box also show its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from drawer_ipy.common.counted import number_of
from drawer_ipy.definition.models import DrawerModel
from drawer_ipy.pictures.graph_model import Box, Lane, lane_of, rewrite
from drawer_ipy.pictures.layers import Edge, Placed, Point, place
from drawer_ipy.pictures.mermaid import mermaid_text
from drawer_ipy.pictures.picture import PLAIN, Picture
from drawer_ipy.style.palette import BOX, FONT, KINDS, OTHER_KIND, TEXT
from drawer_ipy.style.preview import clean, cut, text_width

_PAD = 12.0
_TITLE, _SMALL = 7.2, 6.3  # mean width of a character, px
_LINE = 15.0
_HEAD = 24.0
_ROUND = ("input", "variable", "return", "on_error")
_MOST = 900.0

_STYLE = (
    f"<style>.dgr{{font:12px {FONT}}}.dgr text{{fill:{TEXT}}}"
    ".dgr .n{font-weight:600}.dgr .l{font-size:11px;opacity:.78}.dgr .i{font-size:10px;opacity:.75}"
    ".dgr .e{text-anchor:end}.dgr .m{text-anchor:middle}"
    f".dgr .x{{fill:{BOX};fill-opacity:1}}"
    ".dgr .x,.dgr .c{stroke-width:1.2}"
    ".dgr .c{fill-opacity:.07}"
    ".dgr .br{fill:none;stroke-dasharray:4 3;stroke-opacity:.55}"
    ".dgr .a{fill:none;stroke-width:1.3}.dgr .a,.dgr .h{stroke:currentColor;opacity:.65}"
    ".dgr .h{fill:currentColor}.dgr .o{stroke-dasharray:1.5 4;stroke-linecap:round}"
    "</style>"
)


class Graph(Picture):
    """A drawer's picture.

    Args:
        drawer: the definition; if it has errors, only the readable parts are drawn.
        hide: redacts secrets in a text.

    Attributes:
        mermaid: the same as Mermaid text, for Markdown files and issues.
    """

    def __init__(self, drawer: DrawerModel, hide: Callable[[str], str] | None = None) -> None:
        lane = lane_of(drawer)
        if hide is not None:
            rewrite(lane, hide)
        self.mermaid: str = mermaid_text(lane)
        super().__init__(_svg(lane, drawer.name), _text(drawer))


def _text(drawer: DrawerModel) -> str:
    n = len(drawer.steps)
    return f"graph of {clean(drawer.name) or 'a drawer'}: {number_of(n, 'step')}; see .mermaid, .svg"


@dataclass(slots=True)
class _Inside:
    """The layout of a lane: the positions of its boxes below its title."""

    lane: Lane
    shapes: list[_Shape]
    placed: Placed
    width: float
    height: float


@dataclass(slots=True)
class _Shape:
    """A box with its size."""

    box: Box
    width: float
    height: float
    inside: list[_Inside]
    head: float


def _svg(lane: Lane, name: str) -> str:
    inside = _lay_out(lane, _MOST)
    note = 16.0 if _has_order(lane) else 0.0
    width = max(160.0, inside.width + 8)
    height = inside.height + 8 + note
    drawn = f'<g transform="translate(4 4)">{_draw_inside(inside)}</g>'
    if note:
        drawn += f'<text x="4" y="{height - 4:.0f}" class="i">dotted: only runs after it</text>'
    if not lane.boxes:
        drawn = '<text x="8" y="24" class="l">no steps yet</text>'
        height = 40.0
    said = escape(clean(f"graph of the drawer {name}"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dgr" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" font-size="12" {PLAIN} '
        f'aria-label="{said}">{_STYLE}{drawn}</svg>'
    )


def _has_order(lane: Lane) -> bool:
    return bool(lane.order) or any(_has_order(inner) for box in lane.boxes for inner in box.lanes)


# Sizes


def _lay_out(lane: Lane, most: float) -> _Inside:
    shapes = [_shape(box, most - 2 * _PAD) for box in lane.boxes]
    edges = lane.edges + lane.order
    # The on_error box is below the steps, without an arrow.
    last = max((k for k, box in enumerate(lane.boxes) if box.number), default=None)
    ends = [k for k, box in enumerate(lane.boxes) if box.kind == "on_error"]
    hidden = [(last, k) for k in ends] if last is not None else []
    placed = place([(shape.width, shape.height) for shape in shapes], [*edges, *hidden], most)
    for edge in hidden:
        placed.routes.pop(edge, None)
    title = _SMALL * text_width(lane.title) + 8 if lane.title else 0.0
    wide = max(placed.width, title)
    if wide > placed.width:
        shift = (wide - placed.width) / 2
        placed.at = [(x + shift, y) for x, y in placed.at]
        placed.routes = {e: [(x + shift, y) for x, y in points] for e, points in placed.routes.items()}
    return _Inside(lane, shapes, placed, wide, placed.height)


def _shape(box: Box, most: float) -> _Shape:
    if box.kind in _ROUND:
        text = _TITLE * text_width(box.name) + _SMALL * text_width(" ".join(["", *box.lines]))
        return _Shape(box, max(44.0, text + 24), 24.0, [], 0.0)
    words = [_TITLE * text_width(box.name) + _SMALL * text_width(_tag(box)) + 34]
    words += [_SMALL * text_width(line) for line in box.lines]
    head = _HEAD + _LINE * len(box.lines) + (0.0 if box.lanes else 4.0)
    inside = [_lay_out(lane, most / max(1, len(box.lanes))) for lane in box.lanes]
    gaps = 2 * _PAD + (len(inside) - 1) * _PAD + (2 * _PAD * len(inside) if _titled(inside) else 0.0)
    width = max(110.0, max(words) + 2 * _PAD, sum(i.width for i in inside) + gaps if inside else 0.0)
    tall = max((i.height for i in inside), default=0.0)
    extra = (tall + 2 * _PAD + (26.0 if _titled(inside) else 0.0)) if inside else 0.0
    return _Shape(box, width, head + extra, inside, head)


def _titled(inside: Sequence[_Inside]) -> bool:
    return any(lane.lane.title for lane in inside)


def _tag(box: Box) -> str:
    """The kind, if the words of the box do not show it."""
    return "" if box.kind == "button" else box.kind


# Drawing


def _draw_inside(inside: _Inside) -> str:
    dotted = set(inside.lane.order) - set(inside.lane.edges)
    out = [_arrow(points, edge in dotted) for edge, points in _ports(inside).items()]
    for shape, (x, y) in zip(inside.shapes, inside.placed.at, strict=True):
        out.append(f'<g transform="translate({x:.1f} {y:.1f})">{_draw(shape)}</g>')
    return "".join(out)


def _ports(inside: _Inside) -> dict[Edge, list[Point]]:
    """The routes, with the arrows at a box next to each other instead of at the same point."""
    routes = {edge: list(points) for edge, points in inside.placed.routes.items()}
    for end, other in ((0, 1), (-1, -2)):
        by_box: dict[int, list[Edge]] = {}
        for edge in routes:
            by_box.setdefault(edge[end], []).append(edge)
        for box, edges in by_box.items():
            room = min(14.0, inside.shapes[box].width * 0.6 / len(edges))
            edges.sort(key=lambda edge: routes[edge][other][0])
            for k, edge in enumerate(edges):
                x, y = routes[edge][end]
                routes[edge][end] = (x + (k - (len(edges) - 1) / 2) * room, y)
    return routes


def _arrow(points: Sequence[Point], dotted: bool) -> str:
    """A line through the points, curved between layers and straight along them, with an arrowhead."""
    x, y = points[0]
    d = f"M{x:.1f} {y:.1f}"
    for k, (to_x, to_y) in enumerate(points[1:]):
        last = k == len(points) - 2
        target = to_y - 6 if last and to_y > y else to_y
        if k % 2 == 0:
            half = (target - y) / 2
            d += f"C{x:.1f} {y + half:.1f} {to_x:.1f} {target - half:.1f} {to_x:.1f} {target:.1f}"
        else:
            d += f"V{target:.1f}"
        x, y = to_x, to_y
    head = f"M{x - 3.5:.1f} {y - 7:.1f}h7L{x:.1f} {y - 0.5:.1f}z"
    css, dash = ("a o", ' stroke-dasharray="1.5 4"') if dotted else ("a", "")
    line = f'<path class="{css}" d="{d}" fill="none" stroke="currentColor" stroke-width="1.3"{dash}/>'
    return f'{line}<path class="h" d="{head}" stroke="none" fill="currentColor"/>'


def _draw(shape: _Shape) -> str:
    box, width, height = shape.box, shape.width, shape.height
    colour = KINDS.get(box.kind, OTHER_KIND)
    if box.kind in _ROUND:
        return _draw_pill(shape, colour)
    css, fill = ("c", colour) if shape.inside else ("x", "currentColor")
    fill = f' fill="{fill}" fill-opacity=".06"'
    out = [
        f'<rect class="{css}" width="{width:.1f}" height="{height:.1f}" rx="7" stroke="{colour}"{fill}/>',
        f'<path d="M7 0.6h{width - 14:.1f}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>',
        f'<text x="{_PAD}" y="17" class="n" font-weight="600">{_words(box.name)}</text>',
    ]
    corner = " · ".join(filter(None, [_tag(box), str(box.number)]))
    out.append(
        f'<text x="{width - 8:.1f}" y="15" class="i e" text-anchor="end" font-size="10">{corner}</text>'
    )
    for k, line in enumerate(box.lines):
        out.append(f'<text x="{_PAD}" y="{17 + _LINE * (k + 1):.0f}" class="l">{_words(line)}</text>')
    return "".join(out) + _draw_lanes(shape, colour)


def _draw_lanes(shape: _Shape, colour: str) -> str:
    out = []
    titled = _titled(shape.inside)
    margin = _PAD if titled else 0.0
    used = sum(i.width + 2 * margin for i in shape.inside) + _PAD * (len(shape.inside) - 1)
    x = (shape.width - used) / 2
    tall = max((i.height for i in shape.inside), default=0.0)
    for inside in shape.inside:
        y = shape.head + _PAD
        wide = inside.width + 2 * margin
        if titled:
            words = _words(inside.lane.title)
            out.append(
                f'<rect class="br" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
                f'height="{tall + 26:.1f}" rx="6" stroke="{colour}" fill="none" stroke-dasharray="4 3"/>'
                f'<text x="{x + wide / 2:.1f}" y="{y + 15:.1f}" class="l m" text-anchor="middle">'
                f"{words}</text>"
            )
            y += 22
        out.append(f'<g transform="translate({x + margin:.1f} {y:.1f})">{_draw_inside(inside)}</g>')
        x += wide + _PAD
    return "".join(out)


def _draw_pill(shape: _Shape, colour: str) -> str:
    box, width = shape.box, shape.width
    rest = _words(" ".join(["", *box.lines])) if box.lines else ""
    dash = ' stroke-dasharray="5 3"' if box.kind == "on_error" else ""
    return (
        f'<rect class="x" width="{width:.1f}" height="24" rx="12" stroke="{colour}"{dash} '
        'fill="currentColor" fill-opacity=".06"/>'
        f'<text x="{width / 2:.1f}" y="16" class="m" text-anchor="middle">'
        f'<tspan class="n" font-weight="600">{_words(box.name)}</tspan>'
        f'<tspan class="l">{rest}</tspan></text>'
    )


def _words(text: str) -> str:
    return escape(cut(text, 60))
