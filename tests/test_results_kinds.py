"""Columns of one kind keep their type in pandas, polars and Arrow; missing values are null everywhere."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import io
import json
import math
import subprocess
import sys
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from engine_rig import loop
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Results
from drawer_ipy.record.jsonable import jsonable, native
from drawer_ipy.results.export.arrow import arrow_array
from drawer_ipy.results.export.pandas_series import pandas_array
from drawer_ipy.results.export.polars_series import polars_series

PARIS = ZoneInfo("Europe/Paris")
NANO = "2024-01-02T03:04:05.123456789"


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


class Word(str):
    __slots__ = ()


def table(*values: Any) -> Results:
    return loop(range(len(values)), lambda x: {"v": values[x]})


TEXT = str(pd.Series(["x"]).dtype)

# name: (values, dtype in pandas, nullable dtype in pandas, dtype in polars, type in Arrow)
KINDS: dict[str, tuple[list[Any], str, str, str, str]] = {
    "int": ([2**60 + 1, -5], "int64", "Int64", "Int64", "int64"),
    "big int": ([2**64 - 1, 5], "uint64", "UInt64", "UInt64", "uint64"),
    "bool": ([True, False], "bool", "boolean", "Boolean", "bool"),
    "float": ([1.5, -2.5], "float64", "float64", "Float64", "double"),
    "int and float": ([1, 2.5], "float64", "float64", "Float64", "double"),
    "text": (["a", "é"], TEXT, TEXT, "String", "string"),
    "subclass of text": ([Word("a")], TEXT, TEXT, "String", "string"),
    "bool_": ([np.bool_(True)], "bool", "boolean", "Boolean", "bool"),
    "bool and bool_": ([np.bool_(True), False], "bool", "boolean", "Boolean", "bool"),
    "str_": ([np.str_("a")], TEXT, TEXT, "String", "string"),
    "float64": ([np.float64(1.5)], "float64", "float64", "Float64", "double"),
    "float32": ([np.float32(1.5)], "float32", "float32", "Float32", "float"),
    "int and int64": ([5, np.int64(2**60 + 1)], "int64", "Int64", "Int64", "int64"),
    **{
        name: ([np.dtype(name).type(5)], name, name.replace("i", "I").replace("u", "U"), polars, name)
        for name, polars in {
            "int8": "Int8",
            "int16": "Int16",
            "int32": "Int32",
            "int64": "Int64",
            "uint8": "UInt8",
            "uint16": "UInt16",
            "uint32": "UInt32",
            "uint64": "UInt64",
        }.items()
    },
    "datetime64[D]": ([np.datetime64("2024-01-02")], "datetime64[s]", "datetime64[s]", "Date", "date32[day]"),
    "datetime64[ns]": (
        [np.datetime64(NANO)],
        "datetime64[ns]",
        "datetime64[ns]",
        "Datetime(time_unit='ns', time_zone=None)",
        "timestamp[ns]",
    ),
    "timedelta64[ns]": (
        [np.timedelta64(5, "ns")],
        "timedelta64[ns]",
        "timedelta64[ns]",
        "Duration(time_unit='ns')",
        "duration[ns]",
    ),
    "Timestamp": (
        [pd.Timestamp(NANO)],
        "datetime64[ns]",
        "datetime64[ns]",
        "Datetime(time_unit='ns', time_zone=None)",
        "timestamp[ns]",
    ),
    "Timestamp with zone": (
        [pd.Timestamp(NANO, tz="Europe/Paris")],
        "datetime64[ns, Europe/Paris]",
        "datetime64[ns, Europe/Paris]",
        "Datetime(time_unit='ns', time_zone='Europe/Paris')",
        "timestamp[ns, tz=Europe/Paris]",
    ),
    "Timedelta": (
        [pd.Timedelta(5), dt.timedelta(1)],
        "timedelta64[ns]",
        "timedelta64[ns]",
        "Duration(time_unit='ns')",
        "duration[ns]",
    ),
    "Period": ([pd.Period("2024-01", "M")], "period[M]", "period[M]", "String", "string"),
    "Interval": ([pd.Interval(0.5, 1.0)], *["interval[float64, right]"] * 2, "String", "string"),
    "Decimal": (
        [decimal.Decimal("1.50")],
        "object",
        "object",
        "Decimal(precision=38, scale=2)",
        "decimal128(3, 2)",
    ),
    "date": ([dt.date(1, 1, 1)], "object", "object", "Date", "date32[day]"),
    "time": ([dt.time(1, 2)], "object", "object", "Time", "time64[us]"),
    "bytes": ([b"\xff"], "object", "object", "Binary", "binary"),
    "UUID": ([uuid.UUID(int=7)], "object", "object", "String", "string"),
    "Enum": ([Colour.RED], TEXT, TEXT, "String", "string"),
    "IntEnum": ([Size.BIG], "int64", "Int64", "Int64", "int64"),
    "scalars of pyarrow": ([pa.scalar(2**60 + 1)], "int64", "Int64", "Int64", "int64"),
}
MISSING: dict[str, Any] = {
    "None": None,
    "NA": pd.NA,
    "NaT": pd.NaT,
    "datetime64": np.datetime64("NaT"),
    "timedelta64": np.timedelta64("NaT"),
    "masked": np.ma.masked,
    "a null of pyarrow": pa.scalar(None, pa.int64()),
}


def plain(value: Any) -> Any:
    """The value in a form that all libraries share: text for times, the value of an enum."""
    return jsonable(value.item() if isinstance(value, np.str_) else value)


def polars_kind(series: pl.Series) -> str:
    return str(series.dtype).replace("precision=None", "precision=38")  # older versions of polars


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_one_kind_keep_their_type(kind: str) -> None:
    values, pandas, _, polars, arrow = KINDS[kind]
    results = table(*values)
    assert str(results.to_pandas()["v"].dtype) == pandas
    assert polars_kind(results.to_polars()["v"]) == polars
    assert str(results.to_arrow().column("v").type) == arrow
    assert [plain(v) for v in results.to_pandas()["v"].tolist()] == [
        plain(v)
        if not isinstance(v, np.datetime64 | uuid.UUID) or pandas == "object"
        else plain(pd.Timestamp(v))
        for v in values
    ]


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_are_null_and_do_not_change_the_type(kind: str, missing: str) -> None:
    values, _, pandas, polars, arrow = KINDS[kind]
    column = [*values, MISSING[missing]]
    series = pd.Series(pandas_array(column, pd))
    assert str(series.dtype) == pandas
    assert series.isna().tolist() == [False] * len(values) + [True]
    frame = polars_series("v", column, pl)
    assert polars_kind(frame) == polars
    assert frame.is_null().to_list() == [False] * len(values) + [True]
    array = arrow_array(column, pa)
    assert str(array.type) == arrow
    assert array.is_null().to_pylist() == [False] * len(values) + [True]


def test_large_integers_with_nulls_are_exact() -> None:
    results = table(2**60 + 1, None, np.int64(2**62 + 1))
    want = [2**60 + 1, None, 2**62 + 1]
    assert [None if v is pd.NA else v for v in results.to_pandas()["v"]] == want
    assert results.to_polars()["v"].to_list() == want
    assert results.to_arrow().column("v").to_pylist() == want
    assert [row["v"] for row in json.loads(results.to_json())] == want


@pytest.mark.parametrize("missing", MISSING)
def test_missing_values_are_empty_or_null_in_text_formats(missing: str) -> None:
    results = table(MISSING[missing], [MISSING[missing]], {"k": MISSING[missing]}, 1)
    assert [row["v"] for row in json.loads(results.to_json())] == [None, [None], {"k": None}, 1]
    assert [json.loads(line)["v"] for line in results.to_jsonl().splitlines()] == [
        None,
        [None],
        {"k": None},
        1,
    ]
    assert results.to_csv() == 'x,v\n0,\n1,[null]\n2,"{""k"": null}"\n3,1\n'
    assert results.to_arrow().column("v").to_pylist() == [None, "[null]", '{"k": null}', "1"]
    for shown in (repr(results[:1]), results[:1]._repr_html_(), repr(results[0])):
        assert not any(word in shown for word in ("NaT", "&lt;NA&gt;", "<NA>", "masked"))
    only = table(MISSING[missing], None)
    assert only.to_csv() == "x,v\n0,\n1,\n"
    assert only.to_pandas()["v"].isna().all()
    assert only.to_polars()["v"].dtype == pl.Null
    assert pa.types.is_null(only.to_arrow().column("v").type)
    assert table(2, MISSING[missing], 1).sort("v")["x"] == [2, 0, 1]


@pytest.mark.parametrize("nan", [math.nan, np.float64("nan"), np.float32("nan")], ids=repr)
def test_nan_stays_nan_in_formats_that_support_it(nan: Any) -> None:
    results = table(nan, type(nan)(1.5), None)
    assert results.to_polars()["v"].is_nan().to_list() == [True, False, None]
    array = results.to_arrow().column("v")
    assert array.null_count == 1
    assert math.isnan(array[0].as_py())
    assert results.to_pandas()["v"].isna().tolist() == [True, False, True]
    assert results.to_csv() == "x,v\n0,nan\n1,1.5\n2,\n"
    assert [row["v"] for row in json.loads(results.to_json())] == [None, 1.5, None]
    assert pd.read_csv(io.StringIO(results.to_csv()))["v"].isna().tolist() == [True, False, True]


ODD: list[tuple[list[Any], str, str, str]] = [
    ([1, "a"], "object", "Object", "string"),
    ([1, True], "object", "Object", "string"),
    ([2**60 + 1, 0.5], "object", "Object", "string"),
    ([2**70, 1], "object", "Object", "string"),
    ([-1, 2**64 - 1], "object", "Object", "string"),
    ([np.longdouble(1)], str(np.dtype("longdouble")), "Object", "string"),
    ([np.complex64(1j)], "complex64", "Object", "string"),
    ([np.float16(1.5)], "float16", "Float32", "halffloat"),
    ([dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=PARIS)], "object", "Object", "string"),
    ([dt.timedelta.max], "object", "Object", "string"),
    ([dt.timedelta.max, pd.Timedelta(1)], "object", "Object", "string"),
    ([pd.Period("2024", "Y"), pd.Period("2024-01", "M")], "object", "String", "string"),
    ([decimal.Decimal("NaN")], "object", "Object", "string"),
    ([np.datetime64("2024-01-01"), pd.Timestamp("2024")], "object", "Object", "string"),
    ([np.datetime64("200000-01-01", "D")], "", "Date", ""),
    ([np.timedelta64(5, "M")], "object", "Object", "string"),
    ([Colour.RED, 1], "object", "Object", "string"),
]


def series_of(values: list[Any]) -> pd.Series[Any]:
    made = pandas_array(values, pd)
    return pd.Series(made, dtype=object if str(made.dtype) == "object" else None)


@pytest.mark.parametrize(("values", "pandas", "polars", "arrow"), ODD, ids=lambda value: str(value)[:40])
def test_values_without_a_common_type_are_kept(
    values: list[Any], pandas: str, polars: str, arrow: str
) -> None:
    series = series_of(values)
    assert not pandas or str(series.dtype) == pandas
    assert str(polars_series("v", values, pl).dtype) == polars
    found = arrow_array(values, pa)
    assert not arrow or str(found.type) == arrow
    assert len(found) == len(series) == len(values)


@pytest.mark.parametrize(
    ("value", "text", "python"),
    [
        (np.datetime64(NANO), NANO, NANO),
        (np.datetime64("2024-01-02T03:04:05", "ns"), "2024-01-02T03:04:05", dt.datetime(2024, 1, 2, 3, 4, 5)),
        (np.array([NANO, "NaT"], "M8[ns]"), [NANO, None], [NANO, None]),
        (pd.Timestamp(NANO), NANO, NANO),
        (pd.Timedelta(5), 5e-9, "P0DT0H0M0.000000005S"),
        (np.timedelta64(1500, "ms"), 1.5, dt.timedelta(seconds=1.5)),
        (np.timedelta64(5, "ns"), 5e-9, "5 nanoseconds"),
        (np.timedelta64(5, "M"), "5 months", "5 months"),
        (pd.Period("2024-01", "M"), "2024-01", "2024-01"),
        (pd.Interval(0, 1), "(0, 1]", "(0, 1]"),
        (pd.Series([1, None], dtype="Int64"), [1, None], [1, pd.NA]),
        (pa.scalar("x"), "x", "x"),
    ],
    ids=str,
)
def test_times_keep_their_nanoseconds_as_text(value: Any, text: Any, python: Any) -> None:
    assert jsonable(value) == text
    assert native(value) == python or repr(native(value)) == repr(python)


def test_times_in_the_repeated_hour_of_a_clock_change_are_kept() -> None:
    both = [dt.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)]
    utc = [value.astimezone(dt.UTC) for value in both]
    results = table(*both)
    for got in (
        results.to_pandas()["v"].tolist(),
        results.to_polars()["v"].to_list(),
        results.to_arrow().column("v").to_pylist(),
    ):
        assert [value.astimezone(dt.UTC) for value in got] == utc


@pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "bool", "M8[us]", "m8[us]"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_law_numpy_scalars_are_preserved(kind: str, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, 100) | st.none(), min_size=1, max_size=6))
    scalar = np.dtype(kind).type
    unit = (np.datetime_data(kind)[0],) if kind[0] in "Mm" else ()
    values = [None if number is None else scalar(number, *unit) for number in numbers]
    want = [None if value is None else np.array([value]).astype(kind)[0] for value in values]
    series = series_of(values)
    for got in (
        [None if missing else v for v, missing in zip(series, series.isna(), strict=True)],
        polars_series("v", values, pl).to_list(),
        arrow_array(values, pa).to_pylist(),
    ):
        found = [None if value is None else plain(value) for value in got]
        assert found == [None if value is None else plain(value) for value in want]


def test_an_export_imports_no_other_library() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from engine_rig import loop
results = loop([1, 2], lambda x: {"v": x})
results.to_csv(); results.to_json(); results.to_jsonl(); results.to_dict("records"); results["v"] > 1
results[results["v"] > 1].head(); results.shape; repr(results)
print([m for m in ("pandas", "polars", "numpy", "pyarrow") if m in sys.modules])
results.to_polars()
print([m for m in ("pandas", "pyarrow") if m in sys.modules])
"""
    support = __file__.rpartition("/")[0] + "/support"
    done = subprocess.run([sys.executable, "-c", code, support], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]
