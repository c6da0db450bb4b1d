"""What a saved notebook shows where no kernel runs: opened again, and as nbconvert's page, offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser_cells import LONG, SETUP
from browser_rig import BrowserNotebook, Opener, Watched
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, BrowserContext, Page

HEADLINE = "19 ok · 1 failed · 4 cancelled · 16 skipped"


@pytest.fixture(scope="module")
def saved(open_notebook: Opener) -> BrowserNotebook:
    """A notebook whose run was interrupted, saved with the keyboard; its kernel is gone."""
    notebook = open_notebook([SETUP, LONG])
    notebook.start(1)
    notebook.wait_done(1, 20)
    notebook.toolbar("Interrupt the kernel").click()
    notebook.table(1).wait_for()
    notebook.wait_idle()
    notebook.save()
    notebook.page.close()
    notebook.server.end_kernels()
    return notebook


def test_opened_again_without_a_kernel_it_shows_the_table(
    saved: BrowserNotebook, context: BrowserContext, watched: Watched, front: str
) -> None:
    again = BrowserNotebook(watched.page_in(context), saved.server, saved.path, front, watched)
    again.open_without_kernel()
    again.table(1).wait_for()
    assert HEADLINE in again.output(1).inner_text()
    assert again.table(1).get_by_role("row").count() == 27
    again.output(1).get_by_text("1 × FUNCTION_ERROR").click()
    again.output(1).get_by_text("Traceback (most recent call last)").wait_for()
    assert not again.view(1).is_visible()
    assert not again.has_kernel()
    again.page.close()


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page of a browser that has no network and executes no script."""
    context = browser.new_context(offline=True, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_the_page_that_nbconvert_makes_shows_the_table_offline_and_without_scripts(
    saved: BrowserNotebook, offline: Page, tmp_path: Path
) -> None:
    notebook = nbformat.read(saved.server.folder / saved.path, as_version=4)  # type: ignore[no-untyped-call]
    html, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    (tmp_path / "page.html").write_text(html)
    offline.goto((tmp_path / "page.html").as_uri())
    assert offline.get_by_text(HEADLINE).is_visible()
    assert offline.get_by_role("table").first.get_by_role("row").count() == 27
    trace = offline.get_by_text("Traceback (most recent call last)")
    assert not trace.is_visible()
    offline.get_by_text("1 × FUNCTION_ERROR").click()
    assert trace.is_visible()
