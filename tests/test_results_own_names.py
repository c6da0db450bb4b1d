"""Fields of outputs with the name of a column of the run: ``status``, ``error``, ``index``."""

from __future__ import annotations

import csv
import io
import json
import pickle
from typing import Any

import pytest
from engine_rig import loop

from drawer_ipy import Results, press

pandas = pytest.importorskip("pandas")


def answer(x: int) -> dict[str, Any]:
    if x == 2:
        raise ValueError("no")
    return {
        "status": "active" if x % 2 else "idle",
        "error": f"e{x}",
        "index": x * 10,
        "x": -x,
        "deep": {"status": x},
    }


def table(items: tuple[int, ...] = (1, 2, 3), **fields: Any) -> Results:
    return loop(items, answer, on_item_failure="continue", **fields)


def test_columns_of_the_run_keep_their_names_and_fields_have_prefixed_names() -> None:
    found = table()
    assert list(found["status"]) == ["ok", "failed", "ok"]
    for name in ("output.status", "work.status"):
        assert list(found[name]) == ["active", None, "active"]
        assert name in found
        assert found[0][name] == "active"
    assert list(found["output.error"]) == ["e1", None, "e3"]
    assert found["error"][0] is None
    assert found["error"][1].startswith("FUNCTION_ERROR")
    assert list(found["index"]) == list(found["output.index"]) == [10, None, 30]
    assert [row.index for row in found] == [0, 1, 2]
    assert list(found["output.deep.status"]) == [1, None, 3]
    assert list(found["x"]) == [1, 2, 3]
    assert list(found["output.x"]) == list(found["work.x"]) == [-1, None, -3]
    assert "output.nope" not in found


def test_a_field_named_output_takes_precedence_over_the_prefix() -> None:
    found = loop([1], lambda x: {"output": {"status": "inner"}, "status": "outer"})
    assert list(found["output.status"]) == ["inner"]
    assert list(found["work.status"]) == ["outer"]
    found = loop([1], lambda x: {"output": 5, "status": "outer"})
    assert (list(found["output"]), list(found["output.status"])) == ([5], ["outer"])


@pytest.mark.parametrize("items", [(1, 3), (1, 2, 3)])
def test_exports_keep_both_under_different_names(items: tuple[int, ...]) -> None:
    found = table(items)
    own = {"work.status": "active", "work.error": "e1", "index": 10, "work.x": -1}
    run = {"status": "ok", "error": None} if 2 in items else {}
    first = {"x": 1, **own, "deep": {"status": 1}, **run}
    assert found.to_dicts()[0] == first
    assert json.loads(found.to_json())[0] == first
    frame = found.to_pandas()
    assert frame.index.name == "row.index"
    assert next(iter(frame["index"])) == 10
    again = frame.reset_index()
    assert list(again["row.index"]) == list(range(len(items)))
    assert len(set(again.columns)) == len(again.columns)
    assert next(csv.DictReader(io.StringIO(found.to_csv())))["work.status"] == "active"
    assert next(iter(found.to_pandas(flatten=True)["deep.status"])) == 1


def test_without_a_field_named_index_the_index_has_its_usual_name() -> None:
    assert loop([1], lambda x: {"a": 1}).to_pandas().index.name == "index"


def test_filters_can_compare_either_of_the_two() -> None:
    found = table()
    assert [row.index for row in found.filter(status="failed")] == [1]
    assert [row.index for row in found.filter({"output.status": "active"})] == [0, 2]
    assert [row.index for row in found.filter({"output.status": "active"}, status="ok")] == [0, 2]
    assert [row.index for row in found.sort("output.index", reverse=True)] == [2, 0, 1]
    assert not found.filter(status="failed").hint


def test_a_filter_without_matches_says_which_of_the_two_it_compared() -> None:
    found = table().filter(status="active")
    assert len(found) == 0
    assert found.hint == (
        "filter(status='active') compares the status of the rows; "
        "to compare the status in the outputs, write filter({\"work.status\": 'active'})"
    )
    assert found.hint in repr(found)
    assert "to compare the status in the outputs" in found._repr_html_()
    assert "compare the error in the outputs" in table().filter(error="e1").hint
    assert not table().filter(status="cancelled", x=99).filter(x=5).hint
    assert not table().filter(x=99).hint
    assert not table()[:2].hint
    assert "Failed" not in pickle.loads(pickle.dumps(table())).hint


def test_an_impossible_status_is_reported() -> None:
    found = loop([1], lambda x: {"a": 1}).filter(status="active")
    assert "which is one of waiting, running, ok, failed, cancelled, skipped" in found.hint
    assert not loop([1], lambda x: {"a": 1}).filter(status="failed").hint


def test_the_call_in_the_hint_works() -> None:
    found = table()
    hinted = found.filter(status="active").hint
    call = hinted[hinted.rindex("filter(") :]
    assert len(eval(f"found.{call}", {"found": found})) == 2


def test_a_run_without_a_loop_has_both_names() -> None:
    drawer = {"steps": [{"id": "a", "button": "f"}, {"id": "b", "button": "f"}]}
    found = press(drawer, buttons={"f": lambda: {"status": "active"}}, quiet=True)
    assert list(found["status"]) == ["ok", "ok"]
    assert list(found["output.status"]) == ["active", "active"]
    assert 'filter({"output.status"' in found.filter(status="active").hint
