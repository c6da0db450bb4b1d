"""Records of steps that are exact where those of the original differ from the request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import press
from drawer_ipy.record.run import RunRecord


def waited(inputs: dict[str, Any] | None = None, **fields: Any) -> RunRecord:
    drawer = {"name": "t", "inputs": list(inputs or {}), "steps": [{"id": "w", "kind": "wait", **fields}]}
    return press(drawer, inputs, quiet=True, check=False).run


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00.9Z", "2020-01-01T00:00:00Z"),
        ("1969-07-20T20:17:40-05:00", "1969-07-21T01:17:40Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_in_the_past_is_recorded_as_given(given: str, recorded: str) -> None:
    output = waited(until=given).step("w").output
    assert output == {"waited_ms": 0, "until": recorded}


def test_a_datetime_in_the_past_is_recorded_as_given() -> None:
    then = datetime(2021, 5, 6, 7, 8, 9, tzinfo=timezone(timedelta(hours=3)))
    assert waited({"u": then}, until="${inputs.u}").step("w").output["until"] == "2021-05-06T04:08:09Z"


def test_a_time_in_the_future_is_recorded_exactly() -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=1.2)).replace(microsecond=0)
    output = waited(until=moment.isoformat()).step("w").output
    assert output["until"] == moment.isoformat().replace("+00:00", "Z")
    assert datetime.now(UTC) >= moment


def test_a_duration_records_when_it_ended() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    until = datetime.fromisoformat(waited(duration="-5s").step("w").output["until"])
    assert before <= until <= datetime.now(UTC)


def test_a_time_beyond_the_calendar_is_not_an_internal_error() -> None:
    run = waited({"u": "9999-12-31T23:59:59-14:00"}, until="${inputs.u}")
    assert run.error is not None
    assert run.error.code == "VALIDATION_ERROR"


@pytest.mark.parametrize("written", ["My Show", "my_show", "MY-SHOW", " my  show "])
@pytest.mark.parametrize("inside", ["my-show", "My Show", "other"])
def test_a_step_records_the_slug_of_its_button(
    written: str, inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    folder = tmp_path / "buttons" / "my-show"
    folder.mkdir(parents=True)
    (folder / "button.json").write_text(json.dumps({"name": inside, "runtime": "sh"}), encoding="utf-8")
    (folder / "main.sh").write_text("echo 1", encoding="utf-8")
    each = {"id": "each", "kind": "for_each", "over": [1], "steps": [{"id": "in", "button": written}]}
    drawer = {"name": "t", "steps": [{"id": "a", "button": written}, each]}
    results = press(drawer, quiet=True)
    assert results.run.step("a").button == "my-show"
    assert results.run.to_dict()["steps"][0]["button"] == "my-show"
    assert results.step("each")[0].steps["in"].button == "my-show"


def test_a_function_is_recorded_by_the_name_that_the_step_used() -> None:
    drawer = {"name": "t", "steps": [{"id": "a", "button": "My_Work"}]}
    run = press(drawer, buttons={"My_Work": lambda: 1}, quiet=True).run
    assert run.step("a").button == "My_Work"
