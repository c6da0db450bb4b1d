"""Laws of the bounded loop, over random items, delays, failures and parallelism."""

from __future__ import annotations

from dataclasses import dataclass

from engine_rig import Meter, loop
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclass(frozen=True)
class Item:
    """One random item: how long it takes (ticks of half a millisecond) and whether it fails."""

    number: int
    ticks: int
    fails: bool


items = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=25).map(
    lambda rows: [Item(i, ticks, fails) for i, (ticks, fails) in enumerate(rows)]
)
mostly_good = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9).map(lambda n: n == 0)), max_size=25
).map(lambda rows: [Item(i, ticks, fails) for i, (ticks, fails) in enumerate(rows)])
widths = st.integers(0, 9)


class Work:
    """A button that takes its item's time and fails when the item says so."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.begun_when_first_failed: int | None = None

    async def __call__(self, x: Item) -> int:
        await self.meter.during(x, x.ticks * 0.0005)
        if x.fails:
            if self.begun_when_first_failed is None:
                self.begun_when_first_failed = len(self.meter.begun)
            raise ValueError(f"item {x.number}")
        return x.number * 10


@settings(max_examples=60, deadline=None)
@given(items, widths)
def test_continue_runs_every_item_and_keeps_the_order(rows: list[Item], width: int) -> None:
    work = Work()
    results = loop(rows, work, parallelism=width, on_item_failure="continue")
    assert results.run.status == "ok"
    assert [row.item for row in results] == rows
    assert [row.output for row in results] == [None if r.fails else r.number * 10 for r in rows]
    assert [row.status for row in results] == ["failed" if r.fails else "ok" for r in rows]
    assert [error.index for error in results.errors] == [r.number for r in rows if r.fails]
    assert work.meter.most <= max(1, width)
    assert work.meter.begun == rows  # started in input order, whatever finishes first


@settings(max_examples=100, deadline=None)
@given(mostly_good, widths)
def test_stop_starts_nothing_after_the_first_failure(rows: list[Item], width: int) -> None:
    work = Work()
    results = loop(rows, work, parallelism=width, on_item_failure="stop")
    states = [row.status for row in results]
    assert len(states) == len(rows)
    assert work.meter.most <= max(1, width)
    assert work.meter.now == 0
    begun = len(work.meter.begun)
    assert work.meter.begun == rows[:begun]
    if not any(r.fails for r in rows):
        assert results.run.status == "ok"
        assert set(states) <= {"ok"}
        return
    assert results.run.status == "failed"
    assert work.begun_when_first_failed == begun
    # Every item ends in exactly one state: what began is ok, failed or cancelled; the rest is skipped.
    assert set(states[:begun]) <= {"ok", "failed", "cancelled"}
    assert set(states[begun:]) <= {"skipped"}
    failed = [i for i, state in enumerate(states) if state == "failed"]
    assert all(rows[i].fails for i in failed)
    assert results.run.error is not None
    assert results.run.error.code == "FOREACH_ITEM_FAILED"
    assert results.run.error.index == failed[0]
    if width <= 1:
        assert failed == [begun - 1]
        assert "cancelled" not in states


@settings(max_examples=60, deadline=None)
@given(items, widths, st.integers(0, 6))
def test_tolerated_failures_lie_between_stop_and_continue(
    rows: list[Item], width: int, tolerated: int
) -> None:
    work = Work()
    results = loop(rows, work, parallelism=width, tolerated_failures=tolerated)
    failed = len(results.failed)
    if sum(r.fails for r in rows) <= tolerated:
        assert results.run.status == "ok"
        assert len(work.meter.begun) == len(rows)
    else:
        assert results.run.status == "failed"
        assert failed > tolerated


@settings(max_examples=30, deadline=None)
@given(st.lists(items, max_size=5), widths, widths)
def test_nested_loops_keep_the_order_at_every_depth(outer: list[list[Item]], wide: int, deep: int) -> None:
    from drawer_ipy import press

    work = Work()
    drawer = {
        "inputs": ["xs"],
        "steps": [
            {
                "id": "out",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "ys",
                "parallelism": wide,
                "steps": [
                    {
                        "id": "each",
                        "kind": "for_each",
                        "over": "${ys}",
                        "as": "y",
                        "parallelism": deep,
                        "on_item_failure": "continue",
                        "steps": [{"id": "work", "button": "work", "args": {"x": "${y}"}}],
                    }
                ],
            }
        ],
    }
    results = press(drawer, {"xs": outer}, buttons={"work": work}, quiet=True)
    found = [[entry["item"] for entry in row.output["results"]] for row in results]
    assert found == outer
    assert work.meter.most <= max(1, wide) * max(1, deep)
