"""The picture of a drawer: every step in it, arrows from what it refers to, boxes that do not overlap."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Drawer
from drawer_ipy.definition.wiring import names_in, uses_of
from drawer_ipy.pictures.graph import Graph
from drawer_ipy.pictures.graph_model import Box, Lane, lane_of
from drawer_ipy.pictures.layers import DROP, GAP, place

NS = "{http://www.w3.org/2000/svg}"

SHOP = """
name: shop
inputs: {shops: list, limit: int}
on_error: {drawer: alarm}
buttons:
  fetch: {url: "https://example.org/{{url}}", args: [url]}
steps:
  - {id: log-in, button: login, args: {key: "${inputs.key}"}}
  - id: shops
    kind: for_each
    over: ${inputs.shops}
    as: shop
    parallelism: 4
    on_item_failure: continue
    steps:
      - {id: page, button: fetch, args: {url: "${shop.url}"}, on_failure: {action: retry, max_attempts: 3}}
      - id: kind
        kind: switch
        cases:
          - id: rows
            when: "${page.output.n > inputs.limit}"
            steps: [{id: rows, button: rows, args: {t: "${log_in.output.token}"}}]
        steps: [{id: none, kind: wait, duration: 1s}]
      - {id: save, button: save, args: {a: "${kind.output}", b: "${page.output}"}, timeout_seconds: 5}
  - {id: pause, kind: wait, duration: 1s}
return: {all: "${shops.output}"}
"""


def wires(lane: Lane) -> set[tuple[str, str]]:
    return {(lane.boxes[a].name, lane.boxes[b].name) for a, b in lane.edges}


def box(lane: Lane, name: str) -> Box:
    return next(found for found in lane.boxes if found.name == name)


def lane(text: str) -> Lane:
    return lane_of(Drawer.load(text))


def test_arrows_start_at_the_steps_that_a_step_refers_to() -> None:
    whole = lane(SHOP)
    assert wires(whole) == {
        ("key", "log-in"),
        ("shops", "shops"),
        ("limit", "shops"),
        ("log-in", "shops"),
        ("shops", "return"),
    }
    (items,) = next(b for b in whole.boxes if b.kind == "for_each").lanes
    assert wires(items) == {("shop", "page"), ("page", "kind"), ("kind", "save"), ("page", "save")}
    rows, default = box(items, "kind").lanes
    assert (rows.title, default.title) == ("rows: when page.output.n > inputs.limit", "default")
    assert [b.name for b in rows.boxes] == ["rows"]


def test_boxes_say_what_a_step_does() -> None:
    whole = lane(SHOP)
    loop = next(b for b in whole.boxes if b.kind == "for_each")
    assert loop.lines == ["for each shop in inputs.shops", "4 at once, continues when items fail"]
    assert box(loop.lanes[0], "page").lines == ["press fetch (GET example.org)", "up to 3 attempts"]
    assert box(loop.lanes[0], "save").lines == ["press save", "5 s at most"]
    assert box(whole, "on error").lines == ["drawer alarm"]
    assert [(b.name, b.number) for b in whole.boxes if b.number] == [
        ("log-in", 1),
        ("shops", 2),
        ("pause", 3),
    ]


def test_a_step_without_references_is_placed_after_the_one_before() -> None:
    whole = lane(SHOP)
    assert [(whole.boxes[a].name, whole.boxes[b].name) for a, b in whole.order] == [("shops", "pause")]


@pytest.mark.parametrize(
    ("step", "uses"),
    [
        ({"args": {"x": "${a.output} and ${inputs.n}"}}, {("a",), ("inputs", "n")}),
        ({"args": {"x": ["${a-1.output}", {"y": "${my_step.output}"}]}}, {("a",), ("my-step",)}),
        ({"kind": "wait", "duration": "${a.output}s"}, {("a",)}),
        ({"kind": "aggregate", "from": "a.output", "pluck": "${item.x}"}, {("a",)}),
        ({"kind": "transform", "expression": {"n": "a.output + inputs.n"}}, {("a",), ("inputs", "n")}),
        ({"kind": "merge", "from": ["${a.output}", "${my-step.output}"]}, {("a",), ("my-step",)}),
        ({"kind": "for_each", "over": "${inputs.n}", "as": "a",
          "steps": [{"id": "i", "args": {"x": "${a}"}}]}, {("inputs", "n")}),
        ({"kind": "split", "branches": {"b": [{"id": "i", "args": {"x": "${a.output}"}},
                                              {"id": "j", "args": {"x": "${i.output}"}}]}}, {("a",)}),
        ({"on_failure": {"action": "stop", "compensate_with": {"button": "u", "args": {"x": "${a.output}"}}}},
         {("a",)}),
        ({"args": {"x": "${broken +"}}, set()),
        ({"args": {"x": "$${a.output}"}}, set()),
    ],
)  # fmt: skip
def test_uses_are_found_in_every_field(step: dict[str, Any], uses: set[Any]) -> None:
    steps = [{"id": "a", "button": "b"}, {"id": "my-step", "button": "b"}, {"id": "s", "button": "b", **step}]
    drawer = Drawer.model_validate({"name": "d", "steps": steps})
    assert set(uses_of(drawer.steps[-1], names_in(drawer))) == uses


def test_the_picture_has_every_step_and_nothing_that_acts() -> None:
    hostile = SHOP.replace("id: save", 'id: "</text><script>alert(1)</script>"').replace(
        "kind.output", "page"
    )
    graph = Drawer.load(hostile).graph()
    root = ET.fromstring(graph.svg)
    words = "".join(t for element in root.iter(f"{NS}text") for t in element.itertext())
    for name in ("log-in", "shops", "page", "kind", "rows", "none", "pause", "return", "on error"):
        assert name in words
    assert "<script>alert(1)</script>" in words
    assert {e.tag.removeprefix(NS) for e in root.iter()} <= {
        "svg",
        "style",
        "g",
        "path",
        "rect",
        "text",
        "tspan",
    }
    assert set(re.findall(r"<[^>]*>", graph.mermaid)) == {"<b>", "</b>", "<br/>"}


def test_a_drawer_of_hundreds_of_steps_is_drawn_in_few_bytes() -> None:
    steps = [{"id": "first", "button": "b"}]
    steps += [
        {
            "id": f"s{k}",
            "button": "b",
            "args": {"x": "${first.output}", "y": f"${{s{k - 1}.output}}" if k else 1},
        }
        for k in range(300)
    ]
    svg = Drawer.load({"name": "d", "steps": steps}).graph().svg
    assert len(svg) < 300_000
    assert all(f">s{k}</text>" in svg for k in range(300))
    assert svg.count('class="h"') == 300 + 299


def test_mermaid_has_subgraphs_and_arrows() -> None:
    lines = Drawer.load(SHOP).graph().mermaid.splitlines()
    assert lines[0] == "flowchart TD"
    assert (
        sum(line.strip().startswith("subgraph") for line in lines) == 4
    )  # loop, switch and its two branches
    assert sum(line.strip() == "end" for line in lines) == 4
    assert sum("-->" in line for line in lines) == 9
    assert sum("-.->" in line for line in lines) == 1
    assert any(re.fullmatch(r' +n\d+\["<b>log-in</b><br/>press login"\]', line) for line in lines)


def test_it_can_be_saved_and_shown(tmp_path: Path) -> None:
    graph = Drawer.load(SHOP).graph()
    ET.parse(graph.save(tmp_path / "g.svg"))
    assert repr(graph) == "graph of shop: 3 steps; see .mermaid, .svg"
    assert set(graph._repr_mimebundle_()) == {"text/plain", "text/html", "image/svg+xml"}
    ET.fromstring(Drawer.load("name: none\nsteps: []").graph().svg)


def test_secrets_can_be_hidden() -> None:
    drawer = Drawer.load("name: d\nsteps:\n  - {id: w, kind: transform, expression: \"'s3cr3t' + x\"}\n")
    graph = Graph(drawer, lambda text: text.replace("s3cr3t", "…"))
    assert "s3cr3t" not in graph.svg + graph.mermaid


sizes = st.lists(st.tuples(st.floats(20, 400), st.floats(10, 200)), max_size=14)


@settings(max_examples=200, deadline=None)
@given(sizes, st.data(), st.sampled_from([300.0, 900.0]))
def test_law_boxes_do_not_overlap_and_arrows_point_down(
    boxes: list[tuple[float, float]], data: st.DataObject, most: float
) -> None:
    n = len(boxes)
    index = st.integers(0, max(0, n - 1))
    edges = data.draw(st.lists(st.tuples(index, index), max_size=25)) if n else []
    placed = place(boxes, edges, most)
    assert len(placed.at) == n
    assert set(placed.routes) == {(a, b) for a, b in edges if a != b}
    for (a, b), points in placed.routes.items():
        forward = points[0][1] <= points[-1][1]
        assert forward or _reaches(edges, b, a), "only what closes a circle points up"
        if forward:
            assert all(p[1] <= q[1] + 1e-6 for p, q in itertools.pairwise(points))
    for (one, (x, y)), (two, (u, v)) in itertools.combinations(zip(boxes, placed.at, strict=True), 2):
        beside = x + one[0] + GAP <= u + 1e-6 or u + two[0] + GAP <= x + 1e-6
        below = y + one[1] + DROP <= v + 1e-6 or v + two[1] + DROP <= y + 1e-6
        assert beside or below
    for (wide, tall), (x, y) in zip(boxes, placed.at, strict=True):
        assert -1e-6 <= x <= placed.width - wide + 1e-6
        assert -1e-6 <= y <= placed.height - tall + 1e-6


def _reaches(edges: list[tuple[int, int]], start: int, goal: int) -> bool:
    seen, pending = set(), [start]
    while pending:
        node = pending.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            pending += [b for a, b in edges if a == node]
    return False
