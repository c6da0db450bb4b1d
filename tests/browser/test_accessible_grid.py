"""The grid of a table in JupyterLab, in light and dark themes: axe-core finds nothing in any part of it."""

from __future__ import annotations

import pytest
from axe_rig import assert_accessible
from browser_cells import PAGES, pages_run
from browser_rig import BrowserNotebook, Opener
from playwright.sync_api import Locator

WIDE = """\
def nested(n):
    return {f"column {k}": [n, {"inner": "text " * 40}] for k in range(30)}

wide = each(nested, range(40), quiet=True)
wide
"""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    notebook = open_notebook([PAGES + "\nfrom drawer_ipy import each\n", pages_run(60), WIDE])
    for cell in (1, 2):
        notebook.run(cell)
        notebook.grid(cell).wait_for()
    return notebook


@pytest.fixture(params=["Light", "Dark"])
def output(request: pytest.FixtureRequest, notebook: BrowserNotebook) -> Locator:
    notebook.set_theme(request.param)
    return notebook.output(1)


def grid_of(output: Locator) -> Locator:
    """The grid with its tools, without what the front end puts around it."""
    return output.locator(".drawer-grid")


def test_axe_finds_nothing_in_the_rows_and_the_tools(output: Locator) -> None:
    grid_of(output).get_by_role("rowheader").nth(3).wait_for()
    assert_accessible(grid_of(output))


def test_axe_finds_nothing_in_a_filtered_grid(output: Locator) -> None:
    failed = output.get_by_role("button", name="✘ 6 failed")
    failed.click()
    output.get_by_role("status").get_by_text("6 of 60 rows").wait_for()
    assert_accessible(grid_of(output))
    output.get_by_role("searchbox").or_(output.get_by_role("textbox")).first.fill("nothing has this")
    output.get_by_role("status").get_by_text("0 of 60 rows").wait_for()
    assert_accessible(grid_of(output))
    output.get_by_role("searchbox").or_(output.get_by_role("textbox")).first.fill("")
    failed.click()
    output.get_by_role("status").get_by_text("60 rows").wait_for()


def test_axe_finds_nothing_in_an_open_row(output: Locator) -> None:
    output.get_by_role("grid").get_by_role("rowheader").nth(7).click()
    row = output.get_by_role("region", name="row 7")
    row.get_by_text("Traceback").wait_for()
    assert_accessible(grid_of(output))
    output.get_by_role("button", name="close the row").click()


def test_axe_finds_nothing_in_the_menu_of_a_column(output: Locator) -> None:
    grid = output.get_by_role("grid")
    for column in (1, 3):
        grid.locator(f'[role="columnheader"][data-column="{column}"] .dg-open-menu').click()
        menu = grid_of(output).locator(".dg-menu")
        menu.get_by_role("button").or_(menu.get_by_role("menuitem")).first.wait_for()
        output.page.wait_for_timeout(300)  # the values of the column arrive
        assert_accessible(grid_of(output))
        output.page.keyboard.press("Escape")


def test_axe_finds_nothing_in_a_wide_grid_with_wrapped_nested_values(
    output: Locator, notebook: BrowserNotebook
) -> None:
    wide = notebook.output(2)
    wrap = wide.get_by_role("button", name="wrap long text")
    wrap.click()
    assert_accessible(grid_of(wide))
    wide.get_by_role("grid").get_by_role("rowheader").nth(2).click()
    wide.get_by_role("region", name="row 2").wait_for()
    assert_accessible(grid_of(wide))
    wide.get_by_role("button", name="close the row").click()
    wrap.click()
