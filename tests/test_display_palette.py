"""One palette: each state has the same mark and colour in every display, readable on light and on dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import drawer_ipy
from drawer_ipy.display.outline import Outline
from drawer_ipy.display.progress import ErrorLine, Snapshot
from drawer_ipy.display.progress_html import errors_html, progress_html, static_html
from drawer_ipy.display.terminal import _postfix
from drawer_ipy.display.view import View
from drawer_ipy.display.wording import progress_line
from drawer_ipy.errors import Alarm, Problem
from drawer_ipy.pictures.timeline import _paint
from drawer_ipy.pressing.validation import Validation
from drawer_ipy.record.loop import STATE_NAMES
from drawer_ipy.results.shown.table import STYLE
from drawer_ipy.style import palette
from drawer_ipy.style.notes import note_in_colour
from drawer_ipy.style.outcome import counts_text, outcome_of, outcome_of_rows
from drawer_ipy.style.palette import (
    KEPT,
    KINDS,
    LOOKS,
    OTHER_KIND,
    PARTIAL,
    TEXT_SHARE,
    look_of,
    mark_of,
    state_of,
)

PACKAGE = Path(drawer_ipy.__file__).parent
COLOUR = re.compile(
    r"#[0-9a-fA-F]{8}\b|#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3,4}\b(?!;)|\b(?:rgb|hsl|oklch|oklab|lab|lch|hwb)a?\("
    r"|--(?:jp|vscode|colab)-[\w-]*|\\x1b\[\d+m|\\033\[\d+m"
)
WHITE, DARK_PAGES = "#ffffff", ("#111111", "#1e1e1e")
"""The pages of JupyterLab, dark ones of JupyterLab and of VS Code."""

LIGHT_TEXT, DARK_TEXT = "#212121", "#ffffff"
"""What text is in on them."""


def sources() -> list[Path]:
    """Every file that a display could be made of; the demo is a web site of its own."""
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".css", ".html")]
    return [path for path in files if path.name != "palette.py" and "demo" not in path.parts]


def rgb(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(parts: list[float]) -> float:
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: list[float], other: list[float]) -> float:
    """As WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: str, text: str, percent: float) -> list[float]:
    """What ``color-mix(in srgb, colour percent%, text)`` is."""
    return [(a * percent + b * (100 - percent)) / 100 for a, b in zip(rgb(colour), rgb(text), strict=True)]


# One place


def test_the_check_for_colours_finds_some() -> None:
    for text in ("#fff", "#d55e00", "rgba(0,0,0,.5)", "var(--jp-error-color1)", "--vscode-x", r"\x1b[31m"):
        assert COLOUR.search(text), text
    assert not COLOUR.search("&#x27; and a # comment, issue #1")
    assert len(sources()) > 200


def test_no_other_file_names_a_colour() -> None:
    found = {
        str(path.relative_to(PACKAGE)): sorted(set(COLOUR.findall(path.read_text(encoding="utf-8"))))
        for path in sources()
    }
    # The check for JSON pointers and the reader of characters know "#" as something else.
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_no_other_file_has_a_mark() -> None:
    marks = re.compile("[" + "".join(look.mark for look in LOOKS.values()) + "✓✗✖●◌⏳⏱]")
    found = {str(path.relative_to(PACKAGE)) for path in sources() if marks.search(path.read_text("utf-8"))}
    assert found == set()


# Every state


def test_every_state_of_items_has_a_look_of_its_own() -> None:
    assert LOOKS.keys() == {*STATE_NAMES, KEPT, PARTIAL}
    assert len({look.mark for look in LOOKS.values()}) == len(LOOKS), "a mark says which state it is"
    patterns = [look.pattern for look in LOOKS.values() if look is not LOOKS[PARTIAL]]
    assert len(set(patterns)) == len(patterns), "areas differ by more than their colour"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("error", "failed"),
        ("timeout", "failed"),
        ("", "skipped"),
        ("ok", "ok"),
        ("of another program", "waiting"),
    ],
)
def test_statuses_of_steps_look_like_states(status: str, state: str) -> None:
    assert state_of(status) == state
    assert look_of(status) is LOOKS[state]


@pytest.mark.parametrize(
    "colour", [*sorted({*KINDS.values()}), OTHER_KIND, *(look.colour for look in LOOKS.values())]
)
@pytest.mark.parametrize("page", [WHITE, *DARK_PAGES])
def test_shapes_stand_out_from_light_and_dark_pages(colour: str, page: str) -> None:
    assert contrast(rgb(colour), rgb(page)) >= 3


@pytest.mark.parametrize("state", LOOKS)
def test_text_about_a_state_can_be_read_on_light_and_dark_pages(state: str) -> None:
    colour = LOOKS[state].colour
    assert contrast(mixed(colour, LIGHT_TEXT, TEXT_SHARE), rgb(WHITE)) >= 4.5
    for page in DARK_PAGES:
        assert contrast(mixed(colour, DARK_TEXT, TEXT_SHARE), rgb(page)) >= 4.5


def test_faint_text_can_be_read_on_light_and_dark_pages() -> None:
    (share,) = re.findall(r"currentColor (\d+)%,transparent", palette.FAINT)
    assert contrast(mixed(LIGHT_TEXT, WHITE, float(share)), rgb(WHITE)) >= 4.5
    for page in DARK_PAGES:
        assert contrast(mixed(DARK_TEXT, page, float(share)), rgb(page)) >= 4.5


@pytest.mark.parametrize("words", [r"color:(#\w+);background:(#\w+)"])
def test_a_picture_in_a_file_of_its_own_can_be_read(words: str) -> None:
    pairs = re.findall(words, palette.ALONE)
    assert len(pairs) == 2, "light and dark"
    for text, page in pairs:
        whole = "#" + "".join(2 * c for c in page[1:]) if len(page) == 4 else page
        assert contrast(rgb(text), rgb(whole)) >= 4.5
        for look in LOOKS.values():
            assert contrast(rgb(look.colour), rgb(whole)) >= 3


# Every display


def counts(**named: int) -> Snapshot:
    return Snapshot(drawer="d", status="running", loop="each", total=60, **named)


@pytest.mark.parametrize("state", ["ok", "failed", "cancelled", "running", "skipped"])
def test_all_displays_show_a_state_alike(state: str) -> None:
    look = LOOKS[state]
    html = progress_html(counts(**{state: 5}))
    assert f"{look.mark} 5 {state}" in html
    if state != "skipped":  # the bar has no part of what never began
        assert f'title="5 {state}" style="flex:0 0 8.33%;background:{look.fill}"' in html
        assert f'fill="{look.colour}"' in _paint(STATE_NAMES.index(state))
    view = View(lambda: None, lambda *_: [])
    try:
        assert view.marks[state] == look.mark
        assert f"--drawer-{state}:{look.colour};" in view._css
        assert f'.dv-part[data-state="{state}"] {{ background: var(--drawer-{state}-fill); }}' in view._css
    finally:
        view.close()
    css = palette.FAINT if look.css == "d" else look.text
    assert f".dry .{look.css}{{color:{css}}}" in STYLE


def test_every_colour_of_the_live_view_is_in_the_palette() -> None:
    css = (PACKAGE / "display" / "view.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\((--[\w-]+)", css)) - {"--depth"}
    assert used
    assert used <= set(re.findall(r"(--[\w-]+):", palette.properties(".drawer-view")))


def test_failures_and_warnings_look_alike_elsewhere() -> None:
    failed, partial = LOOKS["failed"], LOOKS[PARTIAL]
    assert f"{failed.mark} <bdi>" in errors_html(Snapshot(errors=(ErrorLine(1, "a", "b"),)))
    assert f"{partial.mark} all fail" in static_html(Snapshot(warning="all fail"))
    assert note_in_colour(Alarm("look out")) == f"\x1b[{failed.ansi}mnote: look out\x1b[0m"
    shown = Validation([Problem("error", "x"), Problem("warning", "y")])._repr_html_()
    assert f"color:{failed.text}'>{failed.mark} error" in shown
    assert f"color:{partial.text}'>{partial.mark} warning" in shown


# The rule of the head


@pytest.mark.parametrize(
    ("status", "failed", "state"),
    [
        ("ok", 0, "ok"),
        ("ok", 1, PARTIAL),
        ("failed", 0, "failed"),
        ("failed", 9, "failed"),
        ("cancelled", 3, "cancelled"),
        ("running", 3, "running"),
    ],
)
def test_a_run_with_failures_is_never_shown_as_ok(status: str, failed: int, state: str) -> None:
    assert outcome_of(status, failed) == state


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ({}, "ok"),
        ({"ok": 3, "failed": 0}, "ok"),
        ({"ok": 3, "failed": 1}, PARTIAL),
        ({"failed": 2}, "failed"),
        ({"skipped": 2}, "skipped"),
        ({"cancelled": 2, "skipped": 1}, PARTIAL),
        ({"ok": 2, "running": 1}, "running"),
        ({"ok": 2, "waiting": 1}, "running"),
    ],
)
def test_rows_are_shown_as_what_they_are_together(rows: dict[str, int], state: str) -> None:
    assert outcome_of_rows(rows) == state


def test_counts_are_told_with_what_they_are_of() -> None:
    assert counts_text({"ok": 175, "failed": 5}, "item") == "175 ok · 5 failed"
    assert counts_text({"ok": 1}, "step") == "1 step ok"
    assert counts_text({"ok": 0, "cancelled": 1, "skipped": 2_000, "waiting": 0}, "item") == (
        "0 ok · 1 cancelled · 2,000 skipped"
    )


ENDED = Snapshot(drawer="d", status="ok", loop="each", steps=1, steps_done=1, total=180, ok=175, failed=5)


def test_every_display_of_a_run_with_failed_items_warns() -> None:
    told = "⚠ finished · 175 ok · 5 failed"
    assert progress_line(ENDED) == f"drawer d: {told}"
    assert _postfix(ENDED) == told
    html = static_html(ENDED)
    assert "⚠</span> d</b> finished · 175 ok · 5 failed · " in html
    assert f'color:{LOOKS[PARTIAL].text}">⚠' in html
    view = View(lambda: None, lambda *_: [])
    try:
        view.show(ENDED, Outline())
        assert view.marks[view.head["outcome"]] + " " + view.head["words"] == told
    finally:
        view.close()
    for text in (html, progress_line(ENDED), _postfix(ENDED)):
        assert mark_of("ok") not in text


@pytest.mark.parametrize(("status", "mark"), [("ok", "✔"), ("failed", "✘"), ("cancelled", "⊘")])
def test_every_display_marks_how_a_run_ended(status: str, mark: str) -> None:
    snapshot = Snapshot(drawer="d", status=status, loop="each", steps=1, total=5, ok=5)
    verb = {"ok": "finished"}.get(status, status)
    assert progress_line(snapshot) == f"drawer d: {mark} {verb} · 5 ok"
    assert _postfix(snapshot).startswith(mark)
    assert f'color:{LOOKS[status].text}">{mark}</span> d</b> {verb} · 5 ok' in progress_html(snapshot)
