"""``parallelism: auto``: the width that a loop finds, and its limits."""

from __future__ import annotations

import asyncio

import pytest
from http_rig import RawServer, answer_of, fetch_each, loop, raw_server
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, Results, UsageError, apress, demo, press
from drawer_ipy.common.backoff import Backoff
from drawer_ipy.engine.adaptive import AdaptiveWidth

DRAWER = """
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: auto
    max_parallelism: %d
    on_item_failure: continue
    steps: [{id: work, button: work, args: {x: "${x}"}}]
"""


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def simulated(most: int, items: int, capacity: int, *, refuses: bool = False) -> tuple[list[int], int]:
    """The widths that a loop chooses for a server with that capacity, and how often the server refused.

    Beyond its capacity the server queues or refuses requests. Time advances in rounds; each round ends all
    requests in progress.
    """
    clock, widths, refused = Clock(), list[int](), 0
    width = AdaptiveWidth(most, widths.append, clock)
    left = items
    while left > 0:
        batch = min(width.width, left)
        for _ in range(batch):
            await asyncio.wait_for(width.enter(), 1)
        began = clock.now
        clock.now += 1.0 if refuses else max(1.0, batch / capacity)
        over = max(0, batch - capacity) if refuses else 0
        refused += over
        for i in range(batch):
            width.learn(began, i < over)
            width.leave()
        left -= batch
    return widths, refused


@pytest.mark.parametrize(("most", "capacity"), [(64, 8), (64, 1), (32, 100), (200, 30), (1, 10)])
def test_the_width_settles_near_the_capacity_of_the_server(most: int, capacity: int) -> None:
    widths, _ = asyncio.run(simulated(most, 4000, capacity))
    best = min(most, capacity)
    assert all(1 <= width <= most for width in widths)
    assert widths[0] == min(2, most)
    assert best / 2 <= widths[-1] <= max(2 * best + 1, 5)


def test_a_server_that_refuses_gets_fewer_requests_at_once() -> None:
    widths, refused = asyncio.run(simulated(64, 4000, 8, refuses=True))
    assert max(widths) <= 16
    assert 3 <= widths[-1] <= 9
    assert refused < 4000 * 0.1


def test_one_burst_of_refusals_halves_the_width_once() -> None:
    async def run() -> list[int]:
        clock, widths = Clock(), list[int]()
        width = AdaptiveWidth(64, widths.append, clock)
        while width.width < 32:
            clock.now += 1
            width.learn(clock.now - 1, False)
        began = clock.now
        clock.now += 1
        for _ in range(32):
            width.learn(began, True)
        return widths

    assert asyncio.run(run())[-2:] == [32, 16]


def test_a_cancelled_wait_takes_no_slot() -> None:
    async def run() -> None:
        width = AdaptiveWidth(1)
        await width.enter()
        waiting = [asyncio.create_task(width.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        width.leave()  # the slot goes to the first that still waits,
        waiting[1].cancel()  # which is cancelled at the same moment
        await asyncio.wait_for(waiting[2], 1)

    asyncio.run(run())


@settings(max_examples=40, deadline=None)
@given(
    items=st.integers(0, 60),
    most=st.integers(1, 12),
    failing=st.sets(st.integers(0, 59)),
    busy=st.sets(st.integers(0, 59)),
)
def test_the_width_stays_within_its_limit_and_items_keep_their_order(
    items: int, most: int, failing: set[int], busy: set[int]
) -> None:
    flying, peak = 0, 0

    async def work(x: int) -> int:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        try:
            await asyncio.sleep(0)
            if x in busy:
                raise ConnectionResetError("too many")
            if x in failing:
                raise ValueError(x)
            return x
        finally:
            flying -= 1

    results = asyncio.run(
        apress(DRAWER % most, {"xs": list(range(items))}, buttons={"work": work}, check=False, quiet=True)
    )
    assert peak <= most
    assert [row.output for row in results] == [None if i in busy or i in failing else i for i in range(items)]
    assert len(results.failed) == len((failing | busy) & set(range(items)))


@pytest.mark.parametrize("tolerated", [0, 3])
def test_no_item_starts_after_a_failure_that_stops_the_loop(tolerated: int) -> None:
    started: list[int] = []
    text = (DRAWER % 8).replace("on_item_failure: continue", f"tolerated_failures: {tolerated}")
    text = text.replace("parallelism: auto", "rate: 2000/s\n    parallelism: auto")
    failed = 0

    async def work(x: int) -> None:
        nonlocal failed
        assert failed <= tolerated, "an item started after the loop had failed"
        started.append(x)
        await asyncio.sleep(0)
        if x >= 10:
            failed += 1
            raise ValueError(x)

    results = press(text, {"xs": list(range(200))}, buttons={"work": work}, check=False, quiet=True)
    assert results.run.error is not None
    assert results.run.error.index == 10
    assert len(started) < 200


def test_the_width_adapts_to_a_server_that_responds_with_429() -> None:
    """The limit of a third-party server, reported by the exception of its client."""

    class TooMany(Exception):
        status = 429

    flying, peak, refused = 0, 0, 0

    async def work(x: int) -> int:
        nonlocal flying, peak, refused
        flying += 1
        peak = max(peak, flying)
        try:
            await asyncio.sleep(0.002)
            if flying > 6:
                refused += 1
                raise TooMany(f"{flying} at once")
            return x
        finally:
            flying -= 1

    again = "on_failure: {action: retry, max_attempts: 20, backoff: {initial_ms: 5, strategy: fixed}}"
    text = (DRAWER % 64).replace("button: work,", f"button: work, {again},")
    results = press(text, {"xs": list(range(400))}, buttons={"work": work}, quiet=True)
    assert [row.output for row in results] == list(range(400))
    assert peak <= 16, "the server got far more requests at once than it can handle"
    assert refused < 200
    assert results.run.step("each").output.record.width <= 16


def test_http_buttons_find_their_width() -> None:
    text = """
    buttons: {thing: {url: "%s/slow/{{ms}}", args: [ms]}}
    steps:
      - {id: each, kind: for_each, over: "${inputs.ids}", as: id, parallelism: auto, max_parallelism: 6,
         steps: [{id: thing, button: thing, args: {ms: "${id}"}}]}
    """
    with demo.DemoSite.start() as site:
        results = press(text % site.url, {"ids": list(range(40))}, quiet=True)
        assert 2 <= site.stats().max_in_flight <= 6
    assert len(results.ok) == 40


def test_overload_that_retries_overcame_reduces_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every item succeeds in the end, so only the retries within a press show the overload."""
    monkeypatch.setattr("drawer_ipy.buttons.http.client._BACKOFF", Backoff(0.005, 2.0, 30.0, 0.5))
    overloads: list[bool] = []

    class Recorded(AdaptiveWidth):
        def learn(self, began: float, asked_for_less: bool) -> None:
            overloads.append(asked_for_less)
            super().learn(began, asked_for_less)

    monkeypatch.setattr("drawer_ipy.engine.steps.for_each.AdaptiveWidth", Recorded)
    flying, refused = 0, 0

    async def answer(server: RawServer, path: str, writer: asyncio.StreamWriter) -> None:
        nonlocal flying, refused
        flying += 1
        crowd = flying
        await asyncio.sleep(0.003)
        flying -= 1
        refused += crowd > 6
        writer.write(answer_of(b"", "429 Busy", Retry_After="0") if crowd > 6 else answer_of(path.encode()))

    async def main() -> Results:
        async with raw_server(answer) as server:
            drawer = loop(f"{server.url}/{{{{id}}}}", allow_private_networks=True, retries=30)
            drawer["steps"][0] |= {"parallelism": "auto", "max_parallelism": 48}
            return await fetch_each(drawer, list(range(600)))

    results = asyncio.run(main())
    assert [row.output for row in results] == [f"/{n}" for n in range(600)]
    assert len(overloads) == 600
    assert 1 <= sum(overloads) <= refused


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("parallelism: atuo", "parallelism must be a whole number"),
        ("parallelism: -1", "parallelism cannot be -1"),
        ("parallelism: auto\n    max_parallelism: 0", "max_parallelism cannot be 0"),
    ],
)
def test_an_invalid_parallelism_is_refused_with_its_place(field: str, problem: str) -> None:
    text = (DRAWER % 3).replace("parallelism: auto\n    max_parallelism: 3", field)
    with pytest.raises(DefinitionError, match=problem) as refused:
        press(text, {"xs": []}, buttons={"work": lambda x: x}, quiet=True)
    assert refused.value.problems[0].line in (7, 8)


def test_max_parallelism_without_auto_is_reported() -> None:
    from drawer_ipy import Drawer

    text = (DRAWER % 3).replace("parallelism: auto", "parallelism: 4")
    warnings = Drawer.load(text).validate().warnings
    assert any("max_parallelism has an effect only with `parallelism: auto`" in p.message for p in warnings)


def test_auto_can_be_an_option_of_a_press() -> None:
    text = (DRAWER % 3).replace("    parallelism: auto\n    max_parallelism: 3\n", "")

    async def work(x: int) -> int:
        return x

    results = press(text, {"xs": [1, 2, 3]}, parallelism="auto", buttons={"work": work}, quiet=True)
    assert results.run.step("each").output.record.width >= 2
    with pytest.raises(UsageError, match="or 'auto'"):
        press(text, {"xs": [1]}, parallelism="car", buttons={"work": work})  # type: ignore[arg-type]
