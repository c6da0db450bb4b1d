"""The output of each kind of step, and its errors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drawer_ipy import DrawerFailed, apress, press


def fail(message: str = "no") -> None:
    raise ValueError(message)


def same(x: Any) -> Any:
    return x


def run(*steps: dict[str, Any], inputs: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Press a drawer with `steps`, and return the dict of its run, also if it failed."""
    drawer = {"name": "t", "steps": list(steps)}
    buttons = {"same": same, "fail": fail, **options.pop("buttons", {})}
    return press(drawer, inputs, check=False, buttons=buttons, quiet=True, **options).run.to_dict()


SAME = {"id": "a", "button": "same", "args": {"x": {"n": 1, "l": [1, 2]}}}


@pytest.mark.parametrize(
    ("step", "output"),
    [
        ({"kind": "transform", "expression": "a.output.n + 1"}, 2),
        ({"kind": "transform", "expression": "${a.output.n + 1}"}, 2),
        ({"kind": "transform", "expression": {"two": "a.output.n * 2", "deep": {"l": ["size(a.output.l)"]}}},
         {"two": 2, "deep": {"l": [2]}}),
        ({"kind": "merge", "from": ["a.output", "{'n': 2, 'm': {'x': 1}}", "{'m': {'y': 2}}"]},
         {"n": 2, "l": [1, 2], "m": {"x": 1, "y": 2}}),
        ({"kind": "merge", "from": ["a.output.l", "[3]"]}, [1, 2, 3]),
        ({"kind": "merge", "from": "${[a.output.l, null, [4]]}"}, [1, 2, 4]),
        ({"kind": "split", "branches": {
            "x": [{"id": "p", "button": "same", "args": {"x": "${a.output.n}"}},
                  {"id": "q", "button": "same", "args": {"x": "${p.output + 1}"}}],
            "y": [{"id": "p", "button": "same", "args": {"x": "left"}}]}},
         {"x": 2, "y": "left"}),
        ({"kind": "switch", "cases": [{"when": "a.output.n > 1"}, {"id": "one", "when": "a.output.n == 1"}]},
         {"matched": "one", "steps": {}}),
        ({"kind": "aggregate", "from": "a.output.l", "pluck": "item * 10"}, {"values": [10, 20], "count": 2}),
        ({"kind": "wait", "duration": "0s"}, None),
    ],
)  # fmt: skip
def test_each_kind_of_step_has_its_output(step: dict[str, Any], output: Any) -> None:
    result = run(SAME, {"id": "b", **step})
    assert result["status"] == "ok", result
    if output is not None:
        assert result["steps"][1]["output"] == output


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        ({"kind": "merge", "from": ["a.output", "a.output.l"]}, "VALIDATION_ERROR", "not dict, list"),
        ({"kind": "merge", "from": "a.output.n"}, "VALIDATION_ERROR", "must be a list"),
        ({"kind": "for_each", "over": "a.output", "steps": [SAME]}, "VALIDATION_ERROR", "must be a list"),
        ({"kind": "batch", "over": "a.output.n", "size": 2, "steps": [SAME]}, "VALIDATION_ERROR", "list"),
        ({"kind": "switch", "cases": [{"when": "a.output.n"}]}, "VALIDATION_ERROR", "true or false"),
        ({"kind": "aggregate", "from": "a.output.l", "pluck": "item.x"}, "RESOLVE_ERROR", "entry 0"),
        ({"kind": "wait", "duration": "${a.output.n}"}, "VALIDATION_ERROR", "1h30m"),
        ({"kind": "transform", "expression": "a.output.nope"}, "RESOLVE_ERROR", "nope"),
        ({"kind": "split", "branches": {"x": [{"id": "p", "button": "fail"}]}}, "FUNCTION_ERROR", "branch"),
    ],
)  # fmt: skip
def test_each_kind_of_step_has_readable_errors(step: dict[str, Any], code: str, words: str) -> None:
    result = run(SAME, {"id": "b", **step})
    assert result["status"] == "failed"
    assert result["failed_step"] == "b"
    assert result["error"]["code"] == code
    assert words in result["error"]["message"]


def test_batch_binds_chunks_in_order() -> None:
    inner = {"id": "p", "button": "same", "args": {"x": "${size(batch)}"}}
    step = {"id": "b", "kind": "batch", "over": "inputs.xs", "size": 4, "parallelism": 3, "steps": [inner]}
    results = press({"inputs": ["xs"], "steps": [step]}, {"xs": range(10)}, buttons={"same": same})
    assert [list(row.item) for row in results] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [row.output for row in results] == [4, 4, 2]


def test_split_runs_its_branches_concurrently() -> None:
    met = asyncio.Barrier(3)

    async def meet() -> int:
        await met.wait()  # returns only when all three branches have arrived
        return 1

    branches = {name: [{"id": "m", "button": "meet"}] for name in "abc"}
    step = {"id": "s", "kind": "split", "branches": branches, "timeout_seconds": 5}
    results = press({"steps": [step]}, buttons={"meet": meet}, quiet=True)
    assert results.output == {"a": 1, "b": 1, "c": 1}


def test_split_cancels_the_other_branches_when_one_fails() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("long")

    branches = {"bad": [{"id": "p", "button": "fail"}], "slow": [{"id": "q", "button": "long"}]}
    result = run({"id": "s", "kind": "split", "branches": branches}, buttons={"long": long})
    assert result["status"] == "failed"
    assert ended == ["long"]


def test_any_python_object_passes_through_a_loop_by_identity() -> None:
    things = [object(), {1, 2}, open, (1, "x")]
    step = {"id": "e", "kind": "for_each", "over": "inputs.xs", "as": "x", "parallelism": 2,
            "steps": [{"id": "p", "button": "same", "args": {"x": "${x}"}}]}  # fmt: skip
    results = press({"inputs": ["xs"], "steps": [step]}, {"xs": things}, buttons={"same": same})
    assert all(row.output is thing for row, thing in zip(results, things, strict=True))


@pytest.mark.parametrize("over", ["tuple", "range", "set", "pandas", "numpy", "polars"])
def test_over_accepts_all_ordered_collections(over: str) -> None:
    import numpy
    import pandas
    import polars

    given: dict[str, Any] = {
        "tuple": (1, 2, 3),
        "range": range(1, 4),
        "set": {1, 2, 3},
        "pandas": pandas.Series([1, 2, 3]),
        "numpy": numpy.array([1, 2, 3]),
        "polars": polars.Series([1, 2, 3]),
    }
    step = {"id": "e", "kind": "for_each", "over": "inputs.xs", "as": "x",
            "steps": [{"id": "p", "button": "same", "args": {"x": "${x}"}}]}  # fmt: skip
    results = press({"inputs": ["xs"], "steps": [step]}, {"xs": given[over]}, buttons={"same": same})
    assert [int(row.output) for row in results] == [1, 2, 3]


def test_a_long_aggregate_does_not_block_the_event_loop() -> None:
    async def main() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        step = {"id": "a", "kind": "aggregate", "from": "inputs.xs", "pluck": "item + 1"}
        results = await apress({"inputs": ["xs"], "steps": [step]}, {"xs": range(60_000)}, quiet=True)
        counting.cancel()
        assert results.output["count"] == 60_000
        return turns

    assert asyncio.run(main()) > 5


def test_compensation_undoes_successful_steps_in_reverse_order() -> None:
    undone: list[str] = []

    def undo(what: str) -> None:
        undone.append(what)

    def step(name: str, button: str) -> dict[str, Any]:
        back = {"button": "undo", "args": {"what": f"${{{name}.output}}"}}
        return {"id": name, "button": button, "args": {"x": name} if button == "same" else {},
                "on_failure": {"compensate_with": back}}  # fmt: skip

    steps = [step("a", "same"), step("b", "same"), step("c", "fail")]
    result = run(*steps, buttons={"undo": undo})
    assert undone == ["b", "a"]
    assert result["failed_step"] == "c"
    assert [c["id"] for c in result["compensations"]] == ["b", "a"]


def test_a_failing_compensation_keeps_the_error_and_does_not_stop_the_others() -> None:
    undone: list[int] = []

    def undo() -> None:
        undone.append(1)

    steps = [
        {"id": "a", "button": "same", "args": {"x": 1}, "on_failure": {"compensate_with": "undo"}},
        {"id": "b", "button": "same", "args": {"x": 1}, "on_failure": {"compensate_with": "fail"}},
        {"id": "c", "button": "fail"},
    ]
    with pytest.raises(DrawerFailed, match="compensating step 'b' failed") as caught:
        press({"steps": steps}, buttons={"same": same, "fail": fail, "undo": undo}, quiet=True)
    assert caught.value.results.run.failed_step == "c"
    assert undone == [1]
