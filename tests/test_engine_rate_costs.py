"""Rates whose starts count differently, and several rates at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, UsageError, button, each, press
from drawer_ipy.common.bad_value import BadValue
from drawer_ipy.definition.rates import parse_rates, rate_words
from drawer_ipy.engine.limits import Rate

DRAWER = """
inputs: [rows]
steps:
  - id: each
    kind: for_each
    over: ${inputs.rows}
    as: row
    parallelism: 10
    steps:
      - {id: at, button: now, args: {tokens: "${row.tokens}"}, RATE}
"""


async def now(tokens: Any) -> float:
    return time.perf_counter()


async def of_row(tokens: Any, other: Any = 0) -> float:
    return time.perf_counter()


@button(rate={"limit": "100/s", "cost": "${tokens}"})
async def counted(tokens: int) -> float:
    return time.perf_counter()


@button(rate=["1000/s", {"limit": "100/s", "cost": lambda tokens: tokens}])
async def computed(tokens: int) -> float:
    return time.perf_counter()


def rows(*tokens: Any) -> list[dict[str, Any]]:
    return [{"tokens": n} for n in tokens]


def moments(text: str, *tokens: Any) -> list[float]:
    found = press(text, {"rows": rows(*tokens)}, quiet=True)
    return sorted(row.output for row in found)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (DRAWER.replace("RATE", 'rate: {limit: 100/s, cost: "${row.tokens}"}'), "at"),
        (DRAWER.replace("RATE", 'rate: [1000/s, {limit: 100/s, cost: "${row.tokens}"}]'), "at"),
        (DRAWER.replace("RATE", "rate: {limit: 100/s, cost: 10}"), "at"),
        (DRAWER.replace(", RATE", "").replace("now", "counted"), "at"),
        (DRAWER.replace(", RATE", "").replace("now", "computed"), "at"),
    ],
    ids=["step", "list", "number", "button", "function"],
)
def test_the_next_start_waits_according_to_the_cost_of_the_one_before(text: str, step: str) -> None:
    found = moments(text, 10, 10, 10, 10)
    assert found[-1] - found[0] >= 0.9 * 0.3, "three waits of 10 units at 100 units a second"


def test_the_strictest_of_several_rates_applies() -> None:
    found = each(now, rows(1, 1, 1, 1), parallelism=4, rate=["1000/s", "10/s"], quiet=True)
    at = sorted(row.output for row in found)
    assert at[-1] - at[0] >= 0.9 * 0.3


def test_a_start_that_costs_nothing_does_not_wait() -> None:
    found = moments(DRAWER.replace("RATE", 'rate: {limit: 1/h, cost: "${row.tokens}"}'), 0, 0, 0, 0)
    assert len(found) == 4, "at one an hour, any cost would take until tomorrow"


@pytest.mark.parametrize("cost", ["${tokens}", "${item.tokens}", "${tokens * 1}", lambda tokens: tokens])
def test_each_accepts_a_cost_that_depends_on_the_item(cost: Any) -> None:
    found = each(of_row, rows(10, 10, 10), parallelism=3, rate={"limit": "100/s", "cost": cost}, quiet=True)
    at = sorted(row.output for row in found)
    assert at[-1] - at[0] >= 0.9 * 0.2


@pytest.mark.parametrize("tokens", ["many", None, -1, float("nan"), True, [1]])
def test_a_cost_that_is_not_a_number_fails_its_item(tokens: Any) -> None:
    text = DRAWER.replace("RATE", 'rate: {limit: 100/s, cost: "${row.tokens}"}').replace(
        "as: row", "as: row\n    on_item_failure: continue"
    )
    found = press(text, {"rows": rows(1, tokens)}, quiet=True)
    assert [row.status for row in found] == ["ok", "failed"]
    assert "not a number from 0 up" in found.errors[0].message


def test_a_cost_that_raises_fails_its_item() -> None:
    def cost(tokens: int) -> float:
        return 1 / tokens

    found = each(of_row, rows(1, 0), rate={"limit": "100/s", "cost": cost}, quiet=True)
    assert [row.status for row in found] == ["ok", "failed"]
    assert "ZeroDivisionError" in found.errors[0].message


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("5", "'5' is not a rate"),
        (5, 'say per what: "5/s"'),
        (True, "True is not a rate"),
        ([], "an empty list"),
        ([[]], "is not a rate"),
        ({}, "has no limit"),
        ({"limit": 5}, 'say per what: "5/s"'),
        ({"limt": "5/s"}, "did you mean 'limit'?"),
        ({"limit": "5/s", "cost": -1}, "cannot be -1"),
        ({"limit": "5/s", "cost": ""}, "cannot be ''"),
        ({"limit": "5/s", "cost": True}, "cannot be True"),
        ({"limit": "5/s", "cost": float("inf")}, "cannot be inf"),
        (["5/s", {"cost": 1}], "has no limit"),
    ],
)
def test_an_invalid_rate_is_refused_everywhere(rate: Any, text: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_rates(rate)
    assert text in str(caught.value)
    with pytest.raises(UsageError) as refused:
        button(rate=rate)(now)
    assert text in str(refused.value)
    with pytest.raises(UsageError) as unused:
        each(now, [1], rate=rate)
    assert text in str(unused.value)
    step = {"id": "a", "button": "now", "args": {"tokens": 1}, "rate": rate}
    with pytest.raises(DefinitionError) as wrong:
        press({"steps": [step]})
    assert text in str(wrong.value)


def test_an_unknown_name_in_a_cost_is_reported_at_its_place() -> None:
    with pytest.raises(DefinitionError) as caught:
        press(DRAWER.replace("RATE", 'rate: {limit: 5/s, cost: "${row.tokens + nope}"}'), {"rows": []})
    problem = caught.value.problems[0]
    assert "'nope'" in problem.message
    assert (problem.step_id, problem.line) == ("each.at", 10)


def test_rates_are_described_in_words() -> None:
    assert rate_words(["10/s", {"limit": "20000/min", "cost": "${tokens}"}]) == [
        "at most 10/s and 20000/min of ${tokens}"
    ]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=8))
def test_law_starts_never_exceed_the_rate(costs: list[int]) -> None:
    """The time between two starts is at least the cost of all starts from the first to before the last."""

    async def main() -> list[tuple[float, int]]:
        rate = Rate("1000/s")
        clock = asyncio.get_running_loop().time
        started: list[tuple[float, int]] = []

        async def one(cost: int) -> None:
            await rate.wait(cost)
            started.append((clock(), cost))

        await asyncio.gather(*(one(cost) for cost in costs))
        return started

    started = asyncio.run(main())
    for first in range(len(started)):
        for last in range(first + 1, len(started)):
            spent = sum(cost for _, cost in started[first:last]) / 1000
            # After a late start, up to half a gap is caught up.
            slack = max(cost for _, cost in started[first:last]) / 2000 + 0.002
            assert started[last][0] - started[first][0] >= spent - slack


LOOP_RATE = DRAWER.replace(", RATE", "").replace(
    "as: row", 'as: row\n    rate: {limit: 100/s, cost: "${row.tokens}"}'
)


@pytest.mark.parametrize("lazy", [False, True], ids=["list", "generator"])
def test_the_rate_of_a_loop_counts_the_costs_of_its_items(lazy: bool) -> None:
    items = rows(10, 10, 10, 10)
    found = press(LOOP_RATE, {"rows": iter(items) if lazy else items}, quiet=True)
    at = sorted(row.output for row in found)
    assert at[-1] - at[0] >= 0.9 * 0.3


def test_an_item_whose_cost_is_not_a_number_fails_before_its_steps_run() -> None:
    text = LOOP_RATE.replace("as: row", "as: row\n    on_item_failure: continue")
    found = press(text, {"rows": rows(1, "many", 1)}, quiet=True)
    assert [row.status for row in found] == ["ok", "failed", "ok"]
    assert "'many', not a number from 0 up" in found.errors[0].message
