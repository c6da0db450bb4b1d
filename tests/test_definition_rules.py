"""Validation of sub-drawers, of kinds that the original lacks, and of rates, names and compensation."""
# ruff: noqa: E501 - a definition a line

from __future__ import annotations

from typing import Any

import pytest

from drawer_ipy import press
from drawer_ipy.buttons import ButtonCatalog
from drawer_ipy.definition import load_drawer, validate
from drawer_ipy.definition.checking.literals import input_problem
from drawer_ipy.definition.models import InputSpec
from drawer_ipy.errors import DefinitionError, Problem


def show(v: Any = None) -> Any:
    return v


def need(q: str) -> str:
    return q


DRAWERS = {
    "good": "inputs: {x: {type: int, required: true}, l: list, o: object, e: {type: enum, values: [a, b]}}\nsteps: []",
    "bad": "steps: [{id: one, button: shw}, {id: two, kind: for_each, over: '[1]', steps: [{id: in, button: show, args: {v: '${zip}'}}]}]",
    "deep": "steps: [{id: sub, kind: drawer, drawer: bad}]",
    "uses": "steps: [{id: u, button: show, args: {v: '${inputs.given}'}}]",
    "own": "buttons: {mine: {url: 'http://x', args: [p]}}\nsteps: [{id: m, button: mine, args: {q: 1}}]",
    "odd": "steps: [{id: l, kind: for_each, over: '[1]'}]",
    "loop1": "steps: []\non_error: {drawer: loop2}",
    "loop2": "steps: []\non_error: {drawer: loop1}",
    "back": "steps: []\non_error: {drawer: main}",
    "notify": "steps: [{id: n, button: show, args: {v: '${inputs.error.code} ${inputs.team} ${inputs.failed_step}'}}]",
}


def catalog(specs: Any = None) -> ButtonCatalog:
    return ButtonCatalog(specs=specs or {}, namespace={"__name__": __name__, "show": show, "need": need})


def check(text: str, **options: Any) -> list[Problem]:
    loaded = load_drawer(text, name="main", lenient=options.pop("lenient", False))
    return validate(
        loaded,
        find_button=catalog(loaded.drawer.buttons).find,
        button_names=catalog().names,
        find_drawer=lambda name: load_drawer(DRAWERS[name], name=name) if name in DRAWERS else None,
        drawer_names=lambda: DRAWERS,
        buttons_of=lambda drawer: catalog(drawer.buttons).find,
        **options,
    )


def steps(*lines: str) -> str:
    return "steps:\n" + "".join(f"  - {line}\n" for line in lines)


def places_of(problems: list[Problem]) -> list[tuple[str, str, str]]:
    return [(p.severity[0], p.step_id, p.arg) for p in problems]


def test_a_problem_in_a_sub_drawer_names_step_and_drawer() -> None:
    problems = check(steps("{id: a, kind: drawer, drawer: bad}"))
    assert [p.message.partition(": ")[0] for p in problems] == [
        "step 'one' of drawer 'bad'",
        "step 'two.in' of drawer 'bad'",
    ]
    assert {(p.step_id, p.arg, p.line, p.column) for p in problems} == {("a", "drawer", 2, 35)}
    assert "did you mean 'show'?" in problems[0].remediation


def test_a_sub_drawer_is_reported_once_at_any_depth() -> None:
    problems = check(steps("{id: a, kind: drawer, drawer: deep}", "{id: b, kind: drawer, drawer: bad}"))
    assert len(problems) == 2
    assert all("of drawer 'bad'" in p.message for p in problems)


def test_a_sub_drawer_is_checked_with_its_inputs_and_its_own_buttons() -> None:
    assert places_of(check(steps("{id: a, kind: drawer, drawer: uses, args: {given: 1}}"))) == [
        ("w", "a", "given")
    ]
    assert "no input 'given'" in check(steps("{id: a, kind: drawer, drawer: uses}"))[0].message
    assert check(steps("{id: a, kind: drawer, drawer: own}")) == []
    text = steps("{id: a, kind: drawer, drawer: bad, on_failure: continue}")
    assert {p.severity for p in check(text)} == {"warning"}
    assert check(steps("{id: a, kind: drawer, drawer: odd}")) == []


def test_buttons_of_a_sub_drawer_without_a_finder_are_not_checked() -> None:
    loaded = load_drawer(steps("{id: a, kind: drawer, drawer: own}"))
    found = validate(
        loaded,
        find_button=catalog().find,
        button_names=list,
        find_drawer=lambda name: load_drawer(DRAWERS[name]).drawer,
        drawer_names=list,
    )
    assert found == []


INPUTS = [
    ("x: 1", []),
    ("x: '7'", []),
    ("x: , l: [1], o: {a: 1}, e: a", []),
    ("x: '${inputs.q ?? 1}', l: '${[1]}'", []),
    ("x: 1, xx: 2", [("w", "d", "xx")]),
    ("x: one", [("e", "d", "x")]),
    ("x: 1, l: text", [("e", "d", "l")]),
    ("x: 1, o: [1]", [("e", "d", "o")]),
    ("x: 1, e: c", [("e", "d", "e")]),
    ("l: [1]", [("w", "d", "x")]),
]


@pytest.mark.parametrize(("args", "expected"), INPUTS)
def test_inputs_of_a_sub_drawer_are_checked(args: str, expected: list[tuple[str, str, str]]) -> None:
    assert places_of(check(steps(f"{{id: d, kind: drawer, drawer: good, args: {{{args}}}}}"))) == expected


def test_inputs_may_be_objects_with_an_unusual_equality() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        __hash__ = None  # type: ignore[assignment]

    for kind in ("any", "string", "enum", "list", "object", "int"):
        assert isinstance(input_problem(InputSpec(name="x", type=kind, values=[1]), Odd()), tuple)  # type: ignore[arg-type]


RINGS = [
    ("steps: []\non_error: {drawer: main}", "main -> main"),
    ("steps: []\non_error: {drawer: back}", "main -> back -> main"),
    ("steps: []\non_error: {drawer: loop1}", "loop1 -> loop2 -> loop1"),
    ("steps: [{id: a, kind: drawer, drawer: back}]", "back -> main -> back"),
]


@pytest.mark.parametrize(("text", "ring"), RINGS)
def test_a_cycle_of_handlers_is_refused_with_its_members(text: str, ring: str) -> None:
    drawers = {**DRAWERS, "main": text}
    found = validate(
        load_drawer(text, name="main"),
        find_button=catalog().find,
        button_names=list,
        find_drawer=lambda name: load_drawer(drawers[name], name=name),
        drawer_names=list,
    )
    assert [p.severity for p in found] == ["error"]
    assert ring in found[0].message


def test_a_handler_is_checked_with_its_inputs() -> None:
    good = "steps: []\non_error: {drawer: notify, with: {team: ops}}"
    assert check(good) == []
    missing = "steps: []\non_error: {drawer: notify}"
    assert ["team" in p.message for p in check(missing)] == [True]
    assert [p.severity for p in check(missing, pressing=True)] == ["warning"]


RATES = [
    ("{id: a, button: show, rate: 5/w}", "a"),
    ("{id: a, kind: for_each, over: '[1]', rate: fast, steps: [{id: b, button: show}]}", "a"),
    ("{id: a, kind: batch, over: '[1]', size: 1, rate: 0/s, steps: [{id: b, button: show}]}", "a"),
    ("{id: a, kind: for_each, over: '[1]', steps: [{id: b, button: show, rate: '5'}]}", "a.b"),
]


@pytest.mark.parametrize(("line", "step"), RATES)
def test_rates_are_checked(line: str, step: str) -> None:
    problems = check(steps(line))
    assert places_of(problems) == [("e", step, "rate")]
    assert '"100/min"' in problems[0].remediation
    good = line.replace("5/w", "5/s").replace("fast", "1/h").replace("0/s", "0.5/s").replace("'5'", "5/day")
    assert check(steps(good)) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://[::1/{{x}}",
        "http://x:99999/",
        "http://x:y",
        "http://\u2028/",
        "http://é..x/",
        "https://",
    ],
)
def test_an_invalid_address_is_a_problem_of_its_step(url: str) -> None:
    [problem] = check(f"buttons: {{a: {{url: {url!a}}}}}\n".replace("'", '"') + steps("{id: s, button: a}"))
    assert (problem.severity, problem.step_id) == ("error", "s")
    assert "url" in problem.message


def test_a_queue_with_two_sizes_is_reported() -> None:
    text = (
        "buttons:\n"
        "  a: {prompt: x, queue: {name: q, concurrency: 2}}\n"
        "  b: {prompt: x, queue: {name: q, concurrency: 3}}\n"
        "  c: {prompt: x, queue: {name: q}}\n"
        "  d: {prompt: x, queue: {concurrency: 9}}\n" + steps("{id: s, button: a}")
    )
    [problem] = check(text)
    assert (problem.severity, problem.line, problem.arg) == ("warning", 3, "queue")
    assert "2 slots for 'a', 3 for 'b'" in problem.message


def test_rates_of_buttons_are_reported_at_their_place() -> None:
    text = "buttons:\n  f: {url: 'http://x', rate: 5 per s}\nsteps: [{id: a, button: f}]"
    assert [(p.arg, p.line, p.column) for p in check(text)] == [("rate", 2, 30)]


A = "{id: a, button: show}"
OURS = [
    ("{id: m, kind: merge}", [("m", "from")]),
    ("{id: m, kind: merge, from: []}", [("m", "from")]),
    ("{id: m, kind: merge, from: 5}", [("m", "from")]),
    ("{id: m, kind: merge, from: [a.output, zip.output]}", [("m", "from")]),
    ("{id: m, kind: merge, from: [a.output, '${a.output}']}", []),
    ("{id: m, kind: merge, from: '[a.output, a.output]'}", []),
    ("{id: m, kind: transform}", [("m", "expression")]),
    ("{id: m, kind: transform, expression: 0}", []),
    ("{id: m, kind: transform, expression: size(a.output)}", []),
    ("{id: m, kind: transform, expression: {n: 'size(a.output)', deep: [{k: '${a.output}'}]}}", []),
    ("{id: m, kind: transform, expression: {n: 'size(zip)', o: '1 +'}}", [("m", "expression")] * 2),
    ("{id: m, kind: split}", [("m", "branches")]),
    ("{id: m, kind: split, branches: {l: [{id: x, button: show, args: {v: '${a.output}'}}, {id: y, button: show, args: {v: '${x.output}'}}]}}", []),
    ("{id: m, kind: split, branches: {l: [{id: x, button: show}], r: [{id: y, button: show, args: {v: '${x.output}'}}]}}", [("m.y", "v")]),
    ("{id: m, kind: split, branches: {l: [{id: x, button: shw}]}}", [("m.x", "button")]),
    ("{id: m, kind: batch, over: a.output, steps: [{id: x, button: show}]}", [("m", "size")]),
    ("{id: m, kind: batch, over: a.output, size: 0, steps: [{id: x, button: show}]}", [("m", "size")]),
    ("{id: m, kind: batch, size: 2, steps: [{id: x, button: show}]}", [("m", "over")]),
    ("{id: m, kind: batch, over: 7, size: 2, steps: [{id: x, button: show}]}", [("m", "over")]),
    ("{id: m, kind: batch, over: a.output, size: 2, steps: [{id: x, button: show, args: {v: '${batch[0]} ${a.output}'}}]}", []),
    ("{id: m, kind: batch, over: a.output, size: 2, as: c, steps: [{id: x, button: show, args: {v: '${batch}'}}]}", [("m.x", "v")]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), OURS)
def test_kinds_that_the_original_lacks_are_checked(line: str, expected: list[tuple[str, str]]) -> None:
    assert places_of(check(steps(A, line))) == [("e", *place) for place in expected]


@pytest.mark.parametrize("kind", ["merge", "split", "transform", "batch"])
def test_an_incomplete_step_on_disk_is_only_a_warning(kind: str) -> None:
    text = "schema_version: 2\ndrawer_kind: action\n" + steps(f"{{id: m, kind: {kind}}}")
    for pressing in (True, False):
        problems = check(text, lenient=True, pressing=pressing)
        assert problems
        assert {(p.severity, p.step_id) for p in problems} == {("warning", "m")}


def test_after_a_split_only_the_outputs_of_its_branches_are_visible() -> None:
    split = "{id: s, kind: split, branches: {left: [{id: x, button: show}], right: [{id: y, button: show}]}}"
    assert (
        check(steps(split, "{id: b, button: show, args: {v: '${s.output.left} ${s.output.right.deep}'}}"))
        == []
    )
    nested = check(steps(split, "{id: b, button: show, args: {v: '${x.output}'}}"))
    assert "s.output" in nested[0].remediation
    wrong = check(steps(split, "{id: b, button: show, args: {v: '${s.output.lft}'}}"))
    assert "did you mean 'left'?" in wrong[0].remediation


NAMES = [
    (steps("{id: e, kind: for_each, over: '[1]', as: n, steps: [{id: w, button: show, args: {v: '${n-1}'}}]}"), 0),
    (steps("{id: a, button: show}", "{id: b, button: show, args: {v: '${size(a.output)-1}'}}"), 0),
    (steps("{id: emit-data, button: show}", "{id: b, button: show, args: {v: '${emit_data.output} ${emit-data.output}'}}"), 0),
    (steps("{id: e, kind: for_each, over: '[1]'}", "{id: b, button: show, args: {v: '${e.output.total-1}'}}"), 0),
    ("inputs: {n: int, m-x: int}\n" + steps("{id: b, button: show, args: {v: '${inputs.n-1} ${inputs.m_x} ${inputs.m-x}'}}"), 0),
    (steps("{id: b, button: show, args: {v: '${emit_data.output}'}}", "{id: emit-data, button: show}"), "runs later"),
    (steps("{id: emit-data, button: show, args: {v: '${emit_data.output}'}}"), "step it is in"),
    (steps("{id: e-e, kind: for_each, over: '[1]', steps: [{id: w, button: show, args: {v: '${e_e.output}'}}]}"), "part of"),
    (steps("{id: e, kind: for_each, over: '[1]', steps: [{id: w-w, button: show}]}", "{id: b, button: show, args: {v: '${w_w.output}'}}"), "inside"),
    (steps("{id: b, button: show, args: {v: '${n-1}'}}"), "is not an input"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), NAMES)
def test_hyphens_are_minus_signs_unless_a_name_has_them(text: str, words: str | int) -> None:
    problems = [p for p in check(text) if p.severity == "error"]
    assert len(problems) == bool(words), [str(p) for p in problems]
    assert all(str(words) in p.message + p.remediation for p in problems)


OPTIONAL = [
    ("inputs: {q: string}\n", {}, 1),
    ("inputs: {q: {required: false}}\n", {}, 1),
    ("inputs: {q: {default: x}}\n", {}, 0),
    ("inputs: {q: {required: true}}\n", {}, 0),  # the press itself says MISSING_INPUT
    ("inputs: {q: string}\n", {"q": "x"}, 0),
    ("", {"q": "x"}, 0),
    ("", {}, 1),
]


@pytest.mark.parametrize(("before", "given", "count"), OPTIONAL)
def test_an_optional_input_without_a_value_fills_no_argument(
    before: str, given: dict[str, Any], count: int
) -> None:
    text = before + steps("{id: a, button: need}")
    problems = check(text, pressing=True, given_inputs=given)
    assert places_of(problems) == [("e", "a", "q")] * count
    if count:
        with pytest.raises(DefinitionError, match="which is not given"):
            press(text, given, buttons={"need": need}, quiet=True)
    if before:
        assert check(text) == []


UNDO = [
    ("show", []),
    ("shw", [("e", "a", "button")]),
    ("drawer/good", [("w", "a", "x")]),
    ("drawer/nope", [("e", "a", "drawer")]),
    ("{button: show, args: {v: '${a.output} ${b.output}'}}", []),
    ("{button: show, args: {v: '${zip.output}'}}", [("e", "a", "v")]),
    ("{button: 5}", [("e", "a", "on_failure")]),
    ("[1]", [("e", "a", "on_failure")]),
]


@pytest.mark.parametrize(("undo", "expected"), UNDO)
def test_compensation_is_checked(undo: str, expected: list[tuple[str, str, str]]) -> None:
    text = steps(f"{{id: a, button: show, on_failure: {{compensate_with: {undo}}}}}", "{id: b, button: show}")
    assert places_of(check(text)) == expected


def test_a_button_without_an_action_is_a_problem_of_its_step() -> None:
    found = check("buttons: {f: {runtime: sh}}\nsteps: [{id: a, button: f}]")
    assert places_of(found) == [("e", "a", "button")]
    assert "has nothing to run" in found[0].message
