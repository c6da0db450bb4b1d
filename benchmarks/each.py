"""(i) What `%%each` and `each()` cost beside a press, when the body has nothing to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import ways
from benchmarks.loops import noop
from benchmarks.measure import side_by_side
from benchmarks.report import Answer, Check, compared
from drawer_ipy import each
from drawer_ipy.notebook.each.body import read_body
from drawer_ipy.notebook.each.header import read_header
from drawer_ipy.notebook.each.text import EachText

MOST_OF_A_PRESS = 1.1
WIDTH = 100
_PRESS, _EACH, _CELL = "press", "each()", "%%each"


def answer(quick: bool) -> Answer:
    """Time per item of `each()` and of the body of a cell beside that of a press."""
    items, rounds = (5_000, 2) if quick else (100_000, 5)
    found = Answer("i", "%%each and each()")
    values = {
        name: v.times(1e6 / items)
        for name, v in side_by_side(
            {
                _EACH: lambda: _counted(each(noop, list(range(items)), parallelism=WIDTH, quiet=True), items),
                _CELL: _cell(items),
                _PRESS: lambda: _counted(ways.ours(noop, list(range(items)), WIDTH), items),
            },
            rounds,
        ).items()
    }
    found.tables.append(compared(f"{items:,} items, P={WIDTH}", "us an item", values, _EACH))
    for name in (_EACH, _CELL):
        ratio = values[name].over(values[_PRESS]).median
        found.checks.append(Check(f"{name} / {_PRESS}", ratio, MOST_OF_A_PRESS))
    return found


def _cell(items: int) -> Callable[[], None]:
    """A press of the function that a cell with the body ``await done(x)`` makes."""

    async def done(x: Any) -> Any:
        return x

    text = EachText("x in range(3)", "await done(x) if x is None else x")
    header = read_header(text)
    names = {"done": done}
    body = read_body(text, header.target, names)
    function = body.function("body", header.target, names, "<cell>", 0)
    return lambda: _counted(ways.ours(function, list(range(items)), WIDTH), items)


def _counted(results: Any, items: int) -> None:
    if len(results) != items:
        raise AssertionError(f"{len(results)} results for {items} items")
