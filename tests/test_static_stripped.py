"""Static output in hosts that remove style elements, or SVG elements but not their text."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from static_outputs import static_outputs, without_pictures, without_styles

SHAPES = ("path", "rect", "text")


@pytest.fixture(scope="module")
def outputs() -> dict[str, str]:
    return static_outputs()


def test_no_shape_is_black_without_its_style(outputs: dict[str, str]) -> None:
    drawn = 0
    for name in ("final", "timeline", "graph"):
        page = without_styles(outputs[name])
        svg = page[page.index("<svg") : page.index("</svg>") + 6]
        root = ET.fromstring(re.sub(r'xmlns="[^"]*"', "", svg).replace("xlink:title", "title"))
        assert root.get("fill") == "currentColor"
        drawn += check(root, root.get("fill"), root.get("stroke"))
    assert drawn > 100


def check(element: ET.Element, fill: str | None, stroke: str | None) -> int:
    """No fill or stroke is the initial one, and a line is not filled; returns how many shapes there are."""
    fill, stroke = element.get("fill", fill), element.get("stroke", stroke)
    if element.tag == "path" and "C" in element.get("d", ""):
        assert fill == "none", "an arrow is a line"
    if element.tag in SHAPES:
        assert fill is not None
        assert fill not in ("", "#000", "black")
    return (element.tag in SHAPES) + sum(check(child, fill, stroke) for child in element)


def test_without_pictures_no_tooltip_is_left_as_text(outputs: dict[str, str]) -> None:
    for name in ("final", "timeline", "graph"):
        left = without_pictures(outputs[name])
        assert "<title" not in outputs[name]
        assert " · ok · " not in left.text
        assert "at once; ended" not in left.text
        assert "<a " not in left.html


def test_what_is_left_of_a_picture_is_short_and_its_words_are_apart(outputs: dict[str, str]) -> None:
    text = without_pictures(outputs["timeline"]).text
    lines = [line for line in text.split("\n") if line.strip()]
    assert "each" in lines
    assert len(text) < 400


def test_the_words_of_a_run_remain_without_styles_and_pictures(outputs: dict[str, str]) -> None:
    text = without_pictures(outputs["final"]).text
    assert "⚠ finished · 36 ok · 4 failed" in text
    assert "4 failed rows first" in text
    assert "FUNCTION_ERROR" in text
    assert without_pictures(outputs["running"]).text.startswith("▶ shop running · ")
