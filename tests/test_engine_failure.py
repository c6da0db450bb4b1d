"""When a drawer fails: compensation, the ``on_error`` handler, and failures that are tolerated."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from engine_rig import loop
from threads_rig import grant_threads

from drawer_ipy import DefinitionError
from drawer_ipy.buttons import Call, FunctionButton, Outcome
from drawer_ipy.definition import DrawerModel, load_drawer
from drawer_ipy.engine import drawers as engine_drawers
from drawer_ipy.pressing.job import Job, Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.run import RunRecord

Step = dict[str, Any]
CALLS: list[Any] = []


@pytest.fixture(autouse=True)
def _clear_calls() -> None:
    CALLS.clear()


def same(x: Any = None) -> Any:
    return x


def tell(x: Any = None) -> Any:
    CALLS.append(x)
    return x


def fail(message: str = "boom") -> None:
    raise ValueError(message)


async def hang() -> None:
    CALLS.append("hanging")
    try:
        await asyncio.sleep(60)
    finally:
        CALLS.append("ended")


def named(drawers: Mapping[str, dict[str, Any]]) -> dict[str, DrawerModel]:
    return {name: load_drawer(fields, name=name).drawer for name, fields in drawers.items()}


def job(
    steps: Sequence[Step],
    inputs: Mapping[str, Any] | None = None,
    drawers: Mapping[str, dict[str, Any]] | None = None,
    options: Options | None = None,
    **more: Any,
) -> Job:
    buttons = named_buttons({"same": same, "tell": tell, "fail": fail, "hang": hang})
    fields = {"name": "main", "inputs": list(inputs or {}), "steps": list(steps), **more}
    return prepare(fields, inputs, options, Surroundings(buttons, drawers=named(drawers or {})))


def press(*steps: Step, **more: Any) -> tuple[RunRecord, list[str]]:
    made = job(steps, **more)
    record = asyncio.run(made.run.execute())
    return record, made.run.notes


def step(name: str, button: str = "same", **more: Any) -> Step:
    return {"id": name, "button": button, "args": {"x": name} if button in ("same", "tell") else {}, **more}


def undone(name: str, by: Any = None, button: str = "same", **more: Any) -> Step:
    """A step whose compensation presses ``tell`` with its output."""
    by = by or {"button": "tell", "args": {"x": f"undo ${{{name}.output}}"}}
    return step(name, button, on_failure={"compensate_with": by}, **more)


# Compensation


def test_successful_steps_are_compensated_latest_first() -> None:
    record, notes = press(undone("a"), step("b"), undone("c"), undone("d", button="fail"), undone("e"))
    assert record.failed_step == "d"
    assert CALLS == ["undo c", "undo a"]
    assert [(c.id, c.status, c.output) for c in record.compensations] == [
        ("c", "ok", "undo c"),
        ("a", "ok", "undo a"),
    ]
    assert [c["id"] for c in record.to_dict()["compensations"]] == ["c", "a"]
    assert notes == []


@pytest.mark.parametrize(
    "by",
    ["tell", {"button": "tell"}, "drawer/undo", {"drawer": "undo"}, {"drawer": "undo", "args": {"x": 1}}],
)
def test_a_button_or_a_drawer_can_compensate(by: Any) -> None:
    undo = {"inputs": [{"name": "x"}], "steps": [step("u", "tell")]}
    record, _ = press(undone("a", by), step("b", "fail"), drawers={"undo": undo})
    assert record.failed_step == "b"
    assert len(CALLS) == len(record.compensations) == 1
    assert record.compensations[0].error is None


def test_in_graph_mode_the_step_that_ended_last_is_undone_first() -> None:
    slow = {"id": "slow", "kind": "wait", "duration": "60ms",
            "on_failure": {"compensate_with": {"button": "tell", "args": {"x": "slow"}}}}  # fmt: skip
    quick = undone("quick", {"button": "tell", "args": {"x": "quick"}})
    bad = {"id": "bad", "button": "fail", "args": {"message": "${slow.output.until}${quick.output}"}}
    record, _ = press(slow, quick, bad, options=Options(mode="parallel"))
    assert record.failed_step == "bad"
    assert CALLS == ["slow", "quick"]


def test_a_step_that_failed_with_continue_is_not_compensated() -> None:
    by = {"button": "tell", "args": {"x": "undo"}}
    went_on = step("a", "fail", on_failure={"action": "continue", "compensate_with": by})
    record, _ = press(went_on, step("b", "fail"))
    assert record.failed_step == "b"
    assert CALLS == []


def test_a_successful_run_compensates_nothing() -> None:
    record, _ = press(undone("a"), step("b"))
    assert (record.status, CALLS, record.compensations) == ("ok", [], [])


def test_a_cancelled_run_compensates_nothing() -> None:
    async def main() -> RunRecord:
        made = job([undone("a"), step("h", "hang")])
        pressing = asyncio.create_task(made.run.execute())
        async with asyncio.timeout(20):
            while "hanging" not in CALLS:  # noqa: ASYNC110 - the button tells a list, not this loop
                await asyncio.sleep(0.005)
        made.run.cancel()
        return await pressing

    assert asyncio.run(main()).status == "cancelled"
    assert CALLS == ["hanging", "ended"]


def test_a_failing_compensation_keeps_the_error_and_does_not_stop_the_others() -> None:
    record, notes = press(undone("a"), undone("b", "fail"), step("c", "fail"))
    assert record.error is not None
    assert record.error.message.startswith("ValueError: boom")
    assert CALLS == ["undo a"]
    assert notes == ["compensating step 'b' failed: " + str(record.compensations[0].error)]


def test_a_sub_drawer_for_each_item_undoes_only_its_own_steps() -> None:
    back = {"button": "tell", "args": {"x": "${take.output}"}}
    take = {**step("take"), "args": {"x": "${inputs.n}"}, "on_failure": {"compensate_with": back}}
    ship = {
        "id": "ship",
        "kind": "switch",
        "cases": [{"when": "inputs.n == 2", "steps": [step("no", "fail")]}],
    }
    order = {"inputs": ["n"], "steps": [take, ship]}
    one = {"id": "o", "kind": "drawer", "drawer": "order", "args": {"n": "${item}"}}
    each = {
        "id": "each",
        "kind": "for_each",
        "over": "[1, 2, 3]",
        "on_item_failure": "continue",
        "steps": [one],
    }
    record, _ = press(each, drawers={"order": order})
    assert record.status == "ok"
    assert CALLS == [2]


@pytest.mark.parametrize("around", ["for_each", "split", "switch"])
def test_compensation_inside_another_step_is_refused(around: str) -> None:
    inner = undone("in")
    wrapped = {
        "for_each": {"over": "[1]", "steps": [inner]},
        "split": {"branches": {"b": [inner]}},
        "switch": {"steps": [inner]},
    }
    with pytest.raises(DefinitionError, match="a separate drawer"):
        press({"id": "o", "kind": around, **wrapped[around]})


# The handler

HANDLER = {
    "inputs": ["drawer", "run_id", "failed_step", "error", "inputs", "team"],
    "steps": [{"id": "n", "button": "tell", "args": {"x": "${inputs}"}}],
}
KEEP = {"inputs": ["error"], "steps": [{"id": "n", "button": "tell", "args": {"x": "${inputs.error.code}"}}]}


def whole(names: Sequence[str]) -> dict[str, Any]:
    """A handler that presses ``tell`` with a map of these inputs."""
    expression = {name: f"inputs.{name}" for name in names}
    made = {"id": "m", "kind": "transform", "expression": expression}
    return {
        "inputs": list(names),
        "steps": [made, {"id": "n", "button": "tell", "args": {"x": "${m.output}"}}],
    }


PAYLOAD = ("drawer", "run_id", "failed_step", "error", "inputs")


def test_the_handler_gets_the_same_payload_as_in_the_original() -> None:
    record, notes = press(
        step("a"),
        step("b", "fail") | {"args": {"message": "no ${inputs.id}"}},
        inputs={"id": 4},
        drawers={"h": whole([*PAYLOAD, "team"])},
        on_error={"drawer": "h", "with": {"team": "t-${a.output}"}},
    )
    assert record.error is not None
    [payload] = CALLS
    assert payload["drawer"] == "main"
    assert payload["run_id"] == record.run_id
    assert payload["failed_step"] == "b"
    assert payload["error"] == record.error.to_dict()
    assert payload["error"]["code"] == "FUNCTION_ERROR"
    assert payload["inputs"] == {"id": 4}
    assert payload["team"] == "t-a"
    assert notes == []
    assert (record.status, record.failed_step) == ("failed", "b")


def test_with_takes_precedence_over_the_payload() -> None:
    press(step("b", "fail"), drawers={"h": whole(PAYLOAD)},
          on_error={"drawer": "h", "with": {"drawer": "other", "error": {"code": "MINE"}}})  # fmt: skip
    assert CALLS[0]["drawer"] == "other"
    assert CALLS[0]["error"] == {"code": "MINE"}


def test_the_handler_receives_no_secret() -> None:
    declared = [{"name": "tok", "secret": True}]
    bad = step("b", "fail") | {"args": {"message": "no ${inputs.tok}"}}
    fields = {"name": "main", "inputs": declared, "steps": [bad], "on_error": {"drawer": "h"}}
    around = Surroundings(named_buttons({"tell": tell, "fail": fail}), drawers=named({"h": whole(PAYLOAD)}))
    asyncio.run(prepare(fields, {"tok": "hunter22"}, None, around).run.execute())
    assert CALLS[0]["inputs"] == {"tok": "[redacted]"}
    assert "hunter22" not in str(CALLS)


def test_the_handler_is_pressed_if_the_run_could_not_start() -> None:
    fields = {"name": "main", "inputs": [{"name": "need", "required": True}], "steps": [step("a")],
              "on_error": {"drawer": "h"}}  # fmt: skip
    around = Surroundings(named_buttons({"tell": tell, "same": same}), drawers=named({"h": KEEP}))
    record = asyncio.run(prepare(fields, {}, None, around).run.execute())
    assert (record.status, record.steps, CALLS) == ("failed", [], ["MISSING_INPUT"])


def test_a_sub_drawer_presses_its_own_handler_before_its_step_fails() -> None:
    child = {"steps": [step("f", "fail")], "on_error": {"drawer": "h"}}
    sub = {"id": "s", "kind": "drawer", "drawer": "child"}
    record, _ = press(sub, drawers={"child": child, "h": KEEP}, on_error={"drawer": "h"})
    assert CALLS == ["FUNCTION_ERROR", "SUBDRAWER_FAILED"]
    assert record.failed_step == "s"


def test_a_failing_handler_causes_a_note_and_changes_nothing() -> None:
    record, notes = press(
        step("b", "fail"), drawers={"h": {"steps": [step("x", "fail")]}}, on_error={"drawer": "h"}
    )
    assert record.failed_step == "b"
    assert len(notes) == 1
    assert "on_error: h failed: FUNCTION_ERROR" in notes[0]


def test_a_handler_with_an_unresolvable_with_causes_a_note() -> None:
    given = {"drawer": "h", "with": {"x": "${inputs.d.nope}"}}
    record, notes = press(step("b", "fail"), inputs={"d": {}}, drawers={"h": KEEP}, on_error=given)
    assert record.failed_step == "b"
    assert "nope" in notes[0]
    assert CALLS == []


def test_a_missing_handler_does_not_prevent_the_run() -> None:
    record, notes = press(step("b", "fail"), on_error={"drawer": "nobody"})
    assert record.failed_step == "b"
    assert "drawer 'nobody' was not pressed" in notes[0]


def test_a_handler_has_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_drawers, "HANDLER_LIMIT", 0.1)
    record, notes = press(
        step("b", "fail"), drawers={"h": {"steps": [step("x", "hang")]}}, on_error={"drawer": "h"}
    )
    assert record.failed_step == "b"
    assert CALLS == ["hanging", "ended"]
    assert any("timed out after 0.1 s" in note for note in notes)


def test_compensation_comes_before_the_handler() -> None:
    press(undone("a"), step("b", "fail"), drawers={"h": KEEP}, on_error={"drawer": "h"})
    assert CALLS == ["undo a", "FUNCTION_ERROR"]


# Tolerated failures


@pytest.mark.parametrize(
    ("tolerated", "n", "allowed"),
    [
        (0, 10, 0),
        (3, 10, 3),
        (99, 10, 10),
        ("0%", 10, 0),
        ("5%", 10, 0),
        ("10%", 10, 1),
        ("29%", 100, 29),  # 0.29 * 100 is below 29 in floating point
        ("57%", 100, 57),
        ("2.5%", 40, 1),
        (" 50 % ", 4, 2),
        ("100%", 7, 7),
    ],
)
def test_a_loop_tolerates_exactly_the_allowed_number_of_failures(
    tolerated: Any, n: int, allowed: int
) -> None:
    def run(failing: int, width: int) -> RunRecord:
        async def work(x: int) -> None:
            if x < failing:
                raise ValueError(x)

        return loop(range(n), work, tolerated_failures=tolerated, parallelism=width).run

    for width in (1, 4):
        assert run(allowed, width).status == "ok"
        if allowed < n:
            over = run(allowed + 1, width)
            assert over.status == "failed"
            assert over.error is not None
            assert over.error.index == 0


@pytest.mark.parametrize("tolerated", [-1, "5", "5.5.5%", "-1%", "101%", "many", 1.5, True])
def test_invalid_limits_of_failures_are_refused(tolerated: Any) -> None:
    with pytest.raises(DefinitionError, match="tolerated_failures"):
        loop([1], same, tolerated_failures=tolerated)


class Faulty:
    """A faulty button: it raises an exception instead of returning an outcome."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def press(self, bound: Any, call: Any) -> Any:
        outcome = await self._inner.press(bound, call)
        if outcome.output == 3:
            raise KeyError("a fault of ours")
        return outcome


@pytest.mark.parametrize("parallelism", [1, 4])
@pytest.mark.parametrize("action", ["stop", "continue"])
def test_an_internal_error_fails_only_its_item(action: str, parallelism: int) -> None:
    buttons = {"same": Faulty(named_buttons({"same": same})["same"])}
    each = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.xs}",
        "as": "x",
        "parallelism": parallelism,
        "on_item_failure": action,
        "steps": [{"id": "work", "button": "same", "args": {"x": "${x}"}}],
    }
    job = prepare(
        {"inputs": ["xs"], "steps": [each]}, {"xs": list(range(8))}, Options(), Surroundings(buttons)
    )
    record = asyncio.run(job.run.execute())
    results = job.results
    assert (results[3].status, results[3].error.code) == ("failed", "INTERNAL")
    assert results[3].error.message == "KeyError: 'a fault of ours'"
    assert "report it" in results[3].error.remediation
    story = str(results.explain(3))
    assert "in press" in story
    assert 'raise KeyError("a fault of ours")' in story
    if action == "continue" or parallelism == 1:  # otherwise items in progress may have been cancelled
        assert [results[i].output for i in range(3)] == [0, 1, 2]
    if action == "continue":
        assert results.counts == {"ok": 7, "failed": 1, "cancelled": 0, "skipped": 0}
    else:
        assert record.error is not None
        assert "[3]" in record.error.message or "item 3" in record.error.message


def test_an_internal_error_is_handled_by_the_policy() -> None:
    """The step has a policy and is not a loop."""
    buttons = {"same": Faulty(named_buttons({"same": same})["same"])}
    step = {"id": "one", "button": "same", "args": {"x": 3}, "on_failure": {"action": "continue"}}
    job = prepare(
        {"steps": [step, {"id": "two", "button": "same", "args": {"x": 4}}]},
        {},
        Options(),
        Surroundings(buttons),
    )
    record = asyncio.run(job.run.execute())
    assert record.status == "ok"
    assert [step.status for step in record.steps] == ["failed", "ok"]


def test_a_failure_to_start_a_thread_is_a_readable_error_of_the_item(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4, timeout=20)

    def work(x: int) -> int:
        if x < 4:
            together.wait()
        return x

    grant_threads(monkeypatch, "drawer-", 4)
    results = loop(range(40), work, parallelism=10, on_item_failure="continue")
    assert results.counts["ok"] + results.counts["failed"] == 40
    assert results.counts["failed"] >= 6
    assert [row.output for row in results.ok] == [row["x"] for row in results.ok]
    for error in results.errors:
        assert error.code == "SCRIPT_ERROR"
        assert error.message.startswith("the system refuses to start another thread")
        assert error.remediation == "lower `parallelism`"


class Doubling(FunctionButton):
    """A function button with a press of its own."""

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        outcome = await super().press(bound, call)
        return Outcome(outcome.output * 2)


def test_a_press_that_replaces_that_of_a_function_is_used() -> None:
    step = {"id": "one", "button": "same", "args": {"x": 2}}
    job = prepare({"steps": [step]}, {}, Options(), Surroundings({"same": Doubling(same)}))
    record = asyncio.run(job.run.execute())
    assert record.steps[0].output == 4
