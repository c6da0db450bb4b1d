"""Laws of loops, for random items, delays, failures, parallelism and times of cancellation."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from engine_rig import Meter, loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.engine.events import ItemFinished, ItemStarted
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.loop import STATE_NAMES, LoopOutput, LoopRecord


@dataclass(frozen=True)
class Item:
    """A random item: how long it takes (in ticks of half a millisecond) and whether it fails."""

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
    """A button that takes the time of its item and fails if the item says so."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.started_when_first_failed: int | None = None

    async def __call__(self, x: Item) -> int:
        await self.meter.during(x, x.ticks * 0.0005)
        if x.fails:
            if self.started_when_first_failed is None:
                self.started_when_first_failed = len(self.meter.started)
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
    assert work.meter.started == rows  # started in input order, whatever finishes first


@settings(max_examples=100, deadline=None)
@given(mostly_good, widths)
def test_stop_starts_nothing_after_the_first_failure(rows: list[Item], width: int) -> None:
    work = Work()
    results = loop(rows, work, parallelism=width, on_item_failure="stop")
    states = [row.status for row in results]
    assert len(states) == len(rows)
    assert work.meter.most <= max(1, width)
    assert work.meter.now == 0
    started = len(work.meter.started)
    assert work.meter.started == rows[:started]
    if not any(r.fails for r in rows):
        assert results.run.status == "ok"
        assert set(states) <= {"ok"}
        return
    assert results.run.status == "failed"
    assert work.started_when_first_failed == started
    # Every item ends in exactly one state: started items are ok, failed or cancelled, the rest is skipped.
    assert set(states[:started]) <= {"ok", "failed", "cancelled"}
    assert set(states[started:]) <= {"skipped"}
    failed = [i for i, state in enumerate(states) if state == "failed"]
    assert all(rows[i].fails for i in failed)
    assert results.run.error is not None
    assert results.run.error.code == "FOREACH_ITEM_FAILED"
    assert results.run.error.index == failed[0]
    if width <= 1:
        assert failed == [started - 1]
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
        assert len(work.meter.started) == len(rows)
    else:
        assert results.run.status == "failed"
        assert failed > tolerated


@settings(max_examples=30, deadline=None)
@given(st.lists(items, max_size=5), widths, widths)
def test_nested_loops_keep_the_order_at_every_depth(outer: list[list[Item]], wide: int, deep: int) -> None:
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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), max_size=20), widths, st.integers(0, 3))
def test_items_that_fail_without_ever_waiting_stop_the_loop_at_once(
    fails: list[bool], width: int, tolerated: int
) -> None:
    """A reference without a value fails its item before anything is awaited; no further item may start."""
    started: list[int] = []

    async def work(x: int) -> int:
        started.append(x)
        return x

    each = {"id": "each", "kind": "for_each", "over": "inputs.xs", "parallelism": width,
            "tolerated_failures": tolerated,
            "steps": [{"id": "work", "button": "work", "args": {"x": "${item.x}"}}]}  # fmt: skip
    xs = [{} if fail else {"x": i} for i, fail in enumerate(fails)]
    results = press({"inputs": ["xs"], "steps": [each]}, {"xs": xs}, check=False, quiet=True,
                    buttons={"work": work})  # fmt: skip
    failed = [i for i, fail in enumerate(fails) if fail]
    assert [row.index for row in results.failed] == failed[: tolerated + 1]
    if len(failed) > tolerated:
        last = failed[tolerated]
        assert [row.status for row in results][last + 1 :].count("ok") == sum(i > last for i in started)
        assert len(started) <= last + max(1, width)  # those that ran beside it


@dataclass(frozen=True)
class Shape:
    """A nested loop: the widths and the policies for failures at both depths."""

    wide: int
    deep: int
    outer: dict[str, Any]
    inner: dict[str, Any]


modes = st.one_of(
    st.sampled_from([{"on_item_failure": "stop"}, {"on_item_failure": "continue"}]),
    st.integers(0, 4).map(lambda n: {"tolerated_failures": n}),
    st.integers(0, 100).map(lambda n: {"tolerated_failures": f"{n}%"}),
)
nested = st.builds(Shape, widths, widths, modes, modes)
grids = st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=6), max_size=6)


@settings(max_examples=120, deadline=None)
@given(grids, nested, st.one_of(st.none(), st.integers(0, 30)))
def test_every_item_at_every_depth_ends_in_exactly_one_state(
    grid: list[list[tuple[int, bool]]], shape: Shape, cancel_after: int | None
) -> None:
    """The record is consistent for all failures, tolerated failures and cancellations at any time."""
    rows = [
        [Item(100 * i + j, ticks, fails) for j, (ticks, fails) in enumerate(row)]
        for i, row in enumerate(grid)
    ]
    work = Work()
    step = {"id": "work", "button": "work", "args": {"x": "${y}"}}
    deep = {"id": "each", "kind": "for_each", "over": "${ys}", "as": "y", "parallelism": shape.deep,
            "steps": [step], **shape.inner}  # fmt: skip
    wide = {"id": "out", "kind": "for_each", "over": "inputs.xs", "as": "ys", "parallelism": shape.wide,
            "steps": [deep], **shape.outer}  # fmt: skip
    around = Surroundings(named_buttons({"work": work}))
    job = prepare({"inputs": ["xs"], "steps": [wide]}, {"xs": rows}, None, around)
    started: Counter[tuple[int, int]] = Counter()
    ended: Counter[tuple[int, int]] = Counter()
    job.run.listeners.on(ItemStarted, lambda e: started.update([(id(e.loop), e.index)]))
    job.run.listeners.on(ItemFinished, lambda e: ended.update([(id(e.loop), e.index)]))

    async def main() -> None:
        if cancel_after is not None:
            asyncio.get_running_loop().call_later(cancel_after * 0.0005, job.run.cancel)
        await job.run.execute()

    asyncio.run(main())
    record = job.run.record
    assert work.meter.now == 0
    assert work.meter.most <= max(1, shape.wide) * max(1, shape.deep)
    assert started == ended  # what began has ended, once
    assert set(started.values()) <= {1}
    if not record.steps:  # cancelled before it began
        assert record.status == "cancelled"
        return
    assert isinstance(record.steps[0].output, LoopOutput)
    outer = record.steps[0].output.record
    adds_up(outer, record.status == "cancelled")
    inner = [o.record for o in outer.columns[0].outputs if isinstance(o, LoopOutput)]
    for one in inner:
        adds_up(one, record.status == "cancelled" or bool(outer.counts[4]))
    assert len(work.meter.started) == sum(sum(one.counts[2:5]) for one in inner)
    assert len(set(work.meter.started)) == len(work.meter.started)  # nothing ran twice
    if record.error is not None and record.status == "failed":
        assert record.error.index == outer.first_failed()


def adds_up(loop: LoopRecord, cancelled: bool) -> None:
    """Check that the counts of an ended loop match its states, and that all states are final."""
    states = Counter(loop.states)
    assert [states[state] for state in range(len(STATE_NAMES))] == loop.counts
    waiting, running, ok, failed, cut, skipped, paused = loop.counts
    assert waiting == running == paused == 0
    assert ok + failed + cut + skipped == len(loop.items)
    if cut and not cancelled:
        assert failed  # only a failure cancels others
    column = loop.columns[0]
    for index, state in enumerate(loop.states):
        status = column.statuses[index]
        assert (status == 0) == (state == 5), (status, state)  # 0: its step did not run; 5: skipped
        assert (column.errors.get(index) is None) == (state in (2, 5))
