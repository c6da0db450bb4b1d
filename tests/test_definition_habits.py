"""Syntax of other languages in a definition gets a hint that says what to write instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy.buttons import as_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import load_drawer, validate
from drawer_ipy.definition.checking.lookalikes import look_alikes
from drawer_ipy.errors import Problem, ResolveError
from drawer_ipy.expressions import compile_expression


def take(**values: Any) -> list[Any]:
    return list(values)


BUTTONS: dict[str, Button] = {"take": as_button(take, "take")}


def check(text: str) -> list[Problem]:
    return validate(
        load_drawer(text, name="main"),
        find_button=BUTTONS.get,
        button_names=lambda: BUTTONS,
        find_drawer=lambda name: None,
        drawer_names=tuple,
    )


def in_args(value: str) -> list[Problem]:
    """The problems of a step's argument whose value is given in YAML; the text begins at 7:16."""
    return check(
        "inputs: {x: , y: , list: {type: list}}\n"
        "steps:\n"
        "- {id: before, button: take}\n"
        "- {id: loop, kind: for_each, over: inputs.list, as: item, steps: [\n"
        "  {id: one,\n"
        "   button: take, args: {\n"
        f"           v: {value}}}}}]}}\n"
    )


def reference(expression: str) -> str:
    """The YAML of a text that is a single reference."""
    return '"${' + expression.replace('"', '\\"') + '}"'


SYNTAX = [
    # (expression, offset of the problem, words of the hint)
    ("len(inputs.list)", 0, "size(x)"),
    ("inputs.list.length()", 12, "size(x)"),
    ("str(inputs.x)", 0, "string(x)"),
    ("float(inputs.x)", 0, "double(x)"),
    ("isinstance(inputs.x, y)", 0, "type(x)"),
    ("not(inputs.x)", 0, "!x"),
    ("not inputs.x", 0, "!x"),
    ("any(inputs.list)", 0, ".exists("),
    ("map(f, inputs.list)", 0, ".map(x"),
    ("hasattr(inputs.x, 'n')", 0, "has(x.name)"),
    ("sum(inputs.list)", 0, "function button"),
    ("sorted(inputs.list)", 0, "function button"),
    ("max(inputs.list)", 0, "function button"),
    ("print(inputs.x)", 0, "function button"),
    ("clean(inputs.x)", 0, "`button: clean`"),
    ("inputs.x.upper()", 9, "function button"),
    ("inputs.x.lower()", 9, "function button"),
    ("inputs.x.strip()", 9, "function button"),
    ("inputs.x.split(',')[0]", 9, "function button"),
    ("inputs.x.replace('a', 'b')", 9, "function button"),
    ("inputs.x.toUpperCase()", 9, "function button"),
    ("'{} b'.format(inputs.x)", 7, "+ string(n)"),
    ("inputs.x.get('k')", 9, 'x["name"] ?? other'),
    ("inputs.x.items()", 9, ".map(key, x[key])"),
    ("inputs.x.keys()", 9, ".map(key, key)"),
    ("inputs.x.values()", 9, ".map(key, x[key])"),
    ("inputs.x.startswith('a')", 9, "startsWith"),
    ("inputs.x.endswith('a')", 9, "endsWith"),
    ("inputs.x.isdigit()", 9, "matches("),
    ("requests.get(inputs.x)", 9, "function button"),
    ("inputs.x and inputs.y", 9, "&&"),
    ("inputs.x or inputs.y", 9, "||"),
    ("inputs.x AND inputs.y", 9, "&&"),
    ("inputs.x is None", 9, "x == null"),
    ("inputs.x is not None", 9, "x != null"),
    ("inputs.x not in inputs.list", 9, "!(x in y)"),
    ("inputs.x if inputs.y else 3", 9, "condition ? x : y"),
    ("[i.n for i in inputs.list]", 5, ".map(x, x.name)"),
    ("[i for i in inputs.list if i.ok]", 3, ".filter(x, x.ok)"),
    ("take(i for i in inputs.list)", 7, ".map(x, x.name)"),
    ("lambda i: i", 0, ".map(x, x.name)"),
    ("lambda: 3", 0, "function button"),
    ("inputs.x ** 2", 9, "x * x"),
    ("inputs.x // 2", 9, "int(x / y)"),
    ("inputs.x === 2", 9, "=="),
    ("inputs.x !== 2", 9, "!="),
    ("inputs.x <> 2", 9, "!="),
    ("inputs.x = 2", 9, "=="),
    ("inputs.x & 2", 9, "&&"),
    ("inputs.x | upper", 9, "||"),
    ("inputs.x?.n", 8, "x.name ?? null"),
    ("inputs.list[1:2]", 13, "function button"),
    ("inputs.list[:2]", 12, "function button"),
    ("inputs.list[1:]", 13, "function button"),
    ("(inputs.x, inputs.y)", 9, "[a, b]"),
    ("f'{inputs.x}'", 0, "${n}"),
    ("typeof inputs.x", 0, "type(x)"),
    ("await inputs.x", 0, "button"),
    ("“a” + inputs.x", 0, "straight quotes"),
    ("inputs.x ≠ 3", 9, "!="),
]


@pytest.mark.parametrize(("expression", "offset", "hint"), SYNTAX)
def test_a_habit_of_python_is_an_error_at_its_place(expression: str, offset: int, hint: str) -> None:
    with pytest.raises(ResolveError) as raised:
        compile_expression(expression)
    assert raised.value.offset == offset
    assert hint in raised.value.remediation


@pytest.mark.parametrize(("expression", "offset", "hint"), SYNTAX)
def test_a_habit_is_reported_with_line_and_column_before_a_run(
    expression: str, offset: int, hint: str
) -> None:
    [problem] = in_args(reference(expression))
    assert problem.severity == "error"
    assert (problem.step_id, problem.arg) == ("loop.one", "v")
    assert (problem.line, problem.column) == (7, 18 + offset)
    assert hint in problem.remediation


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("None", "write null"),
        ("True", "write true"),
        ("False", "write false"),
        ("nil", "write null"),
        ("undefined", "write null"),
        ("NULL", "write null"),
        ("math.pi", "function button"),
        ("os.environ.HOME", "${env.NAME}"),
        ("steps.before.output", "${ID.output}"),
    ],
)
def test_a_name_of_python_is_an_error_that_says_what_to_write(name: str, hint: str) -> None:
    [problem] = in_args(reference(f"inputs.x == {name}"))
    assert (problem.severity, problem.line, problem.column) == ("error", 7, 18 + 12)
    assert hint in problem.remediation
    with pytest.raises(ResolveError) as raised:
        compile_expression(name).resolve({"inputs": {}})
    assert hint in raised.value.remediation


def test_words_of_python_are_names_if_something_has_that_name() -> None:
    assert compile_expression("not.lambda.if").resolve({"not": {"lambda": {"if": 3}}}) == 3
    assert compile_expression("None").resolve({"None": 4}) == 4
    assert not check("steps: [{id: not, button: take}, {id: b, button: take, args: {v: '${not.output}'}}]")


def test_correct_expressions_get_no_hint() -> None:
    scope = {"x": [1, 2], "a": True, "m": {"len": 1, "and": 2, "get": 3}}
    values = {
        "a ?.5 : 1": 0.5,
        "size(x) - -1": 3,
        "m.len + m.and + m.get": 6,
        "x[a ? 1 : 0]": 2,
        "!(3 in x)": True,
        "x.filter(i, i != 1)": [2],
        "'a and b // c ** d'": "a and b // c ** d",
    }
    assert {text: compile_expression(text).resolve(scope) for text in values} == values


def test_the_replacements_on_the_language_page_are_valid() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "language.md").read_text(encoding="utf-8")
    table = page.split("| Python | here |\n|---|---|\n")[1].split("\n\n")[0].replace("\\|", "!OR!")
    here = [code.replace("!OR!", "|") for row in table.split("\n") for code in _code(row.split("|")[2])]
    assert len(here) == 17
    for expression in here:
        compile_expression(expression)


def _code(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


LAST = [
    # expression, severity
    ("inputs.list[-1]", "error"),
    ("inputs.list[-2].n", "error"),
    ("inputs.list[ -1 ]", "error"),
    ("inputs.x[-1]", "warning"),  # a map may have such a key
    ("inputs.list[-1] ?? 3", "warning"),
    ("item[-1]", "warning"),
    ("before.output[-1]", "warning"),
]


@pytest.mark.parametrize(("expression", "severity"), LAST)
def test_a_negative_index_is_reported(expression: str, severity: str) -> None:
    [problem] = in_args(reference(expression))
    assert (problem.severity, problem.line, problem.column) == (severity, 7, 18)
    owner = expression.partition("[")[0]
    assert f"{owner}[size({owner}) - " in problem.remediation


def test_results_of_a_loop_are_known_to_be_a_list() -> None:
    loop = "{id: l, kind: for_each, over: '[1]', steps: [{id: i, button: take}]}"
    after = "{id: b, button: take, args: {v: '${l.output.results[-1]}'}}"
    [problem] = check(f"steps:\n- {loop}\n- {after}\n")
    assert (problem.severity, problem.line, problem.column) == ("error", 3, 38)
    assert "l.output.results[size(l.output.results) - 1]" in problem.remediation


LOOK_ALIKES = [
    # (text, column of the look-alike within it, the intended path)
    ("{item}", 0, "item"),
    ("{{item}}", 0, "item"),
    ("{{ item.name }}", 0, "item.name"),
    ("$item", 0, "item"),
    ("$item.name", 0, "item.name"),
    ("$(item)", 0, "item"),
    ("#{item}", 0, "item"),
    ("%(item)s", 0, "item"),
    ("page {item[0]} of it", 5, "item[0]"),
    ("page {item!r}", 5, "item"),
    ("a/{inputs.x}", 2, "inputs.x"),
    ("a {before.output}", 2, "before.output"),
    ("${inputs.x} and {item}", 16, "item"),
]


@pytest.mark.parametrize(("text", "column", "path"), LOOK_ALIKES)
def test_references_of_other_languages_cause_a_warning(text: str, column: int, path: str) -> None:
    [problem] = in_args(f'"{text}"')
    assert (problem.severity, problem.line, problem.column) == ("warning", 7, 16 + column)
    assert problem.step_id == "loop.one"
    assert f"${{{path}}}" in problem.remediation


@pytest.mark.parametrize(
    "text",
    [
        "{nobody}",
        "{{nobody}}",
        "$nobody",
        "$items",
        "$${item}",
        "${item}",
        "x$item",
        "\\\\$item",
        "{env}",
        "$inputs",
        "{'item': 1}",
        "{item, other}",
        "{{{item}}}",
        "item",
        "costs 3$ an item",
    ],
)
def test_other_text_causes_no_warning(text: str) -> None:
    assert in_args(f'"{text}"') == []


@pytest.mark.parametrize("unit", ["{", "{{", "$a", "{a.", "{a-", "$(a", "%(a", "{a[b]", "{{ a ", "#{"])
def test_a_long_text_is_searched_quickly(unit: str) -> None:
    assert len(list(look_alikes(unit * 50_000))) <= 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("len", "function of your own that returns len(...)"),
        ("print", "function of your own that returns print(...)"),
        ("sorted", "function of your own"),
        ("requests.get", "function of your own that returns requests.get(...)"),
        ("np.mean", "function of your own that returns np.mean(...)"),
        ("json.loads(x)", "function of your own that returns json.loads(...)"),
        ("lambda x: x", "function of your own"),
        ("my_func()", "`button: my_func`"),
        ("await my_func()", "`button: my_func`"),
        ("my_func(item, 3)", "`button: my_func`, and its arguments below `args:`"),
        ("helpers.take", "`button: take`"),
        ("take()", "`button: take`"),
        ("${item}", "`switch`"),
        ("tak", "did you mean 'take'?"),
    ],
)
def test_python_code_as_a_button_is_reported(name: str, hint: str) -> None:
    [problem] = check(f"steps:\n- id: a\n  button: '{name}'\n")
    assert (problem.severity, problem.line, problem.arg) == ("error", 3, "button")
    assert hint in problem.remediation
