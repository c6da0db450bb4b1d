"""A retry from the table of a run: the live view, then the new table, in the same output."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from browser_cells import PAGES, pages_run
from browser_rig import BrowserNotebook, Opener, Watched
from jupyter_rig import JupyterServer
from playwright.sync_api import BrowserContext, Locator

from drawer_ipy.display import tables
from drawer_ipy.display.script import script

pytestmark = pytest.mark.timeout(120)

COUNTS = "print(len(pages.ok), pages['title'][7], len(pages.failed))"


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    return open_notebook([PAGES, pages_run(20), COUNTS, "pages.failed", "shown = page; del page"])


@pytest.fixture(autouse=True)
def mended(server: JupyterServer) -> Path:
    """The folder of the notebook, without the files that let the items end."""
    for name in ("mended", "gate"):
        (server.folder / name).unlink(missing_ok=True)
    return server.folder


def retry(notebook: BrowserNotebook, cell: int = 1) -> Locator:
    return notebook.output(cell).get_by_role("button", name=re.compile("^Retry"))


def focused(notebook: BrowserNotebook) -> str:
    return str(notebook.page.evaluate("document.activeElement.textContent"))


def place(notebook: BrowserNotebook) -> str:
    """The classes of the element with the final HTML of a run; ``""`` while there is none."""
    ended = notebook.output(1).locator(".drawer-ended")
    return str(ended.get_attribute("class")) if ended.count() else ""


def test_a_click_presses_again_in_place(notebook: BrowserNotebook, mended: Path) -> None:
    notebook.run(1)
    button = retry(notebook)
    button.wait_for()
    assert button.inner_text() == "Retry 2 failed"
    (mended / "mended").touch()
    button.focus()
    notebook.page.keyboard.press("Enter")
    notebook.cancel_button(1).wait_for()
    assert notebook.grid(1).count() == 0
    notebook.wait(lambda: focused(notebook) == "Cancel", "the focus is in the view")
    (mended / "gate").touch()
    notebook.grid(1).wait_for()
    notebook.wait(lambda: retry(notebook).count() == 0, "nothing is left to retry")
    assert notebook.output(1).get_by_role("progressbar").count() == 1
    assert "✔ finished · 20 ok" in notebook.output(1).inner_text()
    notebook.output(1).get_by_role("status").get_by_text("retried: 20 ok").wait_for()
    on_grid = "document.activeElement.getAttribute('role') === 'grid'"
    notebook.wait(lambda: notebook.page.evaluate(on_grid), "the focus is in the table")
    assert "20 Page 7 0" in notebook.run(2).inner_text()


def test_a_reloaded_page_shows_the_retry_in_place_too(notebook: BrowserNotebook, mended: Path) -> None:
    notebook.run(1)
    retry(notebook).wait_for()
    notebook.save()
    notebook.reload()
    retry(notebook).wait_for()
    before = place(notebook)
    retry(notebook).click()  # too short for the view to be seen
    notebook.wait(lambda: place(notebook) not in (before, ""), "there is the output of another press")
    (mended / "mended").touch()
    retry(notebook).click()
    notebook.cancel_button(1).wait_for()
    assert notebook.output(1).get_by_role("progressbar").count() == 1
    assert notebook.grid(1).count() == 0
    (mended / "gate").touch()
    notebook.wait(lambda: "✔ finished · 20 ok" in notebook.output(1).inner_text(), "the new table is there")
    notebook.grid(1).wait_for()
    assert notebook.output(1).get_by_role("progressbar").count() == 1
    assert retry(notebook).count() == 0


def test_a_cancelled_retry_keeps_the_table_and_can_be_repeated(
    notebook: BrowserNotebook, mended: Path
) -> None:
    notebook.run(1)
    retry(notebook).wait_for()
    (mended / "mended").touch()
    retry(notebook).dblclick()
    notebook.cancel_button(1).click()
    notebook.grid(1).wait_for()
    notebook.output(1).get_by_role("button", name="Retry 1 failed, 1 cancelled").wait_for()
    assert "⊘ cancelled · 18 ok · 1 failed · 1 cancelled" in notebook.output(1).inner_text()


def test_what_prevents_a_retry_is_said_beside_the_table(notebook: BrowserNotebook, mended: Path) -> None:
    notebook.run(3)
    notebook.run(4)
    retry(notebook).click()
    notebook.output(1).get_by_text("Not retried.").wait_for()
    assert "page" in notebook.output(1).get_by_role("status").filter(has_text="Not retried").inner_text()
    assert notebook.grid(1).count() == 1
    assert retry(notebook, 3).count() == 0, "only the output of a run can show another press"
    notebook.type(4, "page = shown")
    notebook.run(4)
    (mended / "mended").touch()
    (mended / "gate").touch()
    retry(notebook).click()
    notebook.wait(lambda: "✔ finished · 20 ok" in notebook.output(1).inner_text(), "the new table is there")
    notebook.cell(3).locator(".jp-InputPrompt").scroll_into_view_if_needed()
    notebook.grid(3).get_by_text("Page 17").wait_for()


BUTTON = """async source => {
    const { Retry } = await import("data:text/javascript," + source);
    window.asked = 0;
    const ask = () => new Promise(done => { asked += 1; window.answer = done; });
    const nothing = () => {};
    window.retry = new Retry({ ask, nothingLeft: nothing, ended: nothing, focus: nothing });
    document.body.append(retry.button, retry.notice);
    retry.set({ failed: 2 });
}"""


def test_a_busy_kernel_is_named_and_further_clicks_do_nothing(
    context: BrowserContext, watched: Watched
) -> None:
    page = watched.page_in(context)
    page.goto("about:blank")
    page.evaluate(BUTTON, quote(script(Path(tables.__file__).parent / "retry.js")))
    button = page.get_by_role("button", name="Retry 2 failed")
    button.click()
    page.get_by_role("status").get_by_text("The retry begins when it is free").wait_for()
    page.keyboard.press("Enter")
    assert page.evaluate("asked") == 1
    assert button.get_attribute("aria-disabled") == "true"
    page.evaluate("answer({ problem: 'there is no function page' })")
    page.get_by_role("status").get_by_text("Not retried. there is no function page").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Retry 2 failed"
    button.click()
    assert page.evaluate("asked") == 2
    page.close()
