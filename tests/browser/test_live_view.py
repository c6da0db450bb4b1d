"""A run as people see it, in both front ends: progress while the cell is busy, Cancel, interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from browser_rig import BrowserNotebook, Opener

# Items from 20 on would take a minute each.
SETUP = """\
import asyncio
%load_ext drawer_ipy

async def tens(n: int) -> int:
    await asyncio.sleep(0.1 if n < 20 else 60)
    return n * 10
"""

RUN = """\
%%drawer pages --out pages n={range(COUNT)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 4
    steps:
      - {id: tens, button: tens, args: {n: "${n}"}}
"""

SHORT, LONG, COUNTS = 1, 2, 3
CELLS = [SETUP, RUN.replace("COUNT", "20"), RUN.replace("COUNT", "40"), "print(pages.counts)"]

# What the bar said, each time it said something new, and what stood left of its cell at that moment.
WATCH_THE_BAR = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const bar = document.querySelector('.jp-CodeCell [role=progressbar]');
        const now = bar?.getAttribute('aria-valuenow');
        if (!bar || window.seen.at(-1)?.[0] === now) return;
        const prompt = bar.closest('.jp-CodeCell').querySelector('.jp-InputPrompt');
        window.seen.push([now, prompt.textContent.trim()]);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    return open_notebook(CELLS, front)


def test_progress_is_seen_while_the_cell_is_busy_and_then_the_table(notebook: BrowserNotebook) -> None:
    notebook.page.evaluate(WATCH_THE_BAR)
    notebook.run(SHORT)
    seen = notebook.page.evaluate("window.seen")
    numbers = [int(now) for now, _ in seen]
    assert len(numbers) >= 3
    assert numbers == sorted(numbers)
    assert {prompt for _, prompt in seen} == {"[*]:"}
    assert notebook.table(SHORT).get_by_role("row").count() == 21
    assert not notebook.bar(SHORT).is_visible()
    assert not notebook.cancel_button(SHORT).is_visible()


def seconds(*actions: Callable[[], object]) -> float:
    """How long they take together, one after the other."""
    began = time.perf_counter()
    for action in actions:
        action()
    return time.perf_counter() - began


def click_cancel(notebook: BrowserNotebook) -> None:
    notebook.cancel_button(LONG).click()


def interrupt(notebook: BrowserNotebook) -> None:
    notebook.toolbar("Interrupt the kernel").click()


@pytest.mark.parametrize("stop", [click_cancel, interrupt])
def test_a_run_is_stopped_within_a_second_and_what_has_ended_is_kept(
    notebook: BrowserNotebook, stop: Callable[[BrowserNotebook], None]
) -> None:
    notebook.start(LONG)
    notebook.wait_done(LONG, 20)
    took = seconds(lambda: stop(notebook), notebook.table(LONG).wait_for)
    # On a busy machine a second is not enough for anything; then it is compared with the least a cell takes.
    least = seconds(lambda: notebook.run(COUNTS))
    assert took < max(1.0, 4 * least), (took, least)
    assert "20 ok · 4 cancelled · 16 skipped" in notebook.output(LONG).inner_text()
    told = "{'ok': 20, 'failed': 0, 'cancelled': 4, 'skipped': 16}"
    assert told in notebook.output(COUNTS).inner_text()
