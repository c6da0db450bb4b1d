"""Every kind of step: its output, failure and cancellation, with every policy and inside every other kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from engine_rig import Meter

from drawer_ipy.definition import load_drawer
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.run import RunRecord

Step = dict[str, Any]


class Bench:
    """Buttons that record their presses, and drawers that press them."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.pressed: list[Any] = []
        self.failures = 0  # how often `flaky` still fails
        self.hanging = asyncio.Event()

    async def same(self, x: Any = None) -> Any:
        self.pressed.append(x)
        return x

    def fail(self) -> None:
        self.pressed.append("fail")
        raise ValueError("boom")

    def flaky(self) -> str:
        self.pressed.append("flaky")
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("not yet")
        return "done"

    async def hang(self) -> None:
        self.hanging.set()
        await self.meter.during("hang", 60)

    def job(self, steps: Sequence[Step], inputs: Mapping[str, Any] | None = None, **options: Any) -> Job:
        buttons = {name: getattr(self, name) for name in ("same", "fail", "flaky", "hang")}
        drawers = {
            f"child-{name}": load_drawer(
                {"inputs": ["x"], "steps": [{"id": "c", "button": name, "args": args}],
                 "return": {"got": "${c.output}"}},
                name=f"child-{name}",
            ).drawer
            for name, args in (("same", {"x": "${inputs.x}"}), ("fail", {}), ("flaky", {}), ("hang", {}))
        }  # fmt: skip
        fields = {"name": "t", "inputs": list(inputs or {}), "steps": list(steps)}
        around = Surroundings(named_buttons(buttons), drawers=drawers)
        return prepare(fields, inputs, Options(**options), around)

    def run(self, *steps: Step, inputs: Mapping[str, Any] | None = None, **options: Any) -> RunRecord:
        return asyncio.run(self.job(steps, inputs, **options).run.execute())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def inner(button: str) -> Step:
    return {"id": "in", "button": button, "args": {"x": "${inputs.v}"} if button == "same" else {}}


# Steps of each kind that press a button.
PRESSING: dict[str, Callable[[str], Step]] = {
    "button": inner,
    "for_each": lambda button: {"kind": "for_each", "over": "[1, 2]", "steps": [inner(button)]},
    "batch": lambda button: {"kind": "batch", "over": "[1, 2, 3]", "size": 2, "steps": [inner(button)]},
    "switch": lambda button: {
        "kind": "switch",
        "cases": [{"id": "yes", "when": "true", "steps": [inner(button)]}],
    },
    "split": lambda button: {
        "kind": "split",
        "branches": {"left": [inner(button)], "right": [inner("same")]},
    },
    "drawer": lambda button: {
        "kind": "drawer",
        "drawer": f"child-{button}",
        "args": {"x": "${inputs.v}"} if button == "same" else {},
    },
}  # fmt: skip

# GOOD: for each kind, a step that succeeds, and its output. BAD: a step that fails, and its error code.
GOOD: dict[str, tuple[Step, Any]] = {
    "button": (PRESSING["button"]("same"), 7),
    "for_each": (PRESSING["for_each"]("same"), {"total": 2}),
    "batch": (PRESSING["batch"]("same"), {"total": 2}),
    "switch": (PRESSING["switch"]("same"), {"matched": "yes"}),
    "split": (PRESSING["split"]("same"), {"left": 7, "right": 7}),
    "drawer": (PRESSING["drawer"]("same"), {"got": 7}),
    "aggregate": ({"kind": "aggregate", "from": "[1, 2]", "pluck": "item + inputs.v"},
                  {"values": [8, 9], "count": 2}),
    "transform": ({"kind": "transform", "expression": {"v": "inputs.v * 2", "l": ["inputs.v"]}},
                  {"v": 14, "l": [7]}),
    "merge": ({"kind": "merge", "from": ["{'a': {'x': 1}}", "{'a': {'y': inputs.v}}"]},
              {"a": {"x": 1, "y": 7}}),
    "wait": ({"kind": "wait", "duration": "1ms"}, {"waited_ms": 1}),
}  # fmt: skip
BAD: dict[str, tuple[Step, str]] = {
    "button": (PRESSING["button"]("fail"), "FUNCTION_ERROR"),
    "for_each": (PRESSING["for_each"]("fail"), "FOREACH_ITEM_FAILED"),
    "batch": (PRESSING["batch"]("fail"), "FOREACH_ITEM_FAILED"),
    "switch": (PRESSING["switch"]("fail"), "FUNCTION_ERROR"),
    "split": (PRESSING["split"]("fail"), "FUNCTION_ERROR"),
    "drawer": (PRESSING["drawer"]("fail"), "SUBDRAWER_FAILED"),
    "aggregate": ({"kind": "aggregate", "from": "[{}]", "pluck": "item.no"}, "RESOLVE_ERROR"),
    "transform": ({"kind": "transform", "expression": "{'a': 1}.no"}, "RESOLVE_ERROR"),
    "merge": ({"kind": "merge", "from": ["[1]", "{'a': 1}"]}, "VALIDATION_ERROR"),
    "wait": ({"kind": "wait", "duration": "${'soon'}"}, "VALIDATION_ERROR"),
}

# Every way in which a step can be inside another, and the path to its output.
AROUND: dict[str, tuple[Callable[[Step], Step], str]] = {
    "for_each": (lambda step: {"kind": "for_each", "over": "[1]", "steps": [step]},
                 "o.output.results[0].steps.s.output"),
    "batch": (lambda step: {"kind": "batch", "over": "[1]", "size": 1, "parallelism": 2, "steps": [step]},
              "o.output.results[0].steps.s.output"),
    "case": (lambda step: {"kind": "switch", "cases": [{"when": "true", "steps": [step]}]},
             "o.output.steps.s.output"),
    "default": (lambda step: {"kind": "switch", "cases": [{"when": "false"}], "steps": [step]},
                "o.output.steps.s.output"),
    "split": (lambda step: {"kind": "split", "branches": {"b": [step]}}, "o.output.b"),
}  # fmt: skip


def holds(expected: Any, found: Any) -> bool:
    if isinstance(expected, dict):
        return all(key in found and holds(value, found[key]) for key, value in expected.items())
    return bool(expected == found)


def test_the_tables_have_every_kind() -> None:
    from drawer_ipy.definition.step_base import STEP_KINDS

    assert set(GOOD) == set(BAD) == set(STEP_KINDS)


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_has_an_output_that_later_steps_read(bench: Bench, kind: str) -> None:
    step, output = GOOD[kind]
    later = {"id": "later", "kind": "transform", "expression": "s.output"}
    for mode in ("sequential", "parallel"):
        found = bench.run({**step, "id": "s"}, later, inputs={"v": 7}, mode=mode)
        assert found.status == "ok", found.error
        assert holds(output, found.step("s").output)
        assert holds(output, found.step("later").output)


@pytest.mark.parametrize("kind", BAD)
def test_a_failure_of_each_kind_stops_the_run_with_a_reason(bench: Bench, kind: str) -> None:
    step, code = BAD[kind]
    found = bench.run({**step, "id": "s"}, inner("same") | {"id": "after"}, inputs={"v": 7})
    assert (found.status, found.failed_step) == ("failed", "s")
    assert found.error is not None
    assert found.error.code == code
    assert [s.id for s in found.steps] == ["s"]
    assert 7 not in bench.pressed or kind == "split"


@pytest.mark.parametrize("kind", BAD)
def test_with_continue_each_kind_keeps_its_error_and_the_run_continues(bench: Bench, kind: str) -> None:
    step, code = BAD[kind]
    after = {"id": "after", "button": "same", "args": {"x": "${s.error.code}"}}
    for mode in ("sequential", "parallel"):
        found = bench.run({**step, "id": "s", "on_failure": "continue"}, after, inputs={"v": 7}, mode=mode)
        assert found.status == "ok"
        assert found.step("s").error is not None
        assert found.step("after").output == code


@pytest.mark.parametrize("kind", PRESSING)
def test_retry_tries_the_whole_step_again(bench: Bench, kind: str) -> None:
    bench.failures = 2
    policy = {"action": "retry", "max_attempts": 3}
    found = bench.run({**PRESSING[kind]("flaky"), "id": "s", "on_failure": policy}, inputs={"v": 7})
    assert found.status == "ok", found.error
    assert found.step("s").attempts == 3
    assert bench.pressed.count("flaky") == (4 if kind in ("for_each", "batch") else 3)


@pytest.mark.parametrize("kind", sorted(set(BAD) - set(PRESSING)))
def test_failures_that_no_retry_can_fix_are_not_retried(bench: Bench, kind: str) -> None:
    step, code = BAD[kind]
    found = bench.run(
        {**step, "id": "s", "on_failure": {"action": "retry", "max_attempts": 5}}, inputs={"v": 7}
    )
    assert found.step("s").attempts == 1
    assert found.error is not None
    assert found.error.code == code


@pytest.mark.parametrize("kind", [*PRESSING, "wait"])
def test_a_timeout_ends_everything_that_the_step_started(bench: Bench, kind: str) -> None:
    step = {"kind": "wait", "duration": "1m"} if kind == "wait" else PRESSING[kind]("hang")
    found = bench.run({**step, "id": "s", "timeout_seconds": 0.05}, inputs={"v": 7})
    assert found.step("s").status == "timeout"
    assert found.error is not None
    assert found.error.code == "TIMEOUT"
    assert bench.meter.now == 0
    if kind in ("for_each", "batch"):
        assert [entry and entry["cancelled"] for entry in found.step("s").output["results"]] == [True]


@pytest.mark.parametrize("kind", [*PRESSING, "wait"])
def test_a_cancellation_ends_everything_that_the_step_started(bench: Bench, kind: str) -> None:
    async def main() -> RunRecord:
        bench.hanging = asyncio.Event()
        step = {"kind": "wait", "duration": "1m"} if kind == "wait" else PRESSING[kind]("hang")
        job = bench.job([{**step, "id": "s"}, inner("same") | {"id": "after"}], {"v": 7})
        pressing = asyncio.create_task(job.run.execute())
        await (asyncio.sleep(0.02) if kind == "wait" else bench.hanging.wait())
        job.run.cancel()
        return await pressing

    found = asyncio.run(main())
    assert found.status == "cancelled"
    assert [(s.id, s.status) for s in found.steps] == [("s", "cancelled")]
    assert found.step("s").error is not None
    assert found.step("s").error.code == "CANCELLED"
    assert bench.meter.now == 0
    if kind == "switch":
        assert found.step("s").output["steps"]["in"]["status"] == "cancelled"
    if kind == "split":
        assert found.step("s").output == {"right": 7}  # the step had ended
    if kind in ("for_each", "batch"):
        assert [entry and entry["cancelled"] for entry in found.step("s").output["results"]] == [True]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_works_inside_every_other_kind(bench: Bench, kind: str, around: str) -> None:
    step, output = GOOD[kind]
    wrap, path = AROUND[around]
    got = {"id": "got", "kind": "transform", "expression": path}
    found = bench.run({**wrap({**step, "id": "s"}), "id": "o"}, got, inputs={"v": 7})
    assert found.status == "ok", found.error
    assert holds(output, found.step("got").output)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", BAD)
def test_a_failure_inside_another_kind_names_the_inner_step(bench: Bench, kind: str, around: str) -> None:
    step, code = BAD[kind]
    found = bench.run({**AROUND[around][0]({**step, "id": "s"}), "id": "o"}, inputs={"v": 7})
    assert found.failed_step == "o"
    assert found.error is not None
    if around in ("for_each", "batch"):
        assert found.error.code == "FOREACH_ITEM_FAILED"
        assert "'s'" in found.error.message
        assert code in found.error.message
    else:
        assert found.error.code == code
    going_on = {**step, "id": "s", "on_failure": "continue"}
    assert bench.run({**AROUND[around][0](going_on), "id": "o"}, inputs={"v": 7}).status == "ok"


@pytest.mark.parametrize("kind", GOOD)
def test_a_step_of_any_kind_can_be_compensated(bench: Bench, kind: str) -> None:
    step, output = GOOD[kind]
    undo = {"button": "same", "args": {"x": "${s.output}"}}
    done = {**step, "id": "s", "on_failure": {"compensate_with": undo}}
    found = bench.run(done, {**inner("fail"), "id": "bad"}, inputs={"v": 7})
    assert found.failed_step == "bad"
    assert [c.id for c in found.compensations] == ["s"]
    assert holds(output, bench.pressed[-1])
