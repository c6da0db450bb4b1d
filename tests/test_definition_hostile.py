"""Hostile definitions, expressions and magic lines: always a result or an error of drawer_ipy."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from timing_rig import processor_seconds

from drawer_ipy.buttons import as_button
from drawer_ipy.buttons.base import Button
from drawer_ipy.definition import load_drawer, validate
from drawer_ipy.errors import DefinitionError, Problem, ResolveError, UsageError
from drawer_ipy.expressions import compile_expression, compile_template
from drawer_ipy.notebook.line import parse_line

N = 1000


def ok(**values: Any) -> int:
    return len(values)


BUTTONS: dict[str, Button] = {"ok": as_button(ok, "ok")}


def problems_of(text: str) -> list[Problem]:
    try:
        loaded = load_drawer(text, name="main")
    except DefinitionError as error:
        return list(error.problems)
    return validate(
        loaded,
        find_button=BUTTONS.get,
        button_names=lambda: BUTTONS,
        find_drawer=lambda name: None,
        drawer_names=tuple,
    )


def messages(text: str) -> str:
    """All messages about a definition; check that each error has its place."""
    found = problems_of(text)
    assert all(p.line and p.column for p in found)
    return "\n".join(p.message for p in found if p.severity == "error")


DEEP = {
    "fallbacks": "null" + "??null" * N,
    "conditions to the right": "a?b:" * N + "c",
    "conditions in the middle": "a?" * N + "b" + ":c" * N,
    "not": "!" * N + "a",
    "minus": "-" * N + "a",
    "brackets": "(" * N + "a" + ")" * N,
    "lists": "[" * N + "]" * N,
    "maps": "{'a':" * N + "1" + "}" * N,
    "indices": "a[" * N + "0" + "]" * N,
    "members": "a" + ".b" * N,
    "calls": "size(" * N + "a" + ")" * N,
    "methods": "a" + ".size()" * N,
    "loops": "a.map(x," * N + "x" + ")" * N,
    "sums": "1" + "+1" * N,
    "conjunctions": "a" + "&&a" * N,
    "comparisons": "1" + "<1" * N,
    "memberships": "a" + " in a" * N,
    "not of Python": "not " * N + "a",
    "lambda": "lambda x:" * N + "x",
}


@pytest.mark.parametrize("expression", DEEP.values(), ids=DEEP)
def test_an_expression_of_any_depth_is_refused_by_name(expression: str) -> None:
    for compiled in (compile_expression, lambda text: compile_template("${" + text + "}")):
        with pytest.raises(ResolveError) as raised:
            compiled(expression)
        assert raised.value.offset is not None
    assert messages(json.dumps({"steps": [{"id": "s", "button": "ok", "args": {"v": f"${{{expression}}}"}}]}))


NUMBERS = {
    "hexadecimal": ("0x" + "f" * 4000, "does not fit in 64 bits"),
    "decimal": ("9" * 5000, "does not fit in 64 bits"),
    "member": ("a." + "9" * 5000, "does not fit in 64 bits"),
    "index": ("a[" + "9" * 5000 + "]", "does not fit in 64 bits"),
    "beyond floats": ("1e999", "this decimal number is too large"),
    "half a character": (r"'\ud800'", "this character does not exist"),
    "no character": (r"'\U00110000'", "this character does not exist"),
}


@pytest.mark.parametrize(("expression", "message"), NUMBERS.values(), ids=NUMBERS)
def test_an_invalid_literal_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ResolveError, match=message):
        compile_expression(expression)


def in_args(value: str) -> str:
    return f"steps: [{{id: a, button: ok, args: {{v: {value}}}}}]"


DIGITS = f"more than {sys.get_int_max_str_digits()} digits"
TEXTS = {
    "YAML 1.3": ("%YAML 1.3\n---\nsteps: []", "YAML 1.3 is not supported"),
    "YAML 2": ("%YAML 2.0\n---\nsteps: []", "YAML 2.0 is not supported"),
    "YAML of no version": ("%YAML\n---\nsteps: []", "not YAML"),
    "YAML twice": ("%YAML 1.2\n%YAML 1.2\n---\nsteps: []", "duplicate YAML directive"),
    "a prefix twice": ("%TAG ! x\n%TAG ! x\n---\nsteps: []", "duplicate tag handle"),
    "lists": ("steps: " + "[" * 5000 + "]" * 5000, "more than 100 deep"),
    "open lists": ("[" * 100_000, "more than 100 deep"),
    "maps": ("steps: " + "{a: " * 5000 + "}" * 5000, "more than 100 deep"),
    "dashes": ("- " * 5000 + "a", "more than 100 deep"),
    "indents": ("\n".join(" " * i + "a:" for i in range(500)), "more than 100 deep"),
    "JSON lists": ('{"steps":' + "[" * 100_000 + "]" * 100_000 + "}", "more than 100 deep"),
    "JSON maps": ('{"a":' * 100_000 + "1" + "}" * 100_000, "more than 100 deep"),
    "an alias of itself": ("steps: &a [*a]", "a value that contains it"),
    "a merge of itself": ("a: &a {<<: *a}", "a value that contains it"),
    "a merge of a number": ("steps: [{<<: 3, id: a}]", "can merge only mappings"),
    "a merge of numbers": ("steps: [{<<: [1, 2], id: a}]", "can merge only mappings"),
    "an unknown alias": ("steps: *nothing", "no anchor for the alias"),
    "hexadecimal where text is expected": (f"steps: [{{id: a, button: 0x{'f' * 4000}}}]", DIGITS),
    "hexadecimal id": (f"steps: [{{id: 0x{'f' * 4000}, button: ok}}]", DIGITS),
    "hexadecimal name": (f"name: 0x{'f' * 4000}\nsteps: []", DIGITS),
    "hexadecimal key": (f"0x{'f' * 4000}: 1", DIGITS),
    "hexadecimal argument": (in_args("0x" + "f" * 4000), DIGITS),
    "octal argument": (in_args("0o" + "7" * 6000), DIGITS),
    "decimal argument": (in_args("9" * 6000), DIGITS),
    "JSON number": ('{"steps": [{"id": "a", "button": "ok", "args": {"v": ' + "9" * 6000 + "}}]}", DIGITS),
    "JSON id": ('{"steps": [{"id": ' + "9" * 6000 + "}]}", DIGITS),
    "parallelism": (f"steps: [{{id: a, kind: for_each, over: x, parallelism: 0x{'f' * 5000}}}]", DIGITS),
    "beyond floats": (in_args("1e999"), "too large for a float"),
    "JSON beyond floats": ('{"steps": [{"id": "a", "args": {"v": 1e999}}]}', "too large for a float"),
    "half a character": ('steps: "\\ud800"', r"U\+D800"),
    "half a character as it is": ("steps: '\ud800'", r"U\+D800"),
    "half a character in JSON": ('{"name": "\\ud800", "steps": []}', r"U\+D800"),
    "half a character in a key": ('{"\\udc00": 1}', r"U\+DC00"),
    "half a character in an argument": (in_args('"a\\udfffb"'), r"U\+DFFF"),
    "no character": ('name: "\\UFFFFFFFF"\nsteps: []', "there is no character"),
    "NUL": ("steps: \0", r"U\+0000"),
    "JSON NUL": ('{"name": "\0"}', r"\\u0000"),
    "a tab": ("steps:\n\t- id: a", "tab"),
    "a date": (in_args("!!timestamp 2024-99-99"), "timestamp"),
    "no whole number": (in_args("!!int x"), "is not of the type int"),
    "an object of Python": (in_args("!!python/object:os.system x"), "unknown tag"),
    "a set": ("steps: !!set {a}", "unknown tag"),
    "a key that is a list": ("? [a]\n: 1", "name of a key"),
    "lists by name": ("steps: []\n" + "a: &a [1]\n" * 3, "given twice"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_a_text_that_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    found = messages(text)
    assert any(re.search(message, line) for line in found.splitlines()), found[:500]


@pytest.mark.parametrize("inside", [False, True])
def test_endlessly_expanding_aliases_are_refused_at_once(inside: bool) -> None:
    head = "steps:\n- id: s\n  button: ok\n  args:\n" if inside else ""
    indent = "    " if inside else ""
    lists = [f"{indent}a: &a ['${{inputs.x}}', 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for name, below in zip("bcdefghijklmnopqrst", "abcdefghijklmnopqrs", strict=True):
        lists.append(f"{indent}{name}: &{name} [{', '.join([f'*{below}'] * 10)}]")
    began = time.process_time()
    assert "expand to too many values" in messages(head + "\n".join(lists) + "\n")
    assert time.process_time() - began < 10


def test_a_surrogate_pair_becomes_one_character() -> None:
    for text in ('name: "\\ud83d\\ude00"\nsteps: []', '{"name": "\\ud83d\\ude00", "steps": []}'):
        assert load_drawer(text, name="main").drawer.name == "\U0001f600"


def test_an_error_never_contains_lone_surrogates() -> None:
    with pytest.raises(DefinitionError) as raised:
        load_drawer("steps: '\ud800'\n", name="main")
    str(raised.value).encode()


LINES = {
    "decimal": ("x=" + "9" * 6000, "digits"),
    "beyond floats": ("x=1e999", "too large for a float"),
    "list": ("x=[" + "9" * 6000 + "]", "digits"),
    "JSON maps": ("x=" + '{"a":' * 5000 + "1" + "}" * 5000, "cannot be evaluated"),
    "brackets": ("x={" + "(" * 5000 + "1" + ")" * 5000 + "}", "cannot be evaluated"),
    "no end": ("x={(lambda f: f(f))(lambda f: f(f))}", "RecursionError"),
    "parallelism": ("-p " + "9" * 6000, "parallelism"),
    "concurrency": ("--concurrency " + "9" * 6000, "concurrency"),
    "timeout": ("--timeout 1e999", "timeout"),
    "a file": ("x=@a\0b", "cannot be read"),
}


@pytest.mark.parametrize(("line", "message"), LINES.values(), ids=LINES)
def test_an_invalid_magic_line_is_refused_with_a_short_error(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        parse_line(line, {})
    assert len(str(raised.value)) < 1000 or "argument --" in str(raised.value)


def each_step(fields: str) -> Callable[[int], str]:
    """A definition with `n` steps; ``#`` in `fields` is the number of the step, ``@`` that of the last."""

    def text(count: int) -> str:
        last = str(count - 1)
        lines = (f"- {{id: s#, {fields}}}".replace("#", str(i)).replace("@", last) for i in range(count))
        return "steps:\n" + "\n".join(lines)

    return text


BY_SIZE: dict[str, tuple[Callable[[int], str], int]] = {
    # (the part that is repeated, the number of problems for each repetition)
    "steps": (each_step("button: ok"), 0),
    "unknown buttons": (each_step("button: nope#"), 1),
    "unknown keys of steps": (each_step("button: ok, bogus: 1"), 1),
    "unknown references": (each_step("button: ok, args: {v: '${zz#.output}'}"), 1),
    "references to later steps": (each_step("button: ok, args: {v: '${s@.output.x}'}"), 1),
    "habits of Python": (each_step("button: np.mean, args: {v: '${len(x)}'}"), 2),
    "two steps of a name": (lambda n: "steps:\n" + "- {id: same, button: ok}\n" * n, 1),
    "JSON": (lambda n: json.dumps({"steps": [{"id": f"s{i}", "button": "ok"} for i in range(n)]}), 0),
    "unknown keys": (lambda n: "steps: []\n" + "".join(f"key{i}: 1\n" for i in range(n)), 1),
    "keys given twice": (lambda n: "steps: []\nname: a\n" + "name: a\n" * n, 1),
    "inputs": (lambda n: "steps: []\ninputs:\n" + "".join(f"  i{i}: {{}}\n" for i in range(n)), 0),
    "cases": (
        lambda n: "steps:\n- id: a\n  kind: switch\n  cases:\n" + "  - {when: 'true', steps: []}\n" * n,
        0,
    ),
    "faults in one text": (
        lambda n: "steps:\n- id: a\n  button: ok\n  args:\n    v: |\n" + "      ${zz.output}\n" * n,
        1,
    ),
    "faults in one quoted text": (
        lambda n: "steps:\n- id: a\n  button: ok\n  args:\n    v: '" + "${zz.output} " * n + "'\n",
        1,
    ),
}


@pytest.mark.parametrize(("text", "each"), BY_SIZE.values(), ids=BY_SIZE)
def test_validation_takes_time_in_proportion_to_the_text(text: Callable[[int], str], each: int) -> None:
    small, large = text(200), text(2000)

    def took(definition: str) -> float:
        return processor_seconds(lambda: problems_of(definition))

    # The best of several, because another process may slow one down.
    pairs = [(took(small), took(large)) for _ in range(2)]
    # The ratio is 10 for linear time and 100 for quadratic time.
    assert min(second for _, second in pairs) / min(first for first, _ in pairs) < 40
    assert abs(len(problems_of(large)) - 2000 * each) <= 1 + each


def test_a_report_shows_the_first_problems_and_keeps_all() -> None:
    with pytest.raises(DefinitionError) as raised:
        load_drawer("steps: []\n" + "".join(f"key{i}: 1\n" for i in range(50_000)), name="main")
    assert len(raised.value.problems) == 50_000
    assert len(str(raised.value)) < 20_000
    assert "49,980 more" in str(raised.value)


def test_fifty_thousand_steps_are_checked_in_seconds() -> None:
    text = json.dumps({"steps": [{"id": f"s{i}", "button": "ok"} for i in range(50_000)]})
    began = time.process_time()
    assert problems_of(text) == []
    assert time.process_time() - began < 30
