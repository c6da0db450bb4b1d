"""The live view and the final table in JupyterLab: axe-core finds nothing, and the keyboard suffices."""

from __future__ import annotations

import pytest
from axe_rig import assert_accessible
from browser_cells import LONG, SETUP
from browser_rig import BrowserNotebook, Opener

CELLS = [SETUP, LONG, "pages.explain(7)", "pages[3]", "pages.timeline()"]
RUN, STORY, TIMELINE = 1, 2, 4


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    return open_notebook(CELLS)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing_in_a_run_and_what_stays_of_it(notebook: BrowserNotebook, theme: str) -> None:
    notebook.set_theme(theme)
    notebook.start(RUN)
    notebook.wait_done(RUN, 20)
    try:
        check_run(notebook)
    finally:
        end(notebook)
    for cell in range(RUN + 1, len(CELLS)):
        notebook.run(cell)
    for cell in range(RUN, len(CELLS)):
        outputs = notebook.output(cell).locator(".jp-RenderedHTMLCommon")
        outputs.first.wait_for()
        assert_accessible(outputs)
    notebook.set_theme("Light")


def check_run(notebook: BrowserNotebook) -> None:
    assert_accessible(notebook.view(RUN))
    picture = notebook.view(RUN).get_by_role("slider")
    picture.focus()
    picture.press("f")
    notebook.view(RUN).get_by_role("tooltip").get_by_text("seven is refused").wait_for()
    assert_accessible(notebook.view(RUN))


def end(notebook: BrowserNotebook) -> None:
    """Cancel the run by keyboard."""
    notebook.cancel_button(RUN).press("Enter")
    notebook.table(RUN).wait_for()
    notebook.wait_idle()


def test_a_screen_reader_hears_how_many_items_ended_and_then_how_the_run_ended(
    notebook: BrowserNotebook,
) -> None:
    notebook.start(RUN)
    notebook.wait_done(RUN, 20)
    bar = notebook.bar(RUN)
    assert bar.get_attribute("aria-valuenow") == "20"
    assert bar.get_attribute("aria-valuemax") == "40"
    assert "20 of 40 items done, 1 failed" in (bar.get_attribute("aria-valuetext") or "")
    spoken = notebook.view(RUN).locator("[aria-live]")
    assert "of 40 items done" in spoken.inner_text()
    end(notebook)


def test_at_400_pixels_nothing_of_the_view_is_lost(notebook: BrowserNotebook) -> None:
    notebook.start(RUN)
    notebook.wait_done(RUN, 20)
    view = notebook.view(RUN)
    view.evaluate("el => { el.parentElement.style.width = '400px' }")
    sticks_out = """view => [...view.querySelectorAll('*')]
        .filter(el => !el.closest('.dv-spoken'))
        .filter(el => el.getBoundingClientRect().right > view.getBoundingClientRect().right + 1)
        .map(el => el.className)"""
    notebook.wait(lambda: view.evaluate(sticks_out) == [], "everything is within 400 pixels")
    for words in ("19 ok", "1 failed", "4 running", "16 waiting", "Cancel"):
        assert view.get_by_text(words).first.is_visible()
    end(notebook)
