"""explain(): item, arguments, attempts, output, captured text, error and earlier presses of one row."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from doc_links import is_doc_link
from engine_rig import loop

from drawer_ipy import Results, press

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


class Flaky:
    """Fails the given number of times, then returns its argument."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self, x: Any) -> Any:
        if self.left:
            self.left -= 1
            raise ValueError(f"{self.left} to come for {x}")
        return {"value": x}


def scraped(flaky: Flaky, items: list[Any], attempts: int = 3, **fields: Any) -> Results:
    """Press a script that writes to both streams, then a function with several attempts."""
    script = 'echo "out $BUTTONS_ARG_X"; echo "err $BUTTONS_ARG_X" >&2'
    retry = {"action": "retry", "max_attempts": attempts, "backoff": {"initial_ms": 1}}
    steps = [
        {"id": "page", "button": "sh", "args": {"x": "${x}"}},
        {"id": "parse", "button": "flaky", "args": {"x": "${x}"}, "on_failure": retry},
    ]
    each = {"id": "each", "kind": "for_each", "over": items, "as": "x", "steps": steps, **fields}
    drawer = {
        "name": "pages",
        "inputs": [{"name": "key", "secret": True}],
        "buttons": {"sh": {"runtime": "sh", "code": script, "args": ["x"]}},
        "steps": [each],
    }
    functions = {"flaky": flaky.__call__}
    return press(drawer, {"key": "s3cr3t"}, buttons=functions, check=False, quiet=True)


def facts(text: str) -> dict[str, str]:
    """The named values in the text of an explanation."""
    found = re.findall(r"^  (\S+(?: \S+)*)  +(\S.*)$", text, re.M)
    return dict(found)


def test_an_explanation_shows_arguments_attempts_output_and_captured_text() -> None:
    story = scraped(Flaky(2), ["a"]).explain(0)
    assert story.status == "ok"
    assert story.item == "a"
    page, parse = story.steps.values()
    assert (page.button, page.args, page.stdout, page.stderr) == ("sh", {"x": "a"}, "out a\n", "err a\n")
    assert parse.attempts == 3
    assert [one.error.message for one in parse.tries] == [
        "ValueError: 1 to come for a",
        "ValueError: 0 to come for a",
    ]
    assert all(0 < one.started <= one.finished <= time.time() for one in parse.tries)
    text = repr(story)
    found = facts(text)
    assert text.startswith("✔ item 0 of 1 in each: ok after ")
    assert found["attempt 1"].endswith("FUNCTION_ERROR: ValueError: 1 to come for a")
    assert found["output"] == '{"value": "a"}'
    assert found["args.x"] == "a"
    assert found["input key"] == "[redacted]"
    assert "    err a" in text.splitlines()
    assert "in step" not in text


def test_the_explanation_of_a_failure_shows_its_traceback() -> None:
    results = scraped(Flaky(9), ["a", "b"], attempts=1)
    story = results.explain(0)
    assert story.error is not None
    assert story.error.code == "FUNCTION_ERROR"
    text = repr(story)
    assert facts(text)["error"] == "FUNCTION_ERROR: ValueError: 8 to come for a"
    assert "Traceback" in text
    assert "never: the loop ended before this item could start" in repr(results.explain(-1))
    assert repr(results.failed[0].explain()) == text, "a row has the same explanation"


def test_earlier_presses_are_shown() -> None:
    flaky = Flaky(2)
    results = scraped(flaky, ["a", "b"], attempts=1, on_item_failure="continue")
    assert results.counts["failed"] == 2
    flaky.left = 1
    results.retry(quiet=True)
    results.retry(quiet=True)
    first, second = results.explain(0), results.explain(1)
    assert [press.status for press in first.presses] == ["failed", "failed", "ok"]
    assert [press.number for press in second.presses] == [1, 2], "the third press did not press this row"
    assert [press.status for press in second.presses] == ["failed", "ok"]
    headings = [line for line in repr(first).splitlines() if "earlier press" in line]
    assert [line.partition(" after")[0] for line in headings] == [
        "✘ earlier press 2: failed",
        "✘ earlier press 1: failed",
    ]
    assert "ValueError: 1 to come for a" in repr(first)


def test_steps_of_a_run_without_a_loop_can_be_explained() -> None:
    bad = {1}

    def a(x: int) -> int:
        if x in bad:
            raise ValueError("no")
        return x

    steps = [{"id": f"s{x}", "button": "a", "args": {"x": x}} for x in (0, 1, 2)]
    results = press({"name": "d", "steps": steps}, buttons={"a": a}, check=False, quiet=True)
    bad.clear()
    results.retry(quiet=True)
    assert [press.status for press in results.explain(1).presses] == ["error", "ok"]
    assert [press.number for press in results.explain(0).presses] == [1]
    assert [press.number for press in results.explain(2).presses] == [2]
    assert repr(results.explain(1)).startswith("✔ step s1: ok after ")


class Tags(HTMLParser):
    """Collects tags and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert is_doc_link(tag, attrs) or all(
            name in ("class", "style", "open", "scope", "role", "tabindex", "aria-label") for name, _ in attrs
        ), attrs
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_hostile_values_are_shown_as_shortened_text() -> None:
    def work(x: str) -> Any:
        raise ValueError(HOSTILE * 1000)

    results = loop([HOSTILE, "x" * 100_000], work, on_item_failure="continue")
    for story in (results.explain(0), results.explain(1)):
        html, text = story._repr_html_(), repr(story)
        tags = Tags()
        tags.feed(html)
        assert not tags.open
        assert tags.seen <= {
            "a",
            "div",
            "style",
            "table",
            "tbody",
            "tr",
            "th",
            "td",
            "bdi",
            "details",
            "summary",
            "pre",
        }
        assert "\x1b" not in html + text
        assert "\u202e" not in html + text
        assert len(html) < 30_000
        assert len(text) < 20_000


def test_attempts_contain_no_secrets() -> None:
    def leaky(key: str) -> Any:
        raise ValueError(f"with {key}")

    retry = {"action": "retry", "max_attempts": 3, "backoff": {"initial_ms": 1}}
    step = {"id": "w", "button": "leaky", "args": {"key": "${inputs.key}"}, "on_failure": retry}
    each = {"id": "each", "kind": "for_each", "over": [1], "as": "x", "steps": [step]}
    drawer = {"name": "d", "inputs": [{"name": "key", "secret": True}], "steps": [each]}
    results = press(drawer, {"key": "s3cr3t"}, buttons={"leaky": leaky}, check=False, quiet=True)
    story = results.explain(0)
    assert len(story.steps["w"].tries) == 2
    assert "s3cr3t" not in repr(story) + story._repr_html_() + str(story.steps["w"].tries)


def test_large_loops_do_not_keep_the_arguments_of_successful_steps() -> None:
    few, many = loop(range(10), lambda x: x), loop(range(20_001), lambda x: x)
    assert few.explain(3).steps["work"].args == {"x": 3}
    assert many.explain(3).steps["work"].args is None
    assert many.explain(3).steps["work"].output == 3


def test_explaining_a_missing_row_is_an_error() -> None:
    with pytest.raises(IndexError, match="has 2 rows, 0 to 1"):
        loop([1, 2], lambda x: x).explain(2)
