"""The HTML of an error links its code to the documentation; the text has no links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drawer_ipy import Results, press
from drawer_ipy.errors import Code
from drawer_ipy.style.documentation import documentation, with_link

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "errors.md"
LINK = re.compile(r'<a href="([^"]*)" target="_blank" rel="noopener" style="[^"]*">([A-Z_]+)</a>')
EACH = {
    "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "on_item_failure": "continue",
    "steps": [{"id": "got", "button": "work", "args": {"x": "${x}"}}],
}  # fmt: skip


def failing(x: int) -> int:
    return 1 // x


@pytest.fixture(scope="module")
def results() -> Results:
    return press({"steps": [EACH]}, {"xs": [0, 1, 0]}, buttons={"work": failing}, quiet=True)


def links(html: str) -> list[tuple[str, str]]:
    return LINK.findall(html)


def test_tables_errors_and_explanations_link_the_code(results: Results) -> None:
    link = (documentation("FUNCTION_ERROR"), "FUNCTION_ERROR")
    assert link[0].startswith("https://")
    assert links(results._repr_html_()) == [link]
    assert links(results.errors._repr_html_()) == [link]
    assert links(results.explain(0)._repr_html_()) == [link, link]  # the row and its step
    assert links(results.explain(1)._repr_html_()) == []


def test_no_link_is_within_a_control(results: Results) -> None:
    for shown in (results, results.errors, results.explain(0)):
        summaries = re.findall(r"<summary>.*?</summary>", shown._repr_html_(), re.DOTALL)
        assert "<a" not in "".join(summaries)


def test_text_has_no_links(results: Results) -> None:
    for shown in (results, results.errors, results.explain(0)):
        assert "://" not in repr(shown)


def test_every_code_of_a_run_leads_to_a_section_of_the_page() -> None:
    titles = re.findall(r"^## ([A-Z_]+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9]+", "-", title.lower()) for title in titles}  # as Sphinx makes them
    for name, code in vars(Code).items():
        if name.isupper():
            assert documentation(code).partition("#")[2] in anchors, code


@pytest.mark.parametrize(
    "code", ["", "SQL_ERROR", "http_error", "HTTP_ERROR#x", 'X"><script>', "javascript:"]
)
def test_a_code_that_the_page_does_not_describe_is_no_link(code: str) -> None:
    assert documentation(code) == ""
    assert with_link(f"1 × {code} in got", code) == f"1 × {code} in got"


def test_only_the_first_mention_becomes_a_link() -> None:
    html = with_link("1 × TIMEOUT in a: TIMEOUT &lt;b&gt;", "TIMEOUT")
    assert html.count("<a ") == 1
    assert html.endswith("</a> in a: TIMEOUT &lt;b&gt;")
