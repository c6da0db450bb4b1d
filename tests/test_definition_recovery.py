"""Loading that continues after a problem: one report of all problems without their consequences."""
# ruff: noqa: E501 - a line of a definition is a line here

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, press
from drawer_ipy.buttons.function.button import as_button
from drawer_ipy.definition import DrawerModel, Loaded, load_drawer, validate
from drawer_ipy.errors import Problem


def show(v: Any = None) -> Any:
    return v


def need(q: str) -> str:
    return q


BUTTONS = {"show": as_button(show, "show"), "need": as_button(need, "need")}


def check(definition: Any, **options: Any) -> list[Problem]:
    loaded = load_drawer(definition, name="main", recover=True, **options)
    return validated(loaded)


def validated(loaded: Loaded) -> list[Problem]:
    return validate(
        loaded,
        find_button=BUTTONS.get,
        button_names=lambda: BUTTONS,
        find_drawer=lambda name: (
            load_drawer("inputs: {x: {required: true}}\nsteps: []") if name == "child" else None
        ),
        drawer_names=lambda: ["child"],
    )


def quoted_words(definition: Any) -> list[tuple[int | None, str]]:
    """The line and the first quoted word (or else the message) of every problem."""
    return [(p.line, p.message.split("'")[1] if "'" in p.message else p.message) for p in check(definition)]


def test_a_misspelt_key_a_misspelt_button_and_an_unknown_reference_are_reported_together() -> None:
    cell = (
        "inputs: [urls]\n"
        "steps:\n"
        "  - id: each\n"
        "    kind: for_each\n"
        "    over: ${inputs.urls}\n"
        "    paralelism: 8\n"
        "    steps:\n"
        "      - {id: a, button: shw}\n"
        "      - {id: b, button: show, args: {v: '${zip}'}}\n"
    )
    problems = check(cell, first_line=2)
    assert [(p.line, p.column, p.step_id) for p in problems] == [
        (7, 5, "each"),
        (9, 25, "each.a"),
        (10, 44, "each.b"),
    ]
    with pytest.raises(DefinitionError) as caught:
        press(cell, {"urls": []}, buttons={"show": show}, quiet=True)
    assert [p.step_id for p in caught.value.problems] == ["each", "each.a", "each.b"]
    with pytest.raises(DefinitionError) as caught:
        load_drawer(cell)
    assert [p.step_id for p in caught.value.problems] == ["each"]


def test_invalid_yaml_is_reported_alone() -> None:
    for text in ("steps: [", "", "hello", "- a", "a: 1\n b: 2"):
        with pytest.raises(DefinitionError):
            load_drawer(text, recover=True)


def test_a_valid_drawer_loses_nothing_in_recovery() -> None:
    loaded = load_drawer("steps: [{id: a, button: show}]", recover=True)
    assert loaded.errors == []
    assert not loaded.lost.fields | loaded.lost.strangers


# (a definition, its problems without their consequences)
ALONE: list[tuple[str, list[tuple[int, str]]]] = [
    # misspelt keys are read as the intended ones
    ("stps: [{id: a, button: shw}]", [(1, "stps"), (1, "shw")]),
    ("steps: [{id: a, buton: shw}]", [(1, "buton"), (1, "shw")]),
    ("steps: [{name: a, button: show}, {id: b, button: show, args: {v: '${a.output}'}}]", [(1, "name")]),
    ("input: [x]\nsteps: [{id: b, button: show, args: {v: '${inputs.x} ${inputs.y}'}}]", [(1, "input"), (2, "y")]),
    ("steps: [{id: b, button: need, arg: {q: 1}}]", [(1, "arg")]),
    ("steps: [{id: e, kind: for_each, ovr: '[1]', steps: [{id: a, button: show}]}]", [(1, "ovr")]),
    ("steps: [{id: e, kind: for_each, over: '[1]', var: u, steps: [{id: a, button: show, args: {v: '${u}'}}]}]", [(1, "var")]),
    ("buttns: {f: {url: 'http://x'}}\nsteps: [{id: a, button: show}]", [(1, "buttns")]),
    ("steps: [{id: d, kind: drawer, drawr: child, args: {x: 1}}]", [(1, "drawr")]),
    # misspelt kinds are read as the intended ones
    ("steps: [{id: e, kind: foreach, over: '[1]', steps: [{id: a, button: shw}]}]", [(1, "foreach"), (1, "shw")]),
    ("steps: [{id: e, over: '[1]', as: u, parallelism: 3, steps: [{id: a, button: show, args: {v: '${u}'}}]}]", [(1, "over")]),
    ("steps: [{id: s, cases: [{when: 'true', steps: []}]}]", [(1, "cases")]),
    # an unknown key may be the missing one
    ("steps: [{id: a, script: show}]", [(1, "script")]),
    ("steps: [{id: a, button: need, qqq: {q: 1}}]", [(1, "qqq")]),
    ("steps: [{id: e, kind: for_each, over: '[1]', zz: u, steps: [{id: a, button: show, args: {v: '${u}'}}]}]", [(1, "zz")]),
    ("steps: [{id: d, kind: drawer, drawer: child, qqq: {x: 1}}]", [(1, "qqq")]),
    ("qqq: {x: int}\nsteps: [{id: b, button: show, args: {v: '${inputs.x}'}}]", [(1, "qqq")]),
    ("qqq: {f: {url: x}}\nsteps: [{id: b, button: f}]", [(1, "qqq")]),
    ("qqq: [{id: b, button: show}]\nreturn: {x: '${b.output}'}", [(1, "qqq")]),
    # but a single value is not a block of buttons or arguments
    ("qqq: 1\nsteps: [{id: b, button: nope}]", [(1, "qqq"), (2, "nope")]),
    ("parallelism: 8\nsteps: [{id: b, button: nope}]", [(1, "parallelism"), (2, "nope")]),
    ("steps: [{id: a, button: need, qqq: 1}]", [(1, "need"), (1, "qqq")]),
    # values of the wrong type
    ("steps: 4\nreturn: {x: '${a.output}'}", [(1, "steps must be a list, not 4")]),
    ("inputs: 4\nsteps: [{id: a, button: show, args: {v: '${inputs.x}'}}]", [(1, "inputs must be a list, not 4")]),
    ("inputs: [{type: int}]\nsteps: [{id: a, button: show, args: {v: '${inputs.x}'}}]", [(1, "inputs[0] has no name")]),
    ("inputs: {x: intt}\nsteps: [{id: a, button: show, args: {v: '${inputs.x} ${inputs.y}'}}]", [(1, "intt"), (2, "y")]),
    ("buttons: 4\nsteps: [{id: a, button: f}]", [(1, "buttons must be a mapping (`key: value`), not 4")]),
    ("buttons: {f: 4}\nsteps: [{id: a, button: f}, {id: b, button: g}]", [(1, "buttons.f must be a mapping (`key: value`), not 4"), (2, "g")]),
    ("buttons: {f: {url: 4}}\nsteps: [{id: a, button: f}]", [(1, "buttons.f.url must be text, not 4")]),
    ("steps: [{id: a, button: 4}, {id: b, button: shw}]", [(1, "button must be text, not 4"), (1, "shw")]),
    ("steps: [{id: a, button: need, args: 4}]", [(1, "args must be a mapping (`key: value`), not 4")]),
    ("steps: [{id: 4, button: show}, {id: b, button: show, args: {v: '${x.output} ${inputs.y}'}}]", [(1, "id must be text, not 4"), (1, "y")]),
    ("steps: [4, {id: b, button: show, args: {v: '${x.output}'}}, {id: c, button: shw}]", [(1, "steps[0] must be a mapping (`key: value`), not 4"), (1, "shw")]),
    ("steps: [{id: a, kind: frob, steps: 4}, {id: b, button: show, args: {v: '${a.output} ${c}'}}]", [(1, "frob"), (1, "c")]),
    ("steps: [{id: e, kind: for_each, over: '[1]', as: 4, steps: [{id: a, button: show, args: {v: '${u}'}}]}]", [(1, "as must be text, not 4")]),
    ("steps: [{id: e, kind: for_each, over: '[1]', steps: 4}]", [(1, "steps must be a list, not 4")]),
    ("steps: [{id: s, kind: switch, cases: [4, {when: zip}]}]", [(1, "cases[0] must be a mapping (`key: value`), not 4"), (1, "zip")]),
    ("steps: [{id: s, kind: switch, cases: 4}]", [(1, "cases must be a list, not 4")]),
    ("steps: [{id: w, kind: wait, duration: 5}]", [(1, "duration must be text, not 5")]),
    ("steps: [{id: m, kind: split, branches: {l: 4}}]", [(1, "branches.l must be a list, not 4")]),
    ("steps: [{id: a, button: show, on_failure: contine}, {id: b, button: show, args: {v: '${q}'}}]", [(1, "contine"), (1, "q")]),
    ("schema_version: '2'\nsteps: [{id: a, button: shw}]", [(1, "2"), (2, "shw")]),
    ("schema_version: 2\ndrawer_kind: 4\nsteps: []", [(2, "drawer_kind must be text, not 4")]),
    ("drawer_kind: flow\nflow: 4", [(2, "flow must be a mapping (`key: value`), not 4")]),
    ("on_error: 4\nsteps: [{id: a, button: shw}]", [(1, "on_error must be a mapping (`key: value`), not 4"), (2, "shw")]),
    ("steps: [{id: a, button: b, button: shw}]", [(1, "button"), (1, "shw")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problems"), ALONE)
def test_consequences_of_another_problem_are_not_reported(text: str, problems: list[tuple[int, str]]) -> None:
    assert quoted_words(text) == problems


def test_later_steps_keep_their_places_if_an_earlier_one_is_invalid() -> None:
    text = "steps:\n  - 5\n  - {id: a, kind: frob}\n  - {id: b,\n     button: shw}\n"
    assert [(p.line, p.column, p.step_id) for p in check(text)] == [
        (2, 5, "steps[0]"),
        (3, 19, "a"),
        (5, 14, "b"),
    ]


def test_values_under_a_misspelt_key_keep_their_places() -> None:
    text = "stps:\n  - id: a\n    buton: show\n    agrs:\n      v: x ${zip}\n"
    assert [(p.line, p.column) for p in check(text)] == [(1, 1), (3, 5), (4, 5), (5, 14)]


def test_a_mapping_is_recovered_like_a_text() -> None:
    value = object()
    definition = {"steps": [{"id": "a", "buton": "shw", "args": {"v": value}}]}
    assert [p.message.split("'")[1] for p in check(definition)] == ["buton", "shw"]
    assert "buton" in definition["steps"][0]


def test_unknown_keys_on_disk_are_not_recovered() -> None:
    loaded = load_drawer(
        {"schema_version": 1, "steps": [{"id": "a", "buton": "x"}]}, lenient=True, recover=True
    )
    assert not loaded.errors
    assert loaded.drawer.steps[0].model_dump()["buton"] == "x"
    assert any("names no button" in p.message for p in validated(loaded))


KEYS = ["steps", "stps", "id", "idd", "name", "kind", "button", "args", "over", "ovr", "as", "inputs", "on_failure",
        "cases", "when", "branches", "buttons", "qqq", "return", "on_error", "parallelism", "from", "tolerated_failures"]  # fmt: skip
scalars = st.sampled_from(
    ["a", "for_each", "foreach", "switch", "split", "${a.output}", "?", "", 4, None, True, 1.5]
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=5), st.booleans())
def test_any_damaged_definition_is_recovered_and_validated(tree: dict[str, Any], lenient: bool) -> None:
    loaded = load_drawer(json.dumps(tree), lenient=lenient, recover=True)
    problems = validated(loaded)
    assert [p for p in problems if p in loaded.errors] == loaded.errors
    assert isinstance(loaded.drawer, DrawerModel)
    if loaded.errors:
        with pytest.raises(DefinitionError) as caught:
            load_drawer(json.dumps(tree), lenient=lenient)
        assert [p for p in caught.value.problems if p.severity == "error"] == loaded.errors
    else:
        assert load_drawer(json.dumps(tree), lenient=lenient).drawer == loaded.drawer


@pytest.mark.parametrize("name", ["steps", "branches", "cases", "on_error"])
def test_a_button_or_an_argument_may_be_named_as_a_list_of_steps(name: str) -> None:
    tree = {
        "buttons": {name: {"args": [""]}},
        "steps": [{"id": "a", "button": name, "args": {name: [{"id": 4}]}, "timeout_seconds": "x"}],
    }
    found = [(p.step_id, p.arg, p.message) for p in load_drawer(json.dumps(tree), recover=True).errors]
    assert found[0] == ("", "buttons", f"buttons.{name}.args[0] has no name")
    assert [(step, arg) for step, arg, _ in found[1:]] == [("a", "timeout_seconds")]
