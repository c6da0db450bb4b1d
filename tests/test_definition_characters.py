"""Line separators and control characters in definitions: kept unchanged, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kernel_rig import Kernel, kernel_in

from drawer_ipy.definition import load_button, load_drawer
from drawer_ipy.errors import DefinitionError
from drawer_ipy.notebook.line import parse_line

KEPT = {"line separator": "\u2028", "paragraph separator": "\u2029", "next line": "\x85"}
REFUSED = {
    # character: (its name, its escape in double quotes)
    "\x0b": ("a vertical tab (U+000B)", "\\v"),
    "\x0c": ("a form feed (U+000C)", "\\f"),
    "\x1c": ("a file separator (U+001C)", "\\x1c"),
    "\x1d": ("a group separator (U+001D)", "\\x1d"),
    "\x1e": ("a record separator (U+001E)", "\\x1e"),
    "\x1f": ("a unit separator (U+001F)", "\\x1f"),
}
ALL = (*KEPT.values(), *REFUSED)

HEAD = "steps:\n- id: a\n  args:\n    v: "
FORMS = {
    # YAML with ~ for the character, and the value it represents
    "plain": (HEAD + "x~y\n", "x~y"),
    "in single quotes": (HEAD + "'x~y'\n", "x~y"),
    "in double quotes": (HEAD + '"x~y"\n', "x~y"),
    "quoted at the ends": (HEAD + "'~x~'\n", "~x~"),
    "doubled": (HEAD + "'x~~y'\n", "x~~y"),
    "literal block": (HEAD + "|\n      x~y\n      z\n", "x~y\nz\n"),
    "folded block": (HEAD + ">\n      x~y\n      z\n", "x~y z\n"),
    "alone in a block": (HEAD + "|\n      ~\n      z\n", "~\nz\n"),
    "flow": ("steps: [{id: a, args: {v: 'x~y'}}]", "x~y"),
    "two lines in quotes": (HEAD + "'x~y\n      z'\n", "x~y z"),
    "below a comment": ("# a~b\n" + HEAD + "x~y # c~d\n", "x~y"),
}


def value(text: str) -> Any:
    [step] = load_drawer(text, name="main").drawer.steps
    return step.args["v"]


def codes(characters: Any) -> list[str]:
    return [f"U+{ord(one):04X}" for one in characters]


@pytest.mark.parametrize("character", KEPT.values(), ids=KEPT)
@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_a_separator_that_yaml_1_2_allows_is_kept(character: str, text: str, expected: str) -> None:
    assert value(text.replace("~", character)) == expected.replace("~", character)


@pytest.mark.parametrize("character", REFUSED, ids=codes(REFUSED))
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_control_character_is_refused_by_name_and_place(character: str, form: tuple[str, str]) -> None:
    text = form[0].replace("~", character)
    with pytest.raises(DefinitionError) as raised:
        value(text)
    [problem] = raised.value.problems
    name, escape = REFUSED[character]
    assert name in problem.message
    assert f'"{escape}"' in problem.remediation
    before = text[: text.index(character)]
    assert problem.line == before.count("\n") + 1
    assert problem.column == len(before) - (before.rfind("\n") + 1) + 1


@pytest.mark.parametrize("character", ALL, ids=codes(ALL))
def test_every_character_can_be_written_as_an_escape(character: str) -> None:
    escape = REFUSED[character][1] if character in REFUSED else f"\\u{ord(character):04x}"
    assert value(f'{HEAD}"x{escape}y"\n') == f"x{character}y"
    assert value(json.dumps({"steps": [{"id": "a", "args": {"v": f"x{character}y"}}]})) == f"x{character}y"


JSON = '{"steps": [{"id": "a",\n "args": {"v": "x~y"}}]}'


@pytest.mark.parametrize("character", KEPT.values(), ids=KEPT)
def test_json_keeps_a_separator(character: str) -> None:
    assert value(JSON.replace("~", character)) == f"x{character}y"


@pytest.mark.parametrize("character", REFUSED, ids=codes(REFUSED))
def test_json_refuses_a_control_character_by_name_and_place(character: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        value(JSON.replace("~", character))
    [problem] = raised.value.problems
    assert REFUSED[character][0] in problem.message
    assert f"\\u{ord(character):04x}" in problem.message
    assert (problem.line, problem.column) == (2, 18)


@pytest.mark.parametrize("character", KEPT.values(), ids=KEPT)
def test_lines_are_counted_as_in_an_editor(character: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        load_drawer(
            f"# {character}\nsteps:\n- id: a\n  args: {{v: x{character}y}}\n  bogus: 1\n", name="main"
        )
    [problem] = raised.value.problems
    assert (problem.line, problem.column) == (5, 3)
    assert "      bogus: 1\n      ^" in str(raised.value)
    with pytest.raises(DefinitionError) as raised:
        load_drawer(f"steps:\n- {{id: a, args: {{v: x{character}y}}, bogus: 1}}\n", name="main")
    shown = str(raised.value).split("\n")
    at = next(number for number, line in enumerate(shown) if line.strip() == "^")
    assert shown[at - 1][shown[at].index("^") :].startswith("bogus")


@pytest.mark.parametrize("character", ALL, ids=codes(ALL))
@pytest.mark.parametrize("text", ["x#y", "#x", "x#", "#", "3#", "'x#y'", '"x#y"', "x##y"])
def test_a_value_on_the_magic_line_keeps_the_character(character: str, text: str) -> None:
    given = parse_line(f"name v={text.replace('#', character)} w=2", {})
    assert given.inputs == {"v": text.strip("'\"").replace("#", character), "w": 2}
    assert given.words == ["name"]


@pytest.mark.parametrize("character", KEPT.values(), ids=KEPT)
def test_the_definition_of_a_button_keeps_the_character(character: str) -> None:
    text = f"name: b\nruntime: sh\ncode: |\n  echo 'x{character}y'\n"
    assert load_button(text, name="b").button.code == f"echo 'x{character}y'\n"


SETUP = "%load_ext drawer_ipy\ndef same(x): return x\n"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


@pytest.mark.parametrize("character", ALL, ids=codes(ALL))
def test_the_script_of_a_button_cell_keeps_the_character(kernel: Kernel, character: str) -> None:
    kernel.run(f"%%button said sh\nprintf %s 'x{character}y'\nprintf %s '{character}'\n")
    kernel.run("%%drawer t\nsteps: [{id: y, button: said}]")
    assert kernel.value("_drawer.run.steps[0].output") == f"x{character}y{character}"


@pytest.mark.parametrize("character", ALL, ids=codes(ALL))
def test_the_line_of_a_cell_keeps_the_character(kernel: Kernel, character: str) -> None:
    kernel.run(f"%%drawer t x=a{character}b\nsteps: [{{id: y, button: same, args: {{x: '${{inputs.x}}'}}}}]")
    assert kernel.value("_drawer.run.steps[0].output") == f"a{character}b"


@pytest.mark.parametrize("character", KEPT.values(), ids=KEPT)
def test_the_body_of_a_cell_keeps_the_character(kernel: Kernel, character: str) -> None:
    kernel.run(
        f"%%drawer t\nsteps:\n- id: y\n  button: same\n  args:\n    x: |\n      a{character}b\n      c\n"
    )
    assert kernel.value("_drawer.run.steps[0].output") == f"a{character}b\nc\n"


@pytest.mark.parametrize("character", REFUSED, ids=codes(REFUSED))
def test_the_body_of_a_cell_with_a_control_character_is_refused(kernel: Kernel, character: str) -> None:
    cell = kernel.run(
        f"%%drawer t\nsteps:\n- {{id: y, button: same, args: {{x: 'a{character}b'}}}}", fails=True
    )
    assert REFUSED[character][0] in cell.traceback
    assert "line 3" in cell.traceback
