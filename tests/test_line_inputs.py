"""Inputs on the line of a magic: literals, declared types, variables, and mistakes with their places."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kernel_rig import Kernel, kernel_in

from drawer_ipy.cli import main
from drawer_ipy.definition import load_drawer
from drawer_ipy.errors import DefinitionError, UsageError
from drawer_ipy.notebook.line import parse_line
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs.typed_inputs import TypedInputs

NAMES = {
    "urls": ["a", "b"],
    "n": 3,
    "count": 7,
    "half": 0.5,
    "speed": "auto",
    "flag": True,
    "re": re,
    "f": len,
}


def value(line: str) -> Any:
    """The value of ``x`` on a line."""
    return parse_line(line, NAMES).inputs["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("None", None),
        ("True", True),
        ("False", False),
        ("['a']", ["a"]),
        ("['a', None, True]", ["a", None, True]),
        ("(1, 2)", (1, 2)),
        ("(1,)", (1,)),
        ("()", ()),
        ("{'a': 1}", {"a": 1}),
        ("{'a': n}", {"a": 3}),
        ("{k: n for k in 'ab'}", {"a": 3, "b": 3}),
        ("{**{'a': 1}, 'b': 2}", {"a": 1, "b": 2}),
        ("{1, 2}", (1, 2)),
        ("{ {1, 2} }", {1, 2}),
        ("'a'", "a"),
        ("'it\\'s'", "it's"),
        ("'a\\nb'", "a\nb"),
        ("r'a\\nb'", "a\\nb"),
        ("'\\d+'", "\\d+"),
        ("'''a 'b' c'''", "a 'b' c"),
        ('"""a "b" c"""', 'a "b" c'),
        ("b'a b'", b"a b"),
        ("b'\\xff'", b"\xff"),
        ("u'a b'", "a b"),
        ("'a, b = c'", "a, b = c"),
        ('"a, b"', "a, b"),
        ("'$urls'", "$urls"),
        ("'1,'", "1,"),
        ("''", ""),
        ("none", "none"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("+49123", "+49123"),
        ("007", "007"),
        ("a,b", "a,b"),
        ("q=1,r=2", "q=1,r=2"),
        ("2024-01-01", "2024-01-01"),
        ("http://a/?b=1&c=[d]", "http://a/?b=1&c=[d]"),
        ("it's", "it's"),
    ],
)
def test_a_value_is_a_python_literal_or_json_or_text(text: str, expected: Any) -> None:
    found = value(f"t x={text} y=1")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("line", ["t x=", "t x= y=1", "t x= --quiet", "x= t=1"])
def test_nothing_after_the_equals_sign_is_an_empty_string(line: str) -> None:
    assert value(line) == ""


MISTAKES = {
    "t n= 3": ("there is a blank after `n=`\n  write n=3, or n='' if", "3 before"),
    "t n =3": ("there is a blank before `=`\n  write n=3", "="),
    "t n = 3": ("there is a blank before `=`\n  write n=3", "="),
    "n= $urls": ("write n=$urls", "$ before"),
    "t x=1, y=2": ("inputs are separated by blanks, not by ','\n  write x=1;", ","),
    "t x=1,y=2": ("inputs are separated by blanks, not by ','\n  write x=1;", ","),
    "t x='a', y=2": ("write x='a';", ","),
    "t x=$urls, y=2": ("write x=$urls;", ","),
    "t x={n}, y=2": ("write x={n};", ","),
    "t x=a, y=2": ("write x=a;", ","),
    "t x=1; y=2": ("inputs are separated by blanks, not by ';'", ";"),
    "t, x=1": ("words are separated by blanks, not by commas", ","),
    "t x==1": ("`==` compares\n  write x=1", "=1"),
    "t x=$": ("a variable's name is missing after $", "$"),
    "t x=$urls[0]": ("write an expression as x={urls[0]}", "$"),
    "t x=$urls['a b']": ("write an expression as x={urls['a b']}", "$"),
    "t x=$df.url": ("write an expression as x={df.url}", "$"),
    "t x=$f(1, 2)": ("write an expression as x={f(1, 2)}", "$"),
    "t x=${urls}": ("write x=$urls", "$"),
    "t x=$url": ("there is no variable 'url'\n  did you mean 'urls'?", "$"),
    "t x=[a, b]": ("neither JSON nor a Python literal", "["),
    "t x=(a OR b)": ("a text in quotes", "("),
    "t x='a'b": ("'a'b\" is not a text in quotes", "'"),
    "t x='\\x4'": ("is not a text in quotes", "'"),
    "t x=f'{n} a'": ("an f-string is an expression\n  write x={f'{n} a'}", "f"),
    "t x=\u201ca\u201d": ("is not a quote that Python", "\u201c"),
    "t x=\u2018a b\u2019": ("is not a quote that Python", "\u2018"),
    "t x\N{FULLWIDTH EQUALS SIGN}1": ("is not an equals sign\n  write x=1", "\uff1d"),
    "t \N{EN DASH}quiet": ("is not a hyphen\n  options are written --quiet", "\u2013"),
    "t \N{EM DASH}parallelism 3": ("options are written --parallelism", "\u2014"),
    "t x=1 \\": ("a backslash does not continue", "\\"),
    "t x=C:\\dir\\": ("a backslash does not continue", "\\ last"),
    "t x=1 x=2": ("input x is given twice", "x=2"),
    "t 1x=2": ("'1x=2' is not a name=value", "1x"),
    "t x+=2": ("'x+=2' is not a name=value", "x+"),
    "t x='a": ("a closing ' is missing in: ", "'"),
    "t x=[1, (2]": ("a closing ) is missing in: ", "("),
    "t x={1 * / 2}": ("cannot be evaluated: SyntaxError", "/"),
    "t x={missing}": ("cannot be evaluated: NameError", "{"),
    "t x=@nowhere.csv": ("No such file or directory", "@"),
    "t -p many": ("a whole number from 0 up, not 'many'", "-p"),
    "t -p count": ("not 'count'\n  for the notebook's variable write -p $count", "-p"),
    "t --parallelism=n": ("write --parallelism $n", "--p"),
    "t --parallelism $nn": ("--parallelism: there is no variable 'nn'\n  did you mean", "$"),
    "t --parallelism $urls": ("--parallelism takes a number or a text; $urls is list", "$"),
    "t --parallelism=$flag": ("$flag is bool", "$"),
    "t --timeout $half.x": ("write an expression as --timeout {half.x}", "$"),
    "t --quite": ("unknown option --quite\n  did you mean '--quiet'?", "--quite"),
    "a<<t x=1": ("blanks are missing around `<<`\n  write a << t", "<<"),
    "t x=@": ("a file's name is missing after @\n  write x=@FILE", "@"),
    "t --out 3x": ("--out needs a variable's name, not '3x'", "--out"),
    "a << t -o b": ("write `a <<` or --out b, not both", "-o"),
    "t --define --dry-run": ("write --define or --dry-run, not both", "--dry"),
    "a b << t": ("one variable before the <<", "a"),
}  # fmt: skip


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_shown_with_its_place(line: str) -> None:
    fragment, place = MISTAKES[line]
    with pytest.raises(UsageError) as raised:
        parse_line(line, NAMES)
    message = str(raised.value)
    assert fragment in message
    shown, caret = message.splitlines()[-2:]
    assert shown == f"    %%drawer {line}"
    mark, _, how = place.partition(" ")
    at = line.rindex(mark) if how == "last" else line.index(mark)
    at = at - 1 if how == "before" else at
    if line.startswith("t \N{EM DASH}") or "is given twice" in fragment or place == "=1":
        at = line.rindex(mark)
    assert caret == " " * (len("    %%drawer ") + at) + "^"


def test_blanks_before_a_line_do_not_move_the_caret() -> None:
    with pytest.raises(UsageError) as raised:
        parse_line("   t  x==1 ", NAMES)
    assert str(raised.value).splitlines()[-2:] == ["    %%drawer t  x==1", " " * 18 + "^"]


@pytest.mark.parametrize(
    ("line", "option", "expected"),
    [
        ("-p $n", "parallelism", 3),
        ("-p$n", "parallelism", 3),
        ("-p=$n", "parallelism", 3),
        ("--parallelism $n", "parallelism", 3),
        ("--parallelism=$n", "parallelism", 3),
        ("--parallelism {n * 2}", "parallelism", 6),
        ("--parallelism $speed", "parallelism", "auto"),
        ("--concurrency $count", "concurrency", 7),
        ("--timeout $half", "timeout", 0.5),
        ("--timeout $n", "timeout", 3.0),
        ("--out $speed", "out", "auto"),
    ],
)
def test_an_option_accepts_a_variable(line: str, option: str, expected: Any) -> None:
    parsed = parse_line(f"t {line} x=1", NAMES)
    assert getattr(parsed.options, option) == expected
    assert parsed.words == ["t"]


def test_an_option_accepts_numpy_numbers_and_refuses_negative_ones() -> None:
    import numpy as np

    names = {"a": np.int64(4), "b": -1, "c": np.float32(1.5)}
    assert parse_line("-p $a --timeout $c", names).options.parallelism == 4
    with pytest.raises(UsageError, match="a whole number from 0 up, not '-1'"):
        parse_line("--parallelism $b", names)
    with pytest.raises(UsageError, match="a whole number from 0 up, not '-1'"):
        parse_line("-p $b", names)


def typed(kind: str, text: str, **fields: Any) -> Any:
    """The value of an input that is declared with type `kind` and written as `text` on the line."""
    drawer = load_drawer({"inputs": [{"name": "x", "type": kind, **fields}], "steps": []}).drawer
    given = parse_line(f"t x={text}", NAMES).given["x"]
    return TypedInputs(drawer, NAMES).settle("x", given.text, given.value)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("bool", "False", False),
        ("bool", "false", False),
        ("bool", "'False'", False),
        ("bool", "FALSE", False),
        ("bool", "0", False),
        ("bool", "True", True),
        ("bool", "1", True),
        ("bool", "null", None),
        ("int", "3", 3),
        ("int", "'3'", 3),
        ("int", "+3", 3),
        ("int", "007", 7),
        ("int", "3.0", 3),
        ("int", "1e3", 1000),
        ("int", "9007199254740993", 9007199254740993),
        ("float", "3", 3.0),
        ("float", "'3.5'", 3.5),
        ("float", ".5", 0.5),
        ("float", "9007199254740993", 9007199254740993),
        ("string", "1.10", "1.10"),
        ("string", "0012", "0012"),
        ("string", "true", "true"),
        ("string", "3", "3"),
        ("string", "None", None),
        ("string", "'3'", "3"),
        ("string", "urls", "urls"),
        ("any", "1.10", 1.1),
        ("any", "False", False),
        ("list", "(1, 2)", (1, 2)),
        ("object", "{'a': 1}", {"a": 1}),
        ("int", "$half", 0.5),
        ("string", "$n", 3),
    ],
)
def test_text_on_the_line_is_read_as_the_declared_type(kind: str, text: str, expected: Any) -> None:
    found = typed(kind, text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_value_of_an_enum_has_the_type_of_the_listed_values() -> None:
    assert typed("enum", "1", values=["1", "2"]) == "1"
    assert typed("enum", "'2'", values=["1", "2"]) == "2"


@pytest.mark.parametrize(
    ("kind", "text", "fragment"),
    [
        ("int", "many", "input 'x' must be of type int (a whole number), not 'many'"),
        ("int", "3.5", "input 'x' must be of type int, not 3.5"),
        ("int", "true", "must be of type int, not True"),
        ("int", "1_000", "must be of type int"),
        ("float", "fast", "input 'x' must be of type float (a number), not 'fast'"),
        ("float", "[1]", "must be of type float, not [1]"),
        ("float", "'1e999'", "must be of type float"),
        ("bool", "yes", "input 'x' must be of type bool (true or false), not 'yes'"),
        ("bool", "2", "must be of type bool"),
        ("list", "a,b", "must be of type list, not 'a,b'"),
        ("list", "urls", "it is declared as list\n  for the notebook's variable write x=$urls"),
        ("object", "[1]", "must be of type object"),
    ],
)  # fmt: skip
def test_text_that_does_not_match_the_declared_type_is_refused(kind: str, text: str, fragment: str) -> None:
    with pytest.raises(UsageError) as raised:
        typed(kind, text)
    assert fragment in str(raised.value)
    assert raised.value.about == "x"


def test_the_name_of_a_file_may_be_quoted(tmp_path: Path) -> None:
    file = tmp_path / "two words.csv"
    file.write_text("a\n1\n")
    for quoted in (f"'{file}'", f'"{file}"'):
        assert parse_line(f"t x=@{quoted} y=1", NAMES).inputs == {"x": [{"a": "1"}], "y": 1}


def test_an_input_of_type_string_gets_the_text_of_a_file(tmp_path: Path) -> None:
    for name, text in (("f.txt", "a\nb\n"), ("f.csv", "a,b\n1\n"), ("f.jsonl", "1\n")):
        (tmp_path / name).write_text(text)
        if name != "f.csv":  # a CSV file is always read as a table
            assert typed("string", f"@{tmp_path / name}") == text
    (tmp_path / "f.json").write_text('"a"')
    assert typed("string", f"@{tmp_path}/f.json") == "a"


def notes(text: str, drawer: Mapping[str, Any]) -> list[str]:
    """The notes about ``x=TEXT`` for a drawer."""
    given = parse_line(f"t x={text}", NAMES).given["x"]
    inputs = TypedInputs(load_drawer(drawer).drawer, NAMES)
    inputs.settle("x", given.text, given.value)
    return inputs.notes


def test_the_bare_name_of_a_variable_causes_a_note() -> None:
    plain = {"steps": []}
    assert notes("urls", plain) == ["input x is the text 'urls'; for the notebook's variable write x=$urls"]
    assert notes("urls[0]", plain) == [
        "input x is the text 'urls[0]'; for the notebook's expression write x={urls[0]}"
    ]
    for text in (
        "'urls'",
        "range(3)",
        "f(3)",
        "re.I",
        "urls-2",
        "a.urls",
        "$urls",
        "{'urls'}",
        "other",
        "re",
        "f",
        "3",
    ):
        assert notes(text, plain) == []
    assert notes("urls", {"inputs": {"x": "string"}, "steps": []}) == []


def test_non_finite_numbers_are_read_as_in_json() -> None:
    assert math.isnan(value("t x=NaN"))


SETUP = """
%load_ext drawer_ipy
urls = ["a", "b"]
N = 2
def same(x): return x
"""

STEPS = """
steps:
  - id: each
    kind: for_each
    over: OVER
    as: x
    steps: [{id: y, button: same, args: {x: "${x}"}}]
"""


def loop(over: str, inputs: str = "") -> str:
    return inputs + STEPS.replace("OVER", over)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


VARIABLE = "for the notebook's variable write urls=$urls"
HERE = "write urls=$urls on the line, and here ${inputs.urls}"
LOOP = loop("${inputs.urls}")
REFUSED = {
    "a bare root": ("t", loop("urls"), HERE),
    "a reference to a variable": ("t", loop("${urls}"), HERE),
    "an input that is not declared": ("t", LOOP, "there is no input 'urls' (write urls=$urls on the line)"),
    "a variable as the name": ("urls", LOOP, "there is no input 'urls' (write urls=$urls on the line)"),
    "a variable beside the name": ("t urls", LOOP, VARIABLE),
    "a dollar without a name": ("t $urls", LOOP, VARIABLE),
    "a bare name that is looped over": (
        "t xs=urls",
        loop("${inputs.xs}"),
        "'urls' is a text, and step 'each' loops over it\n  for the notebook's variable write xs=$urls",
    ),
    "a variable as the name and another input": (
        "urls",
        loop("${inputs.xs}"),
        "there is no input 'xs' (write xs=$urls on the line; 'urls' alone is the drawer's name)",
    ),
    "an element that is looped over": (
        "t xs=urls[:1]",
        loop("${inputs.xs}"),
        "for the notebook's expression write xs={urls[:1]}",
    ),
    "a call that is looped over": (
        "t xs=range(3)",
        loop("${inputs.xs}"),
        "for an expression write xs={range(3)}",
    ),
    "a call for a declared list": (
        "t xs=list(urls)",
        loop("[1]", "inputs: {xs: list}"),
        "declared as list\n  for an expression write xs={list(urls)}",
    ),
    "a declared input that is not given": (
        "t",
        loop("${inputs.xs}", "inputs: [xs]"),
        "line 6, column 11: step 'each': input 'xs' was not given (write xs=... on the line",
    ),
    "a declared type": ("t n=x", loop("[1]", "inputs: {n: int}"), "input 'n' must be of type int"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_error_of_a_cell_shows_how_to_pass_a_variable(kernel: Kernel, what: str) -> None:
    head, text, fragment = REFUSED[what]
    cell = kernel.run(f"%%drawer {head}\n{text}", fails=True)
    assert fragment in cell.traceback
    assert cell.traceback.splitlines()[-1].strip() == "^"
    assert cell.of("display_data") == []


def test_a_drawer_with_the_name_of_its_results_is_not_taken_for_a_variable(kernel: Kernel) -> None:
    kernel.run("%%drawer got --out got xs=$urls\n" + loop("${inputs.xs}"))
    for head in ("got --out got xs=$urls", "got xs=$urls", "urls xs=$urls"):
        cell = kernel.run(f"%%drawer {head}\n" + loop("${inputs.xss}"), fails=True)
        assert "did you mean 'xs'?" in cell.traceback
    cell = kernel.run("%%drawer got --out got\n" + loop("${inputs.xs}"), fails=True)
    assert "$got" not in cell.traceback


def test_a_cell_accepts_literals_variables_for_options_and_declared_types(kernel: Kernel) -> None:
    kernel.run(
        "%%drawer t xs=('a', None) flag=False -p $N\n" + loop("${inputs.xs}", "inputs: {flag: bool, xs: any}")
    )
    assert kernel.value("[row['y'] for row in _drawer]") == ["a", None]
    assert kernel.value("_drawer.run.inputs['flag'] is False")
    cell = kernel.run("%%drawer t x=urls\nsteps: [{id: a, button: same, args: {x: '${inputs.x}'}}]")
    assert "input x is the text 'urls'; for the notebook's variable write x=$urls" in cell.stdout
    assert kernel.value("_drawer.run.steps[0].output") == "urls"


def test_the_line_of_a_press_by_name_is_read_in_the_same_way(kernel: Kernel) -> None:
    kernel.run("%%drawer kept --define\n" + loop("${inputs.xs}", "inputs: {xs: any, flag: bool}"))
    kernel.run("%drawer kept press xs=['a'] flag=False --parallelism $N")
    assert kernel.value("(_drawer.run.inputs['flag'], [row['y'] for row in _drawer])") == (False, ["a"])
    for line, fragment, at in [
        ("kept press xs= 3", "there is a blank after `xs=`", 14),
        ("kept press xs=[1], flag=1", "inputs are separated by blanks", 17),
        ("kept press xs=urls", "for the notebook's variable write xs=$urls", 14),
        ("kept press xs=$urls flag=maybe", "input 'flag' must be of type bool", 25),
        ("kept press xs=$urls.x", "write an expression as xs={urls.x}", 14),
        ("kept press --parallelism $M", "there is no variable 'M'", 25),
        ("kept press xs=@nowhere.csv", "No such file", 14),
    ]:
        cell = kernel.run(f"%drawer {line}", fails=True)
        assert fragment in cell.traceback
        assert cell.traceback.splitlines()[-2:] == [f"    %drawer {line}", " " * (12 + at) + "^"]
    cell = kernel.run("%drawer kept press", fails=True)
    assert "input 'xs' was not given" in cell.traceback


def test_a_missing_input_that_a_sub_drawer_loops_over_is_reported_with_a_hint() -> None:
    inner = (
        loop("${inputs.xs}", "inputs: [xs]").replace("button: same", "button: len").replace("{x: ", "{obj: ")
    )
    for text, hint in (
        (loop("${inputs.xs}", "inputs: [xs]"), "pass inputs={'xs': ...}"),
        (
            "steps: [{id: s, kind: drawer, drawer: inner}]",
            "add 'xs' to the `args` of the step that presses it",
        ),
    ):
        around = Surroundings(namespace={"same": len}, drawers={"inner": load_drawer(inner).drawer})
        with pytest.raises(DefinitionError) as raised:
            prepare(text, {}, around=around)
        assert "input 'xs' was not given" in str(raised.value)
        assert hint in str(raised.value)


def test_an_optional_input_may_be_missing() -> None:
    for inputs, over in (("{xs: {default: [1]}}", "${inputs.xs}"), ("[xs]", "${inputs.xs ?? []}")):
        around = Surroundings(namespace={"same": lambda x: x})
        assert prepare(loop(over, f"inputs: {inputs}"), {}, around=around).warnings == []
    inside = loop("${inputs.site.urls}", "inputs: [site]")
    with pytest.raises(DefinitionError, match="input 'site' was not given"):
        prepare(inside, {}, around=Surroundings(namespace={"same": lambda x: x}))
    lax = loop("${inputs.xs}", "inputs: [xs]").replace("as: x", "as: x\n    on_failure: continue")
    (warning,) = prepare(lax, {}, around=Surroundings(namespace={"same": lambda x: x})).warnings
    assert "was not given" in warning.message


@pytest.mark.parametrize(
    ("words", "code", "fragment"),
    [
        (["flag=False", "xs=[1]"], 0, '"flag": false'),
        (["n=3", "xs=[1]"], 0, '"n": 3'),
        (["n=many", "xs=[1]"], 2, "input 'n' must be of type int (a whole number), not 'many'"),
        (["xs=[1]", "xs=[2]"], 2, "input xs is given twice"),
        (["flag=True"], 1, "input 'xs' was not given"),
    ],
)
def test_the_command_line_reads_declared_types(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    fragment: str,
) -> None:
    drawer = {
        "schema_version": 1,
        "name": "d",
        "inputs": [{"name": "flag", "type": "bool"}, {"name": "n", "type": "int"}, {"name": "xs"}],
        "buttons": {"say": {"code": "echo hi"}},
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "x",
                "steps": [{"id": "s", "kind": "button", "button": "say"}],
            }
        ],
    }
    (tmp_path / "drawers" / "d").mkdir(parents=True)
    (tmp_path / "drawers" / "d" / "drawer.json").write_text(json.dumps(drawer))
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["d", "press", *words, "--json"]) == code
    assert fragment in json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False)
