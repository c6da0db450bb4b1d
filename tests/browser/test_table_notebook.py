"""The table of a run in JupyterLab and Notebook 7: a grid while its kernel and its results are there."""

from __future__ import annotations

import pytest
from browser_cells import PAGES, pages_run
from browser_rig import BrowserNotebook, Opener
from playwright.sync_api import Locator

RESTART = """path => [...window.jupyterapp.shell.widgets('main')]
    .find(widget => widget.context?.path === path).sessionContext.session.kernel.restart()"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    notebook = open_notebook(
        [PAGES, pages_run(40), "pages.failed", "display(part := pages[:3])", "del part"], front
    )
    notebook.run(1)
    return notebook


def status(notebook: BrowserNotebook, index: int) -> Locator:
    return notebook.output(index).get_by_role("status")


def test_the_final_table_is_a_grid_with_its_failures_one_click_away(notebook: BrowserNotebook) -> None:
    grid = notebook.grid(1)
    grid.wait_for()
    notebook.output(1).get_by_role("button", name="✘ 4 failed").click()
    status(notebook, 1).get_by_text("4 of 40 rows").wait_for()
    grid.get_by_role("rowheader").first.click()
    notebook.output(1).get_by_role("region", name="row 7").get_by_text("Traceback").wait_for()


def test_keys_in_the_grid_do_not_reach_the_notebook(notebook: BrowserNotebook) -> None:
    cells = notebook.page.locator(".jp-Notebook .jp-CodeCell")
    before = cells.count()
    output = notebook.output(1)
    for place in (
        notebook.grid(1),
        output.get_by_role("button", name="✘ 4 failed"),
        output.get_by_role("button", name="Retry 4 failed"),
        output.locator(".dg-details"),
    ):
        place.focus()
        for key in ("d", "d", "x", "a", "b", "ArrowDown"):
            notebook.page.keyboard.press(key)
        assert cells.count() == before
    notebook.page.keyboard.press("Escape")
    assert notebook.page.evaluate("document.activeElement.getAttribute('role')") == "grid"


def test_the_results_of_a_later_cell_are_a_grid_too(notebook: BrowserNotebook) -> None:
    notebook.run(2)
    notebook.grid(2).get_by_role("rowheader").nth(3).wait_for()
    status(notebook, 2).get_by_text("4 rows").wait_for()


def test_a_page_that_is_loaded_again_has_the_grid_again(notebook: BrowserNotebook) -> None:
    notebook.save()
    notebook.reload()
    notebook.grid(1).wait_for()
    notebook.output(1).get_by_role("button", name="✘ 4 failed").click()
    status(notebook, 1).get_by_text("4 of 40 rows").wait_for()


def test_results_that_are_dropped_leave_their_static_table(notebook: BrowserNotebook) -> None:
    notebook.run(3)
    notebook.grid(3).wait_for()
    notebook.run(4)
    notebook.output(3).get_by_role("table").first.wait_for()
    assert notebook.grid(3).count() == 0


def test_a_restarted_kernel_leaves_the_static_table(notebook: BrowserNotebook) -> None:
    notebook.run(1)
    notebook.grid(1).wait_for()
    notebook.page.evaluate(RESTART, notebook.path)
    notebook.output(1).get_by_role("table").first.wait_for()
    assert notebook.grid(1).count() == 0
