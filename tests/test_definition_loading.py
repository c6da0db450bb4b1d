"""Loading definitions: places, readable messages, and always a drawer or a DefinitionError."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawer_ipy.definition import load_button, load_drawer
from drawer_ipy.definition.steps.for_each import ForEachStep
from drawer_ipy.errors import DefinitionError, Problem


def problems_of(text: Any, **options: Any) -> list[Problem]:
    with pytest.raises(DefinitionError) as caught:
        load_drawer(text, **options)
    return caught.value.problems


# (text, line, column, words of the message or the remediation)
MALFORMED = [
    ("", None, None, "empty"),
    ("# nothing\n", 1, 1, "empty"),
    ("hello", 1, 1, "single value"),
    ("- id: a\n", 1, 1, "did you mean `steps:`"),
    ("[1, 2]", 1, 1, "list"),
    ("steps:\n\t- id: a\n", 2, 1, "tab"),
    ("steps:\n  - id: a\n\tbutton: b\n", 3, 1, "indent with spaces"),
    ("steps:\n  - id: a\n    over: ${a: b}\n", 3, 11, 'quote it: "${a: b}"'),
    ("x: ${inputs.a ? 1 : 2}\n", 1, 4, 'quote it: "${inputs.a ? 1 : 2}"'),
    ("url: {{base}}/x\n", 1, 6, 'quote it: "{{base}}/x"'),
    ("url: {{base}}\n", 1, 6, "in quotes"),
    ("a: {url: http://x/{{p}}/q, b: 1}\n", 1, 10, 'quote it: "http://x/{{p}}/q"'),
    ("steps:\n  - {id: a, args: {x: ${u}}}\n", 2, 23, 'quote it: "${u}"'),
    ("args: [${u}]\n", 1, 8, 'quote it: "${u}"'),
    ("description: foo: bar\n", 1, 17, 'quote the value: "foo: bar"'),
    ("steps:\n  - id: a\n    button:b\n    args: {}\n", 3, 12, "a space is missing after button:"),
    ("a: [1, 2\nb: 3\n", 1, 4, "not closed"),
    ("steps: [", 1, 8, "this [ is not closed"),
    ("steps: [{id: '[', args: {", 1, 25, "this { is not closed"),
    ('steps:\n  - {id: a, "button"\n     : b}', 3, 6, "a key and its colon must be on one line"),
    ('a: "xx\nb: 3\n', 1, 4, "quotes are not closed"),
    ("a: 'it's'\n", 1, 8, "after the closing quote"),
    ("a: 1\n  b: 2\n", 2, 4, "indented deeper"),
    ("steps\n  - id: a\n", 1, 6, "a colon is missing after steps write `steps:`"),
    ("steps:\n  - id a\n    button: b\n", 2, 7, "a colon is missing after id write `id: a`"),
    ("steps:\n  - id: a\n\n    button b\n      args: {}\n", 4, 11, "a colon is missing after button"),
    ("steps:\n  - id: a\n   button: b\n", 3, 4, "indentation of this line"),
    ("a: @x\n", 1, 4, "cannot begin with '@'"),
    ("a: *zz\n", 1, 4, "no anchor"),
    ("a: &x [*x]\n", 1, 8, "a value that contains it"),
    ('a: "\\q"\n', 1, 6, "escape"),
    ("a: b\x01c", 1, 5, "U+0001"),
    ("a: 1\n- b\n", 2, 1, "mixed"),
    ("a: {b: c}}\n", 1, 10, "closes nothing"),
    ("steps: - id: a\n", 1, 8, "next line"),
    ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
    ("a: !mine x\n", 1, 4, "tag"),
    ("a: " + "9" * 5000, 1, 4, "4300"),
    ("<<: 3\nb: 1\n", 1, 5, "can merge only mappings"),
    ('{"steps": [{"id": "a"\n "x": 1}]}', 2, 2, "where , or } is expected"),
    ('{"steps": [}', 1, 12, "value"),
    ('{"steps" []}', 1, 10, "colon"),
    ('{"steps": []} x', 1, 15, "after the end"),
    ('{"steps": [', 1, 12, "ends"),
    ("steps:\n  - id:a\n    button:b\n", 2, 5, "a space is missing after the colon"),
    ("steps:\n  - 5\n", 2, 5, "mapping"),
    ("name: x\n", 1, 1, "there are no steps"),
    ("steps: []\nsteps: []\n", 2, 1, "given twice, on line 1 and on line 2"),
    ("steps: []\nfoo: 1\n", 2, 1, "valid keys"),
    ("step: []\n", 1, 1, "did you mean 'steps'?"),
    ("steps: []\nparallelism: 3\n", 2, 1, "belongs to a step"),
    ("steps:\n  - button: x\n", 2, 5, "steps[0] has no id"),
    ("steps:\n  - {id: a, paralelism: 3}\n", 2, 13, "belongs to for_each steps"),
    ("steps:\n  - {id: a, over: x}\n", 2, 13, "add `kind: for_each`"),
    ("steps:\n  - {id: a, kind: wait, over: x}\n", 2, 25, "change the kind to for_each or batch"),
    ("steps:\n  - {id: a, on-failure: stop}\n", 2, 13, "did you mean 'on_failure'?"),
    ("steps:\n  - {id: a, kind: for_each, onItemFailure: stop}\n", 2, 29, "'on_item_failure'"),
    ("steps:\n  - {id: a, kind: foreach}\n", 2, 19, "did you mean 'for_each'?"),
    ("steps:\n  - {id: a, kind: swich}\n", 2, 19, "did you mean 'switch'?"),
    ("steps:\n  - {id: a, on_failure: contine}\n", 2, 25, "did you mean 'continue'?"),
    ("steps:\n  - {id: a, on_failure: {action: boo}}\n", 2, 34, "stop, continue, retry"),
    ("steps:\n  - {id: e, kind: for_each, on_item_failure: go}\n", 2, 46, "stop, continue"),
    ("steps:\n  - {id: e, kind: for_each, parallelism: '4'}\n", 2, 42, "without quotes: 4"),
    ("steps:\n  - {id: e, kind: for_each, parallelism: -1}\n", 2, 42, "the minimum is 0"),
    ("steps:\n  - {id: e, kind: for_each, tolerated_failures: []}\n", 2, 49, "whole number or text"),
    ("steps:\n  - {id: w, kind: wait, duration: 5}\n", 2, 35, 'give a unit: "5s"'),
    ("steps:\n  - {id: 1}\n", 2, 10, 'put it in quotes: "1"'),
    ("steps:\n  - {id: a, timeout_seconds: .nan}\n", 2, 30, "timeout_seconds"),
    ("inputs:\n  - {type: int}\nsteps: []\n", 2, 5, "has no name"),
    ("inputs: {x: intt}\nsteps: []\n", 1, 13, "did you mean 'int'?"),
    ("inputs: {x: {type: int, requird: true}}\nsteps: []\n", 1, 25, "did you mean 'required'?"),
    ("inputs: [{name: x, secret: yes}]\nsteps: []\n", 1, 28, "YAML 1.2 has only true and false"),
    ("buttons: {f: {url: x, headres: {}}}\nsteps: []\n", 1, 23, "did you mean 'headers'?"),
    ("buttons: {f: {url: x, env: {A: 1}}}\nsteps: []\n", 1, 32, "quotes"),
    ("on_error: 3\nsteps: []\n", 1, 11, "mapping"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), MALFORMED)
def test_problems_are_reported_with_their_place(
    text: str, line: int | None, column: int | None, words: str
) -> None:
    problems = problems_of(text)
    found = [p for p in problems if words in p.message + " " + p.remediation]
    assert found, [str(p) for p in problems]
    assert (found[0].line, found[0].column) == (line, column)
    assert not any("pydantic" in str(p) or "http" in p.message for p in problems)


def test_all_problems_are_reported_at_once_in_the_order_of_the_text() -> None:
    text = (
        "steps:\n  - {id: a, kind: foreach}\n  - {button: x, args: {k: 1, k: 2}}\nfoo: 1\ninputs: {x: intt}\n"
    )
    problems = problems_of(text)
    assert [p.line for p in problems] == [2, 3, 3, 4, 5]


def test_problems_of_nested_steps_name_the_dotted_path() -> None:
    steps = "{id: each, kind: for_each, over: '[1]', steps: [{id: w, nope: 1}, {button: b}]}"
    assert [p.step_id for p in problems_of(f"steps:\n  - {steps}\n")] == ["each.w", "each.steps[1]"]


def test_lines_count_from_the_top_of_the_cell() -> None:
    problems = problems_of("steps: []\nfoo: 1\n", first_line=2)
    assert problems[0].line == 3
    with pytest.raises(DefinitionError, match=r"line 3, column 1[^\n]*\n    foo: 1\n    \^"):
        load_drawer("steps: []\nfoo: 1\n", first_line=2)


# Drawers on disk with these problems get a warning and still run.
TOLERATED = [
    "{steps: [], foo: 1}",
    "{steps: [{id: a, button: b, parallelism: 3}]}",
    "{steps: [{id: a, kind: for_each, over: '[1]', parallelism: -2}]}",
    '{"steps": [], "steps": []}',
]


@pytest.mark.parametrize("text", TOLERATED)
def test_invalid_values_in_files_on_disk_cause_a_warning(text: str) -> None:
    problems_of(text)
    loaded = load_drawer(text, lenient=True)
    assert [p.severity for p in loaded.warnings] == ["warning"]


def test_a_negative_parallelism_on_disk_means_sequential() -> None:
    step = load_drawer(TOLERATED[2], lenient=True).drawer.steps[0]
    assert isinstance(step, ForEachStep)
    assert step.parallelism == 0


def test_unknown_keys_on_disk_are_kept() -> None:
    loaded = load_drawer({"steps": [], "foo": {"bar": 1}}, lenient=True)
    assert loaded.drawer.model_dump()["foo"] == {"bar": 1}


SAME = [
    "steps:\n  - id: a\n    button: b\n    args: {n: 1, t: yes, d: 2020-01-01, z: null, f: 1.5}\n",
    "{steps: [{id: a, button: b, args: {n: 1, t: yes, d: 2020-01-01, z: null, f: 1.5}}]}",
    '{"steps":[{"id":"a","button":"b","args":{"n":1,"t":"yes","d":"2020-01-01","z":null,"f":1.5}}]}',
    '{\n\t"steps": [\n\t\t{"id": "a", "button": "b",\n\t\t "args": '
    '{"n": 1, "t": "yes", "d": "2020-01-01", "z": null, "f": 1.5}}]}',
    "x: &x {n: 1, t: yes}\nsteps:\n- id: a\n  button: b\n  args: {<<: *x, d: 2020-01-01, z: ~, f: 1.5}\n",
    "\ufeffsteps:\r\n- {id: a, button: b, args: {n: 1, t: 'yes', d: \"2020-01-01\", z: , f: 1.5}}\r\n",
]


@pytest.mark.parametrize("text", SAME)
def test_yaml_json_and_aliases_are_equivalent(text: str) -> None:
    args = load_drawer(text, lenient=True).drawer.steps[0].args
    assert args == {"n": 1, "t": "yes", "d": "2020-01-01", "z": None, "f": 1.5}


def test_json_keeps_whole_numbers_and_characters_exactly() -> None:
    args = {"big": 2**80, "pair": "\U0001f600", "long" * 400: "x\u2028y", "slash": "a/b"}
    text = json.dumps({"steps": [{"id": "a", "args": args}]}).replace("a/b", "a\\/b")
    assert load_drawer(text).drawer.steps[0].args == args


def test_objects_in_a_mapping_are_passed_unchanged() -> None:
    thing = object()
    loaded = load_drawer({"steps": [{"id": "a", "button": "b", "args": {"x": thing}}]})
    assert loaded.drawer.steps[0].args["x"] is thing
    assert loaded.source.locate(("steps", 0)) == (None, None)


def test_null_means_not_given() -> None:
    drawer = load_drawer(
        "steps:\n  - {id: a, button: b, args: , on_failure: , timeout_seconds: ~}\ninputs:\n"
    ).drawer
    assert drawer.steps[0].on_failure is None
    assert drawer.inputs == []


def test_inputs_and_args_may_be_mappings_by_name() -> None:
    drawer = load_drawer(
        "inputs: {a: , b: int, c: {type: enum, values: [x]}}\n"
        "buttons: {f: {url: u, args: {p: string}}}\n"
        "steps: []"
    ).drawer
    assert [(i.name, i.type) for i in drawer.inputs] == [("a", "any"), ("b", "int"), ("c", "enum")]
    assert drawer.buttons["f"].name == "f"
    assert drawer.buttons["f"].args[0].required


def test_places_of_values_keys_and_missing_keys_are_known() -> None:
    source = load_drawer("steps:\n  - id: a\n    button: b\n    args:\n      url: 'it''s ${x}'\n").source
    path = ("steps", 0, "args", "url")
    assert source.locate(path) == (5, 12)
    assert source.locate(path, key=True) == (5, 7)
    assert source.locate(("steps", 0, "args", "nope")) == (4, 5)
    assert source.locate(("nope",)) == (1, 1)
    assert source.locate_in(path, 5) == (5, 19)


def test_places_within_a_block_of_text_are_known() -> None:
    source = load_drawer("steps:\n  - id: a\n    args:\n      t: |\n        one\n\n        two ${x}\n").source
    assert source.locate_in(("steps", 0, "args", "t"), len("one\n\ntwo ")) == (7, 13)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: &a {k: 1}\n"
        + "".join(
            f"{c}: &{c} {{<<: [{','.join(['*' + p] * 9)}]}}\n"
            for p, c in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "a: " + "[" * 5000,
        '{"a": ' + "[" * 5000,
        "a: " + "{a: " * 5000,
        "\n".join("  " * i + "a:" for i in range(300)),
    ],
    ids=["aliases", "merges", "deep list", "deep json", "deep map", "deep blocks"],
)
def test_hostile_texts_are_refused_quickly(text: str) -> None:
    began = time.perf_counter()
    problems_of(text)
    assert time.perf_counter() - began < 10


def test_a_mapping_that_contains_itself_is_refused() -> None:
    tree: dict[str, Any] = {"steps": []}
    tree["steps"].append(tree)
    assert "nested" in problems_of(tree)[0].message
    assert "not text" in problems_of({"steps": [], 1: 2})[0].message


def test_buttons_are_loaded_in_the_same_way() -> None:
    loaded = load_button("url: 'http://x/{{a}}'\nargs: [a]\n", name="get")
    assert (loaded.button.name, loaded.button.args[0].name) == ("get", "a")
    with pytest.raises(DefinitionError, match="did you mean 'url'"):
        load_button("ur: x\n")
    with pytest.raises(DefinitionError, match="give it `url:`, `code:` or `prompt:`"):
        load_button("")


KEYS = [
    *("steps", "id", "kind", "button", "args", "over", "inputs", "on_failure", "cases", "when", "as"),
    *("parallelism", "buttons", "return", "flow", "triggers", "name", "branches", "<<", "retry_on", "x-y"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.sampled_from(
        ["for_each", "switch", "split", "${inputs.x}", "a", "stop", "{{x}}", "", "5s", "\u2028", "\ud800"]
    )
    | st.text(max_size=5)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)
PIECES = [
    *("steps:", "\n", "  ", "- ", "id: a", "{", "}", "[", "]", "${x}", "{{b}}", ": ", ",", '"', "'"),
    *("&a", "*a", "<<: ", "\t", "|", "#", "!!int ", "? ", "---", "\\", "kind: for_each", "over: "),
    *("%", "@", "\u0085", "\x00", '"a": ', "1", "null", ">-\n", "..."),
]


def loads_or_refuses(definition: Any, lenient: bool) -> None:
    try:
        loaded = load_drawer(definition, lenient=lenient)
    except DefinitionError as error:
        found = [p.severity for p in error.problems]
        text = str(error)
    else:
        found, text = ["error", *(p.severity for p in loaded.warnings)], "loaded"
    assert "error" in found
    assert text


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=6), st.booleans())
def test_any_mapping_is_loaded_or_refused(tree: dict[str, Any], lenient: bool) -> None:
    loads_or_refuses(tree, lenient)
    loads_or_refuses(json.dumps(tree, indent="\t"), lenient)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=40), st.booleans())
def test_any_text_is_loaded_or_refused(text: str, lenient: bool) -> None:
    loads_or_refuses(text, lenient)
    loads_or_refuses(f"steps:\n  - id: a\n    args: {text}\n", lenient)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_definition_is_loaded_or_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([*SAME, *(text for text, *_ in MALFORMED[:40])]))
    at = data.draw(st.integers(0, len(text)))
    gap = data.draw(st.integers(0, 3))
    piece = data.draw(st.sampled_from(PIECES))
    loads_or_refuses(text[:at] + piece + text[at + gap :], False)
