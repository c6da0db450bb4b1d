"""What a page asks about a table: rows, order, filters, values, stories; without a page."""

from __future__ import annotations

import datetime as dt
import json
import math
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_rig import Asked, table

from drawer_ipy import press
from drawer_ipy.display.tables.answers import MOST_ROWS
from drawer_ipy.display.tables.query import BadRequest, Query, rows_of
from drawer_ipy.display.tables.wanted import Superseded
from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.loop import FAILED

BROKEN = ErrorInfo("FUNCTION_ERROR", "refused")

scalars = st.one_of(
    st.none(),
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.just(math.nan),
    st.text("abcAB", max_size=3),
    st.booleans(),
    st.dates(dt.date(2020, 1, 1), dt.date(2020, 1, 5)),
    st.frozensets(st.integers(0, 2), max_size=2),
    st.lists(st.integers(0, 2), max_size=2),
)
outputs = st.lists(st.one_of(scalars, st.just(BROKEN)), min_size=1, max_size=60)


def indices(results: Any) -> list[int]:
    return [row.index for row in results]


# Laws


@given(outputs, st.booleans())
def test_a_sorted_page_is_the_sorted_table(values: list[Any], reverse: bool) -> None:
    ask = Asked(table(values))
    column = ask.column("page")
    expected = indices(ask.results.sort("page", reverse))
    assert ask.rows(sort=column, reverse=reverse) == expected
    assert sorted(expected) == [*range(len(values))]


@given(outputs, st.data())
def test_rows_with_the_same_value_are_those_of_filter(values: list[Any], data: st.DataObject) -> None:
    ask = Asked(table(values))
    row = data.draw(st.integers(0, len(values) - 1))
    condition = {"column": ask.column("page"), "operator": "is", "row": row}
    assert ask.rows(conditions=[condition]) == indices(ask.results.filter(page=ask.results["page"][row]))


@given(outputs, st.sampled_from(["ok", "failed"]))
def test_a_state_shows_the_rows_of_that_state(values: list[Any], state: str) -> None:
    ask = Asked(table(values))
    assert ask.rows(states=[state]) == indices(getattr(ask.results, state))


@given(outputs, st.integers(0, 70), st.integers(0, 70), st.booleans())
def test_a_window_is_a_slice(values: list[Any], begin: int, size: int, reverse: bool) -> None:
    ask = Asked(table(values))
    query = {"sort": ask.column("page"), "reverse": reverse}
    assert ask.rows(begin, begin + size, **query) == ask.rows(**query)[begin : begin + size]


@given(outputs, st.booleans())
def test_a_part_of_a_table_is_sorted_within_itself(values: list[Any], reverse: bool) -> None:
    part = table(values)[::2].sort("u", not reverse)
    ask = Asked(part)
    assert ask.rows() == indices(part)
    assert ask.rows(sort=ask.column("page"), reverse=reverse) == indices(part.sort("page", reverse))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.sampled_from(["<", "<=", ">", ">="]))
def test_comparisons_are_those_of_columns(values: list[int], operator: str) -> None:
    ask = Asked(table(values))
    condition = {"column": ask.column("page"), "operator": operator, "text": "1"}
    column = ask.results["page"]
    mask = {"<": column < 1, "<=": column <= 1, ">": column > 1, ">=": column >= 1}[operator]
    assert ask.rows(conditions=[condition]) == indices(ask.results[mask])


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_a_sort_in_runs_is_stable(seed: int) -> None:
    import random

    values = [random.Random(seed).randrange(50) for _ in range(50_001)]
    results = table([None] * len(values), items=values)
    query = Query(sort="u", reverse=bool(seed % 2))
    assert [*rows_of(results.view, query, lambda: True)] == indices(results.sort("u", query.reverse))


# Filters


@pytest.mark.parametrize(
    ("text", "found"),
    [("KÖLN", [0]), ("straße", [1]), ("12", [2, 3]), ("deep", [3]), ("refused", [4]), ("nowhere", [])],
)
def test_text_is_found_in_every_column_and_inside_values(text: str, found: list[int]) -> None:
    values = ["Köln am Rhein", "Alte Straße", "a 12", {"x": [{"y": "deep", "n": 12}]}, BROKEN]
    assert Asked(table(values, items=["a"] * 5)).rows(text=text) == found


def test_text_is_found_at_the_end_of_a_long_string() -> None:
    assert Asked(table(["x" * 1_000_000 + "needle", "y"])).rows(text="needle") == [0]


@pytest.mark.parametrize(
    ("operator", "text", "found"),
    [
        ("contains", "B", [1, 3]),
        ("=", "b", [1]),
        ("=", "2", [2]),
        (">", "1.5", [2]),
        (">=", "2020-01-02", [1, 3, 5]),
        ("<", "b", [3]),
        ("missing", "", [0]),
        ("present", "", [1, 2, 3, 4, 5, 6]),
        ("=", "true", [6]),
    ],
)
def test_conditions(operator: str, text: str, found: list[int]) -> None:
    values = [None, "b", 2, "ab", 1, dt.date(2020, 1, 2), True]
    ask = Asked(table(values))
    condition = {"column": ask.column("page"), "operator": operator, "text": text}
    assert ask.rows(conditions=[condition]) == found


def test_all_parts_of_a_query_hold_at_once() -> None:
    ask = Asked(table([{"a": n, "b": "x" if n % 2 else "y"} if n % 5 else BROKEN for n in range(40)]))
    a, b = ask.column("a"), ask.column("b")
    conditions = [{"column": a, "operator": ">", "text": "10"}, {"column": b, "operator": "=", "text": "x"}]
    found = ask.rows(text="x", states=["ok"], conditions=conditions, sort=a, reverse=True)
    assert found == [n for n in range(39, 10, -1) if n % 2 and n % 5]


@pytest.mark.parametrize(
    "question",
    [
        {"ask": "nothing"},
        {"ask": "rows"},
        {"ask": "rows", "rows": [0, 5], "columns": [0]},
        {"ask": "rows", "rows": [-1, 5], "columns": [0, 1]},
        {"ask": "rows", "rows": [0, True], "columns": [0, 1]},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": []},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": {"sort": 99}},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": {"states": ["odd"]}},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": {"states": "ok"}},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": {"conditions": [{"operator": "eval"}]}},
        {"ask": "rows", "rows": [0, 5], "columns": [0, 1], "query": {"conditions": [{}] * 101}},
        {"ask": "row", "row": 99},
        {"ask": "row", "row": "0"},
        {"ask": "values", "column": "u"},
        {"ask": "whole", "row": 0, "column": 0, "path": [0] * 1000},
        {"ask": "whole", "row": 0, "column": 0, "path": ["a"]},
        {"ask": "whole", "row": 0, "column": 0, "path": [7]},
        {"ask": "children", "row": 0, "column": 0, "start": -1},
        {"ask": "image", "row": 0, "column": 0},
    ],
)
def test_a_question_about_nothing_is_refused(question: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Asked(table([1, 2, 3])).answers.answer(question)


# What crosses the wire


def test_an_answer_is_bounded_however_much_there_is() -> None:
    wide = {f"column {n}": "x" * 100_000 for n in range(150)}
    ask = Asked(table([wide] * 500))
    answer = ask("rows", query={}, rows=[0, 500], columns=[0, 200])
    assert len(answer["rows"]) == MOST_ROWS
    assert len(json.dumps(answer)) < 1_000_000
    assert len(json.dumps(ask("row", row=0))) < 1_000_000
    assert len(json.dumps(ask("open", rows=[0, 60], columns=[0, 24]))) < 1_000_000


@pytest.mark.parametrize("name", ["\u202egnp.exe", "<img src=x>", "a\nb", "\ud800", "x" * 100_000])
def test_hostile_names_and_texts_are_cleaned(name: str) -> None:
    ask = Asked(table([{name: name}], items=[name]))
    for answer in (ask("open", rows=[0, 1], columns=[0, 9]), ask("row", row=0), ask("types")):
        text = json.dumps(answer).encode("utf-8")  # lone surrogates raise where a kernel encodes its messages
        assert len(text) < 40_000
        assert "\\u202e" not in text.decode()
        assert "\\ud800" not in text.decode()


class Bad:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


def test_objects_that_fail_harm_nothing() -> None:
    ask = Asked(table([Bad(), 1, Bad()]))
    column = ask.column("page")
    assert "repr failed" in json.dumps(ask("rows", query={}, rows=[0, 3], columns=[0, 9]))
    assert "repr failed" in ask("whole", row=0, column=column)["text"]
    assert "repr failed" in json.dumps(ask("row", row=0))
    assert sorted(ask.rows(sort=column)) == [0, 1, 2]
    assert ask.rows(text="1") == [1]
    assert ask.rows(conditions=[{"column": column, "operator": "=", "text": "1"}]) == [1]
    assert ask("values", column=column)["others"] == 2


def test_redacted_values_stay_redacted() -> None:
    drawer = {
        "name": "t",
        "inputs": [{"name": "key", "secret": True}, "xs"],
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "x",
                "on_item_failure": "continue",
                "steps": [{"id": "work", "button": "work", "args": {"x": "${x}", "key": "${inputs.key}"}}],
            }
        ],
    }

    def work(x: int, key: str) -> dict[str, Any]:
        if x == 1:
            raise ValueError(f"{key} is wrong")
        return {"a": key, "b": [{"c": f"Bearer {key}"}], "d": key.encode()}

    results = press(drawer, {"xs": range(3), "key": "hunter2hunter2"}, buttons={"work": work}, quiet=True)
    ask = Asked(results)
    names = ask("open", rows=[0, 9], columns=[0, 99])["columns"]
    seen = [ask("open", rows=[0, 9], columns=[0, 99])]
    for row in range(3):
        seen.append(ask("row", row=row))
        for column in range(len(names)):
            seen += [ask("whole", row=row, column=column), ask("children", row=row, column=column)]
    seen += [ask("values", column=column) for column in range(len(names))]
    assert "hunter2" not in json.dumps(seen)
    assert ask.rows(text="hunter2") == []


# The story, and changes of the table


def test_a_row_has_its_values_and_its_story() -> None:
    results = table([1, BROKEN])
    answer = Asked(results)("row", row=1)
    assert answer["state"] == FAILED
    heads = [part["heading"] for part in answer["story"]]
    assert heads[0].startswith("✘ item 1 of 2 in each: failed")
    assert repr(results.explain(1)).startswith(heads[0])


def test_an_opened_row_keeps_line_breaks() -> None:
    text = "one\ntwo\u202e\r\nthree\ttabbed"
    ask = Asked(table([text]))
    assert ask("row", row=0)["cells"][1] == "one\ntwo\nthree tabbed"
    assert ask("rows", query={}, rows=[0, 1], columns=[1, 2])["rows"][0][2] == ["one two three tabbed"]


def test_the_version_differs_after_another_press() -> None:
    calls: list[int] = []

    def work(x: int) -> int:
        calls.append(x)
        if x == 1 and len(calls) < 4:
            raise ValueError("not yet")
        return x

    steps = [{"id": "work", "button": "work", "args": {"x": "${x}"}}]
    each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": steps}
    drawer = {"name": "t", "inputs": ["xs"], "steps": [{**each, "on_item_failure": "continue"}]}
    results = press(drawer, {"xs": range(3)}, buttons={"work": work}, quiet=True, check=False)
    ask = Asked(results)
    before = ask("open", rows=[0, 5], columns=[0, 9])
    assert ask.rows(states=["failed"]) == [1]
    results.retry(quiet=True)
    after = ask("open", rows=[0, 5], columns=[0, 9])
    assert before["version"] != after["version"]
    assert ask.rows(states=["failed"]) == []


def test_a_calculation_that_is_not_wanted_any_more_ends() -> None:
    results = table([None] * 100_000, items=[*range(100_000)])
    for query in (Query(sort="u"), Query(text="7"), Query(states=frozenset({"ok", "failed"}))):
        with pytest.raises(Superseded):
            rows_of(results.view, query, lambda: False)


def test_a_long_sort_lets_other_threads_run() -> None:
    values = [(n * 7919) % 300_007 for n in range(300_000)]
    results = table([None] * len(values), items=values)
    pauses, done = [0.0], threading.Event()

    def work() -> None:
        rows_of(results.view, Query(sort="u"), lambda: True)
        done.set()

    thread = threading.Thread(target=work)
    before = time.perf_counter()
    thread.start()
    while not done.is_set():
        time.sleep(0.001)
        now = time.perf_counter()
        pauses.append(now - before)
        before = now
    thread.join()
    # Far more than the 0.05 s of an idle machine, far less than the sort takes in one piece on a busy one.
    assert max(pauses) < 1.0
