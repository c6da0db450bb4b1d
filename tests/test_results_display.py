"""How tables look: safe with any data, aligned, short."""

from __future__ import annotations

import html.parser
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from doc_links import is_doc_link
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results import Results
from drawer_ipy.results.shown import table as written
from drawer_ipy.style.amounts import seconds_text
from drawer_ipy.style.preview import preview, text_width

SKIP = object()


def to_text(results: Results, width: int = 100) -> str:
    return written.to_text(results.view, width)


def to_html(results: Results) -> str:
    return written.to_html(results.view)


def table(
    outputs: Sequence[Any],
    *,
    items: Sequence[Any] | None = None,
    label: str = "u",
    stderr: str = "",
    **run: Any,
) -> Results:
    """A closed loop with one nested step; an ErrorInfo fails its item, SKIP never starts it."""
    items = [f"i{k}" for k in range(len(outputs))] if items is None else items
    loop = LoopRecord(("each",), label, items, ["title"], 4)
    for index, output in enumerate(outputs):
        if output is SKIP:
            continue
        failed = isinstance(output, ErrorInfo)
        loop.move(index, RUNNING)
        result = StepResult("title", status="error" if failed else "ok", output=None if failed else output)
        if failed:
            result.error, result.stderr = output, stderr
        loop.columns[0].put(index, result)
        loop.move(index, FAILED if failed else OK)
    loop.close()
    loop.ended = loop.epoch + 4.0
    steps = [StepResult("each", status="ok", output=LoopOutput(loop))]
    return Results.of(RunRecord("0" * 16, "d", **{"status": "ok", "steps": steps} | run))


class Checker(html.parser.HTMLParser):
    """Every tag is closed in order, and none is one that acts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {
            "div",
            "span",
            "style",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "bdi",
            "details",
            "summary",
            "pre",
            "code",
        }
        assert tag in known or is_doc_link(tag, attrs), (tag, attrs)
        assert tag == "a" or all(
            name in ("class", "title", "scope", "style", "role", "tabindex", "aria-label")
            for name, _ in attrs
        ), attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.open
    page.encode()


def test_text_is_an_aligned_table() -> None:
    text = to_text(table([{"t": "標題", "n": 1.5, "b": True}, {"t": "abc", "n": 12}]))
    assert text.splitlines() == [
        "✔ finished · 2 ok · 4.0 s · 0.5/s",
        "   u   t       n  b",
        "──────────────────────",
        "0  i0  標題  1.5  True",
        "1  i1  abc    12  –",
    ]


def test_wide_and_combining_characters_stay_aligned() -> None:
    text = to_text(table([{"a": "日本", "b": "|"}, {"a": "e\u0301", "b": "|"}, {"a": "🎉x", "b": "|"}]))
    rows = text.splitlines()[3:]
    assert {text_width(row[: row.index("|")]) for row in rows} == {13}


def test_failures_are_counted_and_grouped_below() -> None:
    outputs = ["x", ErrorInfo("TIMEOUT", "slow"), *[ErrorInfo("HTTP", "404", "check the URL")] * 7, SKIP]
    results = table(outputs, stderr="Traceback\n  File x")
    text = to_text(results)
    assert text.startswith("⚠ finished · 1 ok · 8 failed · 1 skipped · 4.0 s · 2.2/s")
    assert "7 × HTTP in title: 404 (items 2, 3, 4, 5, 6, …)\n    check the URL\n1 × TIMEOUT" in text
    page = to_html(results)
    check(page)
    assert page.count("<details>") == 2
    assert "File x</pre>" in page
    assert 'class="bad"' in page


def test_failures_within_rows_that_are_ok_are_counted() -> None:
    def inner(failed: int) -> LoopOutput:
        loop = LoopRecord(("each", "title"), "x", range(5), ["s"], 1)
        for index in range(5):
            loop.move(index, FAILED if index < failed else OK)
        return LoopOutput(loop)

    results = table([inner(2), inner(1), inner(0)])
    line = "3 of 15 items of the loops 'title' failed within rows that are ok"
    assert to_text(results).splitlines()[-1] == line
    assert line.replace("'", "&#x27;") in to_html(results)
    assert line not in to_text(results[:1])
    assert "within rows" not in to_text(table([inner(0)]))


def test_many_kinds_of_error_are_cut_at_five() -> None:
    text = to_text(table([ErrorInfo("X", f"m{chr(97 + k)}", "mend it") for k in range(9)]))
    assert text.endswith("and 4 more kinds of error; see .errors")


def test_a_failure_whose_row_says_everything_is_not_repeated_below_the_table() -> None:
    results = table(["x", ErrorInfo("X", "one bad value"), "y"])
    for page in (to_text(results), to_html(results), repr(results.errors), results.errors._repr_html_()):
        assert page.count("one bad value") == 1


def test_below_the_table_a_failure_keeps_what_its_row_cannot_show() -> None:
    results = table(["x", ErrorInfo("X", "one bad value", "mend it"), ErrorInfo("Y", "long " * 40)])
    lines = to_text(results).splitlines()
    assert "1 × X in title (item 1)" in lines
    assert lines[lines.index("1 × X in title (item 1)") + 1] == "    mend it"
    assert any(line.startswith("1 × Y in title: long long") for line in lines)
    page = to_html(results)
    assert page.count("one bad value") == 1
    assert "mend it" in page
    assert "long " * 40 in page + " "


def test_a_narrow_text_table_that_cuts_the_message_leaves_it_to_the_line_below() -> None:
    results = table(
        [{"a": "x" * 40, "b": "y" * 40}, ErrorInfo("X", "a message of more than forty characters, or so")]
    )
    assert any("1 × X in title: a message of more" in line for line in to_text(results, 60).splitlines())
    assert "1 × X" not in to_text(results, 200)


def test_errors_that_differ_in_a_number_are_one_kind() -> None:
    text = to_text(table([ErrorInfo("X", f"no page {k} of 9") for k in range(9)]))
    assert text.splitlines()[-1] == "9 × X in title, such as: no page 0 of 9 (items 0, 1, 2, 3, 4, …)"


def test_a_traceback_is_shown_where_nothing_was_captured() -> None:
    try:
        raise ValueError("<script>boom")
    except ValueError as error:
        info = ErrorInfo("FUNCTION_ERROR", "boom", exception=error)
    page = to_html(table([info]))
    assert "ValueError: &lt;script&gt;boom</pre>" in page


def test_a_run_that_failed_elsewhere_says_so() -> None:
    error = ErrorInfo("RETURN_ERROR", "no such reference", "fix it")
    results = table(["x"], status="failed", failed_step="save", error=error)
    assert "the run failed in step 'save': RETURN_ERROR: no such reference (fix it)" in to_text(results)
    assert "no such reference" in to_html(results)
    assert "the run failed" not in to_text(results[:1])


def test_a_step_that_failed_is_told_once_and_is_no_item() -> None:
    loop = (
        "{id: each, kind: for_each, over: '${inputs.n}', as: n, steps: [{id: w, kind: wait, duration: 0s}]}"
    )
    results = press(f"steps: [{loop}]", {"n": 7}, check=False)
    lines = to_text(results).splitlines()[3:]
    told = "must be a list, not int"
    assert [told in line for line in lines] == [True, False, False]
    assert lines[1:] == [
        "1 × VALIDATION_ERROR in each",
        "    for 7 items give range(7)",
    ]
    assert "(item" not in to_html(results)


def test_seconds_of_a_step_are_short() -> None:
    results = press("steps: [{id: w, kind: wait, duration: 3ms}]")
    assert 3 <= len(str(results["seconds"][0])) <= 8


def test_long_and_wide_tables_are_cut() -> None:
    results = table([{f"c{k}": k for k in range(30)}] * 10_000)
    text, page = to_text(results), to_html(results)
    assert "9,980 more rows and 19 more columns not shown" in text
    assert max(map(text_width, text.splitlines())) <= 100
    assert page.count("<tr>") == 22
    assert "<th scope=row class=k>9999</th>" in page
    check(page)


@pytest.mark.parametrize("char", ["&", '"', "<", "\x00", "語", "\U0001f600"])
def test_a_page_stays_small_whatever_the_data(char: str) -> None:
    big = char * 100_000
    outputs: list[Any] = [{f"{k:02d}{big}": big for k in range(14)} for _ in range(100)]
    outputs += [ErrorInfo(big, f"{k}{big}", big) for k in range(100)]
    page = to_html(table(outputs, items=[big] * 200, stderr=big))
    assert len(page.encode()) < 200_000
    check(page)


def test_ten_thousand_plain_items_are_a_small_page() -> None:
    outputs = [{"title": f"Title {k} " * 40, "n": k, "tags": ["a", "b"] * 50} for k in range(10_000)]
    assert len(to_html(table(outputs))) < 40_000


@pytest.mark.parametrize("columns", [1, 3, 12, 13, 40])
@pytest.mark.parametrize("width", [20, 40, 100])
def test_text_keeps_to_its_width(columns: int, width: int) -> None:
    results = table([{f"column_{k}": "語" * k * 5 for k in range(columns)}] * 3)
    lines = to_text(results, width).splitlines()
    assert max(map(text_width, lines[1:])) <= width
    if columns >= 12:
        assert "…" in lines[1]


class Evil(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


Hostile = type("<script>", (), {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (0.1 + 0.2, "0.3"),
        (10**5000, "<int of 16610 bits>"),
        (float("nan"), "nan"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\u202eb\u2066c", "abc"),
        ("\ud800", "\ufffd"),
        (b"x" * 123, "<123 bytes>"),
        ({"a": [1, None, "x"]}, '{"a": [1, None, "x"]}'),
        ((), "[]"),
        (np.float64(2.5), "2.5"),
        (np.zeros((3, 4)), "<ndarray 3×4>"),
        (Broken(), "<Broken: repr failed>"),
        ([Broken()], "<list: repr failed>"),
        (Evil(), "<Evil: repr failed>"),
        (range(3), "range(0, 3)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_shown_compactly(value: Any, text: str) -> None:
    assert preview(value) == text


def test_previews_are_cheap_for_large_values() -> None:
    deep: list[Any] = []
    deep.append(deep)
    wide = [[["x" * 1000] * 1000] * 1000] * 1000
    values = ["x" * 10_000_000, deep, wide, dict.fromkeys(range(1000), wide), list(range(10**6))]
    begin = time.process_time()
    shown = list(map(preview, values))
    assert time.process_time() - begin < 0.2
    assert max(map(len, shown)) <= 80


def test_hostile_names_and_objects_are_harmless() -> None:
    results = table(
        [{"<script>k": Hostile(), "</td>": Evil(), '"onload="': Broken()}],
        items=["</td><script>"],
        label="<script>l",
    )
    for page in (to_html(results), results[0]._repr_html_(), results.errors._repr_html_()):
        check(page)
        assert "<script" not in page
    broken = table([Evil()])
    check(to_html(broken))
    assert "RuntimeError when read" in to_text(broken)
    assert "RuntimeError when read" in repr(broken[0])


def test_links_are_text() -> None:
    page = to_html(table(["https://example.org/"]))
    assert "<td>https://example.org/</td>" in page


def test_a_row_is_written_out() -> None:
    results = table([{"t": "x"}, ErrorInfo("TIMEOUT", "slow")])
    assert re.match(r"row 0 · ok · \d+ ms\n  u       i0\n  t       x\n", repr(results[0]))
    assert "step title: error: TIMEOUT: slow" in repr(results[1])
    assert "<th scope=row>t</th><td class=all>x</td>" in results[0]._repr_html_()
    assert repr(results[1].steps["title"]) == "<step 'title' error: TIMEOUT: slow>"


def test_the_bundle_gives_what_is_asked_for() -> None:
    results = table(["x"])
    assert set(results._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert set(results._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert set(results._repr_mimebundle_(exclude={"text/plain"})) == {"text/html"}


def test_ipython_shows_both_forms() -> None:
    from IPython.core.formatters import DisplayFormatter
    from IPython.lib.pretty import pretty

    results = table(["x"])
    data, _ = DisplayFormatter().format(results)
    assert data == {"text/plain": to_text(results), "text/html": to_html(results)}
    assert pretty(results) == to_text(results)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (7810, "2 h 10 min"),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.complex_numbers()
    | st.decimals()
    | st.just("<script>alert(1)</script>")
    | st.builds(Broken)
    | st.builds(Evil)
    | st.builds(Hostile)
    | st.text(st.characters(categories=["Cs", "Cf", "Mn", "Cc", "Lo"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.just("<script>"), inner, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANYTHING | st.builds(ErrorInfo, st.text(), st.text(), st.text()), max_size=5), st.text())
def test_law_any_value_can_be_shown_and_none_acts(outputs: list[Any], label: str) -> None:
    results = table(outputs, items=outputs, label=label or "u", stderr=label)
    for page in (to_html(results), results.errors._repr_html_(), *(row._repr_html_() for row in results)):
        check(page)
        assert "<script" not in page
    lines = [*to_text(results).splitlines(), *repr(results.errors).splitlines()]
    assert all(text_width(line) <= 100 for line in lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", to_text(results))
    for row in results:
        repr(row)
