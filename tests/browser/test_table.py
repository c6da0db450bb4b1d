"""The grid of a table in a page without Jupyter: the tests answer its questions as a kernel does."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import PIL.Image
import pytest
from browser_rig import PATIENCE, Watched
from playwright.sync_api import BrowserContext, Locator, Page, Route
from tables_rig import Asked, many, table

from drawer_ipy.display.tables.model import TablesModel
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.results import Results
from drawer_ipy.style.html_frame import block
from drawer_ipy.style.palette import LOOKS

ADDRESS = "http://127.0.0.1:9/"
"""An address that no server has; the clipboard works only on pages that are secure or of this machine."""

START = """async ([source, marks]) => {
    const { Grid } = await import("data:text/javascript," + source);
    const ask = async question => {
        const { content, buffers } = JSON.parse(await window.answer(JSON.stringify(question)));
        const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
        return { ...content, buffers: buffers.map(bytes) };
    };
    window.began = performance.now();
    new MutationObserver(() => (window.painted ??= performance.now() - began))
        .observe(document.getElementById("place"), { childList: true });
    window.grid = new Grid(document.getElementById("place"), { ask, marks });
}"""


def png(n: int) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), (4 * n, 90, 200)).save(out, format="PNG")
    return out.getvalue()


def output(n: int) -> Any:
    if n % 10 == 7:
        return ErrorInfo("FUNCTION_ERROR", f"{n} is refused")
    return {
        "title": f"Page {n} <img src=x onerror=alert(1)>",
        "price": [2.5, 10, 1.125, 300][n % 4],
        "url": "javascript:alert(1)" if n == 1 else f"https://example.org/{n}",
        "tags": {"list": [n, {"inner": "deep value"}], "none": None},
        "text": "first line\nwhole \u202etext " + "long " * 200 + str(n),
        "image": png(n),
    }


class Shown:
    """A page with the grid of one table, and the questions that it asked."""

    def __init__(self, page: Page, results: Results) -> None:
        self.page = page
        self.asked = Asked(results)
        self.questions: list[dict[str, Any]] = []
        self.bytes = 0
        page.expose_function("answer", self._answer)
        style = f"<style>body{{margin:8px;font:13px sans-serif}}{TablesModel._css}</style>"
        body = style + block('<div id="place"></div>')

        def fulfil(route: Route) -> None:
            route.fulfill(
                body=f"<!doctype html><html lang=en><title>x</title>{body}", content_type="text/html"
            )

        page.route(f"{ADDRESS}**", fulfil)
        page.goto(ADDRESS)
        marks = {state: look.mark for state, look in LOOKS.items()}
        page.evaluate(START, [quote(TablesModel._esm), marks])
        self.grid.wait_for()
        self.wait(
            lambda: any(question["ask"] == "types" for question in self.questions), "types were asked for"
        )

    def _answer(self, text: str) -> str:
        question = json.loads(text)
        answer = self.asked.answers.answer(question)
        buffers = [base64.b64encode(data).decode() for data in answer.buffers]
        told = json.dumps({"content": answer.content, "buffers": buffers})
        self.questions.append(question)
        self.bytes += len(told)
        return told

    @property
    def grid(self) -> Locator:
        return self.page.get_by_role("grid")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("region")

    def head(self, name: str) -> Locator:
        return self.grid.locator(f'[role="columnheader"]:has(.dg-name:text-is("{name}"))')

    def column(self, name: str) -> Locator:
        """The visible cells of a column."""
        return self.grid.locator(
            f'[role="gridcell"][data-column="{self.head(name).get_attribute("data-column")}"]'
        )

    def cells(self, name: str) -> list[str]:
        return self.column(name).all_inner_texts()

    def first_row(self) -> int:
        """The first row that is shown with its values, -1 if there is none."""
        numbers = self.grid.locator('[role="rowheader"] .dg-number').all_inner_texts()
        return int(numbers[0]) if numbers else -1

    def wait(self, holds: Any, what: str) -> None:
        for _ in range(int(PATIENCE / 0.02)):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(what)


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    page = watched.page_in(context)
    page.set_viewport_size({"width": 1750, "height": 900})
    yield page
    page.close()


@pytest.fixture
def shown(page: Page) -> Shown:
    return Shown(page, table([output(n) for n in range(40)]))


@pytest.fixture(scope="module")
def million() -> Results:
    return many(1_000_000)


def test_a_click_sorts_and_another_one_reverses(shown: Shown) -> None:
    shown.head("price").locator(".dg-name").click()
    shown.wait(lambda: shown.cells("price")[:3] == ["1.125"] * 3, "sorted up")
    shown.head("price").locator(".dg-name").click()
    shown.wait(lambda: shown.cells("price")[:3] == ["300"] * 3, "sorted down")
    assert shown.head("price").get_attribute("aria-sort") == "descending"


def test_a_slow_click_is_a_click(shown: Shown) -> None:
    shown.head("price").locator(".dg-name").click(delay=150)
    shown.wait(lambda: shown.cells("price")[:3] == ["1.125"] * 3, "sorted up")
    shown.grid.get_by_role("rowheader").nth(1).click(delay=150)
    shown.panel.get_by_role("button", name="Close").wait_for()


def test_failed_rows_are_one_click_away(shown: Shown) -> None:
    shown.page.get_by_role("button", name="4 failed").click()
    shown.status.get_by_text("4 of 40 rows").wait_for()
    numbers = shown.grid.locator('[role="rowheader"] .dg-number')
    shown.wait(lambda: numbers.all_inner_texts() == ["7", "17", "27", "37"], "the failed rows are shown")
    assert shown.grid.get_attribute("aria-rowcount") == "5"


def test_text_conditions_and_values_filter(shown: Shown) -> None:
    shown.page.get_by_role("searchbox").fill("page 3")
    shown.status.get_by_text("10 of 40 rows").wait_for()
    shown.head("price").locator(".dg-open-menu").click()
    menu = shown.page.get_by_role("dialog", name="column price")
    menu.get_by_role("combobox").select_option(">")
    menu.get_by_role("textbox").fill("5")
    menu.get_by_role("button", name="Filter").click()
    shown.status.get_by_text("5 of 40 rows").wait_for()
    shown.head("price").locator(".dg-open-menu").click()
    menu.get_by_role("button", name="300").click()
    shown.status.get_by_text("4 of 40 rows").wait_for()
    shown.wait(lambda: shown.cells("price") == ["300"] * 4, "the rows that were left are shown")
    shown.page.get_by_role("button", name="remove the filter price > 5").click()
    shown.page.get_by_role("button", name="remove the filter price is 300").click()
    shown.status.get_by_text("10 of 40 rows").wait_for()


def test_a_row_opens_into_its_story_and_nested_values_unfold(shown: Shown) -> None:
    shown.page.get_by_role("button", name="4 failed").click()
    shown.status.get_by_text("4 of 40 rows").wait_for()
    shown.grid.get_by_role("rowheader").first.click()
    shown.panel.get_by_text("item 7 of 40 in each: failed").wait_for()
    shown.page.get_by_role("button", name="4 failed").click()
    shown.status.get_by_text("40 rows", exact=True).wait_for()
    shown.grid.get_by_role("rowheader").nth(2).click()
    panel = shown.page.get_by_role("region", name="row 2")
    panel.locator("summary", has_text="deep value").first.click()
    panel.locator(".dg-inner summary", has_text="list").click()
    panel.locator(".dg-inner .dg-inner summary", has_text="inner").click()
    panel.locator(".dg-leaf", has_text="inner deep value").wait_for()
    picture = panel.get_by_role("img", name="PNG 40×30")
    shown.wait(lambda: picture.evaluate("img => img.naturalWidth === 40"), "the image is drawn")
    assert "first line\nwhole text" in panel.locator(".dg-values").first.inner_text()
    panel.get_by_role("button", name="next row").click()
    shown.page.get_by_role("region", name="row 3").wait_for()
    shown.page.keyboard.press("Escape")
    shown.panel.wait_for(state="hidden")
    assert shown.page.evaluate("document.activeElement.getAttribute('role')") == "grid"


def test_a_copy_is_the_whole_value(shown: Shown) -> None:
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.column("text").nth(2).click()
    shown.page.keyboard.press("Control+C")
    shown.status.get_by_text("copied text").wait_for()
    copied = "navigator.clipboard.readText()"
    assert shown.page.evaluate(copied) == "first line\nwhole \u202etext " + "long " * 200 + "2"
    shown.grid.get_by_role("rowheader").nth(2).click()
    shown.page.get_by_role("button", name="copy tags").click()
    shown.status.get_by_text("copied tags").wait_for()
    assert json.loads(shown.page.evaluate(copied)) == {"list": [2, {"inner": "deep value"}], "none": None}


def test_links_are_safe_and_hostile_text_is_text(shown: Shown) -> None:
    link = shown.column("url").nth(2).get_by_role("link")
    assert link.get_attribute("href") == "https://example.org/2"
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert shown.column("url").nth(1).get_by_role("link").count() == 0
    assert shown.cells("title")[0] == "Page 0 <img src=x onerror=alert(1)>"
    assert "\u202e" not in shown.cells("text")[0]
    sources = shown.grid.locator("img").evaluate_all("all => all.map(img => img.src.slice(0, 5))")
    assert set(sources) == {"blob:"}


def test_numbers_align_at_their_decimal_point(shown: Shown) -> None:
    left = "all => all.map(el => Math.round(el.getBoundingClientRect().left))"
    places = shown.column("price").locator(".dg-fraction").evaluate_all(left)
    assert len(places) > 3
    assert len(set(places)) == 1


def test_everything_can_be_done_with_the_keyboard(shown: Shown) -> None:
    keys = shown.page.keyboard
    shown.page.evaluate("window.heard = []; addEventListener('keydown', e => heard.push(e.key))")
    shown.grid.focus()
    keys.press("Control+Home")
    column = int(shown.head("price").get_attribute("data-column") or 0)
    for key in ["ArrowUp", *["ArrowRight"] * (column + 1), "Enter"]:
        keys.press(key)
    shown.wait(lambda: shown.cells("price")[:3] == ["1.125"] * 3, "sorted up")
    keys.press("Control+End")
    shown.wait(lambda: "37" in shown.grid.locator(".dg-number").all_inner_texts(), "the last row is shown")
    active = shown.page.locator(f"#{shown.grid.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("data-row") == "39"
    keys.press("Enter")
    shown.page.get_by_role("region", name="row 37").wait_for()
    keys.press("Escape")
    shown.panel.wait_for(state="hidden")
    keys.press("Alt+ArrowDown")
    shown.page.get_by_role("dialog", name="column image").wait_for()
    keys.press("Escape")
    for key in ("d", "d", "x", "Delete"):  # with which a notebook deletes cells
        keys.press(key)
    assert shown.page.evaluate("heard") == []


def test_wrapped_text_has_several_lines(page: Page) -> None:
    shown = Shown(page, table([{"text": "long " * 100} for _ in range(30)]))
    height = "el => el.getBoundingClientRect().height"
    low = shown.column("text").first.locator(".dg-text").evaluate(height)
    page.get_by_role("button", name="wrap long text").click()
    text = shown.column("text").first.locator(".dg-text")
    shown.wait(lambda: text.evaluate(height) > 2.5 * low, "three lines")


def test_a_million_rows_are_painted_at_once_and_only_visible_ones_are_sent(
    page: Page, million: Results
) -> None:
    shown = Shown(page, million)
    assert [question["ask"] for question in shown.questions] == ["open", "types"]
    assert shown.bytes < 10_000
    assert shown.grid.get_attribute("aria-rowcount") == "1000001"
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def scripts() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration"))

    before = scripts()
    shown.grid.focus()
    page.keyboard.press("Control+End")
    shown.grid.locator('[aria-rowindex="1000001"] .dg-number', has_text="999999").wait_for()
    assert shown.grid.locator('[role="row"]').count() < 25
    for share in (0.5, 0.25, 0.75):
        shown.grid.evaluate(
            "(el, share) => { el.scrollTop = share * (el.scrollHeight - el.clientHeight); }", share
        )
        at = round(share * 1_000_000)
        shown.wait(lambda at=at: abs(shown.first_row() - at) < 50, f"rows near {at} are shown")
    assert len(shown.questions) <= 10
    assert shown.bytes < 100_000
    assert scripts() - before < 1
    assert shown.grid.evaluate("el => el.scrollHeight") < 17_000_000
    numbers = shown.grid.locator('[data-kind="n"] .dg-text')
    cut = "all => all.filter(el => el.scrollWidth > el.clientWidth).map(el => el.textContent)"
    assert numbers.evaluate_all(cut) == []


def test_a_wheel_goes_through_a_million_rows_without_a_gap(page: Page, million: Results) -> None:
    shown = Shown(page, million)
    shown.grid.evaluate("el => { el.scrollTop = 0.4 * el.scrollHeight; }")
    shown.wait(lambda: shown.first_row() > 390_000, "rows in the middle are shown")
    page.wait_for_timeout(400)
    before = shown.first_row()
    shown.grid.hover()
    for _ in range(5):
        page.mouse.wheel(0, 260)
        page.wait_for_timeout(60)
    shown.wait(lambda: shown.first_row() == before + 50, "50 rows further")


def test_200_columns_are_drawn_as_they_become_visible(page: Page) -> None:
    shown = Shown(page, table([{f"c{n}": n for n in range(200)} for _ in range(30)]))
    assert shown.grid.locator('[role="columnheader"]').count() < 40
    shown.grid.focus()
    page.keyboard.press("End")
    shown.wait(lambda: shown.cells("c199")[:1] == ["199"], "the last column is shown")
    assert shown.grid.get_attribute("aria-colcount") == "202"


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("width", [400, 875])
def test_a_narrow_page_shows_everything(shown: Shown, width: int, dark: bool) -> None:
    shown.page.emulate_media(color_scheme="dark" if dark else "light")
    shown.page.set_viewport_size({"width": width, "height": 800})
    shown.grid.get_by_role("rowheader").nth(1).click()
    shown.page.get_by_role("button", name="close the row").wait_for()
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    too_wide = """() => [...document.querySelectorAll(".dg-tools, .dg-details, .dg-details dl")]
        .filter(el => el.scrollWidth > el.clientWidth + 1).map(el => el.className)"""
    assert shown.page.evaluate(too_wide) == []


def test_pictures_are_released(shown: Shown) -> None:
    shown.page.evaluate("""() => {
        window.released = 0;
        const revoke = URL.revokeObjectURL;
        URL.revokeObjectURL = address => { released += 1; revoke.call(URL, address); };
    }""")
    shown.page.evaluate("grid.end()")
    assert shown.page.evaluate("released") > 0
