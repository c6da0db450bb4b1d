"""Limits for a whole run: ``--concurrency``, queues and rates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from engine_rig import Meter
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import VirtualLoop, run_in_virtual_time

from drawer_ipy import press
from drawer_ipy.buttons import as_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import DrawerModel, load_drawer
from drawer_ipy.definition.models import Queue
from drawer_ipy.engine.limits import Limits, Rate
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.run import RunRecord

Step = dict[str, Any]


class Work:
    """A button that counts how many of its presses run at once, and records when each starts."""

    def __init__(self, ticks: int = 4) -> None:
        self.meter = Meter()
        self.seconds = ticks * 0.001
        self.starts: list[float] = []

    async def __call__(self, x: Any = None, host: str = "") -> Any:
        self.starts.append(time.perf_counter())
        await self.meter.during(x, self.seconds)
        return x

    def button(self, name: str, **limits: Any) -> Button:
        made = as_button(self.__call__, name)
        made.queue, made.rate = limits.get("queue"), limits.get("rate")
        return made


def run(
    *steps: Step,
    buttons: Mapping[str, Button],
    drawers: Mapping[str, Sequence[Step]] | None = None,
    **options: Any,
) -> RunRecord:
    children: dict[str, DrawerModel] = {
        name: load_drawer({"inputs": ["x"], "steps": list(inner)}, name=name).drawer
        for name, inner in (drawers or {}).items()
    }
    around = Surroundings(buttons, drawers=children)
    job = prepare({"name": "t", "steps": list(steps)}, None, Options(**options), around)
    record = asyncio.run(job.run.execute())
    assert record.status == "ok", record.error
    return record


def each(name: str, n: int, *steps: Step, width: int | None = None, **more: Any) -> Step:
    return {"id": name, "kind": "for_each", "over": list(range(n)), "as": name,
            "parallelism": n if width is None else width, "steps": list(steps), **more}  # fmt: skip


def button(name: str = "work", **more: Any) -> Step:
    return {"id": f"s-{name}", "button": name, **more}


# --concurrency


def test_the_widths_of_nested_loops_multiply() -> None:
    work = Work(ticks=20)
    run(each("o", 3, each("i", 4, button())), buttons={"work": work.button("work")})
    assert work.meter.most == 12
    assert len(work.meter.started) == 12


shapes = st.recursive(
    st.just("press"),
    lambda inner: st.tuples(
        st.sampled_from(["loop", "batch", "split", "drawer"]), st.integers(1, 4), st.integers(0, 4), inner
    ),
    max_leaves=3,
)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(1, 5), st.sampled_from(["sequential", "parallel"]))
def test_concurrency_caps_the_buttons_of_the_whole_run(shape: Any, cap: int, mode: str) -> None:
    """For all nestings, no more than `cap` presses run at once, and all of them run."""
    work, drawers = Work(ticks=1), {}

    def made(shape: Any, name: str) -> tuple[Step, int]:
        if shape == "press":
            return {"id": name, "button": "work"}, 1
        kind, n, width, inner = shape
        step, count = made(inner, f"{name}x")
        if kind == "loop":
            return each(name, n, step, width=width), n * count
        if kind == "batch":
            return {"id": name, "kind": "batch", "over": list(range(n)), "size": 1, "parallelism": width,
                    "steps": [step]}, n * count  # fmt: skip
        if kind == "split":
            return {"id": name, "kind": "split", "branches": {f"b{i}": [step] for i in range(n)}}, n * count
        drawers[name] = [step]
        return {"id": name, "kind": "drawer", "drawer": name}, count

    steps, counts = zip(*[made(shape, f"top{i}") for i in range(2)], strict=True)
    run(*steps, buttons={"work": work.button("work")}, drawers=drawers, concurrency=cap, mode=mode)
    assert work.meter.most <= cap
    assert len(work.meter.started) == sum(counts)


def test_as_many_presses_as_allowed_run_at_once() -> None:
    work = Work(ticks=10)
    run(each("o", 3, each("i", 6, button())), buttons={"work": work.button("work")}, concurrency=4)
    assert work.meter.most == 4
    assert len(work.meter.started) == 18


# Queues


def test_a_queue_is_shared_by_steps_drawers_and_buttons_that_name_it() -> None:
    one, two = Work(), Work()
    two.meter = one.meter  # they count together
    pool = Queue(name="db", concurrency=2)
    buttons = {"one": one.button("one", queue=pool), "two": two.button("two", queue=pool)}
    sub = {"id": "sub", "kind": "drawer", "drawer": "child"}
    run(each("a", 6, button("one"), sub), each("b", 6, button("two")),
        buttons=buttons, drawers={"child": [button("two")]}, mode="parallel")  # fmt: skip
    assert one.meter.most == 2
    assert len(one.meter.started) == 18


@pytest.mark.parametrize("key", ["host", " host ", "{{host}}", "{{ host }}:{{x}}"])
def test_a_queue_with_a_key_has_separate_slots_for_each_value(key: str) -> None:
    works = {"a": Work(10), "b": Work(10)}

    async def work(x: int, host: str) -> None:
        await works[host](x)

    made = as_button(work, "work")
    made.queue = Queue(name="hosts", concurrency=2, key=key)
    step = button(args={"x": "${h}", "host": "${['a', 'b'][h % 2]}"})
    if "{{x}}" in key:
        step["args"]["x"] = 0
    run(each("h", 12, step), buttons={"work": made})
    assert [w.meter.most for w in works.values()] == [2, 2]
    assert [len(w.meter.started) for w in works.values()] == [6, 6]


def test_queues_without_a_name_belong_to_one_button() -> None:
    one, two = Work(20), Work(20)
    both = Meter()
    one.meter = two.meter = both
    buttons = {
        name: work.button(name, queue=Queue(concurrency=1)) for name, work in (("one", one), ("two", two))
    }
    run(each("a", 3, button("one")), each("b", 3, button("two")), buttons=buttons, mode="parallel")
    assert both.most == 2  # one of each


def test_a_queue_without_a_limit_delays_nothing() -> None:
    work = Work(20)
    run(each("a", 5, button()), buttons={"work": work.button("work", queue=Queue(name="free"))})
    assert work.meter.most == 5


def test_a_press_that_waits_for_a_queue_holds_no_slot_of_the_run() -> None:
    """Three presses wait for the only slot of the queue; with a cap of two, other presses must still run."""
    slow, quick = Work(60), Work(1)
    buttons = {
        "slow": slow.button("slow", queue=Queue(name="q", concurrency=1)),
        "quick": quick.button("quick"),
    }
    run(
        each("a", 3, button("slow")),
        each("b", 8, button("quick")),
        buttons=buttons,
        concurrency=2,
        mode="parallel",
    )
    assert slow.meter.most == 1
    assert max(quick.starts) < max(slow.starts)  # all eight began before the last slow one


# Rates


def gaps(starts: Sequence[float]) -> list[float]:
    return [later - before for before, later in pairwise(sorted(starts))]


LEAST = 0.4  # of a gap: half of one, and what the clock and the machine take
GAP = 0.03
RATE = "2000/min"


@pytest.mark.parametrize("where", ["button", "step", "loop"])
def test_a_rate_spaces_starts_evenly(where: str) -> None:
    work = Work(ticks=1)
    step = button(**({"rate": RATE} if where == "step" else {}))
    loop = each("a", 6, step, **({"rate": RATE} if where == "loop" else {}))
    made = work.button("work", **({"rate": RATE} if where == "button" else {}))
    run(loop, buttons={"work": made})
    assert len(work.starts) == 6
    assert min(gaps(work.starts)) > GAP * LEAST  # no burst
    assert sum(gaps(work.starts)) > 4.4 * GAP


def test_the_rate_of_a_button_is_shared_by_all_steps_that_press_it() -> None:
    work = Work(ticks=1)
    sub = {"id": "sub", "kind": "drawer", "drawer": "child"}
    run(each("a", 3, button()), each("b", 2, sub), button(), buttons={"work": work.button("work", rate=RATE)},
        drawers={"child": [button()]}, mode="parallel")  # fmt: skip
    assert len(work.starts) == 6
    assert min(gaps(work.starts)) > GAP * LEAST


def test_the_rate_of_a_step_applies_only_to_that_step() -> None:
    """Two steps with the same id in two loops are limited separately."""
    work = Work(ticks=1)
    loops = [each(name, 4, button(rate=RATE, args={"x": name})) for name in "ab"]
    run(*loops, buttons={"work": work.button("work")}, mode="parallel")
    for name in "ab":
        mine = [at for at, x in zip(work.starts, work.meter.started, strict=True) if x == name]
        assert len(mine) == 4
        assert min(gaps(mine)) > GAP * LEAST
    assert max(work.starts) - min(work.starts) < 7 * GAP + 1


def test_the_rate_of_an_inner_loop_applies_across_outer_items() -> None:
    work = Work(ticks=1)
    run(each("o", 3, each("i", 2, button(), rate=RATE)), buttons={"work": work.button("work")})
    assert len(work.starts) == 6
    assert min(gaps(work.starts)) > GAP * LEAST


def test_a_press_that_waits_for_its_turn_holds_no_slot_of_the_run() -> None:
    """With a cap of one, presses that wait a second for their turn must not delay the other presses."""
    slow, quick = Work(1), Work(1)
    buttons = {"slow": slow.button("slow", rate="4/s"), "quick": quick.button("quick")}
    run(
        each("a", 4, button("slow")),
        each("b", 8, button("quick")),
        buttons=buttons,
        concurrency=1,
        mode="parallel",
    )
    assert max(quick.starts) < max(slow.starts)
    assert min(gaps(slow.starts)) > LEAST * 0.25


def test_slots_that_become_free_together_cause_no_burst() -> None:
    """Turns pass while all slots are in use; the presses that then start are spaced again."""
    block, work = Work(150), Work(1)
    buttons = {"block": block.button("block"), "work": work.button("work", rate=RATE)}
    run(
        each("a", 4, button("block")), each("b", 4, button()), buttons=buttons, concurrency=4, mode="parallel"
    )
    assert len(work.starts) == 4
    assert min(gaps(work.starts)) > GAP * LEAST


def test_a_cancelled_wait_leaves_the_rate_usable() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        rate, turns = Rate("20/s"), []

        async def turn() -> None:
            await rate.wait()
            turns.append(loop.time())

        waiting = [asyncio.create_task(turn()) for _ in range(4)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait(waiting)
        return turns

    assert run_in_virtual_time(main) == pytest.approx([0.0, 0.05, 0.1])


@settings(deadline=None)
@given(st.integers(1, 8), st.lists(st.integers(0, 15), min_size=1, max_size=8), st.integers(0, 12))
def test_turns_are_spaced_by_the_gap_of_the_rate(gap: int, delays: list[int], late: int) -> None:
    """Two turns are at least half a gap apart, because the rate catches up if the event loop is late."""

    async def main(loop: VirtualLoop) -> list[float]:
        rate, turns = Rate(f"{60 / gap}/min"), []

        async def ask(delay: int) -> None:
            await asyncio.sleep(delay)
            await rate.wait()
            turns.append(loop.time())

        async def stall() -> None:
            await asyncio.sleep(late)
            loop.stall(late)

        await asyncio.gather(*(ask(delay) for delay in delays), *([stall()] if late else []))
        return turns

    turns = run_in_virtual_time(main)
    assert len(turns) == len(delays)
    least = gap / 2 if late else gap
    assert all(found >= least - 1e-9 for found in gaps(turns))
    assert sum(gaps(turns)) >= (len(turns) - 1) * gap - (gap / 2 if late else 0) - 1e-9


def test_a_timeout_starts_with_the_button() -> None:
    """Four presses of 40 ms use one slot, so the last waits longer than its timeout."""
    work = Work(40)
    made = work.button("work", queue=Queue(name="q", concurrency=1))
    run(each("a", 6, button(timeout_seconds=0.2)), buttons={"work": made})
    assert len(work.starts) == 6


def test_without_limits_no_limit_objects_are_created() -> None:
    assert not Limits().concern(Work().button("work"), None)
    assert Limits(3).concern(Work().button("work"), None)


def test_a_rate_can_be_set_for_a_button_of_the_drawer() -> None:
    drawer = {
        "buttons": {"p": {"prompt": "hello {{n}}", "args": ["n"], "rate": RATE}},
        "steps": [each("a", 4, {"id": "s", "button": "p", "args": {"n": "${a}"}})],
    }
    before = time.perf_counter()
    results = press(drawer, quiet=True)
    assert time.perf_counter() - before > 2.4 * GAP
    assert [row.output for row in results] == [f"hello {n}" for n in range(4)]
