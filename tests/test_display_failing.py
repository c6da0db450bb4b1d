"""A loop in which every item fails alike says so while it can still be stopped."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from progress_rig import Driver, fail

from drawer_ipy.display.failing import ENOUGH
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress_html import static_html
from drawer_ipy.display.terminal import TextDisplay
from drawer_ipy.display.view import View
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons
from drawer_ipy.record.continued import take_earlier
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopRecord
from drawer_ipy.record.step import StepResult


def failing(n: int = 100) -> tuple[Driver, LoopRecord]:
    driver = Driver("each")
    return driver, driver.loop(n, driver.step("each"))


def test_the_warning_appears_at_the_twentieth_failure_and_says_how_to_stop() -> None:
    driver, loop = failing()
    for index in range(ENOUGH):
        assert driver.at(index).warning == ""
        fail(loop, index)
    warning = driver.at(30).warning
    assert warning.startswith("20 items in a row failed with SCRIPT_ERROR and none has succeeded.")
    assert "`on_item_failure: stop`" in warning
    assert "`tolerated_failures: 20`" in warning
    fail(loop, ENOUGH)
    assert driver.at(31).warning == warning, "the words stay, so that the view does not flicker"


def test_a_success_removes_or_prevents_the_warning() -> None:
    driver, loop = failing()
    for index in range(30):
        fail(loop, index)
    assert driver.at(1).warning
    loop.move(50, RUNNING)
    loop.move(50, OK)
    assert driver.at(2).warning == ""


def test_failures_of_several_kinds_cause_no_warning() -> None:
    driver, loop = failing()
    for index in range(40):
        fail(loop, index, code="TIMEOUT" if index == 30 else "SCRIPT_ERROR")
    assert driver.at(1).warning == ""
    for index in range(40, 60):
        fail(loop, index)
    assert driver.at(2).warning


@pytest.mark.parametrize("mixed", [True, False])
def test_exceptions_of_several_classes_are_several_kinds(mixed: bool) -> None:
    driver, loop = failing()
    for index in range(25):
        error = KeyError("x") if mixed and index % 2 else ValueError(index)
        result = StepResult("page", status="error")
        result.error = ErrorInfo("FUNCTION_ERROR", str(error), exception=error)
        loop.columns[0].put(index, result)
        loop.move(index, FAILED)
    assert ("FUNCTION_ERROR (ValueError)" in driver.at(1).warning) is not mixed


def test_there_is_no_warning_if_no_item_is_left_to_stop() -> None:
    driver, loop = failing(25)
    for index in range(25):
        fail(loop, index)
    assert driver.at(1).warning == ""


def test_items_of_an_earlier_press_do_not_count() -> None:
    driver = Driver("each")
    step = driver.step("each")
    old = LoopRecord(("each",), "u", range(100), ["page"], 4)
    for index in range(50):
        old.move(index, OK)
    new = LoopRecord(("each",), "u", range(100), ["page"], 4)
    take_earlier(new, old, list(range(50, 100)), ())
    driver.state._loop_started(type("Event", (), {"loop": new})())
    del step
    for index in range(50, 75):
        fail(new, index)
    assert driver.at(1).warning


def test_every_display_shows_it_escaped() -> None:
    driver, loop = failing()
    for index in range(ENOUGH):
        fail(loop, index, code="<b>ODD")
    snapshot = driver.at(1)
    assert "&lt;b&gt;ODD" in static_html(snapshot)
    assert "<b>ODD" not in static_html(snapshot)
    view = View(lambda: None, lambda step, cell: [])
    view.show(snapshot, Outline())
    assert view.warning == snapshot.warning
    view.close()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_warning_once() -> None:
    stream = Terminal()
    display = TextDisplay(stream)
    driver, loop = failing()
    display.open(driver.at(0))
    for index in range(40):
        fail(loop, index)
        display.update(driver.at(index))
    display.finish(driver.at(50), None)
    assert stream.getvalue().count("items in a row failed") == 1


def test_a_real_run_shows_the_warning_while_it_runs() -> None:
    from drawer_ipy.display.progress import ProgressState

    async def work(x: int) -> None:
        await asyncio.sleep(0.005)
        raise LookupError(x)

    step = {"id": "w", "button": "work", "args": {"x": "${x}"}}
    each: dict[str, Any] = {"id": "each", "kind": "for_each", "over": list(range(60)), "as": "x",
                            "parallelism": 4, "on_item_failure": "continue", "steps": [step]}  # fmt: skip
    job = prepare({"name": "t", "steps": [each]}, {}, None, Surroundings(named_buttons({"work": work})))
    state = ProgressState()
    state.attach(job.run.listeners)
    seen: set[str] = set()

    async def main(look: Callable[[], None]) -> None:
        running = asyncio.create_task(job.run.execute())
        while not running.done():
            look()
            await asyncio.sleep(0.002)

    asyncio.run(main(lambda: seen.add(state.snapshot(state.clock()).warning)))
    (warning,) = seen - {""}
    assert "FUNCTION_ERROR (LookupError)" in warning
    assert state.snapshot(state.clock()).warning == ""
