"""Arguments: values for declared types, and their conversion to text."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from drawer_ipy.buttons.arguments import Arguments, to_text
from drawer_ipy.buttons.script.button import ScriptButton
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import ArgumentError


def recorded() -> list[dict[str, Any]]:
    """The recorded cases that test only the arguments of one button."""
    folder = Path(__file__).parent / "conformance"
    cases = [c for name in ("cases.json", "cases-more.json") for c in json.loads((folder / name).read_text())]
    found = []
    for case in cases:
        steps = case["drawers"]["main"].get("steps", []) if len(case["drawers"]) == 1 else []
        alone = len(steps) == 1 and "button" in steps[0] and "${" not in json.dumps(steps)
        if "args" in case["tags"] and alone:
            found.append(case)
    assert len(found) > 40
    return found


def bind(kind: str, value: Any, **more: Any) -> str | None:
    button = ScriptButton("b", args=[ArgSpec(name="x", type=kind, **more)])
    return button.bind({"x": value}).get("BUTTONS_ARG_X")


@pytest.mark.parametrize("case", recorded(), ids=lambda case: case["name"])
def test_recorded_cases_are_accepted_and_refused_as_by_the_original(case: dict[str, Any]) -> None:
    step = case["drawers"]["main"]["steps"][0]
    spec = case["buttons"][step["button"]]["button"]
    button = ScriptButton(step["button"], args=[ArgSpec.model_validate(a) for a in spec["args"]])
    args = {name: value for name, value in case["inputs"].items() if name in {a.name for a in button.args}}
    args |= step.get("args") or {}
    if case["expected"]["status"] == "ok":
        button.bind(args)
        return
    with pytest.raises(ArgumentError) as caught:
        button.bind(args)
    assert caught.value.code == case["expected"]["error"]["code"]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", 5, "5"),
        ("int", "+5", "+5"),
        ("int", "-5", "-5"),
        ("int", 2.0, "2"),
        ("int", 1_000_000, "1000000"),
        ("int", 9_007_199_254_740_993, "9007199254740993"),
        ("int", str(2**63 - 1), str(2**63 - 1)),
        ("int", None, None),
        ("bool", True, "true"),
        ("bool", "TRUE", "TRUE"),
        ("bool", 1, "1"),
        ("float", 0.1, "0.1"),
        ("float", "1e3", "1e3"),
        ("float", 3, "3"),
        ("string", {"b": 2.0, "a": [1, None, "<&>é"]}, '{"a":[1,null,"<&>é"],"b":2}'),
        ("string", 1e300, "1e+300"),
        ("any", [True], "[true]"),
    ],
)
def test_valid_values_are_converted_to_text(kind: str, value: Any, text: str | None) -> None:
    assert bind(kind, value) == text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("int", v) for v in (" 5", "5 ", "1_000", "0x10", "1.5", 1.5, "", "five", True, [1], "5\n")],
        ("int", str(2**63)),
        ("int", "9" * 5000),
        ("int", "٣"),
        *[("bool", v) for v in ("yes", "", 2, " true")],
        *[("float", v) for v in ("nan", "inf", "1_0", "", "1e999", "x")],
    ],
)
def test_the_error_for_an_invalid_value_names_the_argument(kind: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match="'x' must be") as caught:
        bind(kind, value)
    assert caught.value.code == "VALIDATION_ERROR"
    assert caught.value.remediation


def test_an_enum_error_lists_the_allowed_values() -> None:
    assert bind("enum", 2, values=["a", 2]) == "2"
    with pytest.raises(ArgumentError, match="one of 'a', '2', not 'A'"):
        bind("enum", "A", values=["a", 2])


def test_all_missing_arguments_are_named_with_a_suggestion_for_a_similar_name() -> None:
    arguments = Arguments([ArgSpec(name=n, required=True) for n in ("page", "size", "q")], "f")
    with pytest.raises(ArgumentError, match="'page', 'size'") as caught:
        arguments.values({"q": "", "pgae": 1, "size": None})
    assert caught.value.code == "MISSING_ARG"
    assert "did you mean 'page'" in caught.value.remediation


def test_a_missing_argument_gets_its_default() -> None:
    assert Arguments([ArgSpec(name="n", type="int", required=True, default=3)], "f").texts({}) == {"n": "3"}


@pytest.mark.parametrize("other", ["my_arg", "MY_ARG", "my.arg"])
def test_two_arguments_cannot_share_an_environment_variable(other: str) -> None:
    with pytest.raises(ArgumentError, match="BUTTONS_ARG_MY_ARG"):
        ScriptButton("b").bind({"my-arg": "1", other: "2"})


def test_nul_characters_and_unknown_objects_are_refused() -> None:
    with pytest.raises(ArgumentError, match="NUL"):
        ScriptButton("b").bind({"x": "a\0b"})
    with pytest.raises(ArgumentError, match="is not a JSON value"):
        ScriptButton("b").bind({"x": object()})
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ArgumentError, match="too deeply"):
        to_text(loop)
    with pytest.raises(ArgumentError, match="finite"):
        to_text({"a": float("nan")})


class _Model(BaseModel):
    a: int


@dataclasses.dataclass
class _Data:
    a: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (_Model(a=1), '{"a":1}'),
        (_Data(1), '{"a":1}'),
        ("aé".encode(), "aé"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "2026-01-02T03:04:05Z"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Path("a/b"), "a/b"),
        ({1: (2, 3)}, '{"1":[2,3]}'),
        ("", ""),
    ],
)
def test_python_objects_are_converted_to_their_usual_text(value: Any, text: str) -> None:
    assert to_text(value) == text


def test_numpy_values_are_converted() -> None:
    numpy = pytest.importorskip("numpy")
    assert to_text(numpy.int64(3)) == "3"
    assert to_text(numpy.float32(0.5)) == "0.5"
    assert to_text({"a": numpy.array([1, 2])}) == '{"a":[1,2]}'
    assert to_text(numpy.bool_(True)) == "true"
