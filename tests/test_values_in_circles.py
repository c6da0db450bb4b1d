"""Values that contain themselves or are nested deeply fail no export and no display."""

from __future__ import annotations

import json
from collections import UserList, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drawer_ipy import Results, press
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.workspace.history import entry


@dataclass
class Node:
    next: Any = None


def circles() -> Iterator[tuple[str, Any]]:
    """Yield each value with its name."""
    once: list[Any] = []
    once.append(once)
    yield "a list", once
    twice: list[Any] = []
    twice += [twice, twice]
    yield "a list twice", twice
    mapping: dict[str, Any] = {}
    mapping["self"] = mapping
    yield "a dict", mapping
    outer: dict[str, Any] = {}
    outer |= {"a": [outer], "b": [outer]}
    yield "a dict in its lists", outer
    node = Node()
    node.next = [node, node]
    yield "a dataclass", node
    pair: tuple[list[Any]] = ([],)
    pair[0].extend([pair, pair])
    yield "a tuple", pair
    queue: deque[Any] = deque()
    queue.extend([queue, queue])
    yield "a deque", queue
    sequence: UserList[Any] = UserList()
    sequence.extend([sequence, sequence])
    yield "a sequence", sequence
    space = SimpleNamespace()
    space.me = space
    yield "an object", space
    array = np.empty(2, object)
    array[:] = [array, array]
    yield "an array", array
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    yield "a deep list", deep
    nested: Any = {}
    for _ in range(50_000):
        nested = {"a": nested}
    yield "a deep dict", nested


CIRCLES = dict(circles())

SURFACES: dict[str, Callable[[Results, Path], Any]] = {
    "repr": lambda table, to: repr(table),
    "html": lambda table, to: table._repr_html_(),
    "row": lambda table, to: repr(table[0]),
    "explain": lambda table, to: (repr(table.explain(0)), table.explain(0)._repr_html_()),
    "to_dict": lambda table, to: table.to_dict(),
    "to_dicts": lambda table, to: table.to_dicts(flatten=True),
    "to_pandas": lambda table, to: table.to_pandas(),
    "to_polars": lambda table, to: table.to_polars(),
    "to_arrow": lambda table, to: table.to_arrow(),
    "to_parquet": lambda table, to: table.to_parquet(to / "table.parquet"),
    "to_csv": lambda table, to: table.to_csv(),
    "to_json": lambda table, to: json.loads(table.to_json()),
    "to_json of a file": lambda table, to: table.to_json(to / "table.json", flatten=True),
    "run.to_dict": lambda table, to: json.dumps(table.run.to_dict(), default=str),
    "history": lambda table, to: json.dumps(entry(table.run)),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", CIRCLES)
def test_no_export_or_display_fails(name: str, surface: str, tmp_path: Path) -> None:
    step = {"id": "w", "button": "work", "args": {"x": "${x}"}}
    each = {"id": "each", "kind": "for_each", "over": [1], "as": "x", "steps": [step]}
    for work in (lambda x: CIRCLES[name], lambda x: {"n": x, "value": CIRCLES[name]}):
        results = press({"name": "t", "steps": [each]}, buttons={"work": work}, quiet=True)
        SURFACES[surface](results, tmp_path)


def test_shared_values_without_a_circle_are_written_completely() -> None:
    shared = [1, {"a": 2}]
    assert jsonable([shared, shared, {"x": shared}]) == [shared, shared, {"x": shared}]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (CIRCLES["a list"], ["…"]),
        (CIRCLES["a list twice"], ["…", "…"]),
        (CIRCLES["a dict"], {"self": "…"}),
        (CIRCLES["a dataclass"], {"next": ["…", "…"]}),
    ],
)
def test_a_circle_is_replaced_by_an_ellipsis(value: Any, written: Any) -> None:
    assert jsonable(value) == written


def test_a_value_that_contains_itself_cannot_be_inserted_into_text() -> None:
    steps = [
        {"id": "a", "button": "work"},
        {"id": "b", "button": "same", "args": {"v": "it is ${a.output}"}},
    ]
    buttons = {"work": lambda: CIRCLES["a list"], "same": lambda v: v}
    results = press({"name": "t", "steps": steps}, buttons=buttons, quiet=True, check=False)
    error = results.run.error
    assert error is not None
    assert error.code == "RESOLVE_ERROR"
    assert "contains itself" in error.message
