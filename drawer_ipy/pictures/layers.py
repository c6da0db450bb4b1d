"""A layout of boxes in layers, with arrows that point down and seldom cross.

The method of Sugiyama et al.: each box goes below the boxes that point to it, layers are ordered by the
middle of their neighbours, and positions within a layer are as near to the neighbours as the order allows.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

GAP = 22.0
"""Pixels between boxes of a layer."""

DROP = 34.0
"""Pixels between layers."""

_SWEEPS = 8
_MOST_BENDS = 1_500  # arrows across layers, counted once per layer; beyond, long arrows are drawn straight
_SHORT = 3  # layers
_BEND = 6.0  # width of the space for an arrow across a layer

Edge = tuple[int, int]
Point = tuple[float, float]


@dataclass(slots=True)
class Placed:
    """A layout.

    Attributes:
        at: the upper left corner of each box.
        routes: the points of each edge, from the lower side of its first box to the upper side of its second.
        width, height: the size of the layout.
    """

    at: list[Point]
    routes: dict[Edge, list[Point]]
    width: float
    height: float


@dataclass(slots=True)
class _Grid:
    """Boxes and bends by layer; both are numbered, bends after the boxes."""

    wide: list[float]
    layers: list[list[int]]
    above: dict[int, list[int]] = field(default_factory=dict)
    below: dict[int, list[int]] = field(default_factory=dict)
    x: dict[int, float] = field(default_factory=dict)  # of middles


def place(sizes: Sequence[tuple[float, float]], edges: Iterable[Edge], most: float = 900.0) -> Placed:
    """Place boxes so that `edges` point down.

    Args:
        sizes: the width and height of each box.
        edges: pairs of indices; an edge that would close a cycle is drawn upwards.
        most: the largest width of a layer; further boxes go into a layer below.
    """
    wanted = list(dict.fromkeys(edge for edge in edges if edge[0] != edge[1]))
    down = _without_circles(len(sizes), wanted)
    level = _levels(sizes, down, most)
    grid, chains = _grid(sizes, down, level)
    _order(grid)
    _spread(grid)
    tall = [max((sizes[n][1] for n in layer if n < len(sizes)), default=0.0) for layer in grid.layers]
    tops = [sum(tall[:k]) + k * DROP for k in range(len(tall))]
    left = min((grid.x[n] - grid.wide[n] / 2 for n in grid.x), default=0.0)
    right = max((grid.x[n] + grid.wide[n] / 2 for n in grid.x), default=0.0)
    at = [(grid.x[n] - sizes[n][0] / 2 - left, tops[level[n]]) for n in range(len(sizes))]
    routes: dict[Edge, list[Point]] = {}
    for edge, chain in chains.items():
        begin, end = edge
        points = [(grid.x[begin] - left, at[begin][1] + sizes[begin][1])]
        for step, bend in enumerate(chain, level[begin] + 1):
            points += [(grid.x[bend] - left, tops[step]), (grid.x[bend] - left, tops[step] + tall[step])]
        routes[edge] = [*points, (grid.x[end] - left, at[end][1])]
    for begin, end in wanted:
        if (begin, end) not in routes:
            (x1, y1), (x2, y2) = at[begin], at[end]
            routes[begin, end] = [
                (x1 + sizes[begin][0] / 2, y1),
                (x2 + sizes[end][0] / 2, y2 + sizes[end][1]),
            ]
    height = tops[-1] + tall[-1] if tall else 0.0
    return Placed(at, routes, right - left, height)


def _without_circles(n: int, edges: Sequence[Edge]) -> list[Edge]:
    """The edges without those that point backwards."""
    after: dict[int, list[int]] = {}
    for begin, end in edges:
        after.setdefault(begin, []).append(end)
    state = [0] * n
    kept: list[Edge] = []
    for root in range(n):
        stack = [(root, iter(after.get(root, ())))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            node, rest = stack[-1]
            for end in rest:
                if state[end] != 1:
                    kept.append((node, end))
                if not state[end]:
                    state[end] = 1
                    stack.append((end, iter(after.get(end, ()))))
                    break
            else:
                state[node] = 2
                stack.pop()
    return kept


def _levels(sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], most: float) -> list[int]:
    """The layer of each box: below all boxes that point to it, and not too wide."""
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for begin, end in edges:
        before.setdefault(end, []).append(begin)
        after.setdefault(begin, []).append(end)
    waiting = {n: len(before.get(n, ())) for n in range(len(sizes))}
    ready = [n for n, left in waiting.items() if not left]
    level = [0] * len(sizes)
    room: dict[int, float] = {}
    while ready:
        node = ready.pop(0)
        place = max((level[b] + 1 for b in before.get(node, ())), default=0)
        while room.get(place, 0.0) and room[place] + sizes[node][0] > most:
            place += 1
        level[node] = place
        room[place] = room.get(place, 0.0) + sizes[node][0] + GAP
        for end in after.get(node, ()):
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    return _lowered(level, before, after, sizes, room, most)


def _lowered(
    level: list[int],
    before: Mapping[int, list[int]],
    after: Mapping[int, list[int]],
    sizes: Sequence[tuple[float, float]],
    room: dict[int, float],
    most: float,
) -> list[int]:
    """Move a box without incoming edges directly above the first box that it points to, for a short arrow."""
    for node in range(len(level)):
        if node in before or node not in after:
            continue
        place = min(level[end] for end in after[node]) - 1
        if place > level[node] and room.get(place, 0.0) + sizes[node][0] <= most:
            room[level[node]] -= sizes[node][0] + GAP
            room[place] = room.get(place, 0.0) + sizes[node][0] + GAP
            level[node] = place
    used = sorted(set(level))
    return [used.index(place) for place in level]


def _grid(
    sizes: Sequence[tuple[float, float]], edges: Sequence[Edge], level: Sequence[int]
) -> tuple[_Grid, dict[Edge, list[int]]]:
    """The layers, with a bend for each layer that an edge crosses, and the bends of each edge."""
    grid = _Grid([size[0] for size in sizes], [[] for _ in range(max(level, default=-1) + 1)])
    for node, place in enumerate(level):
        grid.layers[place].append(node)
    chains: dict[Edge, list[int]] = {}
    passed = sum(max(0, level[end] - level[begin] - 1) for begin, end in edges)
    for begin, end in edges:
        last = begin
        chain: list[int] = []
        if passed > _MOST_BENDS and level[end] - level[begin] > _SHORT:
            chains[begin, end] = chain  # straight through, behind the boxes
            continue
        for place in range(level[begin] + 1, level[end]):
            bend = len(grid.wide)
            grid.wide.append(_BEND)
            grid.layers[place].append(bend)
            chain.append(bend)
            _join(grid, last, bend)
            last = bend
        _join(grid, last, end)
        chains[begin, end] = chain
    return grid, chains


def _join(grid: _Grid, begin: int, end: int) -> None:
    grid.below.setdefault(begin, []).append(end)
    grid.above.setdefault(end, []).append(begin)


def _order(grid: _Grid) -> None:
    """Order each layer by the middle of its neighbours, down and up; keep the best order."""
    best, crossings = [list(layer) for layer in grid.layers], _crossings(grid)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        layers = grid.layers[1:] if downwards else grid.layers[-2::-1]
        places = {n: k for layer in grid.layers for k, n in enumerate(layer)}
        near = grid.above if downwards else grid.below
        for layer in layers:
            keys = {n: _mean([places[m] for m in near.get(n, ())], places[n]) for n in layer}
            layer.sort(key=keys.__getitem__)
            places.update((n, k) for k, n in enumerate(layer))
        now = _crossings(grid)
        if now < crossings:
            best, crossings = [list(layer) for layer in grid.layers], now
    grid.layers = best


def _crossings(grid: _Grid) -> int:
    total = 0
    for upper, lower in zip(grid.layers, grid.layers[1:], strict=False):
        places = {n: k for k, n in enumerate(lower)}
        ends = [places[m] for n in upper for m in sorted(grid.below.get(n, ()), key=places.__getitem__)]
        before: list[int] = []
        for end in ends:
            total += len(before) - bisect_right(before, end)
            insort(before, end)
    return total


def _spread(grid: _Grid) -> None:
    """Set the positions within the layers: near the neighbours, in order, without overlap."""
    for layer in grid.layers:
        _fit(grid, layer, [0.0] * len(layer))
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        near = grid.above if downwards else grid.below
        for layer in grid.layers if downwards else grid.layers[::-1]:
            wanted = [_mean([grid.x[m] for m in near.get(n, ())], grid.x[n]) for n in layer]
            _fit(grid, layer, wanted)


def _fit(grid: _Grid, layer: Sequence[int], wanted: Sequence[float]) -> None:
    """The positions closest to `wanted` (least squares) in which boxes keep order and distance."""
    offsets: list[float] = []
    at = 0.0
    for k, node in enumerate(layer):
        if k:
            at += (grid.wide[layer[k - 1]] + grid.wide[node]) / 2 + GAP
        offsets.append(at)
    # With the distances taken off, the order is all that is left: pool neighbours that are out of it.
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    places = [total / count for total, count in pools for _ in range(count)]
    for node, place, offset in zip(layer, places, offsets, strict=True):
        grid.x[node] = place + offset


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
