"""A run as people see it, in both front ends: progress while the cell is busy, Cancel, interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from browser_cells import BACKGROUND, LONG, SETUP, SHORT
from browser_rig import BrowserNotebook, Opener

# What the bar said, each time it said something new, and what stood left of its cell at that moment.
WATCH_THE_BAR = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const bar = document.querySelector('.jp-CodeCell [role=group] [role=progressbar]');
        const now = bar?.getAttribute('aria-valuenow');
        if (!bar || window.seen.at(-1)?.[0] === now) return;
        const prompt = bar.closest('.jp-CodeCell').querySelector('.jp-InputPrompt');
        window.seen.push([now, prompt.textContent.trim()]);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    cells = [SETUP, SHORT, LONG, "print(pages.counts)", BACKGROUND, "print(run.done, len(run.results.ok))"]
    return open_notebook(cells, front)


def test_progress_is_seen_while_the_cell_is_busy_and_then_the_table(notebook: BrowserNotebook) -> None:
    notebook.page.evaluate(WATCH_THE_BAR)
    notebook.run(1)
    seen = notebook.page.evaluate("window.seen")
    numbers = [int(now) for now, _ in seen]
    assert len(numbers) >= 3
    assert numbers == sorted(numbers)
    assert {prompt for _, prompt in seen} == {"[*]:"}
    assert notebook.rows(1) == 21
    assert not notebook.view(1).is_visible()


def seconds(*actions: Callable[[], object]) -> float:
    """How long they take together, one after the other."""
    began = time.perf_counter()
    for action in actions:
        action()
    return time.perf_counter() - began


def click_cancel(notebook: BrowserNotebook) -> None:
    notebook.cancel_button(2).click()


def press_cancel(notebook: BrowserNotebook) -> None:
    notebook.cancel_button(2).focus()
    notebook.page.keyboard.press("Enter")


def interrupt(notebook: BrowserNotebook) -> None:
    notebook.toolbar("Interrupt the kernel").click()


@pytest.mark.parametrize("stop", [click_cancel, press_cancel, interrupt])
def test_a_run_is_stopped_within_a_second_and_what_has_ended_is_kept(
    notebook: BrowserNotebook, stop: Callable[[BrowserNotebook], None]
) -> None:
    notebook.start(2)
    notebook.wait_done(2, 20)
    took = seconds(lambda: stop(notebook), notebook.table(2).wait_for)
    # On a busy machine a second is not enough for anything; then it is compared with the least a cell takes.
    least = seconds(lambda: notebook.run(3))
    assert took < max(1.0, 4 * least), (took, least)
    assert "19 ok · 1 failed · 4 cancelled · 16 skipped" in notebook.output(2).inner_text()
    told = "{'ok': 19, 'failed': 1, 'cancelled': 4, 'skipped': 16}"
    assert told in notebook.output(3).inner_text()


def test_a_view_goes_on_while_other_cells_run_and_cancels_its_own_run(notebook: BrowserNotebook) -> None:
    notebook.run(4)  # it is over at once
    notebook.wait_done(4, 20)
    assert "False 19" in notebook.run(5).inner_text()
    notebook.cancel_button(4).click()
    notebook.table(4).wait_for()
    assert "19 ok · 1 failed · 4 cancelled · 16 skipped" in notebook.output(4).inner_text()
    assert "True 19" in notebook.run(5).inner_text()
