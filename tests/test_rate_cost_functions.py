"""Costs of rates: functions of what a step sees, and mistakes that are found before a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from drawer_ipy import DefinitionError, Drawer, UsageError, button, each, press
from drawer_ipy.buttons import make_button
from drawer_ipy.definition import load_button


def same(x: Any) -> Any:
    return x


def spent(tokens: int, other: int = 2) -> int:
    return tokens


def loop(cost: Any) -> dict[str, Any]:
    step = {"id": "a", "button": "same", "args": {"x": "${row}"}}
    rate = {"limit": "1000/s", "cost": cost}
    return {"inputs": ["rows"], "steps": [{**LOOP, "rate": rate, "steps": [step]}]}


def step(cost: Any) -> dict[str, Any]:
    rate = {"limit": "1000/s", "cost": cost}
    inner = {"id": "a", "button": "same", "args": {"x": "${row}"}, "rate": rate}
    return {"inputs": ["rows"], "steps": [{**LOOP, "steps": [inner]}]}


LOOP = {
    "id": "each",
    "kind": "for_each",
    "over": "${inputs.rows}",
    "as": "row",
    "on_item_failure": "continue",
}
ROWS = [{"t": 1}, {"t": 2}]


@pytest.mark.parametrize("where", [loop, step])
@pytest.mark.parametrize("lazy", [False, True], ids=["list", "iterator"])
@pytest.mark.parametrize(
    "cost",
    [
        lambda: 1,
        lambda row: row["t"],
        lambda row, /: row["t"],
        lambda row, more=0: row["t"] + more,
        lambda inputs, row: row["t"] if inputs else 0,
        lambda **names: names["row"]["t"],
    ],
    ids=["nothing", "item", "positional", "default", "two", "all"],
)
def test_a_function_gets_the_names_that_its_parameters_ask_for(where: Any, lazy: bool, cost: Any) -> None:
    found = press(where(cost), {"rows": iter(ROWS) if lazy else ROWS}, quiet=True)
    assert [row.status for row in found] == ["ok", "ok"]


@pytest.mark.parametrize("where", [loop, step])
@pytest.mark.parametrize("lazy", [False, True], ids=["list", "iterator"])
def test_a_function_that_raises_fails_its_item_only(where: Any, lazy: bool) -> None:
    def cost(row: dict[str, int]) -> float:
        return 1 / (row["t"] - 1)

    found = press(where(cost), {"rows": iter(ROWS) if lazy else ROWS}, quiet=True)
    assert [row.status for row in found] == ["failed", "ok"]
    assert "ZeroDivisionError" in found.errors[0].message


@pytest.mark.parametrize("where", [loop, step])
def test_an_array_is_not_a_cost(where: Any) -> None:
    import numpy as np

    found = press(where("${row.t}"), {"rows": [{"t": np.arange(3)}, {"t": np.float64(1)}]}, quiet=True)
    assert [row.status for row in found] == ["failed", "ok"]
    assert "not a number from 0 up" in found.errors[0].message


class Broken(Sequence[Any]):
    """A list whose second item cannot be read."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        if index == 1:
            raise OSError("the disk is gone")
        return {"t": index}

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(3))


def test_an_item_that_cannot_be_read_fails_alone() -> None:
    found = press(loop("${row.t}"), {"rows": Broken()}, quiet=True)
    assert found.counts == {"ok": 2, "failed": 1, "cancelled": 0, "skipped": 0}
    assert found[1].error is not None
    assert "cannot read item 1 of the list" in found[1].error.message


@pytest.mark.parametrize("where", [loop, step])
def test_a_parameter_that_nothing_fills_is_reported_before_the_run(where: Any) -> None:
    with pytest.raises(DefinitionError, match="'rwo' is not an input, a step or a loop variable") as caught:
        press(where(lambda rwo: 1), {"rows": ROWS})
    assert "did you mean 'row'?" in str(caught.value)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ("${tokns}", "reads 'tokns', which is not an argument of this button"),
        ("${tokens +}", "the expression ends"),
        ("${tokens", "never closed"),
        ("tokens + env.N", "reads 'env'"),
        ("${inputs.n}", "reads 'inputs'"),
        (lambda tokns: 1, "reads 'tokns'"),
    ],
)
def test_a_wrong_cost_of_a_functions_rate_is_refused_where_it_is_defined(cost: Any, text: str) -> None:
    for rate in ({"limit": "5/s", "cost": cost}, ["9/s", {"limit": "5/s", "cost": cost}]):
        with pytest.raises(UsageError) as caught:
            button(rate=rate)(spent)
        assert text in str(caught.value)


@pytest.mark.parametrize("cost", ["${tokens ?? 1}", "tokens * other", lambda other: other, lambda **names: 1])
def test_a_cost_may_read_arguments_with_a_default(cost: Any) -> None:
    @button(name="counted", rate={"limit": "1000/s", "cost": cost})
    def counted(tokens: int, other: int = 2) -> int:
        return tokens

    found = press({"steps": [{"id": "a", "button": "counted", "args": {"tokens": 1}}]}, quiet=True)
    assert found.ok
    assert each(counted, [3, 4], quiet=True).ok


def test_a_wrong_cost_of_a_cells_button_is_reported_at_its_place() -> None:
    text = (
        "buttons:\n"
        "  a: {code: echo 1, args: [n], rate: {limit: 5/s, cost: '${nn}'}}\n"
        "  b: {code: echo 1, rate: [9/s, {limit: 5/s, cost: '${n + }'}]}\n"
        "  c: {code: echo 1, args: [n], rate: [9/s, {limit: 5/s, cost: n}]}\n"
        "steps: []\n"
    )
    found = [p for p in Drawer.load(text).validate() if p.severity == "error"]
    assert [(p.line, p.column) for p in found] == [(2, 60), (3, 59)]
    assert "did you mean 'n'?" in found[0].remediation


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"code": "echo", "rate": {"limit": "5/s", "cost": "${n"}}, "never closed"),
        ({"code": "echo", "rate": "5"}, "'5' is not a rate"),
        ({"url": "http://x/{{n}}", "args": ["n"], "rate": {"limit": "5/s", "cost": "m"}}, "reads 'm'"),
        ({"prompt": "{{n}}", "rate": {"limit": "5/s", "cost": "${n +"}}, "never closed"),
    ],
)
def test_a_wrong_rate_of_a_specified_button_is_refused_when_it_is_made(spec: Any, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_button(load_button(spec, name="b").button)
    assert text in str(caught.value)


def test_a_wrong_cost_of_a_workspace_button_is_found_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "buttons" / "fetch"
    folder.mkdir(parents=True)
    (folder / "button.json").write_text(
        '{"name": "fetch", "url": "http://x/", "rate": {"limit": "5/s", "cost": "${n"}}'
    )
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    with pytest.raises(DefinitionError, match=r"button 'fetch' has an error.*never closed"):
        press("steps: [{id: a, button: fetch}]")


def test_a_step_that_does_not_give_what_a_cost_reads_is_reported() -> None:
    text = (
        "buttons:\n"
        "  a: {code: echo 1, rate: {limit: 1000/s, cost: '${n}'}}\n"
        "steps:\n"
        "  - {id: x, button: a, args: {m: 1}}\n"
        "  - {id: y, button: a, args: {n: 1}}\n"
    )
    [problem] = [p for p in Drawer.load(text).validate() if p.severity == "error"]
    assert (problem.step_id, problem.line) == ("x", 4)
    assert "reads the argument 'n', which is not given" in problem.message


@pytest.mark.parametrize("cost", ["${toknes}", lambda toknes: 1])
def test_each_refuses_a_cost_that_reads_no_column(cost: Any) -> None:
    with pytest.raises(UsageError, match="reads 'toknes', which is not a column") as caught:
        each(spent, pd.DataFrame({"tokens": [1]}), rate={"limit": "5/s", "cost": cost})
    assert "did you mean 'tokens'?" in caught.value.remediation


def test_each_refuses_a_cost_that_cannot_be_compiled() -> None:
    with pytest.raises(UsageError, match="rate: this"):
        each(spent, [1], rate={"limit": "5/s", "cost": "${a"})
