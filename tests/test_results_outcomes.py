"""What a table says of a run that ended ok although something failed, and which rows it shows when cut."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.failures import Failures, failures_of
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results import Results
from drawer_ipy.workspace.history import entry, failures_in

OK_, FAILED_, CANCELLED_, SKIPPED_ = "ok", "failed", "cancelled", "skipped"
NUMBERS = {OK_: OK, FAILED_: FAILED, CANCELLED_: CANCELLED}


def loop_of(states: list[str], step: str = "each", fields: int = 1) -> LoopRecord:
    """A loop that has ended, whose items came to `states`."""
    loop = LoopRecord((step,), "u", [f"i{k}" for k in range(len(states))], ["work"], 1)
    for index, state in enumerate(states):
        if state == SKIPPED_:
            continue
        loop.move(index, RUNNING)
        output = f"out{index}" if fields == 1 else {f"c{k}": index for k in range(fields)}
        result = StepResult("work", status="ok", output=output)
        if state != OK_:
            result.status = "error" if state == FAILED_ else "cancelled"
            result.error = ErrorInfo("X" if state == FAILED_ else "CANCELLED", "why")
        loop.columns[0].put(index, result)
        loop.move(index, NUMBERS[state])
    loop.close()
    return loop


def table(states: list[str], status: str = "ok", fields: int = 1) -> Results:
    loop = loop_of(states, fields=fields)
    return Results.of(
        RunRecord("0" * 16, "d", status, steps=[StepResult("each", status="ok", output=LoopOutput(loop))])
    )


def head(results: Results) -> str:
    return repr(results).splitlines()[0]


# The head


@pytest.mark.parametrize(
    ("states", "status", "words"),
    [
        ([OK_] * 3, "ok", "✔ finished · 3 ok · "),
        ([OK_] * 175 + [FAILED_] * 5, "ok", "⚠ finished · 175 ok · 5 failed · "),
        ([FAILED_] * 2, "ok", "✘ finished · 0 ok · 2 failed · "),
        ([OK_, FAILED_, SKIPPED_], "failed", "✘ failed · 1 ok · 1 failed · 1 skipped · "),
        ([OK_] * 3, "failed", "✘ failed · 3 ok · "),
        (
            [OK_, CANCELLED_, SKIPPED_],
            "cancelled",
            "⊘ cancelled · 1 ok · 1 cancelled · 1 skipped · ",
        ),
        ([OK_, SKIPPED_], "running", "▶ running · 1 ok · 1 skipped · "),
    ],
)
def test_the_head_says_how_the_run_ended(states: list[str], status: str, words: str) -> None:
    results = table(states, status)
    assert head(results).startswith(words)
    page = results._repr_html_()
    css = {"✔": "ok", "⚠": "warn", "✘": "bad", "⊘": "off", "▶": "run"}[words[0]]
    (shown,) = re.findall(rf'<div class="dry-head"><span class="{css}">(.*?)</span>', page)
    assert html.unescape(re.sub("<.*?>", "", shown)) == words.removesuffix(" · ")


@pytest.mark.parametrize(
    ("some", "words"),
    [
        (lambda r: r.failed, "✘ 2 failed · 2 of 5 items"),
        (lambda r: r.ok, "✔ 3 of 5 items"),
        (lambda r: r[:4], "⚠ 3 ok · 1 failed · 4 of 5 items"),
    ],
)
def test_some_rows_have_a_head_of_their_own(some: Any, words: str) -> None:
    assert head(some(table([OK_, OK_, FAILED_, OK_, FAILED_]))) == words


def test_a_table_without_failures_tells_of_those_in_other_loops() -> None:
    first, last = loop_of([OK_, FAILED_, FAILED_], "first"), loop_of([OK_] * 4, "last")
    steps = [StepResult(x.path[0], status="ok", output=LoopOutput(x)) for x in (first, last)]
    results = Results.of(RunRecord("0" * 16, "d", "ok", steps=steps))
    assert head(results).startswith("⚠ finished · 4 ok · 2 items failed in other loops · ")
    assert head(results.step("first")).startswith("⚠ finished · 1 ok · 2 failed · ")


def test_a_table_tells_of_a_step_that_was_allowed_to_fail() -> None:
    bad = StepResult("bad", status="error", error=ErrorInfo("X", "why"))
    loop = StepResult("each", status="ok", output=LoopOutput(loop_of([OK_] * 2)))
    assert head(Results.of(RunRecord("0" * 16, "d", "ok", steps=[bad, loop]))).startswith(
        "⚠ finished · 2 ok · 1 step failed · "
    )
    fine = StepResult("fine", status="ok")
    assert head(Results.of(RunRecord("0" * 16, "d", "ok", steps=[bad, fine]))).startswith(
        "⚠ finished · 1 step ok · 1 failed · "
    )


WITHIN = """\
steps:
  - id: outer
    kind: for_each
    over: [1, 2]
    as: x
    steps:
      - id: inner
        kind: for_each
        over: [0, 1]
        as: y
        on_item_failure: continue
        steps: [{id: work, button: work, args: {y: "${y}"}}]
"""

BRANCH = """\
steps:
  - id: choose
    kind: switch
    cases:
      - id: always
        when: ${true}
        steps:
          - id: inner
            kind: for_each
            over: [0, 1]
            as: y
            on_item_failure: continue
            steps: [{id: work, button: work, args: {y: "${y}"}}]
"""


def work(y: int) -> float:
    return 1 / y


def test_failures_in_loops_within_items_make_the_head_a_warning() -> None:
    results = press(WITHIN, buttons={"work": work}, quiet=True)
    assert results.status == "ok"
    assert failures_of(results.run) == Failures(items=2)
    assert head(results).startswith("⚠ finished · 2 ok · 2 items failed in other loops · ")
    story = repr(results.explain(0)).splitlines()
    assert story[0].startswith("⚠ item 0 of 2 in outer: ok, 1 item failed inside after ")
    assert any(line.startswith("⚠ step 1 inner: ok, 1 item failed inside") for line in story)


def test_failures_in_loops_of_branches_make_the_head_a_warning() -> None:
    results = press(BRANCH, buttons={"work": work}, quiet=True)
    assert results.status == "ok"
    assert failures_of(results.run) == Failures(items=1)
    assert head(results).startswith("⚠ finished · 1 step ok · 1 item failed in other loops · ")
    assert repr(results.explain(0)).startswith("⚠ step choose: ok, 1 item failed inside")


def test_a_kept_run_says_what_failed_in_it() -> None:
    kept = json.loads(json.dumps(entry(table([OK_, FAILED_, FAILED_]).run)))
    assert kept["status"] == "ok"
    assert failures_in(kept) == Failures(items=2)
    assert "failed_items" not in entry(table([OK_]).run)
    assert failures_in({"failed_items": "many", "failed_steps": -1}) == Failures()


# Tables that are cut


def keys_of(text: str) -> list[str]:
    """The labels of a text table's rows, rules left out; a table has two lines before its rows."""
    lines = [line for line in text.splitlines()[1:] if "─" not in line]
    return [found[1] for line in lines if (found := re.match(r" *(\d+|…)  ", line))]


def html_keys(page: str) -> list[str]:
    return re.findall(r"<th scope=row class=k>(.*?)</th>", page)


FEW = [FAILED_ if k in (31, 47, 68) else OK_ for k in range(100)]


def test_failed_rows_in_the_middle_are_shown_first() -> None:
    results = table(FEW)
    lines = repr(results).splitlines()
    assert lines[1] == "3 failed rows first"
    expected = ["31", "47", "68", *map(str, range(10)), "…", *map(str, range(90, 100))]
    assert keys_of(repr(results)) == expected
    assert lines.count(lines[3]) == 2, "a rule below the header, and one below the failed rows"
    assert lines[7] == lines[3]
    page = results._repr_html_()
    assert html_keys(page) == expected
    assert '<div class="dry-note">3 failed rows first</div><div class="dry-scroll"' in page
    assert page.count("<tr class=last>") == 1
    assert page.index("<tr class=last><th scope=row class=k>68") < page.index("<th scope=row class=k>0<")
    for shown in (repr(results), page):
        assert "77 more rows not shown" in shown


def test_of_many_failed_rows_the_first_ten_are_shown_first() -> None:
    results = table([FAILED_ if k % 4 == 1 else OK_ for k in range(300)])
    assert repr(results).splitlines()[1] == "10 of 75 failed rows first"
    assert keys_of(repr(results))[:10] == [str(k) for k in range(1, 40, 4)]
    shown = keys_of(repr(results))
    assert len(shown) == len(set(shown)), "no row is shown twice"
    hidden = 75 - sum(key != "…" and int(key) % 4 == 1 for key in shown)
    assert f"270 more rows ({hidden} of them failed) not shown" in repr(results)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([OK_] * 40 + [CANCELLED_] * 3 + [SKIPPED_] * 30, "3 cancelled rows first"),
        ([OK_] * 40 + [FAILED_] + [CANCELLED_] * 3 + [SKIPPED_] * 30, "1 failed and 3 cancelled rows first"),
        ([FAILED_] * 12 + [CANCELLED_] * 3 + [OK_] * 30, "10 of 12 failed rows first"),
        ([FAILED_] * 8 + [CANCELLED_] * 3 + [OK_] * 30, "8 failed and 2 of 3 cancelled rows first"),
        ([OK_] * 30 + [FAILED_], "1 failed row first"),
    ],
)
def test_which_rows_are_first_is_said(states: list[str], words: str) -> None:
    assert repr(table(states)).splitlines()[1] == words
    assert f">{words}</div>" in table(states)._repr_html_()


@pytest.mark.parametrize("states", [[OK_] * 50, [FAILED_] * 50, [OK_] * 10 + [FAILED_] * 10, [SKIPPED_] * 40])
def test_tables_that_are_whole_or_whose_rows_are_alike_keep_their_order(states: list[str]) -> None:
    results = table(states)
    assert "first" not in repr(results)
    assert " first</div>" not in results._repr_html_()
    keys = [int(key) for key in keys_of(repr(results)) if key != "…"]
    assert keys == sorted(keys)


def test_the_order_a_user_asked_for_stays_within_the_failed_rows_and_the_others() -> None:
    results = table(FEW).sort(lambda row: -row.index)
    keys = keys_of(repr(results))
    assert keys[:5] == ["68", "47", "31", "99", "98"]
    assert keys[-1] == "0"
    short = results[:20]
    assert keys_of(repr(short)) == [str(k) for k in range(99, 79, -1)]


def test_the_status_is_never_cut_out_when_there_are_failures() -> None:
    results = table(FEW, fields=40)
    for width in (20, 40, 100):
        lines = repr(results).splitlines() if width == 100 else text(results, width).splitlines()
        assert lines[2].split()[0] == "status"
        assert "failed" in lines[4]
    assert "<th scope=col>status</th>" in results._repr_html_()


def text(results: Results, width: int) -> str:
    from drawer_ipy.results.shown.table import to_text

    return to_text(results.view, width)


def test_of_a_million_rows_the_failed_ones_are_found_at_once() -> None:
    import time

    states = bytearray([OK]) * 1_000_000
    states[654_321] = FAILED
    loop = LoopRecord(("each",), "u", range(1_000_000), ["work"], 1)
    loop.states, loop.counts = states, [0, 0, 999_999, 1, 0, 0]
    loop.ended = loop.epoch + 1
    steps = [StepResult("each", status="ok", output=LoopOutput(loop))]
    results = Results.of(RunRecord("0" * 16, "d", "ok", steps=steps))
    begin = time.process_time()
    assert keys_of(repr(results))[0] == "654321"
    assert time.process_time() - begin < 1.5


STATES = st.lists(st.sampled_from([OK_] * 6 + [FAILED_, CANCELLED_, SKIPPED_]), min_size=1, max_size=90)


def views_of(results: Results, data: st.DataObject) -> Iterator[Results]:
    yield results
    yield results.sort(lambda row: row.index * 7 % 13)
    rows = data.draw(st.lists(st.integers(0, len(results) - 1), min_size=1, max_size=60))
    yield results[rows]


@given(STATES, st.data())
@settings(max_examples=150, deadline=None)
def test_law_a_shown_table_never_hides_all_failed_rows_and_its_figures_are_true(
    states: list[str], data: st.DataObject
) -> None:
    for results in views_of(table(states), data):
        plain, page = repr(results), results._repr_html_()
        keys = keys_of(plain)
        assert html_keys(page) == keys
        shown = [int(key) for key in keys if key != "…"]
        all_rows = list(results.view.index)
        for index in set(shown):
            assert shown.count(index) <= all_rows.count(index), "a label is of a row that is there"
        failed = [index for index in all_rows if states[index] == FAILED_]
        assert not failed or any(states[index] == FAILED_ for index in shown)
        among = re.search(r"([\d,]+) more rows?(?: \((\d+) of them failed\))?", plain)
        assert len(shown) + (int(among[1]) if among else 0) == len(all_rows)
        shown_failed = sum(states[index] == FAILED_ for index in shown)
        assert shown_failed + int((among and among[2]) or 0) == len(failed)
        if first := re.search(r"^(.* rows?) first$", plain, re.M):
            numbers = {
                word: int(n) for n, word in re.findall(r"(\d+)(?: of \d+)? (failed|cancelled)", first[1])
            }
            lead = shown[: sum(numbers.values())]
            want = [FAILED_] * numbers.get(FAILED_, 0) + [CANCELLED_] * numbers.get(CANCELLED_, 0)
            assert [states[index] for index in lead] == want
