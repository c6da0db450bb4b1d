"""Views mounted into HTML that a front end redraws: a page of its own, without Jupyter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser_rig import Watched
from playwright.sync_api import BrowserContext, Page

from drawer_ipy.display import script
from drawer_ipy.display.script import mount_html

SCRIPT = script.script(Path(script.__file__).parent / "mount.js")

START = """async source => {
    const { mount } = await import("data:text/javascript," + source);
    const listeners = [];
    const model = { on: (name, action) => listeners.push([name, action]) };
    const made = (window.made = []);
    window.stays = false;
    window.draw = el => {
        el.innerHTML = `<div id="view-${made.length}"><button>press</button>
            <div class="long" style="height: 40px; overflow: auto"><p style="height: 400px">long</p></div>
            <canvas width="8" height="8"></canvas></div>`;
        el.querySelector("canvas").getContext("2d").fillRect(0, 0, 8, 8);
    };
    window.end = mount(model, "abc", el => {
        const one = { el, ended: 0 };
        if (!window.later) draw(el);
        made.push(one);
        return () => { one.ended += 1; return window.stays; };
    });
    window.destroy = () => { for (const [name, action] of listeners) if (name === "destroy") action(); };
}"""

# Browsers dispatch the event of a scroll with the next frame.
SCROLL = """async top => {
    const el = document.querySelector(".long");
    const scrolled = new Promise(done => el.addEventListener("scroll", done, { once: true }));
    el.scrollTop = top;
    await scrolled;
}"""

OUTPUT = mount_html("abc", "<b>static</b>")


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    page = watched.page_in(context)
    page.set_content(f'<div id="one">{OUTPUT}</div><div id="two"></div>')
    yield page
    page.close()


def start(page: Page, before: str = "") -> None:
    page.evaluate(f"() => {{ {before} }}")
    page.evaluate(START, quote(SCRIPT))


def put(page: Page, place: str, html: str = OUTPUT) -> None:
    page.evaluate("([place, html]) => { document.getElementById(place).innerHTML = html; }", [place, html])


def made(page: Page) -> list[Any]:
    """Of each view that was made: whether it is in the page, and how often it was ended."""
    return list(page.evaluate("made.map(one => [one.el.isConnected, one.ended])"))


def test_the_view_takes_the_place_of_the_html_until_its_model_goes(page: Page) -> None:
    start(page)
    assert page.locator("#one button").is_visible()
    assert page.get_by_text("static").count() == 0
    page.evaluate("destroy()")
    assert page.locator("#one").inner_html() == OUTPUT
    page.evaluate("end()")
    assert made(page) == [[False, 1]]
    put(page, "two")
    assert page.get_by_text("static").count() == 2, "nothing looks for elements any more"


def test_the_html_remains_until_something_is_drawn(page: Page) -> None:
    start(page, "window.later = true")
    assert page.get_by_text("static").is_visible()
    put(page, "one")
    assert page.get_by_text("static").is_visible()
    page.evaluate("draw(made[0].el)")
    assert page.get_by_text("static").count() == 0
    assert page.locator("#one button").is_visible()


def test_a_redrawn_output_gets_the_same_view_before_anything_is_painted(page: Page) -> None:
    start(page)
    page.locator("#one button").focus()
    page.evaluate(SCROLL, 100)
    page.evaluate("document.querySelector('canvas').dataset.same = 'yes'")
    page.evaluate("""async html => {
        window.painted = [];
        const look = () => painted.push(document.querySelector("#one button") !== null);
        for (let i = 0; i < 5; i += 1) {
            document.getElementById("one").innerHTML = "";
            document.getElementById("one").innerHTML = html;
            await new Promise(done => requestAnimationFrame(() => { look(); done(); }));
        }
    }""", OUTPUT)  # fmt: skip
    assert page.evaluate("painted") == [True] * 5
    assert made(page) == [[True, 0]]
    assert page.evaluate("document.activeElement.textContent") == "press"
    assert page.evaluate("document.querySelector('.long').scrollTop") == 100
    assert page.evaluate("document.querySelector('canvas').dataset.same") == "yes"
    drawn = "document.querySelector('canvas').getContext('2d').getImageData(4, 4, 1, 1).data[3]"
    assert page.evaluate(drawn) == 255


def count_clicks(page: Page) -> None:
    page.evaluate("""() => {
        window.clicks = 0;
        document.querySelector("#one button").addEventListener("click", () => { window.clicks += 1; });
    }""")


def down(page: Page, how: str) -> None:
    """The first half of a click on the button of the view."""
    page.locator("#one button").hover() if how == "mouse" else page.locator("#one button").focus()
    page.mouse.down() if how == "mouse" else page.keyboard.down("Space")


def up(page: Page, how: str) -> None:
    page.mouse.up() if how == "mouse" else page.keyboard.up("Space")
    page.evaluate("() => new Promise(done => setTimeout(done, 20))")


@pytest.mark.parametrize("how", ["mouse", "space bar"])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_click_during_which_the_output_is_redrawn_counts_once(page: Page, how: str, times: int) -> None:
    start(page)
    count_clicks(page)
    for clicks in (1, 2):
        down(page, how)
        for _ in range(times):
            put(page, "one")
        up(page, how)
        assert page.evaluate("clicks") == clicks
    put(page, "one")
    up(page, how)
    assert page.evaluate("clicks") == 2, "a redraw without a click is none"


def test_a_click_counts_if_the_output_is_redrawn_only_after_it(page: Page) -> None:
    start(page)
    count_clicks(page)
    down(page, "mouse")
    page.evaluate("document.getElementById('one').innerHTML = ''")
    page.evaluate("""html => document.addEventListener("pointerup", () => {
        document.getElementById("one").innerHTML = html;
    })""", OUTPUT)  # fmt: skip
    up(page, "mouse")
    assert page.evaluate("clicks") == 1


def test_a_mouse_that_is_dragged_off_a_button_does_not_click_it(page: Page) -> None:
    start(page)
    count_clicks(page)
    down(page, "mouse")
    put(page, "one")
    page.mouse.move(300, 300)
    up(page, "mouse")
    assert page.evaluate("clicks") == 0


def test_no_click_is_made_after_the_model_has_gone(page: Page) -> None:
    start(page, "window.stays = true")
    count_clicks(page)
    down(page, "mouse")
    put(page, "one")
    page.evaluate("destroy()")
    up(page, "mouse")
    assert page.evaluate("clicks") == 0


def test_a_focus_that_was_moved_elsewhere_stays_there(page: Page) -> None:
    page.evaluate("document.body.append(document.createElement('input'))")
    start(page)
    page.locator("#one button").focus()
    page.locator("input").focus()
    put(page, "one")
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    page.locator("#one button").focus()
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(20)
    put(page, "one")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_each_element_of_the_same_id_gets_a_view_and_keeps_it(page: Page) -> None:
    start(page)
    put(page, "two")
    assert made(page) == [[True, 0], [True, 0]]
    page.evaluate("""html => {
        for (const place of ["one", "two"]) document.getElementById(place).textContent = "";
        for (const place of ["two", "one"]) document.getElementById(place).innerHTML = html;
    }""", OUTPUT)  # fmt: skip
    assert made(page) == [[True, 0], [True, 0]]
    assert page.locator("#one #view-0").count() == 1
    assert page.locator("#two #view-1").count() == 1


def test_an_output_that_leaves_the_page_for_a_while_keeps_its_view(page: Page) -> None:
    start(page)
    page.evaluate("window.away = document.getElementById('one'); away.remove()")
    page.evaluate("document.body.append(away)")
    assert made(page) == [[True, 0]]
    assert page.locator("#one #view-0").count() == 1


def test_no_view_is_mounted_where_the_html_is_final(page: Page) -> None:
    start(page)
    put(page, "one", mount_html("abc", "<b>final</b>", css="drawer-ended"))
    assert page.get_by_text("final").is_visible()
    page.evaluate("destroy()")
    assert page.get_by_text("final").is_visible()
    assert made(page) == [[False, 1]]


def test_a_view_can_stay_as_it_is_when_its_model_goes(page: Page) -> None:
    start(page, "window.stays = true")
    page.evaluate("stays = true; destroy()")
    assert page.locator("#one button").is_visible()
    assert made(page) == [[True, 1]]


def test_other_elements_are_left_alone(page: Page) -> None:
    start(page)
    put(page, "two", mount_html("abcd", "<b>other</b>"))
    assert page.get_by_text("other").is_visible()
    assert made(page) == [[True, 0]]
