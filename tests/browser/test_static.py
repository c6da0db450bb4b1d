"""Static output in a page of its own: accessible and readable in any theme, without styles, and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_rig import Watched
from playwright.sync_api import BrowserContext, Page
from readable import CONTRAST, LEAST_CONTRAST, STICKS_OUT
from static_outputs import static_outputs, without_styles

VSCODE = """:root { --vscode-editor-foreground: #cccccc; --vscode-editor-background: #1f1f1f;
    --vscode-panel-border: #2b2b2b; --vscode-editorWidget-background: #202020;
    --vscode-font-family: sans-serif; --vscode-focusBorder: #0078d4 }
body { background: #1f1f1f; color: #cccccc }"""

THEMES = {
    "light": "body { background: #ffffff; color: #1b1f24 }",
    "dark": "body { background: #14171a; color: #d6dbe0 }",
    "VS Code, dark": VSCODE,
    "VS Code, light": VSCODE.replace("#1f1f1f", "#ffffff").replace("#cccccc", "#3b3b3b"),
}

PAGE = """<!doctype html><html lang="en"><head><title>outputs</title><style>{css}
body {{ font: 13px sans-serif; margin: 8px }}</style></head>
<body><main><h1>outputs</h1>{body}</main></body></html>"""


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    return static_outputs()


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    made = watched.page_in(context)
    yield made
    made.close()


def show(page: Page, outputs: dict[str, str], css: str) -> None:
    parts = (
        f'<section aria-label="{name}"><h2>{name}</h2>{html}</section>' for name, html in outputs.items()
    )
    page.set_content(PAGE.format(css=css, body="".join(parts)))


def assert_accessible(page: Page, where: str | None = None) -> None:
    found = Axe().run(page, context=where).response["violations"]
    assert not found, "\n".join(f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_and_every_text_has_contrast(
    page: Page, outputs: dict[str, str], theme: str
) -> None:
    show(page, outputs, THEMES[theme])
    page.locator("details").evaluate_all("all => all.forEach(details => { details.open = true })")
    assert_accessible(page)
    contrast, text = page.locator("main").evaluate(CONTRAST)
    assert contrast >= LEAST_CONTRAST, text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_style_elements_every_text_has_contrast(
    page: Page, outputs: dict[str, str], theme: str
) -> None:
    show(page, {name: without_styles(html) for name, html in outputs.items()}, THEMES[theme])
    contrast, text = page.locator("main").evaluate(CONTRAST)
    assert contrast >= LEAST_CONTRAST, text


@pytest.mark.parametrize("width", [400, 550])
def test_a_narrow_page_does_not_scroll_sideways(page: Page, outputs: dict[str, str], width: int) -> None:
    # 550 CSS pixels are a window of 1100 at a zoom of 200 %.
    page.set_viewport_size({"width": width, "height": 800})
    show(page, outputs, THEMES["light"])
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_wide_table_scrolls_by_keyboard(page: Page, outputs: dict[str, str]) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    show(page, {"table": outputs["table"]}, THEMES["light"])
    table = page.get_by_role("group", name="results")
    page.keyboard.press("Tab")
    assert table.evaluate("el => el === document.activeElement")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.dry-scroll').scrollLeft > 0")


def test_a_table_names_its_columns_and_rows(page: Page, outputs: dict[str, str]) -> None:
    show(page, {"table": outputs["table"]}, THEMES["light"])
    table = page.get_by_role("table", name="results")
    assert table.get_by_role("columnheader", name="status").count() == 1
    assert table.get_by_role("rowheader", name="39").count() == 1
    assert [head.inner_text() for head in table.get_by_role("columnheader").all()][:3] == [
        "status",
        "error",
        "x",
    ]


def test_a_bar_of_the_timeline_has_a_tooltip(page: Page, outputs: dict[str, str]) -> None:
    show(page, {"timeline": outputs["timeline"]}, THEMES["light"])
    tips = page.locator("svg a").evaluate_all(
        "all => all.map(a => a.getAttributeNS('http://www.w3.org/1999/xlink', 'title'))"
    )
    assert any(tip.startswith("4 · failed · ") for tip in tips)
