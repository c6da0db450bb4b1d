"""Filters by text in large tables: kept texts, searches among earlier rows, and first rows at once."""

from __future__ import annotations

import gc
import random
from typing import Any

import pytest
from tables_rig import Asked, many, table

from drawer_ipy.display.tables.query import Query, rows_of
from drawer_ipy.display.tables.texts import FEW, KeptTexts, Texts, search_text
from drawer_ipy.display.tables.wanted import Superseded

WINDOW = {"rows": [0, 60], "columns": [0, 24]}


def found(texts: Texts, rows: Any, text: str, name: str = "page") -> list[int]:
    return [row for part in texts.search(rows, (name,), text, lambda: True) for row in part]


@pytest.mark.parametrize(
    "values",
    [
        ["a", "B", "", "ab"] * 700,
        [1, 12, -3, 10**5000, 0] * 600,
        [1.5, 2.25, float("inf"), float("nan")] * 700,
        [None, "a", None, "A"] * 700,
        [None, 1, 2, None] * 700,
        [None] * 2_100,
        [True, False, None] * 900,
        ["a\x00b", "c", "a"] * 900,
        ["Straße", "STRASSE", "İ", "ß"] * 700,
        [{"a": 1}, ["b"], "a", 1, 2.5, None, (1,), b"a"] * 300,
    ],
    ids=[
        "text",
        "int",
        "float",
        "text or none",
        "int or none",
        "none",
        "bool",
        "separator",
        "case",
        "mixed",
    ],
)
@pytest.mark.parametrize("text", ["a", "1", "ss", "\x00", "a\x00b", "e", "zz", "none", "0x"])
def test_joined_texts_contain_what_each_value_contains(values: list[Any], text: str) -> None:
    results = table(values)
    expected = [row for row, value in enumerate(values) if text.casefold() in search_text(value).casefold()]
    texts = Texts(results.view, KeptTexts())
    index = results.view.index
    assert found(texts, index, text) == expected
    assert found(texts, index, text) == expected, "from the kept texts"
    assert found(Texts(results.view, KeptTexts(0)), index, text) == expected, "without memory for them"


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_rows_in_another_order_are_found_in_that_order(number: int) -> None:
    rows = random.Random(3).sample(range(40_000), number)
    results = table([f"page {row}" for row in range(40_000)])
    expected = [row for row in rows if "7" in str(row)]
    assert found(Texts(results.view, KeptTexts()), rows, "7") == expected


def test_a_longer_text_is_searched_for_among_the_rows_of_a_shorter_one() -> None:
    results = table([{"name": f"Page {row}", "size": -row} for row in range(3_000)])
    ask = Asked(results)
    size = ask.column("size")
    for text in ("", "p", "page 1", "page 12", "page 123", "page 12", "x"):
        for query in ({}, {"sort": size}, {"sort": size, "reverse": True}, {"states": ["ok"]}):
            alone = Asked(results)("rows", query={**query, "text": text}, **WINDOW)
            after = ask("rows", query={**query, "text": text}, **WINDOW)
            assert (after["count"], after["rows"]) == (alone["count"], alone["rows"]), (text, query)


def test_a_sorted_table_is_not_sorted_again_for_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Asked(table([{"size": -row} for row in range(100)]))
    size = ask.column("size")
    ask("rows", query={"sort": size}, **WINDOW)
    monkeypatch.setattr("drawer_ipy.display.tables.query.in_order", None)
    assert ask("rows", query={"sort": size, "text": "-5"}, **WINDOW)["rows"][0][0] == 59


def test_values_are_read_once_for_several_texts() -> None:
    results = table(["x"] * 3_000, items=list(range(3_000)))
    read = 0
    texts = Texts(results.view, KeptTexts())

    class Value(str):
        def __str__(self) -> str:
            nonlocal read
            read += 1
            return "y"

    loop = results.view.source.loop
    assert loop is not None
    loop.columns[0].outputs[:] = [Value("x")] * 3_000
    for text in ("a", "ab", "y"):
        found(texts, results.view.index, text)
    first = read
    found(texts, results.view.index, "z")
    assert read == first


def test_the_texts_of_all_tables_together_stay_within_the_limit() -> None:
    kept = KeptTexts(200_000)
    held = [table(["x" * 40] * 4_000) for _ in range(4)]
    several = [Texts(results.view, kept) for results in held]
    for results, texts in zip(held, several, strict=True):
        assert len(found(texts, results.view.index, "xx")) == 4_000
        assert sum(other.size for other in several) <= 200_000
    assert [texts.size > 0 for texts in several] == [False, False, False, True]


def test_texts_are_dropped_with_their_table() -> None:
    kept = KeptTexts(200_000)
    first = Texts(table(["x" * 40] * 4_000).view, kept)
    found(first, range(4_000), "x")
    del first
    gc.collect()
    results = table(["x" * 40] * 4_000)
    texts = Texts(results.view, kept)
    found(texts, results.view.index, "x")
    assert texts.size > 160_000


def test_the_first_rows_of_a_long_search_come_before_its_end() -> None:
    ask = Asked(many(400_000))
    query = {"text": "page 5"}
    first = ask("rows", query=query, soon=True, **WINDOW)
    whole = ask("rows", query=query, **WINDOW)
    assert first["partial"] is True
    assert first["rows"] == whole["rows"]
    assert 60 <= first["count"] < whole["count"]
    assert "partial" not in whole
    assert "partial" not in ask("rows", query=query, soon=True, **WINDOW)


def test_a_search_ends_when_its_rows_are_not_wanted_any_more() -> None:
    results = many(100_000)
    asked = 0

    def alive() -> bool:
        nonlocal asked
        asked += 1
        return asked < 5

    with pytest.raises(Superseded):
        rows_of(results.view, Query(text="page 5"), alive)
    assert asked == 5
