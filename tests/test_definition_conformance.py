"""Validation against the recorded cases of the original engine (tests/conformance)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.definition import ButtonSpec, Loaded, load_button, load_drawer, validate
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import DefinitionError, Problem

FOLDER = Path(__file__).parent / "conformance"


@dataclass
class FakeButton:
    """What validation looks at of a button."""

    name: str
    args: tuple[ArgSpec, ...]
    output_schema: Mapping[str, Any] | None
    timeout: float | None = None
    open_args: bool = False
    kind: str = "script"

    @classmethod
    def of(cls, spec: ButtonSpec) -> FakeButton:
        return cls(spec.name, tuple(spec.args), spec.output_schema)

    def bind(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return args

    async def press(self, bound: Mapping[str, Any], call: Call) -> Outcome:
        raise NotImplementedError


class Place:
    """The buttons and drawers of one case."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.case = case
        self.buttons = {
            name: FakeButton.of(load_button(one["button"], name=name, lenient=True).button)
            for name, one in case["buttons"].items()
        }

    def load(self, name: str) -> Loaded | None:
        fields = self.case["drawers"].get(name)
        # From its text, as it is on disk: places then come with the problems.
        return load_drawer(json.dumps(fields, indent=1), name=name, lenient=True) if fields else None

    def problems(self, *, pressing: bool, given: Iterable[str] = (), ordered: bool = True) -> list[Problem]:
        try:
            loaded = self.load(self.case["drawer"])
        except DefinitionError as error:
            return error.problems
        if loaded is None:
            return []
        return validate(
            loaded,
            find_button=self.buttons.get,
            button_names=lambda: self.buttons,
            find_drawer=self.load,
            drawer_names=lambda: self.case["drawers"],
            given_inputs=given,
            pressing=pressing,
            ordered=ordered,
        )


@cache
def cases() -> dict[str, dict[str, Any]]:
    found = [case for name in ("cases", "cases-more", "defects") for case in read(name)]
    return {case["name"]: case for case in found}


def read(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return loaded


def names(*, validating: bool, defects: bool) -> list[str]:
    return [
        name
        for name, case in cases().items()
        if (case["mode"] == "validate") == validating and ("expected" not in case) == defects
    ]


def matches(problem: Problem, wanted: Mapping[str, str]) -> bool:
    # Ours name a nested step by its dotted path, the original by its own id.
    steps = (problem.step_id, problem.step_id.rpartition(".")[2])
    return wanted.get("step_id", problem.step_id) in steps and wanted.get("arg", problem.arg) == problem.arg


def assert_report(problems: list[Problem], errors: list[Any], warnings: list[Any]) -> None:
    found = [p for p in problems if p.severity == "error"]
    assert len(found) == len(errors), [str(p) for p in found]
    spare = list(found)
    for wanted in errors:
        spare.remove(next(p for p in spare if matches(p, wanted)))
    told = [p for p in problems if p.severity == "warning"]
    for wanted in warnings:
        hit = next((p for p in told if matches(p, wanted)), None)
        assert hit is not None, (wanted, [str(p) for p in told])
        told.remove(hit)


@pytest.mark.parametrize("name", names(validating=True, defects=False))
def test_report_is_what_the_original_reports(name: str) -> None:
    case = cases()[name]
    problems = Place(case).problems(pressing=False)
    assert_report(problems, case["expected"]["errors"], case["expected"]["warnings"])


# What is right where the original's report is wrong: the errors, the warnings.
RIGHT: dict[str, tuple[list[dict[str, str]], list[dict[str, str]]]] = {
    "x-val-drawer-unknown-ref": ([{"step_id": "a", "arg": "x"}], []),
    "x-val-drawer-self": ([{"step_id": "a", "arg": "drawer"}], []),
    "x-val-foreach-nested-missing-button": ([{"step_id": "a.w", "arg": "button"}], []),
    "x-val-foreach-nested-bad-ref": ([{"step_id": "a.w", "arg": "v"}], []),
    "x-val-foreach-bad-over-ref": ([{"step_id": "a", "arg": "over"}], []),
    "x-val-foreach-dup-nested-ids": ([{"step_id": "a.w", "arg": "id"}], []),
    "x-val-switch-nested-missing-button": ([{"step_id": "a.w", "arg": "button"}], []),
    "x-val-switch-bad-syntax": ([{"step_id": "a", "arg": "when"}], []),
    "x-val-wait-bad-duration": ([{"step_id": "a", "arg": "duration"}], []),
    "x-val-kind-unknown": ([{"step_id": "a", "arg": "kind"}], []),
    "x-val-ref-webhooks": ([], []),
    "x-val-ref-hyphen-step-unchecked": ([{"step_id": "a", "arg": "v"}], []),
    "x-val-ref-expr-unchecked": ([{"step_id": "a", "arg": "v"}], []),
    "x-val-ref-syntax-unchecked": ([{"step_id": "a", "arg": "v"}], []),
    "x-val-ref-not-output": ([{"step_id": "b", "arg": "v"}], []),
    "x-val-schema-type-mismatch": ([], []),
    "x-val-input-int-to-string": ([], []),
    "x-val-required-arg-namematch-still-warns": ([], []),
    "x-val-literal-type-not-checked": (
        [{"step_id": "b", "arg": "i"}, {"step_id": "b", "arg": "e"}],
        [],
    ),
    "x-val-unknown-arg-not-flagged": ([], [{"step_id": "b", "arg": "zzz"}]),
    "x-val-on-error-missing-not-flagged": ([{"arg": "on_error"}], []),
    "x-val-return-bad-ref-not-flagged": ([{"arg": "return"}], []),
    "x-val-bad-policy-not-flagged": ([{"step_id": "a", "arg": "on_failure"}], []),
}


@pytest.mark.parametrize("name", names(validating=True, defects=True))
def test_report_is_right_where_the_original_is_wrong(name: str) -> None:
    problems = Place(cases()[name]).problems(pressing=False)
    assert_report(problems, *RIGHT[name])
    if name.endswith("namematch-still-warns"):
        assert not problems


@pytest.mark.parametrize("name", names(validating=False, defects=False))
def test_a_press_that_works_in_the_original_is_not_refused(name: str) -> None:
    case = cases()[name]
    problems = Place(case).problems(pressing=True, given=case["inputs"], ordered=case["mode"] != "parallel")
    errors = [p for p in problems if p.severity == "error"]
    expected = case["expected"]
    if expected.get("status") == "ok":
        assert not errors, [str(p) for p in errors]
    elif errors and expected.get("failed_step"):
        steps = {p.step_id.partition(".")[0] for p in errors}
        assert expected["failed_step"] in steps, [str(p) for p in errors]
