"""What a run's events amount to: counts, pace, time left, last errors; without a screen or a real clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest
from progress_rig import Driver, fail

from drawer_ipy.display.pace import Pace
from drawer_ipy.display.progress import ProgressState, last_errors
from drawer_ipy.display.wording import progress_line
from drawer_ipy.engine.events import (
    RunFinished,
    StepRetried,
)
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.record.loop import OK, RUNNING, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.style.amounts import clock_text, rate_text


def test_before_the_run_there_is_an_empty_snapshot() -> None:
    snapshot = ProgressState().snapshot(1.0)
    assert (snapshot.position, snapshot.total, snapshot.eta, snapshot.errors) == (0, 0, None, ())


def test_steps_are_counted_and_placed() -> None:
    driver = Driver("one", "two", "three")
    first = driver.step("one")
    assert (driver.at(0).step, driver.at(0).position, driver.at(0).steps) == ("one", 1, 3)
    driver.end(first)
    second = driver.step("two")
    snapshot = driver.at(1)
    assert (snapshot.step, snapshot.position, snapshot.steps_done, snapshot.loop) == ("two", 2, 1, None)
    driver.end(second)
    assert progress_line(driver.at(2)) == "drawer pages: 2/3 steps"
    third = driver.step("three")
    third.fail("SCRIPT_ERROR", "broke")
    driver.end(third)
    assert (driver.at(3).steps_done, driver.at(3).steps_failed) == (3, 1)


def test_items_are_counted_by_state_and_skipped_at_the_end() -> None:
    driver = Driver("each")
    step = driver.step("each")
    loop = driver.loop(10, step)
    for index in range(6):
        loop.move(index, RUNNING)
    for index in range(3):
        loop.move(index, OK)
    fail(loop, 3)
    snapshot = driver.at(1)
    assert (snapshot.total, snapshot.left, snapshot.running) == (10, 4, 2)
    assert (snapshot.ok, snapshot.failed, snapshot.done) == (3, 1, 4)
    assert progress_line(snapshot) == "drawer pages: 4/10 (1 failed)"
    fail(loop, 4, code=Code.CANCELLED)
    fail(loop, 5, code=Code.CANCELLED)
    driver.close(loop)
    driver.end(step)
    driver.run.status = "failed"
    driver.listeners.emit(RunFinished(driver.run))
    snapshot = driver.at(2)
    assert (snapshot.cancelled, snapshot.skipped, snapshot.left, snapshot.running) == (2, 4, 0, 0)
    assert progress_line(snapshot) == "drawer pages: ✘ failed · 3 ok · 1 failed · 2 cancelled · 4 skipped"


def test_elapsed_stops_with_the_run_and_no_time_is_left_then() -> None:
    driver = Driver("each")
    loop = driver.loop(100, driver.step("each"))
    for index in range(50):
        loop.move(index, OK)
    assert driver.at(5).eta == pytest.approx(5.0)
    driver.run.status = "cancelled"
    driver.listeners.emit(RunFinished(driver.run))
    assert driver.at(60).elapsed == 5.0
    assert driver.at(60).eta is None


def test_deeper_loops_and_those_of_sub_drawers_are_only_counted() -> None:
    driver = Driver("each", "sub")
    step = driver.step("each")
    own = driver.loop(10, step)
    driver.loop(99, step, path=("each", "inner"))
    driver.loop(77, step, path=("each",))  # of a sub-drawer whose step has the same id
    driver.loop(55, step, path=("other",))
    own.move(0, OK)
    snapshot = driver.at(1)
    assert (snapshot.total, snapshot.ok, snapshot.inner) == (10, 1, 3)
    child = RunRecord("1" * 16, "child")
    driver.end(driver.step("x", child), child)
    assert (driver.at(1).step, driver.at(1).steps_done) == ("each", 0)


def test_failures_in_loops_within_items_are_told_where_there_is_room() -> None:
    driver = Driver("each")
    step = driver.step("each")
    own = driver.loop(10, step)
    first = driver.loop(5, step, path=("each", "inner"))
    fail(first, 4, "early")
    assert [str(line) for line in driver.at(1).errors] == ["inner, item 4, page: SCRIPT_ERROR: early"]
    driver.close(first)
    own.move(0, OK)
    second = driver.loop(5, step, path=("each", "inner"))
    fail(second, 2, "late")
    fail(own, 1, "own")
    told = [(line.index, line.text[14:]) for line in driver.at(2).errors]
    assert told == [(None, "early"), (None, "late"), (1, "own")]
    for index in (2, 3, 4):
        fail(own, index, "own")
    assert [line.index for line in driver.at(3).errors] == [2, 3, 4], (
        "they may be tolerated; its own come first"
    )


def test_of_two_loops_at_once_the_one_that_is_left_is_shown() -> None:
    driver = Driver("a", "b")
    a, b = driver.step("a"), driver.step("b")
    first, second = driver.loop(5, a), driver.loop(7, b)
    assert (driver.at(0).loop, driver.at(0).step) == ("a", "a")
    driver.close(first)
    driver.end(a)
    assert (driver.at(1).loop, driver.at(1).total, driver.at(1).step) == ("b", 7, "b")
    driver.close(second)
    driver.end(b)
    assert driver.at(2).loop == "b"


def test_a_loop_that_is_tried_again_takes_the_place_of_the_first_attempt() -> None:
    driver = Driver("each")
    step = driver.step("each")
    first = driver.loop(5, step)
    fail(first, 0)
    driver.close(first)
    driver.listeners.emit(StepRetried("each", None, 1, 0.0, ErrorInfo("X", "again")))
    driver.loop(5, step).move(0, OK)
    snapshot = driver.at(1)
    assert (snapshot.ok, snapshot.failed, snapshot.retries) == (1, 0, 1)


def test_the_last_three_errors_in_the_order_in_which_they_happened() -> None:
    driver = Driver("each")
    loop = driver.loop(100, driver.step("each"))
    for index in (90, 3, 50, 7):
        fail(loop, index, f"broke at {index}")
    told = [(line.index, line.step, line.text) for line in driver.at(1).errors]
    assert told == [(i, "page", f"SCRIPT_ERROR: broke at {i}") for i in (3, 50, 7)]


def test_a_tolerated_failure_of_a_nested_step_is_no_error_of_its_item() -> None:
    loop = LoopRecord(("each",), "u", range(3), ["a", "b"], 2)
    bad, good = StepResult("a"), StepResult("b", status="ok")
    bad.fail("SCRIPT_ERROR", "tolerated")
    loop.columns[0].put(1, bad)
    loop.columns[1].put(1, good)
    loop.move(1, OK)
    assert last_errors(loop) == ()


def test_the_failure_that_stopped_a_very_wide_loop_is_found_behind_the_cancelled() -> None:
    loop = LoopRecord(("each",), "u", range(5000), ["page"], 5000)
    fail(loop, 4000, "the cause")
    for index in range(3000):
        fail(loop, index, "", Code.CANCELLED)
    assert [str(line) for line in last_errors(loop)] == ["item 4000, page: SCRIPT_ERROR: the cause"]


def test_a_steps_own_failure_is_told_but_not_a_cancellation_nor_an_items_twice() -> None:
    driver = Driver("a", "b", "c")
    for step_id, error in (
        ("a", ErrorInfo("TIMEOUT", "too slow")),
        ("b", ErrorInfo(Code.CANCELLED, "cancelled")),
        ("c", ErrorInfo(Code.FOREACH_ITEM_FAILED, "item 4 failed", index=4)),
    ):
        step = driver.step(step_id)
        step.error = error
        driver.end(step)
    assert [str(line) for line in driver.at(1).errors] == ["a: TIMEOUT: too slow"]


@pytest.mark.parametrize(
    "message", ["x" * 10_000_000, "\x1b[31mred\x1b[0m\r\n\x00\x07", "\u202etxt\u2066", "\ud800", "a\u2028b"]
)
def test_an_error_line_is_one_short_clean_line(message: str) -> None:
    loop = LoopRecord(("each",), "u", range(1), ["page"], 1)
    fail(loop, 0, message)
    (line,) = last_errors(loop)
    assert len(line.text) <= 240
    assert line.text.isprintable()
    line.text.encode()


def measured(
    pace: Pace, done_at: Callable[[float], int], seconds: float, n: int
) -> tuple[float, float | None]:
    rate, eta = 0.0, None
    for tick in range(int(seconds * 10) + 1):
        now = tick / 10
        rate, eta = pace.measure(now, done_at(now), n - done_at(now))
        assert math.isfinite(rate)
        assert rate >= 0
        assert eta is None or (math.isfinite(eta) and eta >= 0)
    return rate, eta


def test_a_steady_pace_and_what_is_left_of_it() -> None:
    rate, eta = measured(Pace(0.0, 8), lambda t: int(40 * t), 20, 2000)
    assert rate == pytest.approx(40, rel=0.05)
    assert eta == pytest.approx(30, rel=0.05)


def test_the_pace_follows_a_change_within_the_window() -> None:
    rate, _ = measured(Pace(0.0, 8), lambda t: int(100 * min(t, 30) + 10 * max(0, t - 30)), 42, 10**6)
    assert rate == pytest.approx(10, rel=0.1)


def test_slow_items_that_end_in_rounds_have_a_pace_too() -> None:
    # Ten at once, thirty seconds each: between two rounds nothing ends for thirty seconds.
    rate, eta = measured(Pace(0.0, 10), lambda t: 10 * int(t // 30), 149, 1000)
    assert rate == pytest.approx(1 / 3, rel=0.35)
    assert eta is not None


def test_a_stall_makes_the_time_left_grow() -> None:
    pace = Pace(0.0, 4)
    _, before = measured(pace, lambda t: int(50 * min(t, 10)), 11, 1000)
    now, eta = 70.0, pace.measure(70.0, 500, 500)[1]
    assert before is not None
    assert eta is not None
    assert eta > 20 * before, now


def test_the_first_sample_is_finite_and_nothing_is_foretold_from_it() -> None:
    assert Pace(0.0, 4).measure(0.0, 0, 10) == (0.0, None)
    rate, eta = Pace(0.0, 4).measure(0.0, 3, 10)
    assert math.isfinite(rate)
    assert eta is None
    assert Pace(0.0, 1).measure(5.0, 10, 0)[1] is None, "nothing is left"
    assert Pace(0.0, 1).measure(-5.0, 1, 5)[0] >= 0, "a clock that went backwards"


def test_the_samples_kept_are_few_however_long_it_takes() -> None:
    pace = Pace(0.0, 1000)
    measured(pace, lambda t: int(4 * t), 400, 10**6)
    assert len(pace._samples) <= 256


def test_a_snapshot_of_a_million_items_costs_a_fraction_of_a_millisecond() -> None:
    driver = Driver("each")
    loop = driver.loop(1_000_000, driver.step("each"), width=1000)
    fail(loop, 999_999)
    spent = []
    for index in range(200):
        fail(loop, index, "x" * 10_000)
        for other in range(1000 + index, 1010 + index):
            fail(loop, other, "", Code.CANCELLED)
        began = time.perf_counter()
        driver.at(index / 10)
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[len(spent) // 2] < 0.0005


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (0.99, "0:00"), (7, "0:07"), (245.9, "4:05"), (3723, "1:02:03"), (360000, "100:00:00")],
)
def test_time_is_shown_in_whole_seconds(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(0, "0/s"), (0.1, "10.0 s each"), (1, "1.0/s"), (12.34, "12.3/s"), (1234.5, "1,234/s")]
)
def test_a_rate_is_shown_in_a_readable_unit(rate: float, text: str) -> None:
    assert rate_text(rate) == text
