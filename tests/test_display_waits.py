"""Waiting in the live view, in HTML and in a terminal."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from progress_rig import Driver

from drawer_ipy.display.cell_lines import cell_lines
from drawer_ipy.display.cells import Cells
from drawer_ipy.display.held import WaitLine
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.pace import Pace
from drawer_ipy.display.progress import Snapshot
from drawer_ipy.display.progress_html import bar_html, progress_html, static_html
from drawer_ipy.display.terminal import _postfix
from drawer_ipy.display.view import View
from drawer_ipy.display.wording import progress_line, waits_text
from drawer_ipy.engine.events import RequestRetried
from drawer_ipy.record.loop import OK, PAUSED, RUNNING, LoopRecord
from drawer_ipy.record.waits import Pause, Reason, Why
from drawer_ipy.style.outcome import counts_text, outcome_of_rows
from drawer_ipy.style.palette import LOOKS
from drawer_ipy.style.waiting import waited_text

HOST = "shop.example"


def pause(loop: LoopRecord, index: int, why: Why, subject: str = "", seconds: float | None = None) -> Pause:
    """Begin item `index`, if it has not, and pause it."""
    if loop.states[index] != RUNNING:
        loop.move(index, RUNNING)
    begun = Pause(Reason(why, subject), None if seconds is None else time.perf_counter() + seconds)
    loop.pause(index, begun, "page")
    return begun


def paused_run(
    *reasons: tuple[Why, str, float | None], n: int = 40, began: float = 0.0
) -> tuple[Driver, LoopRecord]:
    """A run whose clock is real, with one paused item for each of `reasons`; it began `began` seconds ago."""
    driver = Driver("each")
    driver.clock.now = time.perf_counter() - began
    driver.state._began = driver.clock.now
    loop = driver.loop(n, driver.step("each"))
    for index, (why, subject, seconds) in enumerate(reasons):
        pause(loop, index, why, subject, seconds)
    return driver, loop


def now(driver: Driver) -> Snapshot:
    driver.clock.now = time.perf_counter()
    return driver.state.snapshot(driver.clock.now)


@pytest.mark.parametrize(
    ("reasons", "line"),
    [
        ([(Why.ASKED, HOST, 2.9)] * 12, "host shop.example asks to wait 3 s · 12 items · 7 retries"),
        ([(Why.ASKED, HOST, 124.5)], "host shop.example asks to wait 2:05 · 1 item · 7 retries"),
        ([(Why.ASKED, "", None)], "a server asks to wait · 1 item · 7 retries"),
        ([(Why.RATE, "5/s", 0.2)] * 40, "rate limit 5/s: 40 items wait"),
        (
            [(Why.RATE, "1/min", 41.5), (Why.RATE, "1/min", 99.0)],
            "rate limit 1/min: 2 items wait, the first for 42 s",
        ),
        ([(Why.BUSY, HOST, None)] * 2, "host shop.example is busy: 2 items wait"),
        ([(Why.QUEUE, "db", None)], "queue db: 1 item waits"),
        ([(Why.QUEUE, "", None)] * 3, "limit on concurrency: 3 items wait"),
        ([(Why.BACKOFF, "", 4.2)] * 2, "2 items wait before the next attempt, the first for 5 s · 7 retries"),
        ([(Why.SHARED, "a token", None)], "1 item waits for another to get a token"),
        ([(Why.STEP, "nap", 9.5)] * 3, "3 items wait in step nap, the first for 10 s"),
        (
            [(Why.QUEUE, "db", None)] * 3 + [(Why.RATE, "5/s", 0.1)] * 2 + [(Why.ASKED, HOST, 7.9)],
            "host shop.example asks to wait 8 s · 1 item · 7 retries; rate limit 5/s: 2 items wait; "
            "queue db: 3 items wait",
        ),
    ],
)
def test_one_line_says_what_is_waited_for(reasons: Any, line: str) -> None:
    driver, _ = paused_run(*reasons)
    for _ in range(7):
        driver.listeners.emit(RequestRetried("page", 0))
    snapshot = now(driver)
    text = waits_text(snapshot)
    if reasons[0][0] not in (Why.ASKED, Why.BACKOFF) and Why.ASKED not in {why for why, *_ in reasons}:
        text = text.removesuffix(" · 7 retries")
    assert text == line
    assert (snapshot.paused, snapshot.running) == (len(reasons), 0)


def test_many_reasons_are_cut_to_the_most_important() -> None:
    driver, _ = paused_run(*((Why.BUSY, f"h{i}", None) for i in range(9)), (Why.ASKED, HOST, 5.0))
    lines = now(driver).waits
    assert len(lines) == 3
    assert lines[0].parts[0] == "host shop.example asks to wait"


def test_a_name_from_outside_is_cleaned_and_shortened() -> None:
    driver, _ = paused_run((Why.BUSY, "evil\x1b[31m\u202e<b>" + 300 * "x", None))
    snapshot = now(driver)
    text = waits_text(snapshot)
    assert len(text) < 90
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<b>" in text
    assert "<b>x" not in static_html(snapshot)


def test_a_countdown_needs_no_new_message() -> None:
    driver, _ = paused_run((Why.ASKED, HOST, 9.0))
    view = View(lambda: None, lambda *_: [])
    try:
        first = now(driver)
        view.show(first, Outline())
        head = dict(view.head)
        assert head["counts"] == [39, 0, 0, 0, 0, 0, 1]
        assert head["waits"] == [[*first.waits[0].parts, first.waits[0].until]]
        assert first.waits[0].until == pytest.approx(9.0, abs=0.2)
        time.sleep(0.3)
        view.show(now(driver), Outline())
        assert dict(view.head) == head
    finally:
        view.close()
    (line,) = first.waits
    assert [line.text(seconds).split(" · ")[0] for seconds in (0.5, 1.5, 8.5, 9.5)] == [
        "host shop.example asks to wait 9 s",
        "host shop.example asks to wait 8 s",
        "host shop.example asks to wait 1 s",
        "host shop.example asks to wait",
    ]


SHOWN = Snapshot(
    drawer="d",
    loop="each",
    total=60,
    ok=10,
    paused=12,
    running=3,
    left=35,
    steps=1,
    waits=(WaitLine((f"host {HOST} asks to wait", " ", " · 12 items"), 8.0),),
    elapsed=5.0,
)


def test_html_shows_paused_items_and_the_reason() -> None:
    look, html = LOOKS["paused"], progress_html(SHOWN)
    assert f"{look.mark} 12 paused" in html
    assert f'title="12 paused" style="flex:0 0 20.00%;background:{look.fill}"' in bar_html(SHOWN)
    assert f"{look.mark} <bdi>host {HOST} asks to wait 3 s · 12 items</bdi>" in html
    assert look.mark not in progress_html(Snapshot(drawer="d", loop="each", total=60, left=60))


def test_plain_text_and_the_terminal_show_them_too() -> None:
    assert progress_line(SHOWN) == "drawer d: 10/60 (12 paused)"
    assert _postfix(SHOWN) == f"ok=10 running=3 paused=12, host {HOST} asks to wait 3 s · 12 items"
    steps = Snapshot(drawer="d", step="nap", steps=2, waits=SHOWN.waits, elapsed=5.0)
    assert _postfix(steps) == f"nap · host {HOST} asks to wait 3 s · 12 items"


def test_paused_rows_are_of_a_run_that_goes_on() -> None:
    assert outcome_of_rows({"ok": 3, "paused": 1}) == "running"
    assert counts_text({"ok": 3, "paused": 2}, "item") == "3 ok · 2 paused"


def test_cells_show_paused_items() -> None:
    loop = LoopRecord(("each",), "x", range(40), ["page"], 4)
    pause(loop, 3, Why.RATE, "5/s")
    assert Cells(loop).read()[3] == PAUSED == 6
    several = Cells(loop, most=4)
    assert several.read() == bytes([1 << 6, 0, 0, 0])
    loop.move(4, RUNNING)
    assert several.read()[0] == 1 << 6 | 1 << 5
    for index in range(10, 20):
        pause(loop, index, Why.RATE, "5/s")
    assert several.read()[1] == PAUSED | 1 << 6


def test_the_description_of_a_cell_names_the_reason() -> None:
    loop = LoopRecord(("each",), "x", range(4), ["page", "parse"], 4)
    pause(loop, 2, Why.ASKED, HOST)
    head = cell_lines(Cells(loop), 2)[0]
    assert re.fullmatch(r"item 2 · paused · \d+ ms · at page · host shop.example asks to wait", head), head
    waiting = Pause(Reason(Why.RATE, "5/s"))
    loop.pause(3, waiting)
    assert cell_lines(Cells(loop), 3)[0] == "item 3 · paused · rate limit 5/s"


def test_a_step_that_waits_has_a_row_of_its_own_look() -> None:
    driver = Driver("nap")
    step = driver.step("nap")
    step.pause(Pause(Reason(Why.STEP, "nap")), 0.0)
    assert step.status == "paused"
    assert waits_text(driver.at(1)) == "1 step waits in step nap"


# The time left


def test_the_time_left_counts_a_known_wait_and_the_work_after_it() -> None:
    pace = Pace(0.0, 4)
    for tick in range(1, 11):
        pace.measure(float(tick), 10 * tick, 200 - 10 * tick)
    rate, eta = pace.measure(11.0, 100, 100, stays=60.0)
    assert eta == pytest.approx(70.0, rel=0.1)
    rates = [pace.measure(11.0 + s, 100, 100, stays=60.0 - s) for s in range(60)]
    assert [round(left or 0) for _, left in rates] == pytest.approx([70 - s for s in range(60)], abs=7)
    assert rates[-1][0] < rate, "the rate that is shown does not claim that items end"
    _, after = pace.measure(72.0, 110, 90)
    assert after is not None
    assert after > 0


def test_the_time_left_is_unknown_if_nothing_has_ended_before_a_wait() -> None:
    pace = Pace(0.0, 4)
    assert pace.measure(5.0, 0, 100, stays=60.0) == (0.0, None)


@pytest.mark.parametrize(
    ("reasons", "known"),
    [
        ([(Why.ASKED, HOST, 60.0)] * 4, True),
        ([(Why.ASKED, HOST, 60.0), (Why.QUEUE, "db", None)], True),
        ([(Why.RATE, "5/s", 0.2), (Why.RATE, "5/s", 0.4)], False),
        ([(Why.QUEUE, "db", None)], False),
    ],
)
def test_only_a_wait_of_known_length_is_added_to_the_time_left(reasons: Any, known: bool) -> None:
    driver, loop = paused_run(began=20)
    start = driver.clock.now
    for tick in range(1, 11):
        loop.move(tick, RUNNING)
        loop.move(tick, OK)
        driver.state.snapshot(start + 20 * tick / 10)
    for index, (why, subject, seconds) in enumerate(reasons, 20):
        pause(loop, index, why, subject, seconds)
    snapshot = now(driver)
    if known:
        assert snapshot.eta is not None
        assert snapshot.eta > 55
    else:
        assert snapshot.eta is None or snapshot.eta < 70


def test_how_long_it_waited_in_words() -> None:
    assert waited_text(Reason(Why.ASKED, HOST), 1, 3.0) == f"3.0 s: host asked to wait ({HOST})"
    assert waited_text(Reason(Why.RATE, "5/s"), 2, 0.4) == "400 ms: rate limit (5/s), 2 times"
    assert waited_text(Reason(Why.QUEUE), 1, 2.0) == "2.0 s: limit on concurrency"
