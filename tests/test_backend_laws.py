"""The laws of a loop hold on every backend: order, width, states, tolerated failures, retries, timeouts."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from backends_rig import loop_on
from dask_rig import dask_cluster
from distributed import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger import Journey, Ledger

from drawer_ipy import button, each, press

BACKENDS = ["threads", "processes:2", "dask"]
on_each_backend = pytest.mark.parametrize("backend", BACKENDS)
few = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Rows = list[tuple[int, int, bool]]
rows = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=16).map(
    lambda made: [(number, ticks, fails) for number, (ticks, fails) in enumerate(made)]
)
mostly_good = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9).map(lambda n: n == 0)), max_size=16
).map(lambda made: [(number, ticks, fails) for number, (ticks, fails) in enumerate(made)])
widths = st.integers(0, 5)


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[Client]:
    with dask_cluster() as client:
        yield client


def journey(folder: Path) -> Journey:
    return Journey(folder / f"ledger-{time.monotonic_ns()}")


@on_each_backend
@few
@given(rows, widths)
def test_continue_presses_every_item_once_and_keeps_the_order(
    tmp_path: Path, backend: str, items: Rows, width: int
) -> None:
    work = journey(tmp_path)
    results = loop_on(backend, items, work, parallelism=width, on_item_failure="continue")
    assert results.run.status == "ok"
    assert [row.item for row in results] == items
    assert [row.output for row in results] == [None if fails else n * 10 for n, _, fails in items]
    assert [row.status for row in results] == ["failed" if fails else "ok" for _, _, fails in items]
    assert work.most <= max(1, width)
    assert work.pressed == [n for n, _, _ in items]


@on_each_backend
@few
@given(mostly_good, widths)
def test_stop_reports_the_first_item_that_failed_itself(
    tmp_path: Path, backend: str, items: Rows, width: int
) -> None:
    work = journey(tmp_path)
    results = loop_on(backend, items, work, parallelism=width, on_item_failure="stop")
    states = [row.status for row in results]
    assert work.most <= max(1, width)
    assert set(states) <= {"ok", "failed", "cancelled", "skipped"}
    if not any(fails for _, _, fails in items):
        assert results.run.status == "ok"
        assert set(states) <= {"ok"}
        return
    failed = [i for i, state in enumerate(states) if state == "failed"]
    assert failed
    assert all(items[i][2] for i in failed)
    assert results.run.error is not None
    assert (results.run.error.code, results.run.error.index) == ("FOREACH_ITEM_FAILED", failed[0])
    begun = sum(state != "skipped" for state in states)
    assert set(states[begun:]) <= {"skipped"}
    assert set(work.pressed) <= set(range(begun))


@on_each_backend
@few
@given(rows, widths, st.integers(0, 4))
def test_tolerated_failures_stop_the_loop_only_when_there_are_more(
    tmp_path: Path, backend: str, items: Rows, width: int, tolerated: int
) -> None:
    results = loop_on(backend, items, journey(tmp_path), parallelism=width, tolerated_failures=tolerated)
    if sum(fails for _, _, fails in items) <= tolerated:
        assert results.run.status == "ok"
    else:
        assert results.run.status == "failed"
        assert len(results.failed) > tolerated


@on_each_backend
def test_a_failed_press_is_retried_until_it_succeeds(tmp_path: Path, backend: str) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        if sum(int(line[0]) == x for line in ledger.lines()) < 3:
            raise ValueError("not yet")
        return x

    policy = {"action": "retry", "max_attempts": 3, "backoff": {"initial_ms": 1}}
    results = loop_on(backend, [0, 1, 2], work, parallelism=3, step={"on_failure": policy})
    assert results.outputs.to_list() == [0, 1, 2]
    assert sorted(int(line[0]) for line in ledger.lines()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert results[0].steps["work"].attempts == 3


@on_each_backend
def test_a_timeout_fails_its_item_only_and_counts_from_the_beginning_of_the_press(backend: str) -> None:
    def work(x: float) -> float:
        time.sleep(x)
        return x

    began = time.monotonic()
    items = [0.01, 30.0, 0.02, 1.0, 1.0, 1.0]  # with two processes, some wait for longer than the timeout
    results = loop_on(
        backend, items, work, parallelism=6, on_item_failure="continue", step={"timeout_seconds": 2}
    )
    assert time.monotonic() - began < 25
    assert [row.status for row in results] == ["ok", "failed", "ok", "ok", "ok", "ok"], results.errors
    error = results[1].error
    assert error is not None
    assert (error.code, error.message) == ("TIMEOUT", "timed out after 2 s")
    assert ("still be running" in error.remediation) == (backend == "threads")


@on_each_backend
def test_an_exception_comes_back_with_its_class_message_and_traceback(backend: str) -> None:
    def helper(x: int) -> int:
        return {}[x]  # a line of the traceback

    def work(x: int) -> int:
        try:
            return helper(x)
        except KeyError as error:
            raise ValueError(f"bad item {x}") from error

    results = loop_on(backend, [7], work)
    error = results[0].error
    assert error is not None
    assert (error.code, error.message) == ("FUNCTION_ERROR", "ValueError: bad item 7")
    assert isinstance(error.exception, ValueError)
    trace = results[0].steps["work"].stderr
    assert "# a line of the traceback" in trace
    assert "KeyError: 7" in trace
    assert trace.rstrip().endswith("ValueError: bad item 7")
    assert f'File "{__file__}"' in trace
    assert "drawer_ipy/" not in trace


@on_each_backend
@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), BaseException("x")])
def test_whatever_a_function_raises_fails_its_item_only(backend: str, raised: BaseException) -> None:
    def work(x: int) -> int:
        if x == 1:
            raise raised
        return x

    results = loop_on(backend, [0, 1, 2], work, on_item_failure="continue")
    assert [row.status for row in results] == ["ok", "failed", "ok"]
    assert results[1].error is not None
    assert results[1].error.message.startswith(type(raised).__name__)


@on_each_backend
def test_generators_and_awaitables_are_collected(backend: str) -> None:
    async def later(x: int) -> int:
        return x + 1

    def work(x: int) -> object:
        if x == 0:
            return (n for n in range(3))
        return later(x)

    assert loop_on(backend, [0, 1], work).outputs.to_list() == [[0, 1, 2], 2]


@on_each_backend
def test_arguments_are_passed_by_position_by_name_and_by_default(backend: str) -> None:
    def work(x: int, /, y: int = 2, *, z: int = 3, **more: int) -> list[object]:
        return [x, y, z, more]

    drawer = {"steps": [{"id": "a", "button": "work", "backend": backend, "args": {"x": 1, "z": 5, "w": 6}}]}
    results = press(drawer, buttons={"work": work}, quiet=True)
    assert results.run.steps[0].output == [1, 2, 5, {"w": 6}]


@on_each_backend
def test_the_starts_under_a_rate_are_spaced_where_the_presses_run(tmp_path: Path, backend: str) -> None:
    def gaps(ledger: Ledger) -> list[float]:
        times = sorted(float(line[0]) for line in ledger.lines())
        return [after - before for before, after in itertools.pairwise(times)]

    for name, of_loop, of_step in (("loop", {"rate": "20/s"}, {}), ("step", {}, {"rate": "20/s"})):
        ledger = Ledger(tmp_path / f"{name}")

        def work(x: int, ledger: Ledger = ledger) -> None:
            ledger.add(time.monotonic())
            time.sleep(0.12)

        loop_on(backend, range(8), work, parallelism=8, step=of_step, **of_loop)
        assert len(gaps(ledger)) == 7
        # A busy machine may begin one late, just before the next. Without the rate, all begin together.
        assert sum(gap > 0.02 for gap in gaps(ledger)) >= 5, name


@on_each_backend
def test_queues_and_concurrency_hold_where_the_presses_run(tmp_path: Path, backend: str) -> None:
    work = journey(tmp_path)
    items = [(n, 20, False) for n in range(6)]
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": 6,
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
    }  # fmt: skip
    drawer = {"inputs": ["xs"], "steps": [loop]}
    press(
        drawer, {"xs": items}, concurrency=2, buttons={"work": work}, quiet=True, backend=backend
    )  # fmt: skip
    assert work.most <= 2


@on_each_backend
def test_the_backend_of_a_button_wins_over_that_of_the_loop_and_the_run(backend: str) -> None:
    @button(backend="threads")
    def here(item: int) -> int:
        return os.getpid()

    assert set(each(here, [1, 2], backend=backend, quiet=True).outputs) == {os.getpid()}
    there = set(each(lambda item: os.getpid(), [1, 2], backend=backend, quiet=True).outputs)
    assert (there == {os.getpid()}) == (backend == "threads")
