"""Validation: scopes, types and the requirements of each kind, with places."""
# ruff: noqa: E501 - a case a line, so that the columns can be counted

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy.buttons import as_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.buttons.factory import make_button
from drawer_ipy.definition import ButtonSpec, load_drawer, validate
from drawer_ipy.definition.checking.literals import literal_problem, schema_fits, type_fits
from drawer_ipy.definition.checking.schemas import NoSuchField, schema_at
from drawer_ipy.definition.models import ArgSpec
from drawer_ipy.errors import DefinitionError, Problem


def script(name: str, args: Mapping[str, str], schema: Mapping[str, Any] | None = None) -> Button:
    """A script with `args`: name -> type, with ``!`` for required ones."""
    declared = [
        {"name": arg, "type": kind.rstrip("!"), "required": kind.endswith("!"), "values": ["x", "y z", 3]}
        for arg, kind in args.items()
    ]
    fields = {"name": name, "runtime": "sh", "code": ":", "args": declared, "output_schema": schema}
    return make_button(ButtonSpec.model_validate(fields))


def takes_html(html: Any) -> None: ...


def takes_anything(**more: Any) -> None: ...


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"type": "string"},
        "list": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "boolean"}}}},
    },
}
BUTTONS: dict[str, Button] = {
    "ok": script("ok", {}),
    "show": script("show", {"v": "string"}),
    "need": script("need", {"q": "string!"}),
    "typed": script(
        "typed", {"i": "int", "b": "bool", "e": "enum", "s": "string", "f": "float", "any": "any"}
    ),
    "src": script("src", {}, SCHEMA),
    "open": as_button(takes_anything, "open"),
    "func": as_button(takes_html, "func"),
}
DRAWERS = {
    "child": "inputs: {x: {required: true}, y: }\nsteps: []",
    "ring1": "steps: [{id: a, kind: drawer, drawer: ring2}]",
    "ring2": "steps: [{id: l, kind: for_each, over: '[1]', steps: [{id: a, kind: drawer, drawer: ring1}]}]",
    "back": "steps: [{id: a, kind: drawer, drawer: main}]",
    "broken": "steps: 4",
}


def check(text: str, **options: Any) -> list[Problem]:
    return validate(
        load_drawer(text, name="main"),
        find_button=options.pop("find_button", BUTTONS.get),
        button_names=lambda: BUTTONS,
        find_drawer=lambda name: load_drawer(DRAWERS[name], name=name) if name in DRAWERS else None,
        drawer_names=lambda: DRAWERS,
        **options,
    )


def steps(*lines: str, before: str = "") -> str:
    return before + "steps:\n" + "".join(f"  - {line}\n" for line in lines)


def errors(problems: list[Problem]) -> list[Problem]:
    return [p for p in problems if p.severity == "error"]


A = "{id: a, button: ok}"
GOOD = [
    steps(A, "{id: b, button: show, args: {v: '${a.output}'}}"),
    steps(A, "{id: b, button: show, args: {v: '${a.error.code ?? 0} ${env.X} $ENV{Y}'}}"),
    steps("{id: a-b, button: ok}", "{id: a_b, button: ok}", "{id: c, button: show, args: {v: '${a-b.output}'}}"),
    steps("{id: a-b, button: ok}", "{id: c, button: show, args: {v: '${a_b.output}'}}"),
    steps("{id: b, button: show, args: {v: '${has(inputs.x) ? 1 : 2}'}}"),
    steps("{id: b, button: show, args: {v: '${inputs.x ?? 1}'}}"),
    steps("{id: b, button: show, args: {v: '${inputs.n-1}'}}", before="inputs: {n: int}\n"),
    steps("{id: b, button: show, args: {v: '${inputs.webhook.body}'}}", before="triggers: [{kind: webhook}]\n"),
    steps("{id: b, button: show, args: {v: '${webhooks.foo} ${batteries.KEY}'}}"),
    steps("{id: e, kind: for_each, over: [1, 2], as: u, steps: [{id: w, button: show, args: {v: '${u}'}},"
          " {id: z, button: show, args: {v: '${w.output} ${u.x}'}}]}",
          "{id: g, kind: aggregate, from: e.output.results, pluck: item.steps.w.output}"),
    steps("{id: e, kind: for_each, over: '[[1]]', as: u, steps: [{id: f, kind: for_each, over: u, as: v, steps: ["
          "{id: w, button: show, args: {v: '${u} ${v}'}}]}]}"),
    steps(A, "{id: s, kind: switch, cases: [{when: 'a.output == 1', steps: [{id: p, button: ok},"
             " {id: q, button: show, args: {v: '${p.output}'}}]}]}"),
    steps("{id: s, kind: switch, cases: [{when: true}]}"),
    steps("{id: w, kind: wait, duration: 1h2m}", "{id: x, kind: wait, until: 2020-01-01T00:00:00Z}",
          "{id: y, kind: wait, duration: '${inputs.d ?? 1}s'}"),
    steps("{id: t, button: typed, args: {i: 5, b: TRUE, e: y z, s: 7, f: 1, any: [1]}}"),
    steps("{id: t, button: typed, args: {i: '+5', b: 0, e: 3, s: , f: '1.5', any: {}}}"),
    steps("{id: t, button: typed, args: {i: '${inputs.n}', s: '${inputs.n}', f: '${inputs.n}', any: '${inputs.n}'}}",
          before="inputs: {n: int}\n"),
    steps("{id: t, button: typed, args: {s: '${inputs.e}'}}", before="inputs: [{name: e, type: enum, values: [1]}]\n"),
    steps("{id: a, button: src}",
          "{id: t, button: typed, args: {i: '${a.output.n}', s: '${a.output.n}', b: '${a.output.list[0].k}'}}"),
    steps("{id: o, button: open, args: {whatever: 1}}"),
    steps("{id: d, kind: drawer, drawer: child, args: {x: 1}}"),
    steps("{id: e, kind: for_each, over: '[1]', tolerated_failures: 5%, steps: [{id: a, button: ok}]}"),
    steps(A) + "return: {v: '${a.output} ${inputs.x ?? 0}'}\non_error: {drawer: child, with: {x: '${inputs.y ?? 1}'}}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_valid_drawers_have_no_problems(text: str) -> None:
    assert [str(p) for p in check(text)] == []


# (text, step, argument, words, (line, column))
WRONG = [
    (steps(A, "{id: a, button: ok}"), "a", "id", "two steps", (3, 10)),
    (steps("{id: inputs, button: ok}"), "inputs", "id", "cannot be called", (2, 10)),
    (steps("{id: env, button: ok}"), "env", "id", "cannot be called", (2, 10)),
    (steps("{id: webhooks, button: ok}"), "webhooks", "id", "cannot be called", (2, 10)),
    (steps("{id: batteries, button: ok}"), "batteries", "id", "cannot be called", (2, 10)),
    (steps("{id: e, kind: for_each, over: '[1]', as: env, steps: [{id: w, button: ok}]}"), "e", "as", "cannot", (2, 46)),
    (steps("{id: a}"), "a", "button", "names no button", (2, 5)),
    (steps("{id: a, button: shw}"), "a", "button", "did you mean 'show'?", (2, 21)),
    (steps("{id: a, button: zzz}"), "a", "button", "@button", (2, 21)),
    (steps("{id: a, kind: drawer}"), "a", "drawer", "names no drawer", (2, 5)),
    (steps("{id: a, kind: drawer, drawer: chld}"), "a", "drawer", "did you mean 'child'?", (2, 35)),
    (steps("{id: a, kind: drawer, drawer: broken}"), "a", "drawer", "has an error", (2, 35)),
    (steps("{id: a, kind: drawer, drawer: main}"), "a", "drawer", "main -> main", (2, 35)),
    (steps("{id: a, kind: drawer, drawer: back}"), "a", "drawer", "main -> back -> main", (2, 35)),
    (steps("{id: a, kind: drawer, drawer: ring1}"), "a", "drawer", "ring1 -> ring2 -> ring1", (2, 35)),
    (steps("{id: e, kind: for_each}"), "e", "over", "needs `over`", (2, 5)),
    (steps("{id: e, kind: for_each, over: {a: 1}}"), "e", "over", "must be a list", (2, 35)),
    (steps("{id: e, kind: for_each, over: 5}"), "e", "over", "must be a list", (2, 35)),
    (steps("{id: e, kind: for_each, over: '[1]', tolerated_failures: x}"), "e", "tolerated_failures", "share", (2, 62)),
    (steps("{id: s, kind: switch}"), "s", "cases", "needs `cases`", (2, 5)),
    (steps("{id: s, kind: switch, cases: [{id: c}]}"), "s", "when", "case 'c' has no `when`", (2, 35)),
    (steps("{id: s, kind: switch, cases: [{when: 5}]}"), "s", "when", "must be an expression", (2, 42)),
    (steps("{id: g, kind: aggregate, pluck: item}"), "g", "from", "needs `from`", (2, 5)),
    (steps("{id: g, kind: aggregate, from: '[1]'}"), "g", "pluck", "needs `pluck`", (2, 5)),
    (steps("{id: w, kind: wait}"), "w", "", "needs `duration`", (2, 5)),
    (steps("{id: w, kind: wait, duration: '5'}"), "w", "duration", "1h30m", (2, 35)),
    (steps("{id: w, kind: wait, until: tomorrow}"), "w", "until", "RFC 3339", (2, 32)),
    (steps("{id: b, button: show, args: {v: '${zip.output}'}}"), "b", "v", "'zip' is not an input", (2, 40)),
    (steps("{id: b, button: show, args: {v: 'x ${1 + zip.output}'}}"), "b", "v", "'zip'", (2, 46)),
    (steps("{id: b, button: show, args: {v: [1, {k: '${zip}'}]}}"), "b", "v", "'zip'", (2, 48)),
    (steps("{id: bb, button: ok}", "{id: c, button: show, args: {v: '${bbb.output}'}}"), "c", "v", "mean 'bb'?", (3, 40)),
    (steps("{id: b, button: show, args: {v: '${a.output}'}}", A), "b", "v", "runs later", (2, 40)),
    (steps("{id: b, button: show, args: {v: '${b.output}'}}"), "b", "v", "step it is in", (2, 40)),
    (steps("{id: b, button: show, args: {v: '${has(b.output)}'}}"), "b", "v", "step it is in", (2, 44)),
    (steps("{id: b, button: show, args: {v: '${inputs}'}}"), "b", "v", "needs the name of an input", (2, 40)),
    (steps("{id: b, button: show, args: {v: '${env}'}}"), "b", "v", "exactly one", (2, 40)),
    (steps("{id: b, button: show, args: {v: '${env.A.B}'}}"), "b", "v", "exactly one", (2, 40)),
    (steps("{id: b, button: show, args: {v: '${inputs.usr}'}}", before="inputs: [user]\n"), "b", "v", "'user'", (3, 40)),
    (steps("{id: b, button: show, args: {v: '${user}'}}", before="inputs: [user]\n"), "b", "v", "${inputs.user}", (3, 40)),
    (steps(A, "{id: b, button: show, args: {v: '${a.stdout}'}}"), "b", "v", "only `output`", (3, 40)),
    (steps("{id: b, button: show, args: {v: 'ab ${1 +}'}}"), "b", "v", "", (2, 46)),
    (steps("{id: b, button: show, args: {v: 'ab ${1'}}"), "b", "v", "", None),
    (steps("{id: e, kind: for_each, over: zip, steps: [{id: w, button: ok}]}"), "e", "over", "'zip'", (2, 35)),
    (steps("{id: e, kind: for_each, over: '[1]', steps: [{id: w, button: nope}]}"), "e.w", "button", "nope", (2, 66)),
    (steps("{id: e, kind: for_each, over: '[1]', steps: [{id: w, button: show, args: {v: '${e.output}'}}]}"),
     "e.w", "v", "part of", (2, 85)),
    (steps("{id: e, kind: for_each, over: '[1]', as: u, steps: [{id: w, button: ok}]}",
           "{id: c, button: show, args: {v: '${u}'}}"), "c", "v", "'u'", (3, 40)),
    (steps("{id: e, kind: for_each, over: '[1]', steps: [{id: w, button: ok}]}",
           "{id: c, button: show, args: {v: '${w.output}'}}"), "c", "v", "inside 'e'", (3, 40)),
    (steps("{id: e, kind: for_each, over: '[1]', steps: [{id: w, button: ok}]}",
           "{id: c, button: show, args: {v: '${e.output.result}'}}"), "c", "v", "'results'", (3, 40)),
    (steps("{id: s, kind: switch, cases: [{when: '1 ='}]}"), "s", "when", "", None),
    (steps("{id: g, kind: aggregate, from: '[1]', pluck: itm.x}"), "g", "pluck", "'item'", (2, 50)),
    (steps("{id: t, button: typed, args: {i: abc}}"), "t", "i", "whole number", (2, 38)),
    (steps("{id: t, button: typed, args: {i: 9223372036854775808}}"), "t", "i", "64 bits", (2, 38)),
    (steps("{id: t, button: typed, args: {b: maybe}}"), "t", "b", "true or false", (2, 38)),
    (steps("{id: t, button: typed, args: {e: X}}"), "t", "e", "one of x, y z, 3", (2, 38)),
    (steps("{id: t, button: typed, args: {i: '${inputs.s}'}}", before="inputs: {s: string}\n"), "t", "i", "takes int", (3, 41)),
    (steps("{id: a, button: src}", "{id: t, button: typed, args: {i: '${a.output.s}'}}"), "t", "i", "takes int", (3, 41)),
    (steps("{id: a, button: src}", "{id: t, button: show, args: {v: '${a.output.zip}'}}"), "t", "v", "no field 'zip'", (3, 40)),
    (steps("{id: a, button: src}", "{id: t, button: show, args: {v: '${a.output.list[0].z}'}}"), "t", "v", "'z'", (3, 40)),
    (steps("{id: a, button: src}", "{id: t, button: show, args: {v: '${a.output.n.z}'}}"), "t", "v", "integer", (3, 40)),
    (steps("{id: f, button: func, args: {html: 1, htm: 2}}"), "f", "htm", "declares no argument", (2, 43)),
    (steps(A) + "return: {v: '${zip.output}'}\n", "", "return", "'zip'", (3, 16)),
    (steps(A) + "on_error: {drawer: nope}\n", "", "on_error", "no drawer 'nope'", (3, 20)),
    (steps(A) + "on_error: {drawer: child, with: {x: '${zip}'}}\n", "", "on_error", "'zip'", (3, 40)),
    (steps(A, before="inputs: [x, x]\n"), "", "x", "two inputs", (1, 13)),
    ("schema_version: 3\nsteps: []\n", "", "schema_version", "1 or 2", (1, 17)),
    ("schema_version: 2\nsteps: []\n", "", "drawer_kind", "drawer_kind: action", (1, 1)),
    ("drawer_kind: acton\nsteps: []\n", "", "drawer_kind", "'action'", (1, 14)),
    ("drawer_kind: action\nsteps: []\nflow: {}\n", "", "flow", "kind flow", (3, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "step", "arg", "words", "place"), WRONG)
def test_an_error_names_step_argument_and_place(
    text: str, step: str, arg: str, words: str, place: tuple[int, int] | None
) -> None:
    found = errors(check(text))
    assert len(found) == 1, [str(p) for p in found]
    one = found[0]
    assert (one.step_id, one.arg) == (step, arg)
    assert words in one.message + " " + one.remediation
    if place is not None:
        assert (one.line, one.column) == place


WARNED = [
    (steps("{id: n, button: need}"), "n", "q"),
    (steps("{id: s, button: show, args: {zzz: 1}}"), "s", "zzz"),
    (steps("{id: w, kind: wait, duration: 1s, until: 2020-01-01T00:00:00Z}"), "w", "until"),
    (steps("{id: e, kind: for_each, over: '[1]'}"), "e", "steps"),
    (steps("{id: d, kind: drawer, drawer: child}"), "d", "x"),
    (steps("{id: a, button: ok, on_failure: {retry_on: [TIMEOT]}}"), "a", "on_failure"),
    (steps("{id: a, button: ok, on_failure: retry}"), "a", "on_failure"),
    (steps("{id: e, kind: for_each, over: '[1]', as: u, steps: [{id: u, button: ok}]}"), "e.u", "id"),
]


@pytest.mark.parametrize(("text", "step", "arg"), WARNED)
def test_a_warning_does_not_prevent_the_run(text: str, step: str, arg: str) -> None:
    assert [(p.severity, p.step_id, p.arg) for p in check(text)] == [("warning", step, arg)]


def test_retry_on_accepts_codes_and_names_of_exceptions() -> None:
    text = steps(
        "{id: a, button: ok, on_failure: {action: retry, max_attempts: 2,"
        " retry_on: [TIMEOUT, ValueError, aiohttp.ClientError]}}"
    )
    assert check(text) == []


def test_inputs_given_at_press_count_as_declared() -> None:
    text = steps("{id: n, button: need}", "{id: b, button: show, args: {v: '${inputs.x}'}}")
    assert [p.arg for p in errors(check(text, pressing=True))] == ["q", "v"]
    assert check(text, pressing=True, given_inputs=["q", "x"]) == []


def test_references_determine_the_order_in_parallel_mode() -> None:
    text = steps("{id: b, button: show, args: {v: '${a.output}'}}", A)
    assert errors(check(text))
    assert check(text, ordered=False) == []
    itself = steps("{id: b, button: show, args: {v: '${b.output}'}}")
    assert errors(check(itself, ordered=False))


LAX = [
    "{id: a, button: nope, on_failure: continue}",
    "{id: a, button: typed, args: {i: abc}, on_failure: continue}",
    "{id: a, button: show, args: {v: '${zip.output}'}, on_failure: continue}",
    "{id: a, kind: drawer, drawer: nope, on_failure: continue}",
    "{id: a, kind: wait, duration: soon, on_failure: continue}",
]


@pytest.mark.parametrize("line", LAX)
def test_problems_of_a_step_with_continue_are_warnings(line: str) -> None:
    assert [p.severity for p in check(steps(line))] == ["warning"]


def test_an_invalid_expression_is_an_error_even_in_a_step_with_continue() -> None:
    found = check(steps("{id: a, button: show, args: {v: '${1 +}'}, on_failure: continue}"))
    assert [(p.severity, p.step_id, p.arg) for p in found] == [("error", "a", "v")]


def test_a_missing_button_is_an_error_even_in_a_loop_with_continue() -> None:
    text = "{id: e, kind: for_each, over: '[1]', on_failure: continue, steps: [{id: w, button: nope}]}"
    assert [p.step_id for p in errors(check(steps(text)))] == ["e.w"]


def test_a_broken_button_is_a_problem_of_its_step() -> None:
    def find(name: str) -> Any:
        raise DefinitionError([Problem("error", "url must be text")])

    found = errors(check(steps(A), find_button=find))
    assert [(p.step_id, p.arg) for p in found] == [("a", "button")]
    assert "url must be text" in found[0].message


def test_further_roots_can_be_allowed() -> None:
    text = steps("{id: b, button: show, args: {v: '${tools.x}'}}")
    assert errors(check(text))
    assert check(text, extra_roots=["tools"]) == []


def test_a_bare_drawer_is_checked_without_places() -> None:
    drawer = load_drawer(steps("{id: a, button: nope}")).drawer
    found = validate(
        drawer,
        find_button=BUTTONS.get,
        button_names=list,
        find_drawer=lambda name: None,
        drawer_names=list,
    )
    assert [(p.step_id, p.line) for p in found] == [("a", None)]


FLOW: dict[str, Any] = {
    "initial_stage": "plan",
    "manager": {"agent": "activation.manager", "heartbeat_seconds": 60},
    "limits": {"max_active_tasks": 2},
    "stages": [
        {
            "id": "plan",
            "title": "Plan",
            "worker": {"agent": "agent:team:bob"},
            "transitions": ["do-it"],
            "triggers": [{"kind": "heartbeat", "every_seconds": 5}],
        },
        {"id": "do-it", "title": "Do", "retry": {"limit": 1, "backoff": "fixed"}},
    ],
}


def flow_problems(change: Callable[[Any], object], **more: Any) -> list[str]:
    import copy

    flow = copy.deepcopy(FLOW)
    change(flow)
    found = check_mapping({"schema_version": 2, "drawer_kind": "flow", "flow": flow, **more})
    return [p.arg for p in found]


def check_mapping(tree: Mapping[str, Any]) -> list[Problem]:
    loaded = load_drawer(tree, lenient=True)
    return errors(
        validate(
            loaded,
            find_button=BUTTONS.get,
            button_names=list,
            find_drawer=lambda name: None,
            drawer_names=list,
        )
    )


FLOWS: list[tuple[Callable[[Any], object], list[str]]] = [
    (lambda f: None, []),
    (lambda f: f.update(initial_stage="x"), ["initial_stage"]),
    (lambda f: f.update(stages=[]), ["stages"]),
    (lambda f: f["manager"].update(agent="bob"), ["agent"]),
    (lambda f: f["manager"].update(heartbeat_seconds=-1), ["heartbeat_seconds"]),
    (lambda f: f["limits"].update(max_active_tasks=-1), ["max_active_tasks"]),
    (lambda f: f["stages"][1].update(id="Do It"), ["0", "id"]),
    (lambda f: f["stages"][1].update(id="plan"), ["0", "id"]),
    (lambda f: f["stages"][1].pop("title"), ["title"]),
    (lambda f: f["stages"][1]["retry"].update(backoff="slow"), ["backoff"]),
    (lambda f: f["stages"][1].update(session_policy={"worker": "x"}), ["worker"]),
    (lambda f: f["stages"][0]["triggers"].append({"kind": "cron"}), ["1"]),
    (lambda f: f["stages"][0]["triggers"].append({"kind": "bell"}), ["1"]),
    (lambda f: f["stages"][0]["triggers"][0].update(every_seconds=0), ["0"]),
]


@pytest.mark.parametrize(("change", "args"), FLOWS)
def test_flows_are_checked(change: Callable[[Any], object], args: list[str]) -> None:
    assert sorted(flow_problems(change)) == sorted(args)


def test_a_flow_has_no_steps() -> None:
    assert flow_problems(lambda f: None, steps=[]) == ["steps"]


def test_compatible_types_can_be_connected() -> None:
    types = ["string", "int", "float", "bool", "enum"]
    fits = {(a, b) for a in types for b in types if type_fits(a, b)}
    assert fits == {(t, t) for t in types} | {(t, "string") for t in types} | {("int", "float")}
    assert all(type_fits("any", t) and type_fits(t, "any") for t in types)
    assert not schema_fits({"type": "array"}, "string")
    assert schema_fits({"type": ["array", "string"]}, "string")
    assert schema_fits({}, "int")


def test_unknown_parts_of_schemas_accept_anything() -> None:
    assert schema_at(SCHEMA, ("list", 0, "k")) == {"type": "boolean"}
    assert schema_at({"$ref": "#/x"}, ("a", "b")) == {}
    assert schema_at({"type": "object", "additionalProperties": True, "properties": {}}, ("a",)) == {}
    with pytest.raises(NoSuchField):
        schema_at(SCHEMA, ("list", "k"))


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_up_to_64_bits_are_accepted_as_number_or_text(value: int) -> None:
    spec = ArgSpec(name="i", type="int")
    inside = -(2**63) <= value < 2**63
    assert (literal_problem(spec, value) == ("", "")) is inside
    assert (literal_problem(spec, str(value)) == ("", "")) is inside


fields = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "a-b", "env", "item"])},
    optional={
        "kind": st.sampled_from(["button", "drawer", "for_each", "switch", "aggregate", "wait", "split", "batch"]),
        "button": st.sampled_from(["ok", "show", "src", "nope", ""]),
        "drawer": st.sampled_from(["child", "ring1", "nope"]),
        "args": st.dictionaries(
            st.sampled_from(["v", "x"]),
            st.lists(st.sampled_from(["${", "}", "a", "-", ".", "output", "inputs", "x", "?", "[0]", "(", "'", "$$"]), max_size=8).map("".join),
            max_size=2,
        ),
        "over": st.sampled_from(["a.output", "[1]", "", "${"]) | st.lists(st.just("${a}"), max_size=2) | st.integers(),
        "pluck": st.sampled_from(["item", "x y", ""]),
        "from": st.sampled_from(["a.output", "..", ""]),
        "duration": st.sampled_from(["5s", "x", "${a}", "9" * 400 + "h"]),
        "on_failure": st.sampled_from(["stop", "continue", "retry"]),
    },
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.recursive(
    st.lists(fields, max_size=3),
    lambda inner: st.lists(st.builds(lambda step, below: {**step, "steps": below}, fields, inner), max_size=3),
    max_leaves=6,
), st.booleans(), st.booleans())  # fmt: skip
def test_any_drawer_that_loads_can_be_validated(tree: Any, pressing: bool, ordered: bool) -> None:
    loaded = load_drawer({"schema_version": 2, "drawer_kind": "action", "steps": tree}, lenient=True)
    found = validate(
        loaded,
        find_button=BUTTONS.get,
        button_names=lambda: BUTTONS,
        find_drawer=lambda name: load_drawer(DRAWERS[name], name=name) if name in DRAWERS else None,
        drawer_names=lambda: DRAWERS,
        pressing=pressing,
        ordered=ordered,
    )
    assert all(p.severity in ("error", "warning") and p.message for p in found)
