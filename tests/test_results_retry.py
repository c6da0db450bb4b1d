"""A retry presses only what did not end ok and merges the results in place and in order."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, Results, UsageError, apress, press
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.run import RunRecord


class World:
    """Buttons whose failures can be fixed, with a list of their presses."""

    def __init__(self, bad: Sequence[Any] = ()) -> None:
        self.bad = set(bad)
        self.pressed: list[tuple[str, Any]] = []
        self.stop_at: Any = None
        self.stop: Callable[[], None] = lambda: None

    def button(self, name: str) -> Callable[..., Any]:
        async def act(x: Any) -> Any:
            self.pressed.append((name, x))
            if self.stop_at == (name, x):
                self.stop()
                await asyncio.sleep(0.01)
            if x in self.bad or (name, x) in self.bad:
                raise ValueError(f"{name} fails at {x}")
            return {"by": name, "x": x, "press": len(self.pressed)}

        return act

    def buttons(self, *names: str) -> Mapping[str, Callable[..., Any]]:
        return {name: self.button(name) for name in names}

    def again(self, *bad: Any) -> None:
        """Fail only at `bad` from now on, and forget the presses so far."""
        self.bad = set(bad)
        self.pressed.clear()


def step(name: str, x: Any = "${x}", **fields: Any) -> dict[str, Any]:
    return {"id": name, "button": name, "args": {"x": x}, **fields}


def each(over: Any, *steps: Any, name: str = "each", label: str = "x", **fields: Any) -> dict[str, Any]:
    return {"id": name, "kind": "for_each", "over": over, "as": label, "steps": list(steps), **fields}


def press_in(world: World, *steps: Any, inputs: Any = None, drawer: Any = (), **options: Any) -> Results:
    names = {"a", "b", "c", "undo"}
    given = {"name": "d", "inputs": ["xs", "key"], "steps": list(steps), **dict(drawer)}
    return press(given, inputs or {}, check=False, quiet=True, buttons=world.buttons(*names), **options)


def test_only_failed_rows_are_pressed_and_they_keep_their_places() -> None:
    world = World([3, 5])
    results = press_in(world, each(list(range(8)), step("a"), parallelism=4, on_item_failure="continue"))
    failed, column = results.failed, results["x"]
    world.again()
    assert results.retry(quiet=True) is results
    assert sorted(world.pressed) == [("a", 3), ("a", 5)]
    assert results["x"] == list(range(8)) == column
    assert results.counts == {"ok": 8, "failed": 0, "cancelled": 0, "skipped": 0}
    assert [row.status for row in failed] == ["ok", "ok"], "existing tables show the new state"
    assert results.run.status == "ok"


def test_a_retry_continues_a_stopped_loop_and_the_steps_after_it() -> None:
    world = World([2])
    steps = [step("b", 0), each([0, 1, 2, 3, 4], step("a")), step("c", "${each.output.total}")]
    results = press_in(world, *steps)
    assert [s.id for s in results.run.steps] == ["b", "each"]
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 2), ("a", 3), ("a", 4), ("c", 5)]
    assert [s.status for s in results.run.steps] == ["ok", "ok", "ok"]
    assert results.ok["x"] == [0, 1, 2, 3, 4]
    entries = results.run.to_dict()["steps"][1]["output"]
    assert [e["steps"]["a"]["status"] for e in entries["results"]] == ["ok"] * 5
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [], "nothing is left to press"


def test_items_that_still_fail_can_be_retried_again() -> None:
    world = World([1, 2])
    results = press_in(world, each([0, 1, 2, 3], step("a"), on_item_failure="continue"))
    world.again(2)
    assert [row.index for row in results.retry(quiet=True).failed] == [2]
    assert results.errors[0].message == "ValueError: a fails at 2"
    world.again()
    assert not results.retry(quiet=True).failed
    assert world.pressed == [("a", 2)]


def test_a_retry_of_a_subset_presses_only_its_rows() -> None:
    world = World([1, 3, 5])
    results = press_in(world, each(list(range(6)), step("a"), on_item_failure="continue"))
    world.again()
    part = results.failed[1:].retry(quiet=True)
    assert world.pressed == [("a", 3), ("a", 5)]
    assert [row.index for row in part] == [3, 5]
    assert [row.index for row in results.failed] == [1]
    assert results[:1].retry(quiet=True)["x"] == [0]
    assert len(world.pressed) == 2, "ok rows are not pressed"


def test_a_retry_of_a_subset_leaves_a_stopped_loop_unfinished() -> None:
    world = World([1])
    results = press_in(world, each([0, 1, 2, 3], step("a")), step("b", 9))
    world.again()
    results.failed.retry(quiet=True)
    assert world.pressed == [("a", 1)], "the step after the loop waits for all of it"
    assert results.counts == {"ok": 2, "failed": 0, "cancelled": 0, "skipped": 2}
    assert results.run.status == "failed"
    assert "2 of 4 items" in str(results.run.error)
    assert [s.status for s in results.retry(quiet=True).run.steps] == ["ok", "ok"]


def test_successful_steps_of_a_failed_item_are_kept() -> None:
    world = World([("b", 1)])
    results = press_in(world, each([0, 1], step("a"), step("b", "${a.output.x}"), on_item_failure="continue"))
    fetched = results[1].steps["a"].output
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("b", 1)]
    assert results[1].steps["a"].output is fetched
    assert results[1].output["by"] == "b"


def test_steps_that_refer_to_a_retried_step_are_pressed_too() -> None:
    world = World([("a", 1), ("c", 1)])
    steps = [
        step("a", on_failure="continue"),
        step("b", "${(a.error ?? null) == null ? x : -1}"),
        step("c"),
    ]
    results = press_in(world, each([0, 1], *steps, on_item_failure="continue"))
    assert ("b", -1) in world.pressed
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 1), ("b", 1), ("c", 1)]


def test_a_retry_continues_inner_loops() -> None:
    world = World([12])
    inner = each("${[x * 10, x * 10 + 1, x * 10 + 2]}", step("a", "${y}"), name="inner", label="y")
    results = press_in(world, each([0, 1, 2], inner, on_item_failure="continue"))
    assert [row.index for row in results.failed] == [1]
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 12)]
    entries = results.run.to_dict()["steps"][0]["output"]["results"][1]["steps"]["inner"]["output"]["results"]
    assert [entry["steps"]["a"]["output"]["x"] for entry in entries] == [10, 11, 12]


def test_inner_items_that_failed_within_an_ok_row_are_pressed_too() -> None:
    world = World([1])
    inner = each([0, 1, 2], step("a", "${y}"), name="inner", label="y", on_item_failure="continue")
    results = press_in(world, each([7, 8], inner, step("b", "${inner.output.total}")))
    assert results.counts["ok"] == 2
    last = results[0].steps["b"].output
    world.again()
    results[:1].retry(quiet=True)
    assert world.pressed == [("a", 1)]
    results.retry(quiet=True)
    assert world.pressed == [("a", 1), ("a", 1)]
    assert results[0].steps["b"].output is last, "the rest of an ok row is kept"
    assert [[entry["x"] for entry in row] for row in results["inner.a"]] == [[0, 1, 2], [0, 1, 2]]
    results.retry(quiet=True)
    assert len(world.pressed) == 2, "nothing is left to press"


def test_an_inner_loop_over_changed_items_starts_again() -> None:
    world = World([("b", 1), ("c", 7), ("c", 3)])
    over = "${(b.error ?? null) == null ? [7, 8] : [8, 7]}"
    inner = each(
        over, step("a", "${y}"), step("c", "${y}"), name="inner", label="y", on_item_failure="continue"
    )
    steps = [step("b", on_failure="continue"), inner, step("c", 3)]
    results = press_in(world, each([1], *steps, on_item_failure="continue"))
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("b", 1), ("a", 7), ("c", 7), ("a", 8), ("c", 8), ("c", 3)]


def test_a_retry_without_a_loop_keeps_successful_steps_and_presses_the_others() -> None:
    world = World([("b", 1)])
    results = press_in(world, step("a", 1), step("b", 1), step("c", "${a.output.x}"))
    assert results["status"] == ["ok", "error"]
    before = results[0].output
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("b", 1), ("c", 1)]
    assert results["status"] == ["ok", "ok", "ok"]
    assert results[0].output is before


def test_a_retry_of_a_run_that_never_reached_its_loop_returns_the_table() -> None:
    world = World([("a", 0)])
    results = press_in(world, step("a", 0), each([1, 2], step("b")))
    assert results.columns[0] == "step"
    world.again()
    assert results.retry(quiet=True)["x"] == [1, 2]


def test_a_retry_in_graph_mode_presses_skipped_steps() -> None:
    world = World([("a", 1)])
    steps = [step("a", 1), step("b", "${a.output.x}"), step("c", 3)]
    results = press_in(world, *steps, mode="parallel", on_failure="continue")
    assert {s.id: s.status for s in results.run.steps} == {"a": "error", "b": "skipped", "c": "ok"}
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 1), ("b", 1)]
    assert [s.status for s in results.run.steps] == ["ok", "ok", "ok"]


def test_later_steps_that_depend_on_retried_ones_are_pressed_with_dependents() -> None:
    world = World([("a", 1)])
    total = step("b", "${size(each.output.results.filter(r, !r.failed))}")
    steps = [each([0, 1], step("a"), on_item_failure="continue"), total]
    results = press_in(world, *steps)
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 1)]
    assert results.run.step("b").output["x"] == 1, "a successful step is kept"
    results.retry(dependents=True, quiet=True)
    assert world.pressed == [("a", 1), ("b", 2)]
    results.retry(dependents=True, quiet=True)
    assert len(world.pressed) == 2, "nothing has changed since"


def test_a_compensated_step_is_pressed_again() -> None:
    world = World([("b", 2)])
    undone = {"on_failure": {"action": "stop", "compensate_with": {"button": "undo", "args": {"x": 1}}}}
    results = press_in(world, step("a", 1, **undone), step("b", 2))
    assert world.pressed == [("a", 1), ("b", 2), ("undo", 1)]
    world.again()
    results.retry(quiet=True)
    assert world.pressed == [("a", 1), ("b", 2)]


def test_a_replaced_item_is_pressed() -> None:
    world = World([1])
    xs = [0, 1, 2, float("nan")]
    results = press_in(world, each("${inputs.xs}", step("a"), on_item_failure="continue"), inputs={"xs": xs})
    world.again()
    xs[2] = 22
    xs.append(5)
    results.retry(quiet=True)
    assert world.pressed == [("a", 1), ("a", 22), ("a", 5)]
    assert len(results) == 5


@pytest.mark.parametrize(("limit", "status"), [(1, "failed"), (2, "ok"), ("50%", "ok")])
def test_remaining_failures_are_compared_with_the_tolerated_failures(limit: Any, status: str) -> None:
    world = World([0, 1, 2, 3])
    results = press_in(world, each([0, 1, 2, 3], step("a"), tolerated_failures=limit))
    world.again(1, 3)
    results.retry(quiet=True)
    assert results.run.status == status
    assert [row.index for row in results.failed] == [1, 3]


def test_a_retry_passes_real_secrets_and_records_hidden_ones() -> None:
    seen: list[str] = []
    bad = {1}

    def a(x: int, key: str) -> Any:
        return f"{key}/{x}"

    def b(x: int, text: str) -> Any:
        seen.append(text)
        if x in bad:
            raise ValueError(f"no {text}")
        return text

    drawer = {
        "name": "d",
        "inputs": [{"name": "key", "secret": True}],
        "steps": [
            each(
                [0, 1],
                {"id": "a", "button": "a", "args": {"x": "${x}", "key": "${inputs.key}"}},
                {"id": "b", "button": "b", "args": {"x": "${x}", "text": "${a.output}"}},
                on_item_failure="continue",
            )
        ],
    }
    results = press(drawer, {"key": "s3cr3t"}, buttons={"a": a, "b": b}, quiet=True)
    bad.clear()
    seen.clear()
    results.retry(quiet=True)
    assert seen == ["s3cr3t/1"]
    assert results["b"] == ["[redacted]/0", "[redacted]/1"]
    assert "s3cr3t" not in str(results.run.to_dict()) + repr(results) + repr(results.explain(1))
    assert b"s3cr3t" not in pickle.dumps(results)


def test_a_retry_uses_a_redefined_function() -> None:
    names: dict[str, Any] = {}
    exec("def parse(x: int) -> int:\n    return 1 // x", names)
    around = Surroundings(namespace=names)
    drawer = {"name": "d", "steps": [each([0, 1], step("parse"), on_item_failure="continue")]}
    results = prepare(drawer, {}, Options(), around).press_blocking(NullDisplay())
    exec("def parse(x: int) -> int:\n    return 7", names)
    assert results.retry(quiet=True)["parse"] == [7, 1]
    del names["parse"]
    assert results.retry(quiet=True)["parse"] == [7, 1], "nothing is pressed, so nothing is missing"


def test_a_missing_button_is_reported_and_no_row_is_lost() -> None:
    names: dict[str, Any] = {}
    exec("def parse(x: int) -> int:\n    return 1 // x", names)
    drawer = {"name": "d", "steps": [each([0, 1], step("parse"), on_item_failure="continue")]}
    results = prepare(drawer, {}, Options(), Surroundings(namespace=names)).press_blocking(NullDisplay())
    del names["parse"]
    with pytest.raises(DefinitionError, match="no button 'parse'"):
        results.retry(quiet=True)
    assert results.counts["ok"] == 1
    exec("def parse(x: int) -> int:\n    return 7", names)
    assert results.retry(quiet=True)["parse"] == [7, 1], "a further retry is possible"


def interrupted(world: World, at: Any, *steps: Any) -> Results:
    job = prepare(
        {"name": "d", "steps": list(steps)}, {}, Options(), Surroundings(namespace=world_names(world))
    )
    world.stop_at, world.stop = at, job.run.cancel
    return job.press_blocking(NullDisplay())


def world_names(world: World) -> dict[str, Any]:
    return dict(world.buttons("a", "b", "c"))


def test_a_retry_continues_after_an_interrupt() -> None:
    world = World()
    results = interrupted(world, ("a", 2), each([0, 1, 2, 3, 4], step("a")), step("b", 9))
    assert results.run.status == "cancelled"
    assert results.counts["ok"] in (2, 3)
    kept = [row.output for row in results.ok]
    world.again()
    world.stop_at = None
    results.retry(quiet=True)
    assert [row.output for row in results][: len(kept)] == kept
    assert [x for _, x in world.pressed] == [0, 1, 2, 3, 4, 9][len(kept) :]
    assert results.run.status == "ok"


def test_a_retry_that_is_interrupted_keeps_everything() -> None:
    world = World([1, 3, 5])
    results = press_in(world, each([0, 1, 2, 3, 4, 5], step("a"), on_item_failure="continue"), step("b", 9))
    assert results.run.step("b").status == "ok"
    world.again()

    async def stop_in_between() -> None:
        task = asyncio.ensure_future(results.aretry(quiet=True))
        world.stop_at, world.stop = ("a", 3), lambda: loop.call_soon_threadsafe(task.cancel)
        loop = asyncio.get_running_loop()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop_in_between())
    assert results.run.status == "cancelled"
    assert results[1].ok
    assert results[3].status in ("ok", "cancelled")
    assert results[5].failed, "an item that was not reached keeps its state"
    assert results[5].error is not None
    assert results[5].error.message == "ValueError: a fails at 5"
    assert results.run.step("b").output["x"] == 9
    world.stop_at = None
    results.retry(quiet=True)
    assert results.counts["ok"] == 6
    assert results.run.status == "ok"


def test_a_loop_that_cannot_be_restarted_keeps_its_rows() -> None:
    world = World([1])
    steps = [step("c", 0), each("${inputs.xs}", step("a"), on_item_failure="continue")]
    xs: dict[str, Any] = {"xs": [0, 1]}
    results = press_in(world, *steps, inputs=xs)
    kept = results[0].output
    results.view.origin._retrier._prepare = _with_inputs(world, steps, {"xs": 5})  # type: ignore[union-attr]
    results.retry(quiet=True)
    assert results.run.failed_step == "each"
    assert results[0].output is kept
    assert len(results) == 2


def _with_inputs(world: World, steps: Sequence[Any], inputs: Any) -> Callable[[Any], Job]:
    around = Surroundings(namespace=world_names(world))
    drawer = {"name": "d", "inputs": ["xs"], "steps": list(steps)}
    return lambda earlier: prepare(drawer, inputs, Options(), around, earlier)


def test_aretry_runs_on_the_current_event_loop() -> None:
    loops: list[Any] = []
    bad = {1}

    async def a(x: int) -> int:
        loops.append(asyncio.get_running_loop())
        if x in bad:
            raise ValueError("no")
        return x

    async def main() -> None:
        drawer = {"name": "d", "steps": [each([0, 1], step("a"), on_item_failure="continue")]}
        results = await apress(drawer, buttons={"a": a}, quiet=True)
        bad.clear()
        assert await results.aretry(quiet=True) is results
        assert results["a"] == [0, 1]
        assert set(loops) == {asyncio.get_running_loop()}

    asyncio.run(main())
    assert len(loops) == 3


def test_results_that_cannot_be_retried_say_why() -> None:
    record = RunRecord("0" * 16, "d", "failed", error=ErrorInfo("X", "no"))
    with pytest.raises(UsageError, match="not pressed in this process"):
        Results.of(record).retry()
    world = World([0])
    results = press_in(world, each([0], step("a"), on_item_failure="continue"))
    world.again()
    messages: list[str] = []

    def retry_during_the_run() -> None:
        try:
            results.retry(quiet=True)
        except UsageError as error:
            messages.append(error.message)

    world.stop_at, world.stop = ("a", 0), retry_during_the_run
    results.retry(quiet=True)
    assert messages == ["the run is still running"]
    assert results[0].ok


def test_pickled_results_can_be_read_but_not_retried() -> None:
    world = World([1])
    results = press_in(world, each([0, 1, 2], step("a"), on_item_failure="continue"))
    results.columns  # noqa: B018  # the layout holds closures
    copy = pickle.loads(pickle.dumps(results[1:]))
    assert copy["x"] == [1, 2]
    assert copy["by"] == [None, "a"]
    assert copy[0].failed
    with pytest.raises(UsageError, match="not pressed in this process"):
        copy.retry()


rounds = st.lists(st.sets(st.integers(0, 9)), min_size=1, max_size=4)
parts = st.lists(st.none() | st.sets(st.integers(0, 9), min_size=1), min_size=4, max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 10),
    bad=rounds,
    part=parts,
    width=st.integers(0, 4),
    policy=st.sampled_from(["stop", "continue"]),
    interrupt=st.none() | st.integers(0, 9),
)
def test_law_successful_rows_never_change_and_no_row_is_lost(
    n: int, bad: list[set[int]], part: list[Any], width: int, policy: str, interrupt: int | None
) -> None:
    world = World(bad[0])
    loop = each(list(range(n)), step("a"), step("b"), parallelism=width, on_item_failure=policy)
    if interrupt is None:
        results = press_in(world, loop)
    else:
        results = interrupted(world, ("a", interrupt), loop)
        world.stop_at = None
    for failing, rows in zip([*bad[1:], set()], part, strict=False):
        kept = {row.index: (row.output, row.steps["a"].output, row.started) for row in results.ok}
        open_rows = {row.index for row in results} - kept.keys()
        world.again(*failing)
        chosen = results if rows is None else results[sorted(k for k in rows if k < n)]
        chosen.retry(quiet=True)
        for index, (output, first, started) in kept.items():
            row = results[index]
            assert row.ok
            assert row.output is output
            assert row.steps["a"].output is first
            assert row.started == pytest.approx(started, abs=0.01)
        expected = open_rows if rows is None else open_rows & rows
        assert {x for _, x in world.pressed} <= expected
        assert len(world.pressed) == len(set(world.pressed)), "nothing is pressed twice"
        assert sum(results.counts.values()) == len(results) == n
        assert results["x" if "x" in results else "status"] is not None
        for row in results:
            assert (row.error is not None) == (row.failed or row.cancelled)
            assert row.ok == (row.output is not None)
    world.again()
    results.retry(quiet=True)
    assert results.counts["ok"] == n
    assert results.run.status == "ok"
    assert [row.item for row in results] == list(range(n))


def _inner_ok(results: Results) -> set[tuple[int, int]]:
    """The successful items of inner loops, as pairs of the outer and the inner index."""
    out = set()
    for step in results.run.to_dict()["steps"]:
        for entry in step["output"]["results"]:
            inner = entry["steps"].get("inner") if entry else None
            for item in inner["output"]["results"] if inner and inner["output"] else ():
                if item and item["steps"]["a"]["status"] == "ok":
                    out.add((entry["index"], item["index"]))
    return out


POLICIES = st.sampled_from(["stop", "continue"])
PAIRS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    bad=st.lists(PAIRS, min_size=1, max_size=3),
    widths=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    policies=st.tuples(POLICIES, POLICIES),
    mode=st.sampled_from(["sequential", "parallel"]),
)
def test_law_successful_items_of_inner_loops_are_not_pressed_again(
    size: tuple[int, int], bad: list[Any], widths: tuple[int, int], policies: tuple[str, str], mode: str
) -> None:
    world = World([x * 10 + y for x, y in bad[0]])
    work = step("a", "${x * 10 + y}")
    inner = each(
        [*range(size[1])], work, name="inner", label="y", parallelism=widths[0], on_item_failure=policies[0]
    )
    outer = each([*range(size[0])], inner, parallelism=widths[1], on_item_failure=policies[1])
    results = press_in(world, outer, mode=mode)
    for failing in [*bad[1:], set(), set()]:
        done, whole = _inner_ok(results), range(size[1])
        kept = [row for row in results.ok if all((row.index, y) in done for y in whole)]
        rows = {row.index: row.output for row in kept}
        world.again(*(x * 10 + y for x, y in failing))
        results.retry(quiet=True)
        assert all(results[index].output is output for index, output in rows.items())
        assert done.isdisjoint((x // 10, x % 10) for _, x in world.pressed)
        assert done <= _inner_ok(results)
    assert results.counts["ok"] == size[0]
    assert len(_inner_ok(results)) == size[0] * size[1]
