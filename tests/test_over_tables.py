"""Loops over data frames, series, arrays and other objects that export Arrow data."""

from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from drawer_ipy import DrawerFailed, Results, press
from drawer_ipy.engine.rows import TableRow, rows_of

EACH = """
inputs: [{name: rows}]
steps:
  - id: each
    kind: for_each
    over: ${inputs.rows}
    as: row
    parallelism: 4
    steps: [{id: work, button: work, args: {row: "${row}", url: "${row.url}"}}]
"""

ROWS = {"url": ["a", "b", "c"], "n": [1, 2, 3], "price": [1.5, math.nan, 3.0]}

TABLES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas with an index": lambda: pd.DataFrame(ROWS, index=["x", "y", "x"]),
    "a slice of pandas": lambda: pd.DataFrame({k: [None, *v] for k, v in ROWS.items()}).iloc[1:],
    "polars": lambda: pl.DataFrame(ROWS),
    "pyarrow": lambda: pa.table(ROWS),
    "pyarrow in chunks": lambda: pa.concat_tables([pa.table(ROWS).slice(0, 1), pa.table(ROWS).slice(1)]),
    "pyarrow batch": lambda: pa.RecordBatch.from_pydict(ROWS),
    "pyarrow reader": lambda: pa.table(ROWS).to_reader(),
    "a structured array": lambda: np.array(
        list(zip(*ROWS.values(), strict=True)), dtype=[("url", "U1"), ("n", "i8"), ("price", "f8")]
    ),
    "an exporter of Arrow": lambda: Exporter(pa.table(ROWS)),
}


class Exporter:
    """A table of an unknown library that supports only the Arrow protocol."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def pressed(rows: Any, work: Callable[..., Any], text: str = EACH) -> Results:
    return press(text, {"rows": rows}, buttons={"work": work}, quiet=True)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_each_row_is_an_item(table: Callable[[], Any]) -> None:
    def work(row: Any, url: str) -> dict[str, Any]:
        assert row.url == row["url"] == url
        return {"seen": url, "twice": int(row["n"]) * 2, "columns": list(row)}

    results = pressed(table(), work)
    assert results["seen"] == ["a", "b", "c"]
    assert results["twice"] == [2, 4, 6]
    assert results["columns"] == [["url", "n", "price"]] * 3


def test_rows_of_duckdb_relations_are_items() -> None:
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select * from (values ('a', 1), ('b', 2)) t(url, n)")
    assert pressed(relation, lambda row, url: f"{url}{row.n}")["work"] == ["a1", "b2"]


def test_rows_of_results_are_items() -> None:
    first = pressed(pd.DataFrame(ROWS), lambda row, url: {"url": url, "n": int(row.n)})
    second = pressed(first.filter(lambda row: row["n"] > 1)[["url", "n"]], lambda row, url: {"again": url})
    assert second["again"] == ["b", "c"]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (pd.Series([1, 2], dtype="int32"), np.int32),
        (pd.Series([1.0, 2.0]), np.float64),
        (pd.Series([True, False]), np.bool_),
        (pd.Series(pd.to_datetime(["2030-01-01", "2030-01-02"])), pd.Timestamp),
        (pd.Series(pd.to_datetime(["2030-01-01"]).tz_localize("Europe/Paris")), pd.Timestamp),
        (pd.Series(["a", "b"], dtype="category"), str),
        (pd.Series(["a", "b"]), str),
        (pd.period_range("2030-01", periods=2, freq="M"), pd.Period),
        (pd.timedelta_range("1h", periods=2), pd.Timedelta),
        (np.array([1, 2], dtype="uint8"), np.uint8),
        (np.array([[1, 2], [3, 4]]), np.ndarray),
        (pl.Series([1, 2]), int),
        (pa.array(["a", "b"]), str),
        (pa.chunked_array([["a"], ["b"]]), str),
        (pd.Series([1, 2], dtype="Int64"), (int, np.int64)),
    ],
    ids=str,
)
def test_entries_of_a_series_keep_their_types(values: Any, kinds: Any) -> None:
    seen: list[Any] = []
    text = EACH.replace(', url: "${row.url}"', "")

    def work(row: Any) -> None:
        seen.append(row)

    results = pressed(values, work, text)
    assert len(results) == len(values) == len(seen)
    assert all(isinstance(one, kinds) for one in seen)


def test_the_columns_of_a_frame_keep_their_types() -> None:
    frame = pd.DataFrame(
        {
            "url": ["a"],
            "when": pd.to_datetime(["2030-01-01T08:00Z"]),
            "small": np.array([1], dtype="int8"),
            "missing": pd.array([pd.NA], dtype="Int64"),
            "any": [{"a": [1]}],
        }
    )
    kept: list[Any] = []
    pressed(frame, lambda row, url: kept.append(row))
    row = kept[0]
    assert isinstance(row.when, pd.Timestamp)
    assert str(row.when.tz) == "UTC"
    assert isinstance(row.small, np.int8)
    assert row.missing is pd.NA
    assert row["any"] is frame["any"][0]


@dataclasses.dataclass
class Page:
    url: str


class Model(BaseModel):
    url: str


@pytest.mark.parametrize(
    "items",
    [
        [Page("a"), Page("b")],
        (Model(url="a"), Model(url="b")),
        {"x": Page("a"), "y": Page("b")}.values(),
        [{"url": "a"}, {"url": "b"}],
    ],
    ids=["dataclasses", "pydantic models", "the view of a dict", "dicts"],
)
def test_objects_with_attributes_are_items(items: Any) -> None:
    assert pressed(items, lambda row, url: url)["work"] == ["a", "b"]


@pytest.mark.parametrize("items", [{1: "x", 2: "y"}.keys(), frozenset((1, 2)), range(1, 3), {1, 2}], ids=str)
def test_elements_of_collections_without_an_index_are_items(items: Any) -> None:
    text = EACH.replace(', url: "${row.url}"', "")
    assert sorted(pressed(items, lambda row: row, text)["work"]) == [1, 2]


def one_two() -> Iterator[int]:
    yield from (1, 2)


async def one_two_later() -> AsyncIterator[int]:
    yield 1
    yield 2


@pytest.mark.parametrize(
    ("rows", "message", "hint"),
    [
        ({"a": 1}, "must be a list, not dict", "list(d.items())"),
        ("a\nb", "must be a list, not str", "text.splitlines()"),
        (one_two, "must be a list, not function", "call it: one_two()"),
        (one_two_later, "must be a list, not function", "call it: one_two_later()"),
        (None, "must be a list, not null", "a data frame"),
        (5, "must be a list, not int", "for 5 items give range(5)"),
        (-5, "must be a list, not int", "a data frame"),
        (np.array(5), "must be a list, not ndarray", "give a list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column 'a'", "rename all but one"),
        (pa.table([[1], [2]], names=["a", "a"]), "more than one column 'a'", "rename all but one"),
        (pl.DataFrame({"a": [1]}).lazy(), "a LazyFrame has no rows yet", ".collect()"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_invalid_over_is_refused_with_a_hint(rows: Any, message: str, hint: str) -> None:
    with pytest.raises(DrawerFailed) as raised:
        pressed(rows, lambda row, url: url)
    assert message in str(raised.value)
    assert hint in raised.value.remediation


def test_a_table_without_rows_is_an_empty_loop() -> None:
    for empty in (
        pd.DataFrame({"url": []}),
        pl.DataFrame({"url": []}),
        pa.table({"url": []}),
        pd.DataFrame(),
    ):
        assert len(pressed(empty, lambda row, url: url)) == 0


def test_a_missing_column_is_reported_with_its_name() -> None:
    text = EACH.replace("${row.url}", "${row.ulr}")
    with pytest.raises(DrawerFailed, match=r"no 'ulr'.*url"):
        pressed(pd.DataFrame(ROWS), lambda row, url: url, text)
    with pytest.raises(AttributeError, match="no column 'x'; it has url, n, price"):
        _ = TableRow(rows_of(pd.DataFrame(ROWS)), 0).x  # type: ignore[arg-type]


def test_tables_and_arrays_are_not_copied() -> None:
    values = np.zeros(1_000_000)
    rows = rows_of(pd.DataFrame({"a": values, "b": values}, copy=False))
    assert rows is not None
    assert len(rows) == 1_000_000
    values[999_999] = 7.0
    assert rows[999_999]["a"] in (0.0, 7.0)  # pandas may copy when it makes the frame; rows are never copied
    array = np.zeros(10)
    items = rows_of(array)
    array[3] = 5.0
    assert items is not None
    assert items[3] == 5.0


def test_a_retry_presses_only_the_failed_row() -> None:
    broken = {"b"}
    seen: list[str] = []

    def work(row: Any, url: str) -> str:
        seen.append(url)
        if url in broken:
            raise ValueError(url)
        return url

    text = EACH.replace("    parallelism: 4\n", "    parallelism: 4\n    on_item_failure: continue\n")
    results = press(text, {"rows": pd.DataFrame(ROWS)}, buttons={"work": work}, quiet=True)
    assert results.counts["failed"] == 1
    broken.clear()
    results.retry(quiet=True)
    assert results["work"] == ["a", "b", "c"]
    assert sorted(seen) == ["a", "b", "b", "c"]


def test_rows_in_results_can_be_shown_exported_and_pickled() -> None:
    results = pressed(pd.DataFrame(ROWS), lambda row, url: {"u": url})
    assert "url" in repr(results)
    assert results.to_dict()["row"][0] == {"url": "a", "n": 1, "price": 1.5}
    again = pickle.loads(pickle.dumps(results))
    assert again[0].item == {"url": "a", "n": 1, "price": 1.5}
    assert '"url": "a"' in results.to_json() or '"url":"a"' in results.to_json()


@given(
    st.lists(
        st.fixed_dictionaries(
            {"url": st.text(max_size=5), "n": st.none() | st.integers(-5, 5) | st.floats(allow_nan=True)}
        ),
        max_size=6,
    )
)
def test_law_rows_have_the_values_of_the_table(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, columns=["url", "n"], dtype=object)
    found = rows_of(frame)
    assert found is not None
    assert [dict(row) for row in found] == [dict(row) for row in found[:]]
    assert len(found) == len(rows)
    for made, row in zip(found, rows, strict=True):
        assert made["url"] == row["url"]
        assert made == made
        assert made == TableRow(found, made.position)
