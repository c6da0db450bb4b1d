"""The latest errors below the live view, which change while someone uses them: a page without Jupyter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser_rig import Watched
from playwright.sync_api import BrowserContext, Page

from drawer_ipy.display import script

SCRIPT = script.script(Path(script.__file__).parent / "rows.js")

START = """async source => {
    const { makeErrors } = await import("data:text/javascript," + source);
    window.shown = [];
    window.errors = makeErrors(index => shown.push(index), () => "x");
    document.body.append(errors.el);
}"""


def error(index: int | None, text: str = "it failed") -> dict[str, Any]:
    return {"index": index, "step": "work", "text": text}


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    page = watched.page_in(context)
    page.set_content("<body></body>")
    page.evaluate(START, quote(SCRIPT))
    yield page
    page.close()


def tell(page: Page, *errors: dict[str, Any]) -> None:
    page.evaluate("given => errors.set(given)", list(errors))


def lines(page: Page) -> list[str]:
    return page.locator(".dv-error .dv-where").all_inner_texts()


def test_the_newest_error_comes_first(page: Page) -> None:
    tell(page, error(1), error(2))
    assert lines(page) == ["x item 2", "x item 1"]
    tell(page, error(2), error(3), error(None))
    assert lines(page) == ["x work", "x item 3", "x item 2"]
    assert page.locator(".dv-where").first.is_disabled()
    tell(page, error(2), error(2), error(2, "it failed again"))
    assert lines(page) == ["x item 2"] * 3
    tell(page)
    assert lines(page) == []


@pytest.mark.parametrize("newer", [[3], [3, 4], [2, 3]])
def test_an_error_that_stays_keeps_the_focus_and_a_click_that_has_begun(page: Page, newer: list[int]) -> None:
    tell(page, error(1), error(2))
    button = page.get_by_role("button", name="item 2")
    button.focus()
    page.evaluate("window.before = document.activeElement")
    tell(page, error(2), *map(error, newer))
    assert page.evaluate("document.activeElement === before")
    page.keyboard.press("Enter")
    assert page.evaluate("shown") == [2]


def test_a_click_during_which_another_error_comes_is_a_click(page: Page) -> None:
    page.add_style_tag(content=".dv-errors { display: flex; flex-direction: column-reverse; }")
    tell(page, error(1), error(2))
    page.get_by_role(
        "button", name="item 1"
    ).hover()  # the last in the page's order, and so the one that stays
    page.mouse.down()
    tell(page, error(1), error(2), error(3))
    page.mouse.up()
    assert page.evaluate("shown") == [1]
