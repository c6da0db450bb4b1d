"""Results of loops over data frames: exports have the frame's index and columns, followed by the outputs."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import time
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_rig import loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Results, UsageError, each, press
from drawer_ipy.engine.rows import rows_of
from drawer_ipy.record.loop import OK, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.record.step_column import STEP_OK
from drawer_ipy.results import UnknownColumn


def over(rows: Any, work: Callable[[Any], Any] = lambda x: {"title": "t", "n": 1}, **fields: Any) -> Results:
    return loop(rows, work, **fields)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "url": ["a", "b", None],
            "i8": np.array([1, 2, 3], "int8"),
            "f": [1.5, np.nan, 2],
            "b": [True, False, True],
            "cat": pd.Categorical(["x", "y", None], categories=["y", "x"], ordered=True),
            "when": pd.to_datetime(["2024-01-01", "2024-01-02", None]).tz_localize("Europe/Paris"),
            "ns": pd.to_datetime(["2024-01-01T00:00:00.000000001"] * 3),
            "span": pd.to_timedelta([1, 2, None]),
            "Int": pd.array([1, None, 2**60 + 1], "Int64"),
            "boolean": pd.array([True, None, False], "boolean"),
            "string": pd.array(["x", None, "y"], "string"),
            "arrow": pd.array([1, None, 2**60 + 1], "int64[pyarrow]"),
            "arrow text": pd.array(["x", None, "y"], "string[pyarrow]"),
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
            "period": pd.period_range("2024-01", periods=3, freq="M"),
            "interval": pd.interval_range(0, 3),
            "any": [{"a": 1}, [2], None],
        },
        index=pd.Index(["x", "y", "x"], name="key"),
    )


def test_a_pandas_frame_keeps_its_types_and_index() -> None:
    made = frame()
    got = over(made).to_pandas()
    assert list(got.columns) == [*made.columns, "title", "n"]
    pd.testing.assert_frame_equal(got[list(made.columns)], made)
    assert got["title"].tolist() == ["t", "t", "t"]
    assert str(got["n"].dtype) == "int64"


def test_other_libraries_get_the_frame_with_corresponding_types() -> None:
    results = over(frame())
    polars = results.to_polars()
    assert polars.columns == [*frame().columns, "title", "n"]
    kinds = {name: str(dtype) for name, dtype in polars.schema.items()}
    assert kinds["i8"] == "Int8"
    assert kinds["cat"].startswith("Enum")
    assert kinds["when"].endswith("time_zone='Europe/Paris')")
    assert kinds["Int"] == kinds["arrow"] == "Int64"
    assert kinds["boolean"] == "Boolean"
    assert kinds["string"] == kinds["arrow text"] == kinds["url"] == "String"
    assert polars["Int"].to_list() == polars["arrow"].to_list() == [1, None, 2**60 + 1]
    assert polars["f"].is_nan().to_list() == [False, True, False]
    assert polars["url"].to_list() == ["a", "b", None]
    arrow = results.to_arrow()
    assert arrow.column_names == polars.columns
    assert str(arrow.schema.field("i8").type) == "int8"
    assert str(arrow.schema.field("when").type).endswith("tz=Europe/Paris]")
    assert arrow.column("Int").to_pylist() == [1, None, 2**60 + 1]
    assert arrow.column("period").to_pylist() == ["2024-01", "2024-02", "2024-03"]


def test_files_have_the_columns_of_the_frame(tmp_path: Any) -> None:
    results = over(frame())
    names = [*frame().columns, "title", "n"]
    rows = json.loads(results.to_json())
    assert list(rows[0]) == names
    assert [row["url"] for row in rows] == ["a", "b", None]
    assert [row["Int"] for row in rows] == [1, None, 2**60 + 1]
    assert [row["when"] for row in rows][2] is None
    text = results.to_csv()
    assert text.splitlines()[0] == ",".join(names)
    assert not any(word in text for word in ("NaT", "<NA>"))
    results.save(tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").column_names == names
    assert pl.DataFrame(results).columns == names
    assert duckdb.sql("from results").columns == names
    # The table itself keeps the loop variable.
    assert results.columns == ("x", "title", "n")
    assert results.to_dict("records")[0]["x"]["url"] == "a"


POLARS = {
    "url": ["a", "b", None],
    "i8": pl.Series([1, None, 3], dtype=pl.Int8),
    "big": pl.Series([1, None, 2**60 + 1], dtype=pl.Int64),
    "u": pl.Series([1, 2, 2**64 - 1], dtype=pl.UInt64),
    "b": [True, None, False],
    "f": [1.5, None, float("nan")],
    "cat": pl.Series(["x", "y", None], dtype=pl.Categorical),
    "enum": pl.Series(["x", "y", None], dtype=pl.Enum(["y", "x"])),
    "date": pl.Series(["2024-01-01", None, "2024-01-02"]).str.to_date(),
    "when": pl.Series([1, 2, None]).cast(pl.Datetime("us", "Europe/Paris")),
    "naive": pl.Series([1, 2, None]).cast(pl.Datetime("ms")),
    "span": pl.Series([1, 2, None]).cast(pl.Duration("ms")),
    "list": [[1], [2, 3], None],
    "struct": [{"a": 1}, {"a": 2}, None],
    "null": [None, None, None],
}
INTO_PANDAS = {
    "i8": "Int8",
    "big": "Int64",
    "u": "uint64",
    "b": "boolean",
    "f": "float64",
    "cat": "category",
    "enum": "category",
    "date": "object",
    "when": "datetime64[us, Europe/Paris]",
    "naive": "datetime64[ms]",
    "span": "timedelta64[ms]",
    "list": "object",
    "struct": "object",
}


def test_a_polars_frame_is_preserved_and_can_be_exported_to_other_libraries() -> None:
    made = pl.DataFrame(POLARS)
    results = over(made)
    assert results.to_polars().select(made.columns).equals(made)
    assert results.to_polars().columns == [*made.columns, "title", "n"]
    pandas = results.to_pandas()
    assert {name: str(pandas[name].dtype) for name in INTO_PANDAS} == INTO_PANDAS
    assert [None if v is pd.NA else v for v in pandas["big"]] == [1, None, 2**60 + 1]
    assert pandas.index.name == "index"
    assert results.to_arrow().column("big").to_pylist() == [1, None, 2**60 + 1]
    assert results.to_csv().splitlines()[1].startswith("a,1,1,1,True,1.5,x,x,2024-01-01")


def test_an_arrow_table_is_preserved_and_can_be_exported_to_other_libraries() -> None:
    made = pl.DataFrame(POLARS).with_columns(f=pl.Series([1.5, None, 2.5])).to_arrow()
    for rows in (made, made.to_reader(), Exporter(made), made.to_batches()[0]):
        results = over(rows)
        assert results.to_arrow().select(made.column_names).equals(made)
        pandas = results.to_pandas()
        assert {name: str(pandas[name].dtype) for name in INTO_PANDAS} == INTO_PANDAS
        assert results.to_polars()["big"].to_list() == [1, None, 2**60 + 1]
        if rows is made:
            again = pickle.loads(pickle.dumps(results))
            assert again.to_arrow().equals(results.to_arrow())


class Exporter:
    """A table of an unknown library that supports only the Arrow protocol."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_relations_arrays_and_results_keep_their_types() -> None:
    relation = duckdb.sql("select * from (values ('a', 1::tinyint), ('b', null)) t(url, n8)")
    got = over(relation).to_pandas()
    assert str(got["n8"].dtype) == "Int8"
    array = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f4")])
    got = over(array).to_pandas()
    assert [str(dtype) for dtype in got.dtypes[:2]] == ["int32", "float32"]
    first = over([5, None], lambda x: {"v": np.int8(1), "w": x})
    second = over(first[["w", "v"]], lambda x: {"again": x.w})
    got = second.to_pandas()
    assert list(got.columns) == ["w", "v", "again"]
    assert [str(dtype) for dtype in got.dtypes] == ["Int64", "int8", "Int64"]


def test_a_retry_of_looped_over_results_does_not_change_later_exports() -> None:
    broken = {2}

    def work(x: int) -> dict[str, int]:
        if x in broken:
            raise ValueError(x)
        return {"v": x}

    first = over([1, 2], work, on_item_failure="continue")
    second = over(first[["x", "v"]], lambda x: {"got": x.v})
    broken.clear()
    first.retry(quiet=True)
    assert second.to_dict("list")["got"] == [1, None]
    assert second.to_polars()["v"].to_list() == [1, None]


def test_exports_of_subsets_have_their_rows() -> None:
    results = over(frame(), lambda x: {"twice": int(x.i8) * 2})
    part = results.filter(lambda row: row["twice"] != 4)
    assert part.to_pandas().index.tolist() == ["x", "x"]
    assert part.to_pandas()["i8"].tolist() == part.to_polars()["i8"].to_list() == [1, 3]
    turned = results.sort("twice", reverse=True)
    assert turned.to_pandas()["i8"].tolist() == turned.to_arrow().column("i8").to_pylist() == [3, 2, 1]
    assert results[1:2].to_csv().splitlines()[1].startswith("b,2,")
    assert results[:0].to_pandas().shape == (0, 18)
    assert str(results[:0].to_polars()["i8"].dtype) == "Int8"
    assert list(results[["twice"]].to_pandas().columns) == ["twice"]
    assert list(results[["twice", "x"]].to_pandas().columns) == [*frame().columns, "twice"]


def test_rows_that_are_not_ok_keep_the_frames_values_and_have_null_outputs() -> None:
    def work(x: Any) -> dict[str, int]:
        if x.i8 == 2:
            raise ValueError("no")
        return {"n": 2**60 + 1}

    results = over(frame(), work, on_item_failure="continue")
    got = results.to_pandas()
    pd.testing.assert_frame_equal(got[list(frame().columns)], frame())
    assert list(got.columns[-3:]) == ["n", "status", "error"]
    assert got["status"].tolist() == ["ok", "failed", "ok"]
    assert str(got["n"].dtype) == "Int64"
    assert got["n"].isna().tolist() == [False, True, False]
    assert results.to_polars()["n"].to_list() == [2**60 + 1, None, 2**60 + 1]
    assert results.failed.to_pandas()["i8"].tolist() == [2]


def test_names_that_clash_get_a_suffix_and_one_warning() -> None:
    def work(x: Any) -> dict[str, int]:
        if x.price == 2:
            raise ValueError("no")
        return {"price": 5, "index": 6, "title": 7}

    made = pd.DataFrame({"price": [1, 2, 3], "status": "s", "index": 0, "price_output": 1, "x": 9})
    results = over(made, work, on_item_failure="continue")
    want = [*made.columns, "price_output_", "index_output", "title", "status_run", "error"]
    for export in (
        lambda: results.to_pandas().columns,
        lambda: results.to_polars().columns,
        lambda: results.to_arrow().column_names,
        lambda: results.to_csv().splitlines()[0].split(","),
        lambda: json.loads(results.to_jsonl().splitlines()[0]),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert list(export()) == want
        (warning,) = caught
        assert "'price' is exported as 'price_output_'" in str(warning.message)
        assert "'status' is exported as 'status_run'" in str(warning.message)
    with pytest.warns(UserWarning, match="same names") as seen:
        results.to_pandas()
    assert seen[0].filename == __file__


def test_changes_of_the_frame_after_the_run_do_not_affect_exports() -> None:
    made = frame()
    results = over(made)
    made["title"] = "mine"
    del made["url"]
    made.index = range(3)
    pd.testing.assert_frame_equal(results.to_pandas()[list(frame().columns)], frame())
    polars = pl.DataFrame({"a": [1, 2]})
    results = over(polars)
    polars.insert_column(0, pl.Series("title", [1, 2]))
    assert results.to_polars().columns == ["a", "title", "n"]


def test_multi_level_columns_and_indexes_are_kept() -> None:
    made = pd.DataFrame(
        [[1, 2.5], [3, 4.5]],
        columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["one", "two"]),
        index=pd.MultiIndex.from_tuples([(1, "p"), (2, "q")], names=["n", "l"]),
    )
    results = over(made)
    got = results.to_pandas()
    assert got.columns.tolist() == [("a", "x"), ("a", "y"), ("title", ""), ("n", "")]
    pd.testing.assert_frame_equal(got[["a"]], made)
    assert got["title"].tolist() == ["t", "t"]
    assert results.to_polars().columns == ["a.x", "a.y", "title", "n"]
    assert results.to_csv().splitlines() == ["a.x,a.y,title,n", "1,2.5,t,1", "3,4.5,t,1"]


@pytest.mark.parametrize(
    "made",
    [
        pd.Series([3, 1, 2], index=["c", "a", "b"], name="n"),
        pd.Series(["p", None, "q"], index=pd.date_range("2024-01-01", periods=3, tz="UTC"), dtype="string"),
        pd.Series(["p", "q", "p"], dtype="category", index=pd.Index([7, 7, 8], name="key")),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([1.5], index=pd.MultiIndex.from_tuples([(1, "p")], names=["n", "l"])),
        pd.Series([], dtype="int8", index=pd.Index([], dtype="int64")),
    ],
    ids=lambda made: str(made.dtype),
)
def test_a_series_comes_back_with_its_type_and_index(made: pd.Series) -> None:
    before = made.copy()
    results = over(made, lambda x: {"title": "t"})
    made.index = range(len(made))
    got = results.to_pandas()
    pd.testing.assert_series_equal(got["x"], before, check_names=False)
    assert got.index.names == before.index.names
    assert results.to_polars().columns == list(got.columns)
    if len(before):
        assert got["title"].tolist() == ["t"] * len(before)
        assert results[1:].to_pandas().index.tolist() == before.index[1:].tolist()
        assert results[results["title"] == "t"].shape == (len(before), 2)


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame({1: [1, 2], 2.5: [7, 8], None: [5, 6], "1": [3, 4]}),
        pd.DataFrame({0: [1], 1: [2]}),
        pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["a", "b"], name="kind")),
        pd.DataFrame([[1, 2]], columns=pd.to_datetime(["2024-01-01", "2024-01-02"])),
        pd.DataFrame([[1, 2]], columns=pd.Index([1, 2], name="year")),
        pd.DataFrame({"a": pd.Series([], dtype="int8")}),
        pd.DataFrame(),
        pd.DataFrame(index=[3, 4]),
        pd.DataFrame({"a": [1]}, index=pd.to_datetime(["2024-01-01"]).tz_localize("UTC")),
        pd.DataFrame({"a": [1, 2]}, index=[None, None]),
    ],
    ids=lambda made: repr(list(made.columns)),
)
def test_labels_that_are_not_text_and_empty_frames_are_kept(made: pd.DataFrame) -> None:
    work = (lambda x: {"title": "t"}) if len(made) else (lambda x: None)
    results = over(made, work)
    got = results.to_pandas()
    assert got.columns[:-1].tolist() == made.columns.tolist() or None in made.columns
    assert got.columns.names == made.columns.names
    same = got.iloc[:, :-1].set_axis(made.columns, axis=1)
    pd.testing.assert_frame_equal(same, made)
    pd.testing.assert_index_equal(got.index, made.index)
    names = results.to_polars().columns
    assert len(set(names)) == len(names) == len(made.columns) + 1
    assert results.to_arrow().column_names == names
    assert all(list(row) == names for row in json.loads(results.to_json()))


def test_attributes_of_the_frame_are_kept() -> None:
    made = frame()
    made.attrs["source"] = "here"
    assert over(made).to_pandas().attrs == {"source": "here"}


def test_flattening_spreads_only_the_outputs() -> None:
    got = over(frame(), lambda x: {"o": {"a": 1, "b": {"c": 2}}}).to_pandas(flatten=True)
    assert list(got.columns) == [*frame().columns, "o.a", "o.b.c"]


def test_join_combines_rows_by_position() -> None:
    made = frame()
    results = over(list("abc"), lambda x: {"title": x * 2})
    got = results.join(made)
    pd.testing.assert_frame_equal(got[list(made.columns)], made)
    assert list(got.columns[-2:]) == ["x", "title"]
    part = results[[2, 0]].join(made)
    assert part["i8"].tolist() == [3, 1]
    assert part["title"].tolist() == ["cc", "aa"]
    polars = results.join(pl.DataFrame({"k": [1, 2, 3]}))
    assert polars.to_dict(as_series=False) == {"k": [1, 2, 3], "x": list("abc"), "title": ["aa", "bb", "cc"]}
    arrow = results.join(pa.table({"k": [1, 2, 3]}))
    assert arrow.column_names == ["k", "x", "title"]
    assert results.join(duckdb.sql("select 1 as k union all select 2 union all select 3")).num_rows == 3
    assert results.join(results[["title"]].to_polars().rename({"title": "t"})).columns == ["t", "x", "title"]


def test_join_combines_rows_by_a_column() -> None:
    results = over(["a", "c", "z", None, "a"], lambda x: {"title": f"{x}!"})
    pandas = pd.DataFrame(
        {"x": ["c", "a", None], "n": [2**60 + 1, 2, 3], "cat": pd.Categorical(["p", "q", "r"])}
    )
    got = results.join(pandas, on="x")
    assert list(got.columns) == ["x", "n", "cat", "title"]
    assert got["x"].tolist()[:3] == ["a", "c", "z"]
    assert str(got["n"].dtype) == "Int64"
    assert [None if v is pd.NA else v for v in got["n"]] == [2, 2**60 + 1, None, None, 2]
    assert str(got["cat"].dtype) == "category"
    assert got["title"].tolist() == ["a!", "c!", "z!", "None!", "a!"]
    for other in (pl.from_pandas(pandas), pa.Table.from_pandas(pandas)):
        joined = results.join(other, on="x")
        found = joined if isinstance(joined, pl.DataFrame) else pl.DataFrame(joined)
        assert found["n"].to_list() == [2, 2**60 + 1, None, None, 2]
    renamed = results.join(pandas.rename(columns={"x": "key"}), on="x", other_on="key")
    assert list(renamed.columns) == ["x", "n", "cat", "title"]
    numbers = over([1, 2], lambda x: {"t": x}).join(pd.DataFrame({"x": [2, 1], "f": [0.5, 1.5]}), on="x")
    assert numbers["f"].tolist() == [1.5, 0.5]


@pytest.mark.parametrize(
    ("other", "how", "message"),
    [
        (pd.DataFrame({"k": [1]}), {}, "has 1 rows, and the input of the run had 2"),
        (pd.DataFrame({"k": [1, 1]}), {"on": "x", "other_on": "k"}, "in rows 0 and 1"),
        (pd.DataFrame({"key": [1]}), {"on": "x", "other_on": "kye"}, "did you mean 'key'"),
        (pd.DataFrame({"x": [1]}), {"on": "xx"}, "no column 'xx'"),
        (pd.DataFrame({"x": [[1]]}), {"on": "x"}, "can be changed"),
        (pd.DataFrame({"l": [1]}), {"on": "l"}, "can be changed"),
        (pd.DataFrame([[1, 2]] * 2, columns=["a", "a"]), {}, "more than one column 'a'"),
        ([1, 2], {}, "needs a data frame, not list"),
        (pd.Series([1, 2]), {}, "needs a data frame, not Series"),
        (pd.DataFrame({"k": [1]}), {"other_on": "k"}, "other_on without on"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ambiguous_and_invalid_joins_are_refused(other: Any, how: dict[str, str], message: str) -> None:
    with pytest.raises((UsageError, UnknownColumn)) as raised:
        over([1, 2], lambda x: {"l": [x]}).join(other, **how)
    assert message in str(raised.value)


CELLS = st.none() | st.integers(-(2**62), 2**62) | st.text("ab", max_size=2) | st.floats()


@settings(max_examples=40, deadline=None)
@given(
    columns=st.dictionaries(st.text("abnx", min_size=1, max_size=2), st.lists(CELLS, min_size=3, max_size=3)),
    rows=st.lists(st.integers(0, 2), max_size=4),
)
def test_law_rows_of_any_frame_are_preserved(columns: dict[str, list[Any]], rows: list[int]) -> None:
    made = pd.DataFrame(columns, index=[7, 8, 9])
    results = over(made)[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = results.to_pandas()
        assert len(results.to_polars()) == len(results.to_arrow()) == len(rows)
        assert len(json.loads(results.to_json())) == len(rows)
    pd.testing.assert_frame_equal(got.iloc[:, : made.shape[1]], made.iloc[rows], check_column_type=False)


def test_exporting_a_million_rows_takes_less_than_four_times_a_plain_frame() -> None:
    n = 1_000_000
    record = LoopRecord(("each",), "x", rows_of(pd.DataFrame({"i": range(n)})) or [], ["work"], 4)
    outputs = [{"a": k, "b": k * 0.5, "c": str(k), "d": k if k % 2 else None} for k in range(n)]
    record.columns[0].outputs[:] = outputs
    record.columns[0].statuses[:] = bytes([STEP_OK]) * n
    record.states[:] = bytes([OK]) * n
    record.counts = [0, 0, n, 0, 0, 0]
    record.close()
    run = RunRecord("0" * 16, "d", "ok", 1.0, 2.0, steps=[StepResult("each", output=LoopOutput(record))])
    results = Results.of(run)
    assert results.shape == (n, 5)

    def by_hand() -> pd.DataFrame:
        return pd.DataFrame({"i": range(n), **{key: [out[key] for out in outputs] for key in "abcd"}})

    def seconds(work: Callable[[], Any]) -> float:
        times = []
        for _ in range(2):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
        return min(times)

    assert len(results.to_pandas()) == n
    assert seconds(results.to_pandas) < 4 * seconds(by_hand)  # 1.7 times on an idle machine


def test_secrets_in_a_frame_stay_hidden_in_every_export(tmp_path: Any) -> None:
    secret = "s3cr3t-value"
    made = pd.DataFrame(
        {"url": [f"a {secret}", "b"], secret: [1, 2], "cat": pd.Categorical(["x", "y"], [secret, "x", "y"])},
        index=[secret, "other"],
    )
    made.attrs["key"] = secret
    drawer = {
        "name": "d",
        "inputs": [{"name": "key", "secret": True}, "rows"],
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.rows}",
                "as": "row",
                "steps": [{"id": "w", "button": "work", "args": {"x": "${row.url}"}}],
            }
        ],
    }
    seen: list[str] = []

    def work(x: str) -> None:
        seen.append(x)

    results = press(drawer, {"key": secret, "rows": made}, buttons={"work": work}, quiet=True)
    assert sorted(seen) == [f"a {secret}", "b"]
    got = results.to_pandas()
    assert got["url"].tolist() == ["a [redacted]", "b"]
    assert str(got["[redacted]"].dtype) == "int64"
    results.save(tmp_path / "t.parquet")
    exports = [
        results.to_csv(),
        results.to_json(),
        str(got.to_dict()),
        str(got.dtypes.to_dict()),
        str(got["cat"].dtype) + str(got.attrs) + str(got.index.tolist()),
        str(results.to_polars().schema) + str(results.to_polars().to_dicts()),
        str(results.to_arrow().schema) + str(results.to_arrow().to_pylist()),
        repr(results) + repr(results[0]) + results._repr_html_(),
        repr(pickle.dumps(results)),
    ]
    assert not [text for text in exports if secret in text]
    assert secret.encode() not in (tmp_path / "t.parquet").read_bytes()


def test_invalid_text_in_names_and_values_does_not_fail_an_export() -> None:
    odd = pd.DataFrame({"o": ["\ud800", {"a": 1}, None]}, dtype=object)
    circle: list[Any] = []
    circle.append(circle)
    for rows in (
        odd,
        pd.DataFrame({"o": [circle, 1]}),
        [1, 2],
        pa.table({"t": pa.array([1], pa.time64("ns"))}),
    ):
        results = over(rows, lambda x: {"\ud800": 1, "b": circle})
        n = len(results)
        assert [len(results.to_pandas()), len(results.to_polars()), results.to_arrow().num_rows] == [n, n, n]
        assert len(json.loads(results.to_json())) == results.to_csv().count("\n") - 1 == n


@pytest.mark.parametrize(
    ("index", "kept"), [([5, 6], [5, 6]), (["x", "hunter22"], [0, 1]), (["x", "y"], ["x", "y"])]
)
def test_a_frame_without_a_secret_keeps_its_index_in_a_run_with_secrets(index: Any, kept: Any) -> None:
    def use(u: str, t: str) -> str:
        return u

    text = """
inputs: [df, {name: t, secret: true}]
steps:
  - id: e
    kind: for_each
    over: ${inputs.df}
    as: r
    steps: [{id: o, button: use, args: {u: "${r.u}", t: "${inputs.t}"}}]
"""
    frame = pd.DataFrame({"u": ["a", "b"]}, index=index)
    found = press(text, {"df": frame, "t": "hunter22"}, quiet=True, buttons={"use": use})
    assert found.to_pandas().index.tolist() == kept
    text = text.replace("${r.u}", "${r}")
    found = press(text, {"df": frame["u"], "t": "hunter22"}, quiet=True, buttons={"use": use})
    assert found.to_pandas().index.tolist() == kept


@pytest.mark.parametrize(
    "output",
    [
        [1, [2]],
        {"a": 1},
        None,
        "text",
        3,
        2.5,
        Decimal("1.5"),
        b"x",
        dt.date(2026, 1, 2),
        dt.datetime(2026, 1, 2),
    ],
    ids=repr,
)
@pytest.mark.parametrize("index", [[10, 20], ["x", "y"], [1, 0], [7, 7]], ids=str)
def test_outputs_of_every_kind_are_in_their_rows_with_any_index(output: Any, index: list[Any]) -> None:
    frame = pd.DataFrame({"u": [1, 2]}, index=index)
    found = each(lambda row: [output], frame, quiet=True).to_pandas()
    assert found.index.tolist() == index
    assert found["output"].tolist() == [[output], [output]]
    plain = each(lambda row: output, frame, quiet=True)
    got = plain.to_pandas()
    shown = [plain.outputs[0]] * 2
    assert got.index.tolist() == index
    if not isinstance(output, dict):
        assert [None if pd.isna(v) is True else v for v in got["output"]] == shown
