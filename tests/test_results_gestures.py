"""Data frame operations on tables: masks from comparisons, head, tail, shape, arrays and dicts."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from engine_rig import loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Results, UsageError
from drawer_ipy.results import UnknownColumn


def table(*prices: Any) -> Results:
    return loop(range(len(prices)), lambda x: {"price": prices[x], "name": f"n{x}"})


@pytest.fixture(scope="module")
def four() -> Results:
    return table(10, 20, None, 5.5)


def test_comparisons_with_a_value_select_rows(four: Results) -> None:
    assert (four["price"] > 9) == [True, True, False, False]
    assert (four["price"] > 9) == [True, True, False, False]
    assert (four["price"] <= 10) == [True, False, False, True]
    assert four[four["price"] >= 10]["name"] == ["n0", "n1"]
    assert four[four["name"] == "n3"]["x"] == [3]
    assert four[four["price"] == None]["x"] == [2]  # noqa: E711 - a column compares its values
    assert four[four["price"] != 10]["x"] == [1, 2, 3]
    assert four[(four["price"] > 9) & ~(four["name"] == "n1")]["x"] == [0]
    assert four[(four["price"] < 9) | (four["name"] == "n1")]["x"] == [1, 3]
    assert four[(four["price"] > 9) ^ (four["price"] > 15)]["x"] == [0]
    assert (four["price"] > 9).sum() == 2
    assert (four["price"] > 9).any()
    assert not (four["price"] > 9).all()


def test_comparisons_with_a_column_or_a_list_are_made_row_by_row(four: Results) -> None:
    assert (four["x"] < four["price"]) == [True, True, False, True]
    assert (four["x"] < [1, 1, 1, 9]) == [True, False, False, True]
    assert (four["x"] == [0, 1, 2, 3]) is True
    assert (four["x"] != [0, 1, 2, 3]) is False
    with pytest.raises(ValueError, match="has 4 rows, and is compared with 2 values"):
        _ = four["x"] < [1, 2]


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.datetime64("NaT")], ids=repr)
def test_missing_values_are_neither_less_nor_greater(missing: Any) -> None:
    results = table(missing, 3)
    assert (results["price"] > 1) == [False, True]
    assert (results["price"] < 9) == [False, True]
    assert (results["price"] == 3) == [False, True]
    assert (results["price"] != 3) == [True, False]
    assert (results["price"] == None) == [True, False]  # noqa: E711 - the operator is what is tested


def test_values_that_cannot_be_compared_are_reported_with_their_row(four: Results) -> None:
    with pytest.raises(TypeError, match=r"row 0 of column 'name' is of type str, .* with int"):
        _ = four["name"] > 1
    arrays = table(np.zeros(2), 1)
    assert (arrays["price"] == 1) == [False, True]


def test_a_mask_has_no_truth_value(four: Results) -> None:
    with pytest.raises(ValueError, match=r"combine masks with & and \|"):
        _ = four["price"] > 1 and four["price"] < 9
    with pytest.raises(ValueError, match="masks of 4 and 1 rows"):
        _ = (four["price"] > 1) & [True]
    with pytest.raises(TypeError):
        _ = (four["price"] > 1) & 5


MASKS: dict[str, Any] = {
    "numpy": np.array([True, False, False, True]),
    "pandas": pd.Series([True, False, False, True]),
    "pandas with its own index": pd.Series([True, False, False, True], index=list("abcd")),
    "pandas with missing entries": pd.array([True, pd.NA, False, True], dtype="boolean"),
    "polars": pl.Series([True, None, False, True]),
    "pyarrow": pa.chunked_array([[True, None], [False, True]]),
    "a list": [True, False, False, True],
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_masks_of_other_libraries_select_rows(four: Results, mask: Any) -> None:
    assert four[mask]["x"] == [0, 3]
    assert four[(four["x"] >= 0) & mask]["x"] == [0, 3]


def test_a_mask_from_a_sorted_frame_selects_rows_by_its_index(four: Results) -> None:
    frame = four.to_pandas().sort_values("price", ascending=False)
    assert four[frame["price"] > 9]["x"] == [0, 1]
    part = four[1:]
    shuffled = part.to_pandas().sort_values("price")
    assert part[shuffled["price"] == 5.5]["x"] == [3]
    named = loop(pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "z"]), lambda x: int(x.a) * 2)
    assert named[named.to_pandas()[::-1]["work"] == 2]["work"] == [2]


def test_other_libraries_accept_masks(four: Results) -> None:
    mask = four["price"] > 9
    assert four.to_pandas()[mask]["x"].tolist() == [0, 1]
    assert four.to_polars().filter(mask)["x"].to_list() == [0, 1]
    assert np.arange(4)[np.array(mask)].tolist() == [0, 1]


def test_invalid_masks_and_names_are_reported(four: Results) -> None:
    with pytest.raises(IndexError, match="the mask has 2 entries, but the table has 4 rows"):
        _ = four[[True, False]]
    with pytest.raises(TypeError, match="only bools, only positions or only names"):
        _ = four[[True, 1]]
    for use in (lambda: four["prise"] > 1, lambda: four[["name", "prise"]]):
        with pytest.raises(UnknownColumn, match="did you mean 'price'"):
            use()
    assert len(four[[]]) == 0
    assert len(four[:0][four[:0]["price"] > 1]) == 0


def test_head_tail_and_shape_are_those_of_a_data_frame(four: Results) -> None:
    assert four.shape == (4, 3)
    assert four[["x"]].shape == (4, 1)
    assert four.head(2)["x"] == [0, 1]
    assert four.tail(2)["x"] == [2, 3]
    assert four.head(-1)["x"] == [0, 1, 2]
    assert four.tail(-1)["x"] == [1, 2, 3]
    assert [len(four.head()), len(four.tail()), len(four.head(0)), len(four.tail(0))] == [4, 4, 0, 0]
    assert four[:0].head().shape == (0, 3)
    with pytest.raises(TypeError, match=r"head\(\) needs a number of rows, not str"):
        four.head("2")  # type: ignore[arg-type]


@settings(deadline=None)
@given(n=st.integers(-7, 7))
def test_law_head_and_tail_are_those_of_pandas(n: int) -> None:
    results = table(1, 2, 3, 4)
    frame = results.to_pandas()
    assert results.head(n)["x"] == frame.head(n)["x"].tolist()
    assert results.tail(n)["x"] == frame.tail(n)["x"].tolist()


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
@settings(deadline=None)
@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=6), other=st.integers(-3, 3))
def test_law_comparisons_are_those_of_numpy(name: str, values: list[int], other: int) -> None:
    compare = getattr(operator, name)
    assert list(compare(table(*values)["price"], other)) == compare(np.array(values), other).tolist()


def test_a_numpy_array_has_the_values_of_the_cells(four: Results) -> None:
    array = np.array(four)
    assert array.shape == (4, 3)
    assert array.tolist() == [[0, 10, "n0"], [1, 20, "n1"], [2, None, "n2"], [3, 5.5, "n3"]]
    numbers = np.array(four[["x"]])
    assert numbers.dtype == np.int64
    assert np.asarray(table(1.5, 2)[["x", "price"]]).dtype == np.float64
    assert np.asarray(table(2**60 + 1, 0.5)[["price"]]).tolist() == [[2**60 + 1], [0.5]]
    lists = np.array(table([1, 2], [3])[["price"]])
    assert lists.shape == (2, 1)
    assert lists[0, 0] == [1, 2]
    assert np.array(table(1, 2)[["price"]], dtype="float32").dtype == np.float32
    assert np.asarray(four["x"]).tolist() == [0, 1, 2, 3]


def test_to_dict_has_the_orients_of_pandas() -> None:
    results = table(1, 2)[["x", "price"]][::-1]
    frame = results.to_pandas()
    for orient in ("list", "records", "index", "dict", "split"):
        assert results.to_dict(orient) == frame.to_dict(orient), orient
    assert results.to_dict("records") == results.to_dicts()
    with pytest.raises(UsageError, match="no orient 'record'; did you mean 'records'"):
        results.to_dict("record")  # type: ignore[call-overload]
    nested = loop([1], lambda x: {"a": {"b": x}})
    assert nested.to_dict(True) == nested.to_dict(flatten=True) == {"x": [1], "a.b": [1]}
