"""Pages that are reloaded while a run goes on, and kernels that go."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from browser_rig import BrowserNotebook, Opener, Watched
from gated_run_rig import SETUP, check_table, check_view, run_until, saved_html, status
from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize(
    ("options", "times"),
    # While a cell runs, JupyterLab waits three seconds before it restores anything.
    [("--background --out run", 6), ("--out pages", 2)],
    ids=["background", "foreground"],
)
def test_a_page_reloaded_at_random_moments_shows_the_view_and_in_the_end_the_table(
    open_notebook: Opener, front: str, gate: Path, options: str, times: int
) -> None:
    moments = random.Random(14)
    notebook = open_notebook([SETUP, run_until(gate.name, options)], front)
    notebook.start(1)
    least = check_view(notebook, 1, 2)
    for _ in range(times if front == "lab" else min(times, 3)):
        notebook.page.wait_for_timeout(moments.uniform(0, 800))
        notebook.reload()
        least = check_view(notebook, 1, least)
    if options.startswith("--out"):
        notebook.wait(lambda: status(notebook) == "busy", "the kernel indicator is busy")
    gate.touch()
    check_table(notebook)
    notebook.save()
    assert ["✔ finished · 600 ok" in html for html in saved_html(notebook, 1)] == [True]


def test_when_the_kernel_is_gone_the_view_says_so_and_what_was_saved_is_shown(
    open_notebook: Opener, front: str, gate: Path, context: BrowserContext, watched: Watched
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name)], front)
    notebook.start(1)
    check_view(notebook, 1, 2)
    notebook.save()
    notebook.kernel("restart()")
    gone = notebook.output(1).get_by_text(
        re.compile(r"The kernel was restarted; \d+ of 600 items had ended\. Run the cell again")
    )
    gone.first.wait_for()
    assert not notebook.cancel_button(1).is_visible()
    before = notebook.output(1).inner_text()
    notebook.page.wait_for_timeout(1500)
    assert notebook.output(1).inner_text() == before, "its clock stands still"
    notebook.page.close()
    notebook.server.end_kernels()
    again = BrowserNotebook(watched.page_in(context), notebook.server, notebook.path, front, watched)
    again.open_without_kernel()
    again.output(1).get_by_text(re.compile("running as of")).wait_for()
    shown = again.output(1).inner_text()
    assert "left" in shown
    assert "widget" not in shown
    assert again.view(1).count() == 0
    again.page.close()
