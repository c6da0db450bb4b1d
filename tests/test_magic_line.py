"""Parsing the line of a magic and transforming its cell: words, inputs, options and awaited cells."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drawer_ipy.errors import UsageError
from drawer_ipy.notebook.awaited_cells import AWAITED, AWAITED_VERB, AwaitedCells, magic_first
from drawer_ipy.notebook.line import input_value, parse_line, split

THING = object()
NAMES = {"urls": [1, 2], "thing": THING, "n": 3}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a  b\t c ", ["a", "b", "c"]),
        ("x='two words' y", ["x='two words'", "y"]),
        ('x="a \\" b" y', ['x="a \\" b"', "y"]),
        ("x={f(a, b)} y", ["x={f(a, b)}", "y"]),
        ('x={"a": "} "} y', ['x={"a": "} "}', "y"]),
        ("x=[1, [2, 3]] y", ["x=[1, [2, 3]]", "y"]),
        ("x=(1, 2) y", ["x=(1, 2)", "y"]),
        ("it's fine", ["it's", "fine"]),
        ("a} b", ["a}", "b"]),
        ("'two words' --out=x", ["'two words'", "--out=x"]),
    ],
)
def test_words_are_split_outside_quotes_and_brackets(line: str, words: list[str]) -> None:
    assert list(split(line)) == words


@pytest.mark.parametrize("line", ["x='a", 'x={"a": 1', "x=[1, (2]", "'a b"])
def test_an_unclosed_quote_or_bracket_is_reported(line: str) -> None:
    with pytest.raises(UsageError, match=r"a closing . is missing in: "):
        list(split(line))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3.5", -3.5),
        ("true", True),
        ("null", None),
        ("text", "text"),
        ("'3'", "3"),
        ('"3"', "3"),
        ("", ""),
        ("[1, 2]", [1, 2]),
        ('{"a": null}', {"a": None}),
        ("{}", {}),
        ("$urls", [1, 2]),
        ("$thing", THING),
        ("{n + 1}", 4),
        ("{[x * n for x in range(2)]}", [0, 3]),
        ("{ {'a': n} }", {"a": 3}),
        ("a=b", "a=b"),
    ],
)
def test_an_input_is_json_a_string_a_variable_or_an_expression(text: str, value: Any) -> None:
    assert input_value("x", text, NAMES) == value


def test_an_object_in_a_variable_is_passed_unchanged() -> None:
    assert parse_line("t x=$thing y={thing}", NAMES).inputs == {"x": THING, "y": THING}


def test_an_input_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "urls.json"
    file.write_text('["a", "b"]', encoding="utf-8")
    assert parse_line(f"t x=@{file} y='\"@{file}\"'", NAMES).inputs["x"] == ["a", "b"]
    assert input_value("y", f'"@{file}"', NAMES) == f"@{file}"
    with pytest.raises(UsageError, match="cannot be read"):
        parse_line("t x=@nowhere.json", NAMES)


@pytest.mark.parametrize(
    ("line", "out", "words"),
    [
        ("t", "", ["t"]),
        ("t --out a", "a", ["t"]),
        ("--out=a t", "a", ["t"]),
        ("-o a t", "a", ["t"]),
        ("a << t", "a", ["t"]),
        ("a <<", "a", []),
        ("", "", []),
    ],
)
def test_a_line_names_the_result_variable_and_the_drawer(line: str, out: str, words: list[str]) -> None:
    parsed = parse_line(line, NAMES)
    assert (parsed.out, parsed.words) == (out, words)


def test_options_have_defaults_that_a_setting_changes_and_the_line_overrides() -> None:
    plain = parse_line("t", NAMES).options
    assert (plain.parallelism, plain.mode, plain.timeout, plain.quiet, plain.display) == (
        None,
        "sequential",
        None,
        False,
        "auto",
    )
    settings = {"parallelism": 5, "timeout": 2.0, "out": "all", "mode": "parallel"}
    parsed = parse_line("t -p 8 --timeout 1m30s", NAMES, settings)
    assert (parsed.options.parallelism, parsed.options.timeout, parsed.out) == (8, 90.0, "all")
    assert parsed.options.mode == "parallel"
    assert parse_line("b << t", NAMES, settings).out == "b"
    assert parse_line("t --timeout 0.5", NAMES).options.timeout == 0.5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("t --paralelism 3", "unknown option --paralelism.*did you mean '--parallelism'"),
        ("t -p many", "a whole number from 0 up, not 'many'"),
        ("t -p 1.5", "a whole number from 0 up, not '1.5'"),
        ("t --concurrency 0", "a whole number from 1 up, not '0'"),
        ("t --mode both", "invalid choice: 'both'"),
        ("t --display widgets", "invalid choice: 'widgets'"),
        *((f"t --timeout {text}", "must be seconds") for text in ("0", "-1", "nan", "inf", "5_s", "soon")),
        ("t --out", "expected one argument"),
        ("t --out a-b", "needs a variable's name, not 'a-b'"),
        ("t --out class", "needs a variable's name, not 'class'"),
        ("a << t --out b", "not both"),
        ("a b << t", "one variable before the <<"),
        ("2 << t", "one variable before the <<"),
        ("t --define --dry-run", "not both"),
        ("t x=1 x=2", "input x is given twice"),
        ("t x=$url", "there is no variable 'url'.*did you mean 'urls'"),
        ("t x=$a.b", "write an expression as x="),
        ("t x={n +}", "cannot be evaluated: SyntaxError"),
        ("t x={missing}", "cannot be evaluated: NameError"),
    ],
)
def test_an_invalid_line_is_reported_with_a_hint(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){message}"):
        parse_line(line, NAMES)


def test_evaluating_an_expression_does_not_change_the_variables() -> None:
    names = dict(NAMES)
    parse_line("t x={(y := 5)}", names)
    assert names == NAMES


@pytest.mark.parametrize(
    ("cell", "first", "empty"),
    [
        ("%%drawer t\nsteps\n", "%%drawer t\n", 0),
        ("\n\n%%drawer t\nsteps\n", "%%drawer t\n", 2),
        ("# a\n  # b\n\n%%drawer\nsteps\n", "%%drawer\n", 3),
        ("  # a\n  %%drawer t\n  steps\n", "  %%drawer t\n", 1),
        ("# a\n%%button b\necho\n", "%%button b\n", 1),
        ("# a\n%%drawer t", "%%drawer t\n", 1),
    ],
)
def test_the_magic_becomes_the_first_line_and_other_lines_keep_their_numbers(
    cell: str, first: str, empty: int
) -> None:
    before = cell.splitlines(keepends=True)
    lines = magic_first(list(before))
    assert lines[0] == first
    assert lines[1 : 1 + empty] == ["\n"] * empty
    assert lines[1 + empty :] == before[1 + empty :]


@pytest.mark.parametrize("cell", ["", "\n", "# a\n", "# a\nx = 1\n", "x = 1\n%%drawer\n", "# a\n%%time\n1\n"])
def test_other_cells_are_not_changed(cell: str) -> None:
    lines = cell.splitlines(keepends=True)
    assert magic_first(list(lines)) == lines


def shell(autoawait: bool = True, runner: str = "asyncio") -> Any:
    runners = {"asyncio": ("asyncio", True), "trio": ("trio", True)}
    return SimpleNamespace(autoawait=autoawait, loop_runner=runners[runner][0], loop_runner_map=runners)


@pytest.mark.parametrize(
    ("cell", "awaited"),
    [
        ("%%drawer\nsteps: []\n", (AWAITED, "", "steps: []\n")),
        ("%%drawer a << t x='1 2'\n\nsteps: []\n", (AWAITED, "a << t x='1 2'", "\nsteps: []\n")),
        ("%%drawer t\n", (AWAITED, "t", "\n")),
        ("%drawer t press\n", (AWAITED_VERB, "t press")),
        ("# now\n\n%drawer t press x=1  \n", (AWAITED_VERB, "t press x=1")),
        ("%%drawer?\n", None),
        ("%%drawer t ?\n", None),
        ("%%drawers\nx\n", None),
        ("%drawer t\n", None),
        ("%drawer press\n", None),
        ("%drawer t press\nx = 1\n", None),
        ("x = %drawer t press\n", None),
        ("x = 1\n", None),
    ],
)
def test_cells_that_press_are_rewritten_to_awaited_calls(cell: str, awaited: Any) -> None:
    lines = cell.splitlines(keepends=True)
    written = AwaitedCells(shell(), lambda: True)(list(lines))
    if awaited is None:
        assert written == lines
        return
    (line,) = written
    calls: list[Any] = []
    magics = SimpleNamespace(
        run_cell_magic=lambda *given: calls.append(given), run_line_magic=lambda *given: calls.append(given)
    )
    eval(line.removeprefix("await "), {"get_ipython": lambda: magics})
    assert calls == [awaited]


@pytest.mark.parametrize(
    ("where", "wanted"), [(shell(autoawait=False), True), (shell(runner="trio"), True), (shell(), False)]
)
def test_a_cell_that_cannot_or_must_not_be_awaited_stays_a_magic(where: Any, wanted: bool) -> None:
    lines = ["%%drawer\n", "steps: []\n"]
    assert AwaitedCells(where, lambda: wanted)(list(lines)) == lines
