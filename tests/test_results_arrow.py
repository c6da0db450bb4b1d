"""Tables in pyarrow, polars, pandas, DuckDB and Parquet: every value can be exported."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import decimal
import enum
import io
import json
import math
import pathlib
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
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

from drawer_ipy import press
from drawer_ipy.results import MissingLibrary, Results
from drawer_ipy.results.export.arrow import arrow_array


def table(outputs: Sequence[Any]) -> Results:
    """The results of a real run in which item i returns ``{"v": outputs[i]}``."""

    def work(x: int) -> Any:
        return {"v": outputs[x]}

    return loop(range(len(outputs)), work)


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Colour(enum.Enum):
    RED = "red"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


UTC = dt.UTC
EAST = dt.timezone(dt.timedelta(hours=5))
AN_ID = uuid.UUID(int=7)

CONVERSIONS: list[tuple[str, list[Any], str, list[Any]]] = [
    ("nothing", [None, None], "null", [None, None]),
    ("bools", [True, None], "bool", [True, None]),
    ("ints", [1, None, -(2**63)], "int64", [1, None, -(2**63)]),
    ("unsigned", [2**64 - 1, 0], "uint64", [2**64 - 1, 0]),
    ("huge", [2**70, -1], "string", [str(2**70), "-1"]),
    ("enormous", [16**5000], "string", ["0x1" + "0" * 5000]),
    ("floats", [0.5, math.inf], "double", [0.5, math.inf]),
    ("numbers", [1, 0.5], "double", [1.0, 0.5]),
    ("inexact", [2**60 + 1, 0.5], "string", [str(2**60 + 1), "0.5"]),
    ("numpy", [np.int64(3), 4], "int64", [3, 4]),
    ("texts", ["é", ""], "string", ["é", ""]),
    ("surrogates", ["\ud800", "x"], "string", ["\\ud800", "x"]),
    ("bytes", [b"\xff", bytearray(b"a")], "binary", [b"\xff", b"a"]),
    ("naive", [dt.datetime(2024, 1, 2, 3)], "timestamp[us]", [dt.datetime(2024, 1, 2, 3)]),
    (
        "zoned",
        [dt.datetime(2024, 1, 2, 3, tzinfo=UTC), dt.datetime(2024, 1, 2, 3, tzinfo=EAST)],
        "timestamp[us, tz=UTC]",
        [dt.datetime(2024, 1, 2, 3, tzinfo=UTC), dt.datetime(2024, 1, 1, 22, tzinfo=UTC)],
    ),
    (
        "both",
        [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, tzinfo=UTC)],
        "string",
        ["2024-01-02T00:00:00", "2024-01-02T00:00:00+00:00"],
    ),
    ("no time", [pd.NaT, pd.Timestamp("2024-01-02")], "timestamp[us]", [None, dt.datetime(2024, 1, 2)]),
    ("dates", [dt.date(1, 1, 1), None], "date32[day]", [dt.date(1, 1, 1), None]),
    ("times", [dt.time(1, 2)], "time64[us]", [dt.time(1, 2)]),
    ("spans", [dt.timedelta(hours=1)], "duration[us]", [dt.timedelta(hours=1)]),
    ("too long", [dt.timedelta.max], "string", ["86400000000000.0"]),
    (
        "decimals",
        [decimal.Decimal("1.50"), decimal.Decimal("-1E+2")],
        "decimal128(5, 2)",
        [decimal.Decimal("1.50"), decimal.Decimal("-100.00")],
    ),
    ("no number", [decimal.Decimal("NaN")], "string", ["NaN"]),
    ("lists", [[1, 2], (3,), None, {4}], "list<item: int64>", [[1, 2], [3], None, [4]]),
    ("empty lists", [[], []], "list<item: null>", [[], []]),
    ("arrays", [np.zeros(2)], "list<item: double>", [[0.0, 0.0]]),
    ("mixed lists", [[1, "a"], []], "string", ['[1, "a"]', "[]"]),
    ("lists of lists", [[[1], []]], "list<item: list<item: int64>>", [[[1], []]]),
    (
        "mappings",
        [{"a": 1}, {"b": "x"}],
        "struct<a: int64, b: string>",
        [{"a": 1, "b": None}, {"a": None, "b": "x"}],
    ),
    (
        "a mixed field",
        [{"a": 1, "p": 1}, {"a": 2, "p": "free"}],
        "struct<a: int64, p: string>",
        [{"a": 1, "p": "1"}, {"a": 2, "p": "free"}],
    ),
    ("empty mappings", [{}], "string", ["{}"]),
    ("keys", [{1: 2}], "string", ['{"1": 2}']),
    ("many keys", [{f"k{i}": i for i in range(201)}], "string", []),
    ("models", [Point(1, 2.0)], "struct<x: int64, y: double>", [{"x": 1, "y": 2.0}]),
    ("enums", [Colour.RED], "string", ["red"]),
    ("paths", [pathlib.PurePosixPath("a/b"), AN_ID], "string", ["a/b", str(AN_ID)]),
    ("objects", [Broken(), int], "string", ["<Broken: not readable>", "<class 'int'>"]),
    ("kinds", [1, "1", None, [2], {"a": True}], "string", ["1", "1", None, "[2]", '{"a": true}']),
]


@pytest.mark.parametrize(
    ("values", "kind", "want"), [row[1:] for row in CONVERSIONS], ids=[row[0] for row in CONVERSIONS]
)
def test_each_kind_of_value_is_converted_to_its_documented_type(
    values: list[Any], kind: str, want: list[Any]
) -> None:
    got = arrow_array(values, pa)
    assert str(got.type) == kind
    assert not want or got.to_pylist() == want


def test_a_table_with_all_kinds_of_values_can_be_read_by_every_library(tmp_path: Path) -> None:
    columns = {name: values[0] for name, values, _, _ in CONVERSIONS}

    def work(x: int) -> Any:
        return columns if x else None

    results = loop([1, 0, 1], work)
    n = len(results.columns)
    assert n == len(CONVERSIONS) + 1
    assert pa.table(results).shape == (3, n)
    assert pl.DataFrame(results).shape == (3, n)
    if hasattr(pd.DataFrame, "from_arrow"):  # pandas 3
        assert pd.DataFrame.from_arrow(results).shape == (3, n)
    assert len(duckdb.sql("from results").fetchall()) == 3
    results.to_parquet(tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").to_pylist() == results.to_arrow().to_pylist()
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    for export in (results.to_pandas, results.to_polars, results.to_arrow):
        assert len(export(flatten=True)) == 3
    assert len(results.to_json(flatten=True)) > 1000
    assert results.to_csv(flatten=True).count("\n") >= 4


def test_libraries_accept_the_table_itself() -> None:
    results = table([3, None, 1])
    assert pl.DataFrame(results)["v"].to_list() == [3, None, 1]
    if hasattr(pd.DataFrame, "from_arrow"):  # pandas 3
        assert pd.DataFrame.from_arrow(results)["v"].to_list()[::2] == [3, 1]
    columns = list(pd.DataFrame(results).columns)
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        columns.reverse()  # older versions of pandas sort the keys of rows that are mappings but not dicts
    assert columns == ["x", "v"]
    assert pa.table(results).column("v").to_pylist() == [3, None, 1]
    ones = results.filter(v=1)
    assert len(ones) == 1
    assert duckdb.sql("select x, v from ones").fetchall() == [(2, 1)]
    assert duckdb.sql("select count(*), sum(v) from results").fetchall() == [(3, 4)]
    assert pa.table(results[:0]).num_rows == 0


def test_flattening_names_columns_by_the_path() -> None:
    results = table([{"a": 1, "in": {"b": [1]}}, {"in": 5}])
    assert results.to_arrow(flatten=True).column_names == ["x", "v.a", "v.in", "v.in.b"]
    assert results.to_dict(flatten=True) == {
        "x": [0, 1],
        "v.a": [1, None],
        "v.in": [None, 5],
        "v.in.b": [[1], None],
    }
    assert results.to_csv(flatten=True).splitlines()[0] == "x,v.a,v.in,v.in.b"
    assert results.to_dicts(flatten=True)[1] == {"x": 1, "v.a": None, "v.in": 5, "v.in.b": None}


def test_a_missing_library_is_reported_with_the_install_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = table([1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for export in (
        results.to_arrow,
        results.__arrow_c_stream__,
        lambda: results.to_parquet(tmp_path / "t.parquet"),
    ):
        with pytest.raises(MissingLibrary, match=r"pip install '\.\[arrow\]'"):
            export()


def test_a_failed_write_leaves_the_existing_files_unchanged(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        table([1]).to_parquet(tmp_path / "nowhere" / "t.parquet")
    target = tmp_path / "t.parquet"
    target.mkdir()
    with pytest.raises(OSError, match="parquet"):
        table([1]).to_parquet(target)
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_secrets_stay_hidden_in_every_export(tmp_path: Path) -> None:
    def work(x: str, key: str) -> Any:
        return {"sent": f"{x}?key={key}", "deep": [{"k": key}]}

    drawer = {
        "name": "d",
        "inputs": [{"name": "key", "secret": True}],
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": ["a"],
                "as": "x",
                "steps": [{"id": "w", "button": "work", "args": {"x": "${x}", "key": "${inputs.key}"}}],
            }
        ],
    }
    results = press(drawer, {"key": "s3cr3t-value"}, buttons={"work": work}, quiet=True)
    results.to_parquet(tmp_path / "t.parquet")
    exports = [
        results.to_csv(),
        results.to_json(flatten=True),
        str(results.to_arrow().to_pylist()),
        str(results.to_pandas().to_dict()),
        str(results.to_polars().to_dicts()),
        str(pq.read_table(tmp_path / "t.parquet").to_pylist()),
        results.timeline().svg,
        repr(results[0]),
    ]
    assert all("s3cr3t" not in text for text in exports)
    assert "redacted" in exports[0]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(exclude_categories=[]), max_size=4)
    | st.binary(max_size=3)
    | st.datetimes()
    | st.datetimes(timezones=st.just(EAST))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.builds(Broken)
    | st.just(pd.NA)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None)
@given(st.lists(VALUES, max_size=5))
def test_law_an_exported_column_keeps_its_length_and_nulls(values: list[Any]) -> None:
    column = arrow_array(values, pa)
    column.validate(full=True)
    assert len(column) == len(values)
    for got, value in zip(column.to_pylist(), values, strict=True):
        assert (got is None) == (value is None or value is pd.NA)


PLAIN = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False),
    "text": st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    "bytes": st.binary(max_size=5),
    "moment": st.datetimes(),
    "date": st.dates(),
    "time": st.times(),
    "list": st.lists(st.integers(0, 9) | st.none(), max_size=3),
    "struct": st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.none() | st.text("xy", max_size=2)}),
}


@pytest.mark.parametrize("kind", PLAIN)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_law_values_of_one_kind_are_preserved(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(PLAIN[kind] | st.none(), max_size=6))
    assert arrow_array(values, pa).to_pylist() == values


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, max_size=4))
def test_law_no_value_makes_an_export_fail(values: list[Any]) -> None:
    n = len(values)
    results = table(values)
    assert [len(results.to_pandas()), len(results.to_polars()), len(results.to_arrow())] == [n, n, n]
    assert len(json.loads(results.to_json())) == n
    assert len(list(csv.reader(io.StringIO(results.to_csv(), newline="")))) == n + 1
