"""Runs as a whole: cancellation, presses from sync and async code, graph mode and events."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from engine_rig import Meter

from drawer_ipy import DrawerCancelled, DrawerFailed, Results, apress, press
from drawer_ipy.engine import events
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.results.verdict import raise_for

LOOP = {"id": "each", "kind": "for_each", "over": "inputs.xs", "as": "x", "parallelism": 3,
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}]}  # fmt: skip


def job(steps: list[dict[str, Any]], inputs: dict[str, Any], buttons: dict[str, Any], **options: Any) -> Job:
    drawer = {"name": "t", "inputs": list(inputs), "steps": steps}
    return prepare(drawer, inputs, Options(**options), Surroundings(named_buttons(buttons)))


class Gate:
    """A button whose first items end at once and whose later items wait until they are cancelled."""

    def __init__(self, passing: int, then: Any = lambda: None) -> None:
        self.meter = Meter()
        self.passing = passing
        self.then = then

    async def __call__(self, x: int) -> int:
        if x < self.passing:
            return x
        if x == self.passing:
            self.then()
        await self.meter.during(x, 60)
        return x


def states(results: Results) -> list[str]:
    return [row.status for row in results]


def test_cancel_keeps_finished_items_in_order() -> None:
    gate = Gate(4)
    made = job([LOOP, {"id": "after", "button": "work", "args": {"x": 0}}], {"xs": list(range(9))},
               {"work": gate})  # fmt: skip
    gate.then = made.run.cancel
    record = asyncio.run(made.run.execute())
    assert record.status == "cancelled"
    assert [s.status for s in record.steps] == ["cancelled"]
    assert states(made.results) == ["ok"] * 4 + ["cancelled"] * 3 + ["skipped"] * 2
    assert list(made.results.ok["work"]) == [0, 1, 2, 3]
    assert gate.meter.now == 0
    with pytest.raises(DrawerCancelled, match="cancelled") as caught:
        raise_for(made.results)
    assert len(caught.value.results.ok) == 4


def test_cancel_from_another_thread_and_twice_is_harmless() -> None:
    gate = Gate(2)
    made = job([LOOP], {"xs": [0, 1, 2]}, {"work": gate})
    gate.then = lambda: [threading.Thread(target=made.run.cancel).start() for _ in range(2)]
    assert asyncio.run(made.run.execute()).status == "cancelled"
    made.run.cancel()


def test_cancel_before_the_start_presses_nothing() -> None:
    gate = Gate(9)
    made = job([LOOP], {"xs": [0]}, {"work": gate})
    made.run.cancel()
    record = asyncio.run(made.run.execute())
    assert record.status == "cancelled"
    assert record.steps == []


def test_cancelling_the_caller_raises_after_everything_has_ended() -> None:
    gate = Gate(1)
    made = job([LOOP], {"xs": list(range(5))}, {"work": gate})

    async def main() -> None:
        full = asyncio.Event()
        gate.then = full.set
        task = asyncio.create_task(made.run.execute())
        await full.wait()
        await asyncio.sleep(0.01)  # the two next items start in the same turn
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gate.meter.now == 0

    asyncio.run(main())
    assert states(made.results) == ["ok"] + ["cancelled"] * 3 + ["skipped"]


def test_a_run_waits_for_a_button_that_cleans_up_after_its_cancellation() -> None:
    ended = []

    async def stubborn(x: int) -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            ended.append(x)
            raise
        return x

    async def main() -> None:
        made = job([LOOP], {"xs": [0, 1, 2]}, {"work": stubborn})
        task = asyncio.create_task(made.run.execute())
        await asyncio.sleep(0.05)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert sorted(ended) == [0, 1, 2]


def test_press_works_within_a_running_event_loop_and_apress_on_it() -> None:
    async def main() -> None:
        lock = asyncio.Lock()

        async def locked(x: int) -> int:
            async with lock:
                await asyncio.sleep(0)
                return x * 2

        drawer = {"inputs": ["xs"], "steps": [LOOP]}
        results = await apress(drawer, {"xs": [1, 2, 3]}, buttons={"work": locked}, quiet=True)
        assert list(results["work"]) == [2, 4, 6]
        results = press(drawer, {"xs": [1, 2]}, buttons={"work": lambda x: x}, quiet=True)
        assert list(results["work"]) == [1, 2]

    asyncio.run(main())


def test_press_finds_the_functions_of_its_caller() -> None:
    def work(x: int) -> int:
        return -x

    assert list(press({"inputs": ["xs"], "steps": [LOOP]}, {"xs": [1, 2]}, quiet=True)["work"]) == [-1, -2]


def test_a_failed_run_raises_with_everything_that_succeeded() -> None:
    def work(x: int) -> float:
        return 6 / x

    drawer = {"name": "d", "inputs": ["xs"], "steps": [LOOP]}
    with pytest.raises(DrawerFailed, match=r"item 2 \(of 3\) failed at step 'work'") as caught:
        press(drawer, {"xs": [2, 3, 0]}, parallelism=1, quiet=True)
    assert list(caught.value.results.ok["work"]) == [3.0, 2.0]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.code == "FOREACH_ITEM_FAILED"


@pytest.mark.parametrize("given", ["yaml", "json", "mapping", "path", "name", "Drawer"])
def test_a_drawer_may_be_given_in_any_form(
    given: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from drawer_ipy import Drawer

    mapping = {"schema_version": 2, "drawer_kind": "action", "name": "d",
               "steps": [{"id": "s", "button": "f", "args": {"x": 1}}]}  # fmt: skip
    folder = tmp_path / "drawers" / "my-show"
    folder.mkdir(parents=True)
    (folder / "drawer.json").write_text(json.dumps(mapping))
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    forms: dict[str, Any] = {
        "yaml": "steps:\n  - {id: s, button: f, args: {x: 1}}\n",
        "json": json.dumps(mapping),
        "mapping": mapping,
        "path": folder / "drawer.json",
        "name": "My Show",
        "Drawer": Drawer.model_validate(mapping),
    }
    assert press(forms[given], buttons={"f": lambda x: x + 1}, quiet=True).output == 2


# Graph mode


def chain(*links: str) -> list[dict[str, Any]]:
    """Steps in the notation ``b<a,c``: b refers to a and c."""
    steps = []
    for link in links:
        name, _, needs = link.partition("<")
        args = {need: f"${{{need}.output}}" for need in needs.split(",") if need}
        steps.append({"id": name, "button": name, "args": args})
    return steps


def test_a_step_starts_as_soon_as_its_own_references_are_ready() -> None:
    """If steps ran in waves, b would wait for c; here c waits for b, so that would never end."""
    b_ran = asyncio.Event()

    async def b(a: int) -> int:
        b_ran.set()
        return a + 1

    async def c() -> int:
        await asyncio.wait_for(b_ran.wait(), 20)
        return 10

    buttons = {"a": lambda: 1, "b": b, "c": c, "d": lambda b, c: b + c}
    results = press({"steps": chain("d<b,c", "b<a", "c", "a")}, buttons=buttons, mode="parallel", quiet=True)
    assert results.output == 12 or results.run.step("d").output == 12
    assert [s.id for s in results.run.steps] == ["d", "b", "c", "a"]


def test_a_cycle_of_steps_is_reported_and_nothing_runs() -> None:
    ran: list[int] = []
    buttons = {n: (lambda **kw: ran.append(1)) for n in "abcd"}
    run = press({"steps": chain("a<c", "b<a", "c<b", "d")}, buttons=buttons, mode="parallel",
                check=False, quiet=True).run  # fmt: skip
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.code == "PARALLEL_DEADLOCK"
    assert all(name in run.error.message for name in ("a", "b", "c"))
    assert ran == []


@pytest.mark.parametrize(
    ("on_failure", "expected"),
    [
        ("stop", {"bad": "error", "other": "cancelled"}),
        ("continue", {"bad": "error", "after": "skipped", "far": "skipped", "other": "ok", "last": "ok"}),
    ],
)
def test_in_graph_mode_a_failure_stops_or_skips_dependent_steps(
    on_failure: Any, expected: dict[str, str]
) -> None:
    async def other() -> None:
        await asyncio.sleep(0.2)

    def bad() -> None:
        raise ValueError("no")

    buttons = {"bad": bad, "after": lambda bad: 1, "far": lambda after: 1, "other": other,
               "last": lambda other: 2}  # fmt: skip
    drawer = {"steps": chain("bad", "after<bad", "far<after", "other", "last<other")}
    run = press(drawer, buttons=buttons, mode="parallel", on_failure=on_failure, check=False, quiet=True).run
    assert run.status == "failed"
    assert run.failed_step == "bad"
    assert run.error is not None
    assert run.error.code == "FUNCTION_ERROR"
    assert {s.id: s.status for s in run.steps} == expected
    if on_failure == "continue":
        assert run.step("far").error is not None
        assert run.step("far").error.code == "SKIPPED"
        assert "'after'" in run.step("far").error.message


def test_every_start_and_end_emits_an_event() -> None:
    made = job([LOOP], {"xs": [1, 2]}, {"work": lambda x: x})
    names: list[str] = []
    kinds = [events.RunStarted, events.StepStarted, events.LoopStarted, events.ItemStarted,
             events.ItemFinished, events.LoopFinished, events.StepFinished, events.RunFinished]  # fmt: skip
    for kind in kinds:
        made.run.listeners.on(kind, lambda event: names.append(type(event).__name__))
    asyncio.run(made.run.execute())
    assert [h for h in names if not h.startswith("Item")] == [
        "RunStarted", "StepStarted", "LoopStarted", "LoopFinished", "StepFinished", "RunFinished",
    ]  # fmt: skip
    assert names.count("ItemStarted") == names.count("ItemFinished") == 2


def test_a_listener_that_raises_does_not_break_the_run() -> None:
    made = job([LOOP], {"xs": [1, 2]}, {"work": lambda x: x})
    made.run.listeners.on(events.ItemFinished, lambda event: 1 / 0)
    assert asyncio.run(made.run.execute()).status == "ok"
    assert [type(e) for e in made.run.listeners.errors] == [ZeroDivisionError]
