"""What the live view is told: rows for steps and loops, a byte a cell, words for a cell."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy.display.cell_lines import cell_lines
from drawer_ipy.display.cells import Cells
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.display.outline import MOST_ROWS, Outline, OutlineRow
from drawer_ipy.engine.events import Listeners
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, SKIPPED, STATE_NAMES, WAITING, LoopRecord
from drawer_ipy.record.step import StepResult


def outlined(text: str, **inputs: Any) -> list[OutlineRow]:
    """The rows of a real run of `text`, after its end."""
    outline = Outline()

    class Watching(NullDisplay):
        def attach(self, listeners: Listeners, cancel: Any) -> None:
            outline.attach(listeners)

    functions = {"same": lambda x: x, "pick": pick}
    job = prepare(text, inputs, around=Surroundings(namespace=functions))
    asyncio.run(job.press(Watching()))
    return outline.rows()


def pick(x: int) -> int:
    if x % 4 == 1:
        raise ValueError(x)
    return x


def told_of(rows: list[OutlineRow]) -> list[tuple[str, int, str, tuple[int, ...]]]:
    return [(row.name, row.depth, row.status, row.counts) for row in rows]


def counts(**states: int) -> tuple[int, ...]:
    return tuple(states.get(name, 0) for name in STATE_NAMES)


def test_steps_nested_steps_and_what_never_began() -> None:
    rows = outlined(
        """
        steps:
          - {id: first, button: same, args: {x: 1}}
          - id: each
            kind: for_each
            over: ${inputs.xs}
            as: x
            parallelism: 3
            on_item_failure: continue
            steps:
              - {id: one, button: pick, args: {x: "${x}"}}
              - {id: two, button: same, args: {x: "${x}"}}
          - {id: bad, button: pick, args: {x: 1}}
          - {id: never, button: same, args: {x: 1}}
        """,
        xs=list(range(8)),
    )
    assert told_of(rows) == [
        ("first", 0, "ok", ()),
        ("each", 0, "partial", counts(ok=6, failed=2)),
        ("one", 1, "partial", counts(ok=6, failed=2)),
        ("two", 1, "ok", counts(ok=6, skipped=2)),
        ("bad", 0, "failed", ()),
        ("never", 0, "skipped", ()),
    ]
    assert [row.per for row in rows] == [0, 1, 0, 0, 0, 0]


def test_loops_within_items_are_summed_in_a_row_of_their_own() -> None:
    rows = outlined(
        """
        steps:
          - id: outer
            kind: for_each
            over: [[0, 2], [3], []]
            as: xs
            parallelism: 2
            steps:
              - id: inner
                kind: for_each
                over: ${xs}
                as: x
                steps:
                  - id: deep
                    kind: for_each
                    over: [7, 8]
                    as: y
                    steps: [{id: s, button: same, args: {x: "${y}"}}]
        """
    )
    assert told_of(rows) == [
        ("outer", 0, "ok", counts(ok=3)),
        ("inner", 1, "ok", counts(ok=3)),
        ("deep", 2, "ok", counts(ok=6)),
    ]
    assert [row.loops for row in rows] == [0, 3, 3]


def test_a_loop_in_a_branch_is_below_its_step() -> None:
    rows = outlined(
        """
        steps:
          - id: which
            kind: switch
            cases:
              - when: "true"
                steps:
                  - id: each
                    kind: for_each
                    over: [1, 2]
                    as: x
                    steps: [{id: s, button: same, args: {x: 1}}]
        """
    )
    assert [(row.name, row.depth) for row in rows] == [("which", 0), ("each", 1)]
    assert rows[1].counts == counts(ok=2)


def test_very_many_steps_are_cut() -> None:
    steps = "\n".join(f"  - {{id: s{k}, button: same, args: {{x: 1}}}}" for k in range(MOST_ROWS + 40))
    assert len(outlined(f"steps:\n{steps}")) == MOST_ROWS


def loop_of(states: list[int]) -> LoopRecord:
    """A loop whose items are in these states."""
    loop = LoopRecord(("each",), "u", [f"i{k}" for k in range(len(states))], ["page", "shop"], 4)
    for index, state in enumerate(states):
        if state not in (WAITING, SKIPPED):
            loop.move(index, RUNNING)
        if state not in (WAITING, RUNNING):
            loop.move(index, state)
    return loop


def test_up_to_the_most_a_cell_is_an_items_state() -> None:
    states = [WAITING, RUNNING, OK, FAILED, CANCELLED, SKIPPED]
    cells = Cells(loop_of(states), most=6)
    assert cells.per == 1
    assert cells.read() == bytes(states)
    assert [cells.span(cell) for cell in (-1, 0, 5, 6)] == [range(0), range(1), range(5, 6), range(0)]


@pytest.mark.parametrize(
    ("states", "base", "level", "busy"),
    [
        ([WAITING] * 20, WAITING, 0, False),
        ([OK] * 20, OK, 0, False),
        ([RUNNING] * 20, RUNNING, 0, True),
        ([OK] * 12 + [RUNNING] * 3 + [WAITING] * 5, OK, 0, True),
        ([OK] * 2 + [RUNNING] * 3 + [WAITING] * 15, WAITING, 0, True),
        ([OK] * 19 + [FAILED], OK, 1, False),
        ([OK] * 18 + [FAILED] * 2, OK, 2, False),
        ([OK] * 10 + [FAILED] * 10, FAILED, 3, False),
        ([OK] * 5 + [CANCELLED] * 3 + [SKIPPED] * 12, SKIPPED, 0, False),
    ],
)
def test_a_cell_for_several_items_tells_the_commonest_state_and_failures(
    states: list[int], base: int, level: int, busy: bool
) -> None:
    (cell,) = Cells(loop_of(states), most=1).read()
    assert (cell & 7, cell >> 3 & 3, bool(cell >> 5 & 1)) == (base, level, busy)


@given(st.integers(1, 3000), st.integers(1, 50), st.randoms(use_true_random=False))
def test_a_picture_read_again_is_the_one_that_a_new_reader_sees(
    n: int, most: int, luck: random.Random
) -> None:
    loop = loop_of([WAITING] * n)
    cells = Cells(loop, most)
    for _ in range(4):
        for index in luck.choices(range(n), k=5):
            loop.move(index, luck.choice([RUNNING, OK, FAILED]))
        picture = cells.read()
        assert picture == Cells(loop, most).read()
        assert len(picture) <= most
    assert sum(len(cells.span(cell)) for cell in range(len(picture))) == n


def test_a_cell_is_told_in_a_few_clean_short_lines() -> None:
    loop = loop_of([OK, FAILED, RUNNING, WAITING])
    loop.items = ["a", "<b>\x1b[2J\u202e" + "x" * 10**6, "c", "d"]
    loop.columns[0].put(1, StepResult("page", status="error", error=ErrorInfo("HTTP", "404\n" * 10**5)))
    loop.columns[0].put(2, StepResult("page", status="ok"))
    cells = Cells(loop)
    ok, failed, running, waiting = (cell_lines(cells, cell) for cell in range(4))
    assert ok[0].startswith("item 0 · ok · ")
    assert ok[1:] == ["u = a"]
    assert failed[1].startswith("u = <b>")
    assert failed[2].startswith("page: HTTP: 404 404")
    assert all(line.isprintable() and len(line) <= 300 for line in failed)
    assert running[0].endswith(" · at shop")
    assert waiting == ["item 3 · waiting", "u = d"]
    assert cell_lines(cells, 4) == []


def test_a_cell_for_several_items_is_told_by_counts_and_its_first_failure() -> None:
    loop = loop_of([OK] * 8 + [FAILED] * 2)
    loop.columns[0].put(8, StepResult("page", status="error", error=ErrorInfo("HTTP", "404")))
    assert cell_lines(Cells(loop, most=2), 1) == [
        "items 5–9",
        "3 ok · 2 failed",
        "item 8:",
        "page: HTTP: 404",
    ]


def test_an_item_whose_repr_fails_is_told_all_the_same() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    loop = loop_of([OK])
    loop.items = [Broken()]
    assert cell_lines(Cells(loop), 0)[1] == "u = <Broken: repr failed>"
