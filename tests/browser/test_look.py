"""The live view beside other things: themes, narrow windows, a second view, a page that is loaded again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_cells import LONG, SETUP
from browser_rig import BrowserNotebook, Opener
from playwright.sync_api import Locator
from readable import CONTRAST, LEAST_CONTRAST

# Elements whose inner parts are wider than they are; the texts of errors end in an ellipsis, which is meant.
TOO_WIDE = """view => [view, ...view.querySelectorAll('*')]
    .filter(el => el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== 'inline')
    .map(el => el.className)
    .filter(name => name !== 'dv-why' && name !== 'dv-spoken')"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    return open_notebook([SETUP, LONG])


@pytest.fixture
def running(notebook: BrowserNotebook) -> Iterator[BrowserNotebook]:
    """The notebook with its cell 1 at a halt: 20 items have ended, 4 run."""
    notebook.start(1)
    notebook.wait_done(1, 20)
    yield notebook
    notebook.command("notebook:interrupt-kernel")
    notebook.wait_idle()
    notebook.page.set_viewport_size({"width": 1100, "height": 800})


def assert_readable(shown: Locator) -> None:
    contrast, text = shown.evaluate(CONTRAST)
    assert contrast >= LEAST_CONTRAST, text


@pytest.mark.parametrize("theme", ["Dark", "Light", "Dark High Contrast"])
def test_every_text_can_be_read_in_every_theme(running: BrowserNotebook, theme: str) -> None:
    running.set_theme(theme)
    known_as = "dark" if theme.startswith("Dark") else "light"
    running.output(1).locator(f'[data-theme="{known_as}"]').wait_for()
    assert_readable(running.output(1))
    running.cancel_button(1).click()
    running.grid(1).wait_for()  # it takes the table's place, and what is below moves
    running.output(1).get_by_text("1 × FUNCTION_ERROR").click()
    running.output(1).get_by_text("Traceback").wait_for()
    assert_readable(running.output(1))
    running.set_theme("Light")


def test_the_picture_is_drawn_anew_in_the_colours_of_the_theme(running: BrowserNotebook) -> None:
    # States have the same colours in every theme; crosses and the inside of running cells are the page's.
    picture = "view => view.querySelector('canvas').toDataURL()"
    light = running.view(1).evaluate(picture)
    running.set_theme("Dark")
    running.wait(lambda: running.view(1).evaluate(picture) != light, "the picture has other colours")
    running.set_theme("Light")
    running.wait(lambda: running.view(1).evaluate(picture) == light, "it is as it was again")


@pytest.mark.parametrize("width", [1100, 600])
def test_nothing_is_cut_off_in_a_narrow_window(running: BrowserNotebook, width: int) -> None:
    running.page.set_viewport_size({"width": width, "height": 800})
    running.wait(lambda: not running.view(1).evaluate(TOO_WIDE), "everything is as wide as its place")
    assert running.cancel_button(1).is_visible()


def test_a_cell_of_the_picture_tells_its_item_and_error(running: BrowserNotebook) -> None:
    view = running.view(1)
    view.get_by_role("button", name="item 7").click()
    tip = view.get_by_role("tooltip")
    tip.get_by_text("seven is refused").wait_for()
    assert "item 7" in tip.inner_text()
    view.get_by_role("slider").press("Home")
    tip.get_by_text("item 0 · ok").wait_for()
    view.get_by_role("slider").press("f")
    tip.get_by_text("seven is refused").wait_for()


# What a front end does when it shows an output anew: the element of the view is another one, and empty.
REDRAW = """view => {
    const place = view.closest(".drawer-mount");
    const anew = document.createElement("div");
    anew.className = place.className;
    place.replaceWith(anew);
}"""


@pytest.mark.parametrize("choice", ["click", "hover"])
def test_a_selected_cell_stays_selected_when_the_output_is_redrawn(
    running: BrowserNotebook, choice: str
) -> None:
    view = running.view(1)
    if choice == "click":
        view.get_by_role("button", name="item 7").click()
    else:
        view.get_by_role("slider").hover(position={"x": 5, "y": 5})
    tip = view.get_by_role("tooltip")
    tip.wait_for()
    selected = tip.inner_text()
    for _ in range(3):
        view.evaluate(REDRAW)
        running.page.wait_for_timeout(100)
        assert tip.is_visible()
        assert tip.inner_text().startswith(selected)


def test_a_second_view_shows_the_same_and_can_cancel(running: BrowserNotebook) -> None:
    running.command("notebook:create-output-view")
    second = running.page.locator(".jp-LinkedOutputView").get_by_role("group", name="run of drawer pages")
    second.get_by_text("19 ok").wait_for()
    assert second.get_by_role("progressbar").get_attribute("aria-valuenow") == "20"
    second.get_by_role("button", name="Cancel").click()
    running.table(1).wait_for()
    running.command("application:close")


def test_a_page_that_is_loaded_again_finds_the_whole_run_and_can_cancel_it(running: BrowserNotebook) -> None:
    running.save()
    running.reload()
    view = running.view(1)
    view.get_by_text("19 ok").wait_for()
    view.get_by_text("seven is refused").wait_for()
    assert running.done(1) == 20
    running.cancel_button(1).click()
    running.wait_idle()
