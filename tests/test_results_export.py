"""Tables as pandas, polars, CSV and JSON."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy.errors import ErrorInfo
from drawer_ipy.record.jsonable import jsonable
from drawer_ipy.record.loop import FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results import MissingLibrary, Results

BOOM = ErrorInfo("SCRIPT_ERROR", "boom")


def table(outputs: Sequence[Any]) -> Results:
    """A closed loop with one nested step; an ErrorInfo fails its item."""
    loop = LoopRecord(("each",), "u", [f"i{k}" for k in range(len(outputs))], ["title"], 4)
    for index, output in enumerate(outputs):
        loop.move(index, RUNNING)
        failed = isinstance(output, ErrorInfo)
        result = StepResult("title", status="error" if failed else "ok", output=None if failed else output)
        result.error = output if failed else None
        loop.columns[0].put(index, result)
        loop.move(index, FAILED if failed else OK)
    loop.close()
    return Results.of(
        RunRecord("0" * 16, "d", "ok", 1.0, 2.0, steps=[StepResult("each", output=LoopOutput(loop))])
    )


def test_dicts_can_be_rows_or_columns() -> None:
    results = table([{"t": "a"}, BOOM])
    assert results.to_dicts() == [
        {"u": "i0", "t": "a", "status": "ok", "error": None},
        {"u": "i1", "t": None, "status": "failed", "error": "SCRIPT_ERROR: boom"},
    ]
    assert results[["t", "u"]].to_dict() == {"t": ["a", None], "u": ["i0", "i1"]}
    assert results[:0].to_dicts() == []


def test_a_pandas_frame_is_indexed_by_the_index_of_each_row() -> None:
    frame = table([{"n": 1, "f": 0.5, "s": "x", "l": [1], "b": True}, BOOM, {"n": 3}]).to_pandas()
    assert list(frame.columns) == ["u", "n", "f", "s", "l", "b", "status", "error"]
    assert frame.index.name == "index"
    part = table([{"n": 1}, {"n": 2}, {"n": 3}])[1:].to_pandas()
    assert list(part.index) == [1, 2]
    assert str(part["n"].dtype) == "int64"
    assert frame["l"][0] == [1]
    assert str(frame["n"].dtype) == "Int64"
    assert frame["n"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    "values",
    [
        [2**70, 1, None],
        [2**60 + 1, None],
        [2**60 + 1, 0.5],
        [[1, 2], [3, 4]],
        [[1], "x", None, {"a": 1}],
        [None, np.zeros(3), np.zeros(3)],
        [(1, 2), (3, 4)],
        [{"a": 1}, {"b": 2}],
        ["\ud800", "x"],
        [b"x", b"y"],
        [{1, 2}, {3}],
        [dt.datetime(2024, 1, 1), None],
        [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)],
        [dt.date(1, 1, 1), dt.date(9999, 1, 1)],
        [float("nan"), 1.0],
        [True, None],
        [True, 1],
        [object(), print],
        [],
        [None, None],
    ],
    ids=lambda values: "-".join(type(v).__name__ for v in values) or "empty",
)
def test_frames_keep_values_of_any_kind(values: list[Any]) -> None:
    results = table([*values, 0.5])[:-1] if values[:1] == [{"a": 1}] else table(values)
    for frame in (
        results.to_pandas(),
        results.to_polars(),
        results.to_pandas(flatten=True),
        results.to_polars(flatten=True),
    ):
        assert len(frame) == len(values)
        repr(frame)
    for kept in (results.to_pandas()["title"].tolist(), results.to_polars()["title"].to_list()):
        assert all(_same(a, b) for a, b in zip(kept, values, strict=True)), kept


def _same(got: Any, want: Any) -> bool:
    """Whether the values are equal; None, NaN and the missing values of pandas count as equal."""
    missing = [
        v is None or (isinstance(v, float) and math.isnan(v)) or str(v) in ("NaT", "<NA>")
        for v in (got, want)
    ]
    if any(missing):
        return all(missing)
    if isinstance(want, np.ndarray):
        return bool(np.array_equal(got, want))
    return bool(got == want)


def test_flattening_spreads_mappings_in_cells() -> None:
    results = table([{"a": {"x": 1, "y": {"z": 2}}, "a.x": 9}, {"a": None}])
    frame = results.to_pandas(flatten=True)
    assert list(frame.columns) == ["u", "a.x_", "a.y.z", "a.x"]
    assert frame["a.y.z"][0] == 2
    assert results.to_polars(flatten=True).columns == ["u", "a.x_", "a.y.z", "a.x"]
    assert table([[1], {"a": 1}]).to_polars(flatten=True).columns == ["u", "title", "title.a"]


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_missing_library_is_reported_with_the_install_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingLibrary, match=rf"pip install '\.\[{name}\]'") as caught:
        getattr(table(["a"]), f"to_{name}")()
    assert isinstance(caught.value, ImportError)


def test_importing_results_imports_no_frame_library() -> None:
    names = ("pandas", "polars", "numpy", "IPython")
    code = f"import sys, drawer_ipy.results; print([m for m in {names} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_csv_is_returned_or_written_to_a_file(tmp_path: Path) -> None:
    results = table([{"t": 'a,"b"\nc', "l": [1, {"x": None}], "d": dt.date(2024, 1, 2)}, BOOM])
    text = results.to_csv()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["t"] == 'a,"b"\nc'
    assert json.loads(rows[0]["l"]) == [1, {"x": None}]
    assert rows[0]["d"] == "2024-01-02"
    assert rows[1]["t"] == ""
    assert rows[1]["status"] == "failed"
    path = tmp_path / "out.csv"
    assert results.to_csv(path) is None
    assert path.read_bytes().decode() == text
    assert results[:0].to_csv() == "u,t,l,d\n"


def test_json_is_a_list_of_rows(tmp_path: Path) -> None:
    results = table([{"t": "é\ud800", "f": float("inf")}, BOOM])
    assert json.loads(results.to_json())[0] == {
        "u": "i0",
        "t": "é\ud800",
        "f": None,
        "status": "ok",
        "error": None,
    }
    path = tmp_path / "out.json"
    results.to_json(str(path))
    assert json.loads(path.read_text("utf-8"))[0]["t"] == "é\ud800"
    assert json.loads(results[:0].to_json()) == []


@dataclass
class Point:
    x: int
    y: Any


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (b"abc", "abc"),
        (b"\xff", "/w=="),
        ({2: (2, 3), None: {4}, True: 0}, {"2": [2, 3], "null": [4], "true": 0}),
        (Point(1, Point(2, None)), {"x": 1, "y": {"x": 2, "y": None}}),
        (np.int64(3), 3),
        (np.array([[1.5]]), [[1.5]]),
        (dt.timedelta(seconds=90), 90.0),
        (dt.datetime(2024, 1, 2, 3, 4), "2024-01-02T03:04:00"),
        (range(3), [0, 1, 2]),
        (int, "<class 'int'>"),
        (Broken(), "<Broken: not readable>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_become_the_closest_json_value(value: Any, plain: Any) -> None:
    assert jsonable(value) == plain


def test_a_value_that_contains_itself_is_cut_off() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "…" in table([loop]).to_json()


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=5)
)
VALUES = st.recursive(
    SCALARS | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(st.just(BOOM) | st.dictionaries(st.sampled_from("abcu"), VALUES, max_size=4), max_size=6)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_law_all_exports_agree(rows: list[Any]) -> None:
    results = table(rows)
    want = results.to_dict()
    pandas, polars = results.to_pandas(), results.to_polars()
    assert tuple(want) == results.columns == tuple(pandas.columns) == tuple(polars.columns)
    assert [dict(row) for row in results] == results.to_dicts()
    for name, values in want.items():
        for got in (pandas[name].tolist(), polars[name].to_list()):
            assert all(_same(a, b) for a, b in zip(got, values, strict=True)), (name, got, values)
    assert len(json.loads(results.to_json())) == len(rows)
    assert len(list(csv.reader(io.StringIO(results.to_csv(), newline="")))) >= len(rows) + 1
