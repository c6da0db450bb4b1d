"""Expressions that read nothing and have no value are found before a run, at their place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, Drawer, press
from drawer_ipy.errors import Problem, ResolveError
from drawer_ipy.expressions import compile_template, constant_faults


def found(expression: str) -> list[Problem]:
    step = {"id": "a", "kind": "transform", "expression": {"x": "${" + expression + "}"}}
    return [*Drawer.load({"inputs": ["n"], "steps": [step]}).validate()]


CERTAIN = {
    '1 + "a"': (0, "+ does not work between a number and text"),
    '"abc".nope': (0, "has no 'nope'"),
    "size(5)": (0, "size() does not accept a number"),
    'int("x")': (0, "not a whole number"),
    '"a" < 1': (0, "< does not work"),
    "!3": (0, "true or false"),
    '-"a"': (0, "- does not work"),
    '[1, 2].map(x, x + "a")': (0, "+ does not work"),
    "[1].filter(x, 3)": (0, "true or false"),
    'timestamp("x")': (0, "timestamp()"),
    "1 && true": (0, "each side of &&"),
    "5 in 3": (0, "cannot search a number"),
    '"a".contains(3)': (0, "contains() needs text"),
    "inputs.n + size(5)": (11, "size()"),
    "size(5) == 1 ? inputs.n : 2": (0, "size()"),
    '"a".b.map(x, x + inputs.n)': (0, "has no 'b'"),
}


@pytest.mark.parametrize("expression", CERTAIN)
def test_a_constant_without_a_value_is_an_error(expression: str) -> None:
    offset, text = CERTAIN[expression]
    (fault,) = constant_faults(compile_template("${" + expression + "}"))
    assert fault.certain
    assert fault.offset == offset + len("${")
    assert text in fault.message
    (problem,) = found(expression)
    assert problem.severity == "error"
    with pytest.raises(DefinitionError):
        press({"steps": [{"id": "a", "kind": "transform", "expression": "${" + expression + "}"}]}, {"n": 1})


BY_VALUE = {
    "[1][3]": (0, "it has no [3]"),
    '{"a": 1}.b': (0, "has no 'b'"),
    "1 / 0": (0, "division by zero"),
    "1 / 0 ?? 2": (0, "division by zero"),
    "[inputs.n, 1 / 0]": (11, "division by zero"),
    '{"k": 1 / 0, "n": inputs.n}': (6, "division by zero"),
    "(1 / 0) > inputs.n": (1, "division by zero"),
    "[1 + (2 / 0)]": (6, "division by zero"),
    "9223372036854775807 + 1": (0, "64 bits"),
    "1e308 * 10.0": (0, "finite"),
}


@pytest.mark.parametrize("expression", BY_VALUE)
def test_a_failure_because_of_a_value_is_a_warning(expression: str) -> None:
    offset, text = BY_VALUE[expression]
    (fault,) = constant_faults(compile_template("${" + expression + "}"))
    assert (fault.certain, fault.offset) == (False, offset + len("${"))
    assert text in fault.message
    (problem,) = found(expression)
    assert problem.severity == "warning"


UNSURE = [
    "inputs.n ? 1 : 1 / 0",
    "inputs.n ?? size(5)",
    "inputs.n > 1 || 1 / 0 > 1",
    'inputs.n.map(x, x + (1 + "a"))',
]


@pytest.mark.parametrize("expression", UNSURE)
def test_a_constant_that_may_not_be_reached_is_a_warning(expression: str) -> None:
    (problem,) = found(expression)
    assert problem.severity == "warning"


FINE = [
    "true ? 1 : 1 / 0",
    "true || 1 / 0 > 1",
    '"a".b ?? 2',
    'has("abc".x)',
    "[1, 2].map(x, x + 1)",
    "[1, 2].exists(x, x / 0 > 1 || x == 2)",
    "inputs.n + 1",
    "type(1) == int",
    'timestamp("2020-01-01T00:00:00Z").getFullYear()',
    "size([1, 2]) + inputs.n",
    "has(inputs.n)",
]


@pytest.mark.parametrize("expression", FINE)
def test_a_constant_with_a_value_is_fine(expression: str) -> None:
    assert found(expression) == []


def test_the_place_is_that_of_the_part() -> None:
    text = "steps:\n  - {id: a, button: f, args: {x: 'page ${inputs.n} of ${1 + \"a\"}'}}\ninputs: [n]\n"
    drawer = Drawer.load(text)
    (problem,) = (p for p in drawer.validate(buttons={"f": lambda x: x}) if p.severity == "error")
    assert (problem.line, problem.column) == (2, text.split("\n")[1].index("1 + ") + 1)
    assert problem.message.startswith('${1 + "a"}: +')


def test_a_step_that_continues_after_a_failure_is_warned_of() -> None:
    step = {"id": "a", "kind": "transform", "expression": "${size(5)}", "on_failure": "continue"}
    (problem,) = Drawer.load({"steps": [step]}).validate()
    assert problem.severity == "warning"


def test_texts_and_costs_of_buttons_are_checked_too() -> None:
    text = (
        "buttons:\n"
        "  a: {url: 'http://127.0.0.1/', query: {q: '${!3}'}}\n"
        "  b: {code: echo, rate: {limit: 5/s, cost: '${size(5)}'}}\n"
        "steps: []\n"
    )
    problems = [p for p in Drawer.load(text).validate() if p.severity == "error"]
    assert [p.line for p in problems] == [2, 3]
    assert "true or false" in problems[0].message
    assert "size()" in problems[1].message


def test_a_constant_argument_is_compared_with_its_type() -> None:
    text = (
        "buttons:\n  a: {code: echo, args: {n: int}}\n"
        "steps:\n  - {id: s, button: a, args: {n: \"${'x' + 'y'}\"}}\n"
    )
    (problem,) = Drawer.load(text).validate()
    assert problem.severity == "error"
    assert problem.arg == "n"


def test_large_loops_over_constants_are_not_computed() -> None:
    ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    nested = f"{ten}.map(a, {ten}.map(b, {ten}.map(c, {ten}.map(d, {ten}.map(e, e / 0)))))"
    assert [problem.severity for problem in found(nested)] == ["warning"], "only the innermost is computed"


LITERALS = st.sampled_from(["1", "0", '"a"', "true", "null", "[1]", "{}", "2.5"])


@given(LITERALS, st.sampled_from(["+", "-", "*", "/", "%", "<", "==", "in", "&&", "||", "??"]), LITERALS)
def test_a_constant_has_a_fault_if_and_only_if_it_fails(left: str, operator: str, right: str) -> None:
    template = compile_template(f"${{{left} {operator} {right}}}")
    value: Any = None
    try:
        value = template.resolve({})
    except ResolveError as error:
        value = error
    assert len(list(constant_faults(template))) == isinstance(value, ResolveError)
