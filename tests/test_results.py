"""The table of a run: rows, columns, subsets and errors."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import press
from drawer_ipy.errors import Code, DrawerError, ErrorInfo, UsageError
from drawer_ipy.record.loop import CANCELLED, FAILED, OK, RUNNING, LoopOutput, LoopRecord
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import CANCELLED_ERROR, StepResult
from drawer_ipy.results import Results, UnknownColumn

SKIP = object()


def run_of(loop: LoopRecord | None, *more: StepResult, status: str = "ok", **fields: Any) -> RunRecord:
    steps = [] if loop is None else [StepResult("each", status="ok", output=LoopOutput(loop))]
    now = time.time()
    return RunRecord("0" * 16, "pages", status, now - 1, now, steps=[*more, *steps], **fields)


def loop_of(
    outputs: Sequence[Any],
    *,
    step: str = "title",
    label: str = "u",
    items: Sequence[Any] | None = None,
    first: str = "page",
    close: bool = True,
) -> LoopRecord:
    """A loop of two nested steps: an ErrorInfo fails or cancels its item, ``SKIP`` skips it."""
    items = [f"i{k}" for k in range(len(outputs))] if items is None else items
    loop = LoopRecord(("each",), label, items, [first, step], 4)
    for index, output in enumerate(outputs):
        if output is SKIP:
            continue
        loop.move(index, RUNNING)
        loop.columns[0].put(index, StepResult(first, status="ok", output=f"<html>{index}"))
        if isinstance(output, ErrorInfo):
            result = StepResult(step, status="cancelled" if output.code == Code.CANCELLED else "error")
            result.error, result.stderr = output, f"Traceback\n  line {index}"
            loop.columns[1].put(index, result)
            loop.move(index, CANCELLED if output.code == Code.CANCELLED else FAILED)
        else:
            loop.columns[1].put(index, StepResult(step, status="ok", output=output))
            loop.move(index, OK)
    if close:
        loop.close()
    return loop


def table(outputs: Sequence[Any], **options: Any) -> Results:
    return Results.of(run_of(loop_of(outputs, **options)))


BOOM = ErrorInfo("SCRIPT_ERROR", "boom", "look at the page")
MIXED = [{"t": "a", "n": 1}, BOOM, {"n": 3, "x": True}, CANCELLED_ERROR, SKIP]


def test_rows_have_the_order_of_the_input() -> None:
    results = table([{"t": k} for k in range(5)])
    assert len(results) == 5
    assert bool(results)
    assert [row.index for row in results] == [0, 1, 2, 3, 4]
    assert results[3].item == "i3"
    assert results[-1]["t"] == 4
    assert results["t"] == [0, 1, 2, 3, 4]


def test_columns_are_the_loop_variable_and_the_keys_of_the_last_output() -> None:
    results = table(MIXED)
    assert results.columns == ("u", "t", "n", "x", "status", "error")
    assert results["t"] == ["a", None, None, None, None]
    assert results["status"] == ["ok", "failed", "ok", "cancelled", "skipped"]
    assert results["error"][1] == "SCRIPT_ERROR: boom"
    assert results["page"][0] == "<html>0"
    assert results["page"][4] is None


def test_status_and_error_are_columns_only_if_a_row_is_not_ok() -> None:
    results = table(MIXED)
    assert results.ok.columns == ("u", "t", "n", "x")
    assert "status" in results.ok
    assert results.ok["status"] == ["ok", "ok"]


@pytest.mark.parametrize(
    "outputs",
    [
        ["a", "b"],
        [{"t": 1}, "b"],
        [{1: "x"}, {1: "y"}],
        [{}, {}],
        [None, None],
        [{str(k): k for k in range(300)}] * 2,
        [{f"{row}-{k}": k for k in range(50)} for row in range(5)],
    ],
)
def test_outputs_that_are_not_mappings_stay_in_one_column(outputs: list[Any]) -> None:
    results = table(outputs)
    assert results.columns == ("u", "title")
    assert results["title"] == outputs


def test_mappings_are_spread_even_if_some_outputs_are_none() -> None:
    assert table([None, {"a": 1}]).columns == ("u", "a")


@pytest.mark.parametrize(
    ("keys", "options", "columns"),
    [
        (["u", "x"], {}, ("u", "title.u", "x")),
        (["status", "error"], {}, ("u", "title.status", "title.error")),
        (["page"], {}, ("u", "title.page")),
        (["u", "title.u"], {}, ("u", "title.title.u", "title.u")),
        (["title"], {}, ("u", "title")),
        (["status"], {"label": "status"}, ("item.status", "title.status")),
        (["a"], {"label": "title"}, ("title", "a")),
        ([""], {}, ("u", "")),
    ],
)
def test_names_that_clash_are_prefixed_with_the_step(
    keys: list[str], options: dict[str, Any], columns: tuple[str, ...]
) -> None:
    results = table([dict.fromkeys(keys, "v")], **options)
    assert results.columns == columns
    assert [results[name][0] for name in columns[1:]] == ["v"] * len(keys)
    assert results[columns[0]] == ["i0"]


@pytest.mark.parametrize("clash", ["u", "status", "error"])
def test_the_output_of_a_step_named_like_another_column_gets_a_suffix(clash: str) -> None:
    results = table(["v"], step=clash)
    assert results.columns == ("u", f"{clash}.output")
    assert results[f"{clash}.output"] == ["v"]


def test_a_key_of_a_steps_output_is_a_column_by_its_dotted_name() -> None:
    results = table([{"title": "A", "n": 1}, {"title": "B"}])
    assert results["title"] == ["A", "B"]
    assert results["title.title"] == ["A", "B"]
    assert results.outputs == [{"title": "A", "n": 1}, {"title": "B"}]
    with pytest.raises(KeyError):
        results["title.nope"]


def test_the_error_for_an_unknown_column_names_the_nearest_and_all_columns() -> None:
    with pytest.raises(UnknownColumn, match="did you mean 'page'") as caught:
        table([{"t": 1}])["pag"]
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, DrawerError)
    assert "u, t, status, error; steps: page, title" in str(caught.value)
    assert "nope" not in table([{"t": 1}])


def test_a_slice_and_a_list_of_columns_are_tables() -> None:
    results = table(MIXED)
    part = results[1:4]
    assert [row.index for row in part] == [1, 2, 3]
    assert part[0].index == 1
    assert part[::-1]["n"] == [None, 3, None]
    two = results[["t", "page"]]
    assert two.columns == ("t", "page")
    assert dict(two[0]) == {"t": "a", "page": "<html>0"}
    assert two[0:1].columns == ("t", "page")
    with pytest.raises(UnknownColumn):
        results[["t", "nope"]]


def test_masks_and_positions_select_rows() -> None:
    import numpy as np
    import pandas as pd
    import polars as pl

    results = table(MIXED)
    flags = [True, False, True, False, False]
    for mask in (flags, tuple(flags), np.array(flags), pd.Series(flags), pl.Series(flags)):
        assert results[mask]["u"] == ["i0", "i2"]  # type: ignore[index]
    for picked in ([4, -5], array("q", [4, 0]), np.array([4, 0])):
        assert results[picked]["u"] == ["i4", "i0"]
    assert results[np.int64(2)].index == 2
    assert len(results[[]]) == 0
    assert results[1:][[0]][0].index == 1


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (5, IndexError),
        (-6, IndexError),
        ([True], IndexError),
        ([9], IndexError),
        (True, TypeError),
        (1.5, TypeError),
        ([1.5], TypeError),
        (["t", 1], TypeError),
        ([True, 1, 2, 3, 4], TypeError),
        (None, TypeError),
    ],
)
def test_an_invalid_key_is_refused(key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        table(MIXED)[key]


def test_the_error_for_an_index_out_of_range_names_the_size() -> None:
    with pytest.raises(IndexError, match="row 7 is out of range: this table has 5 rows, 0 to 4"):
        table(MIXED)[7]
    with pytest.raises(IndexError, match="this table is empty"):
        table([])[0]
    with pytest.raises(IndexError, match="column 't' has 5 rows"):
        table(MIXED)["t"][5]


def test_a_column_behaves_like_a_list() -> None:
    column = table(MIXED)["n"]
    assert len(column) == 5
    assert column[0] == 1
    assert column[:3] == (1, None, 3)
    assert column[:3] == column[:3]
    assert column.index(3) == 2
    assert column.count(None) == 3
    assert column.to_list() == [1, None, 3, None, None]
    assert column != [1]
    assert repr(column) == "<column 'n', 5 rows: [1, None, 3, None, None]>"
    with pytest.raises(TypeError):
        hash(column)


def test_a_row_describes_the_result_of_its_item() -> None:
    results = table(MIXED)
    good, bad, cancelled, skipped = results[0], results[1], results[3], results[4]
    assert (good.ok, good.failed, good.status, good.error) == (True, False, "ok", None)
    assert good.output == {"t": "a", "n": 1}
    assert dict(good) == {"u": "i0", "t": "a", "n": 1, "x": None, "status": "ok", "error": None}
    assert good.steps["page"].attempts == 1
    assert good.duration is not None
    assert good.started is not None
    assert good.duration >= 0
    assert abs(good.started - time.time()) < 60
    assert bad.error is BOOM
    assert bad.steps["title"].stderr.startswith("Traceback")
    assert bad.steps["title"].status == "error"
    assert cancelled.cancelled
    assert cancelled.error is CANCELLED_ERROR
    assert skipped.skipped
    assert skipped.steps["page"].status == ""
    assert (skipped.started, skipped.duration) == (None, None)


def test_subsets_by_state_keep_the_order() -> None:
    results = table(MIXED)
    assert results.ok["u"] == ["i0", "i2"]
    assert results.failed["u"] == ["i1"]
    assert results.cancelled["u"] == ["i3"]
    assert results.skipped["u"] == ["i4"]
    assert results.counts == {"ok": 2, "failed": 1, "cancelled": 1, "skipped": 1}
    assert results[:2].counts == {"ok": 1, "failed": 1, "cancelled": 0, "skipped": 0}
    assert results[1:].ok["u"] == ["i2"]


def test_errors_are_only_the_failures() -> None:
    results = table(MIXED)
    (error,) = results.errors
    assert (error.index, error.item, error.step) == (1, "i1", "title")
    assert (error.code, error.message, error.remediation) == ("SCRIPT_ERROR", "boom", "look at the page")
    assert error.exception is None
    assert len(results.errors[1:]) == 0
    assert results.errors.to_dicts()[0]["step"] == "title"
    assert "boom" in repr(results.errors)
    with pytest.raises(IndexError, match="there are 1 errors"):
        results.errors[1]


def test_a_failed_item_without_a_recorded_step_still_has_an_error() -> None:
    loop = LoopRecord(("each",), "u", ["a"], [], 1)
    loop.move(0, FAILED)
    loop.close()
    results = Results.of(run_of(loop))
    assert results.columns == ("u", "status", "error")
    assert results.errors[0].code == "FAILED"
    assert results[0].output is None


def test_a_run_without_a_loop_has_one_row_per_step() -> None:
    bad = StepResult("two", status="timeout", error=ErrorInfo("TIMEOUT", "took over 5 s"))
    run = run_of(
        None,
        StepResult("one", status="ok", output=3, started=10.0, finished=12.5),
        bad,
        status="failed",
        failed_step="two",
        error=bad.error,
    )
    results = Results.of(run)
    assert results.columns == ("step", "status", "output", "error", "seconds")
    assert results.to_dicts() == [
        {"step": "one", "status": "ok", "output": 3, "error": None, "seconds": 2.5},
        {
            "step": "two",
            "status": "timeout",
            "output": None,
            "error": "TIMEOUT: took over 5 s",
            "seconds": None,
        },
    ]
    assert results.counts == {"ok": 1, "failed": 1, "cancelled": 0, "skipped": 0}
    assert results[1].failed
    assert results[0].steps["one"].seconds == 2.5
    assert results.errors[0].step == "two"
    assert results.output is None
    assert results.run is run
    assert results.status == "failed"


def test_a_run_that_never_started_is_an_empty_table_with_the_error() -> None:
    results = Results.of(run_of(None, status="failed", error=ErrorInfo("MISSING_INPUT", "no urls given")))
    assert len(results) == 0
    assert not results
    assert results.to_dicts() == []
    assert results.output is None
    assert "MISSING_INPUT: no urls given" in repr(results)
    assert "no urls given" in results._repr_html_()


def test_the_table_is_that_of_the_last_loop_and_step_returns_another() -> None:
    other = StepResult("warm", status="ok", output=LoopOutput(loop_of(["x"], label="w")))
    run = run_of(loop_of([1, 2]), StepResult("plain", status="ok", output=5), other)
    results = Results.of(run)
    assert results["u"] == ["i0", "i1"]
    assert results.step("warm").columns == ("w", "title")
    assert isinstance(results.output, LoopOutput)
    with pytest.raises(UsageError, match="is not a for_each"):
        results.step("plain")
    with pytest.raises(UsageError, match="did you mean 'warm'"):
        results.step("warn")


def test_a_nested_loop_is_one_column_shown_compactly() -> None:
    results = table([LoopOutput(loop_of(["x", BOOM])), LoopOutput(loop_of(["y"]))])
    assert results.columns == ("u", "title")
    assert results["title"][0]["total"] == 2
    assert "1 of 2 ok" in repr(results)


def test_the_table_of_a_running_run_shows_the_rows_so_far() -> None:
    loop = loop_of([{"a": 1}, SKIP, SKIP], close=False)
    results = Results.of(run_of(loop, status="running"))
    assert results.columns == ("u", "a", "status", "error")
    assert results["status"] == ["ok", "waiting", "waiting"]
    assert results.counts["waiting"] == 2
    loop.move(1, RUNNING)
    assert results[1].status == "running"
    loop.columns[1].put(1, StepResult("title", status="ok", output={"b": 2}))
    loop.move(1, OK)
    loop.close()
    assert results.columns == ("u", "a", "b", "status", "error")
    assert results["status"] == ["ok", "ok", "skipped"]


def test_filter_and_sort_keep_the_index_of_each_row() -> None:
    results = table([{"n": 3}, {"n": 1}, BOOM, {"n": 2}])
    assert results.filter(lambda row: row.ok and row["n"] > 1)["n"] == [3, 2]
    assert results.sort("n")["n"] == [1, 2, 3, None]
    assert results.sort("n", reverse=True)["n"] == [3, 2, 1, None]
    assert [row.index for row in results.sort(lambda row: -row.index)] == [3, 2, 1, 0]
    mixed = table([{"n": v} for v in ("b", None, 2, float("nan"), "a", [1], 1.5, True)])
    assert [str(v) for v in mixed.sort("n")["n"]] == ["True", "1.5", "2", "a", "b", "[1]", "None", "nan"]
    assert [str(v) for v in mixed.sort("n", reverse=True)["n"]][:5] == ["2", "1.5", "True", "b", "a"]


def test_columns_can_be_selected_by_the_path_to_a_value() -> None:
    results = table([{"n": {"a": {"b": 1}}, "x.y": {"z": 2}}, BOOM, {"n": 5}])
    assert results["n.a.b"] == [1, None, None] == results["title.n.a.b"]
    assert results["x.y.z"] == [2, None, None] == results["title.x.y.z"]
    assert results[["u", "n.a.b"]].to_dicts()[0] == {"u": "i0", "n.a.b": 1}
    for name in ("n.b", "title.n.a.c", "title.", ".n", "n..a", "page.x"):
        with pytest.raises(UnknownColumn):
            results[name]


def test_steps_of_inner_loops_are_columns_of_lists() -> None:
    inner = {
        "id": "inner",
        "kind": "for_each",
        "over": "${[x, x * 10]}",
        "as": "y",
        "steps": [{"id": "w", "kind": "transform", "expression": "y + 1"}],
    }
    last = {"id": "last", "kind": "transform", "expression": "x"}
    each = {"id": "each", "kind": "for_each", "over": [1, 2], "as": "x", "steps": [inner, last]}
    results = press({"name": "d", "steps": [each]}, quiet=True)
    assert results["inner.w"] == [[2, 11], [3, 21]]
    assert results["inner.total"] == [2, 2]


def test_filter_accepts_values_of_columns() -> None:
    results = table([{"n": 3, "a.b": 1}, {"n": 1, "a.b": None}, BOOM, {"n": 3, "a.b": float("nan")}])
    assert [row.index for row in results.filter(n=3)] == [0, 3]
    assert [row.index for row in results.filter({"a.b": float("nan")}, n=3)] == [3]
    assert [row.index for row in results.filter(lambda row: row.index > 0, n=3, status="ok")] == [3]
    assert [row.index for row in results.filter(n=None)] == [2]
    assert len(results.filter()) == 4
    with pytest.raises(UnknownColumn, match="did you mean 'n'"):
        results.filter(nn=3)
    with pytest.raises(TypeError, match=r"column=value, not str"):
        results.filter("n")  # type: ignore[arg-type]
    with pytest.raises(TypeError) as caught:
        results.filter(lambda row: row["n"] > 2)
    assert caught.value.__notes__ == ["in row 2 (failed), whose columns are u, n, a.b, status, error"]


def test_equality_is_identity() -> None:
    results = table(["a"])
    same = results
    assert results == same
    assert results != results[:]
    assert len({results, results[:]}) == 2


OUTCOMES = st.lists(st.sampled_from([{"a": 1}, {"b": 2}, BOOM, CANCELLED_ERROR, SKIP]), max_size=30)


@given(OUTCOMES)
def test_law_the_states_partition_the_rows(outcomes: list[Any]) -> None:
    results = table(outcomes)
    parts = [results.ok, results.failed, results.cancelled, results.skipped]
    indices = [[row.index for row in part] for part in parts]
    assert all(part == sorted(part) for part in indices)
    assert sorted(index for part in indices for index in part) == list(range(len(outcomes)))
    assert sum(results.counts.values()) == len(results)
    assert [row.index for row in results.errors.rows] == indices[1]


@settings(max_examples=60)
@given(OUTCOMES, st.slices(30), st.slices(30), st.randoms())
def test_law_subsets_behave_as_lists_do(outcomes: list[Any], one: slice, two: slice, random: Any) -> None:
    results, plain = table(outcomes), list(range(len(outcomes)))
    assert [row.index for row in results[one][two]] == plain[one][two]
    mask = [random.random() < 0.5 for _ in plain]
    kept = [index for index, flag in zip(plain, mask, strict=True) if flag]
    assert [row.index for row in results[mask]] == kept
    assert [row.index for row in results[mask][two]] == kept[two]
    shuffled = random.sample(plain, len(plain))
    assert [row.index for row in results[shuffled]] == shuffled
    assert results[shuffled]["status"] == [results[index].status for index in shuffled]


def test_a_table_of_a_million_items_is_read_lazily() -> None:
    n = 1_000_000
    loop = LoopRecord(("each",), "u", range(n), ["title"], 4)
    loop.columns[0].outputs = [{"t": 1}] * n
    loop.columns[0].statuses = bytearray(b"\x01") * n
    loop.states, loop.counts = bytearray([OK]) * n, [0, 0, n, 0, 0, 0]
    loop.ended = loop.epoch + 1
    results = Results.of(run_of(loop))
    begin = time.process_time()
    for index in range(0, n, 1000):
        assert results[index].index == index
        assert len(results) == results.counts["ok"] == n
        assert results["u"][index] == index
    assert len(results[10:]) == n - 10
    assert time.process_time() - begin < 1
    begin = time.process_time()
    assert "999999" in repr(results)
    assert len(results._repr_html_()) < 20_000
    assert time.process_time() - begin < 6


VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("ab", max_size=2)


@given(st.lists(st.integers(-5, 5) | st.none(), max_size=20), st.booleans())
def test_law_rows_are_sorted_like_a_list_with_missing_values_last(values: list[Any], reverse: bool) -> None:
    results = table([{"n": value} for value in values])
    got = [row.index for row in results.sort(lambda row: row.get("n"), reverse)]
    having = [k for k, value in enumerate(values) if value is not None]
    rest = [k for k, value in enumerate(values) if value is None]
    assert got == sorted(having, key=lambda k: values[k], reverse=reverse) + rest


@given(st.lists(VALUES, max_size=20), VALUES, st.booleans())
def test_law_any_values_can_be_sorted_and_filtered(values: list[Any], wanted: Any, reverse: bool) -> None:
    results = table([{"n": value, "k": k} for k, value in enumerate(values)])
    if not values:
        return
    ordered = results.sort("n", reverse)
    assert sorted(ordered["k"]) == list(range(len(values)))
    assert [ordered.sort("k")["n"][k] for k in range(len(values))] == values
    assert results.sort("n").sort("n")["k"] == results.sort("n")["k"]
    found = results.filter(n=wanted)
    assert list(found["k"]) == [k for k, value in enumerate(values) if value == wanted]
    assert results.filter(lambda row: row["n"] == wanted)["k"] == found["k"]


@given(st.lists(st.integers(), max_size=12), st.slices(12), st.slices(12))
def test_law_slices_of_slices_are_those_of_lists(values: list[int], one: slice, two: slice) -> None:
    results = table([{"n": value} for value in values])
    if values:
        assert list(results[one][two]["n"]) == values[one][two]
        assert list(results["n"][one][two]) == values[one][two]
        assert [row["n"] for row in results[one]] == values[one]
