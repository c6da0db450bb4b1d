"""``stdin`` of a step or a button: input of scripts, of any size."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from descriptors_rig import same_descriptors
from wire_rig import pressed

from drawer_ipy import press
from drawer_ipy.buttons import Call, Resources
from drawer_ipy.buttons.factory import make_button
from drawer_ipy.definition import load_drawer
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.definition.wiring import uses_of
from drawer_ipy.errors import ArgumentError, DefinitionError, UsageError
from drawer_ipy.pressing.drawer import Drawer

HEX = "import sys; print(sys.stdin.buffer.read().hex())"
COUNT = "import sys; print(len(sys.stdin.buffer.read()))"


def read(value: Any, code: str = HEX, runtime: str = "python", **step: Any) -> Any:
    """Press a step whose script reads `value` from stdin; return its record."""
    drawer = {
        "buttons": {"b": {"runtime": runtime, "code": code, **step.pop("button", {})}},
        "inputs": {"v": "any"},
        "steps": [{"id": "s", "button": "b", "stdin": "${inputs.v}", **step}],
    }
    return press(drawer, {"v": value}, quiet=True, check=False).run.step("s")


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("é\n", "é\n".encode()),
        (b"\x00\xff\r\n", b"\x00\xff\r\n"),
        (bytearray(b"\xff"), b"\xff"),
        (memoryview(b"\xff"), b"\xff"),
        (None, b""),
        ("", b""),
        (b"", b""),
        ({"b": [1, None, "é"], "a": True}, '{"a":true,"b":[1,null,"é"]}'.encode()),
        ([1, 2.0], b"[1,2]"),
        (5, b"5"),
        (True, b"true"),
        (Path("/a/b"), b"/a/b"),
        ("\udcff", b"\xff"),
    ],
)
def test_values_are_encoded_as_bytes(value: Any, raw: bytes) -> None:
    step = read(value, f"{HEX[:-1]} + '.')")
    assert (step.error, step.output) == (None, f"{raw.hex()}.\n")


@pytest.mark.parametrize("value", ["\ud800", object(), {"a": b"\xff"}])
def test_a_value_that_cannot_be_sent_fails_with_a_message_about_stdin(value: Any) -> None:
    step = read(value)
    assert step.status == "failed"
    assert "stdin" in step.error.message


@pytest.mark.parametrize(
    ("runtime", "code"), [("sh", "cat | wc -c"), ("python", COUNT), ("bash", "wc -c < /dev/stdin")]
)
def test_stdin_may_be_larger_than_128_kilobytes(runtime: str, code: str) -> None:
    assert read("x" * 1_000_000, code, runtime).output == 1_000_000


def test_a_hundred_megabytes_can_be_sent_and_megabytes_received() -> None:
    step = read(b"x" * 100_000_000, COUNT)
    assert step.output == 100_000_000
    step = read(b"ab" * 4_000_000, "cat", "sh")  # both pipes are full at once
    assert step.output == "ab" * 4_000_000


@pytest.mark.parametrize(
    "code",
    [
        "echo done",
        "exec 0<&-; echo done",
        "head -c 5 > /dev/null; echo done",
        "exec 0<&-; sleep 0.3; echo done",
    ],
)
def test_a_script_that_does_not_read_all_of_stdin_ends(code: str) -> None:
    began = time.monotonic()
    step = read(b"x" * 100_000_000, code, "sh")
    assert (step.error, step.output) == (None, "done\n")
    assert time.monotonic() - began < 10


def test_a_script_that_reads_nothing_is_ended_at_its_time_limit() -> None:
    step = read(b"x" * 10_000_000, "sleep 30", "sh", timeout_seconds=0.5)
    assert step.status == "timeout"
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def test_without_stdin_the_input_is_empty() -> None:
    drawer = {"buttons": {"b": {"code": "cat; echo end"}}, "steps": [{"id": "s", "button": "b"}]}
    assert press(drawer, quiet=True).run.step("s").output == "end\n"


def test_no_descriptor_is_left_open() -> None:
    read(b"x" * 1_000_000, "true", "sh")
    with same_descriptors():
        for _ in range(3):
            read(b"x" * 1_000_000, "true", "sh")


def test_stdin_can_be_the_output_of_an_earlier_step_of_each_item() -> None:
    page = {"id": "page", "button": "make", "args": {"n": "${n}"}}
    count = {"id": "count", "button": "b", "stdin": "page ${n}: ${page.output}"}
    each = {
        "id": "e",
        "kind": "for_each",
        "over": "${inputs.ns}",
        "as": "n",
        "parallelism": 8,
        "steps": [page, count],
    }
    drawer = {"buttons": {"b": {"code": "cat"}}, "inputs": {"ns": "list"}, "steps": [each]}

    def make(n: int) -> str:
        return "x" * n

    results = press(drawer, {"ns": list(range(40))}, buttons={"make": make}, quiet=True)
    assert [row.output for row in results] == [f"page {n}: {'x' * n}" for n in range(40)]


# `stdin` of a button


def test_stdin_of_a_button_is_sent_to_its_script() -> None:
    spec = {"code": 'cat; printf ".%s.%s" "$BUTTONS_ARG_N" "${BUTTONS_ARG_DATA-unset}"', "stdin": "{{data}}"}
    drawer = {
        "buttons": {"b": {**spec, "args": [{"name": "data", "type": "any"}, "n"]}},
        "inputs": {"d": "any"},
        "steps": [{"id": "s", "button": "b", "args": {"data": "${inputs.d}", "n": 1}}],
    }
    for value, output in (
        ("text", "text.1.unset"),
        (b"\xc3\xa9", "é.1.unset"),
        ("x" * 500_000, "x" * 500_000 + ".1.unset"),
    ):
        assert press(drawer, {"d": value}, quiet=True).run.step("s").output == output


def test_placeholders_are_arguments_and_stdin_of_the_step_takes_precedence() -> None:
    drawer: dict[str, Any] = {
        "buttons": {"b": {"code": "cat", "stdin": "<{{a}}|${b}>"}},
        "steps": [{"id": "s", "button": "b", "args": {"a": 1, "b": [2]}}],
    }
    assert press(drawer, quiet=True).run.step("s").output == "<1|[2]>"
    drawer["steps"][0]["stdin"] = "other"
    assert press(drawer, quiet=True).run.step("s").output == "other"
    drawer = {"buttons": drawer["buttons"], "steps": [{"id": "s", "button": "b"}]}
    with pytest.raises(DefinitionError, match="needs the argument 'a'"):
        press(drawer, quiet=True)


def test_a_cached_result_depends_on_stdin(tmp_path: Path) -> None:
    count = tmp_path / "count"
    steps = [{"id": f"s{i}", "button": "b", "stdin": text} for i, text in enumerate(["a", "b", "a"])]
    drawer = {"buttons": {"b": {"code": f"echo x >> {count}; cat", "cache": "1h"}}, "steps": steps}
    results, _ = asyncio.run(pressed(drawer))
    assert [results.run.step(f"s{i}").output for i in range(3)] == ["a", "b", "a"]
    assert count.read_text() == "x\nx\n"


# Definitions


@pytest.mark.parametrize(
    ("button", "step", "line", "message"),
    [
        ("url: http://h/", "stdin: a", 5, "`stdin` is for scripts"),
        ("prompt: hello", "stdin: a", 5, "`stdin` is for scripts"),
        ("code: cat", "stdin: ${nope.output}", 5, "nope"),
        ('{url: "http://h/", stdin: a}', "args: {}", 2, "`stdin` is for scripts"),
        ("{prompt: p, stdin: a}", "args: {}", 2, "`stdin` is for scripts"),
        ('{code: cat, args: [a], stdin: "{{b}}"}', "args: {a: 1}", 2, "is not an argument"),
        ('{code: cat, stdin: "${batteries.X}"}', "args: {a: 1}", 2, "cannot be used here"),
    ],
)
def test_invalid_stdin_is_reported_with_its_line(button: str, step: str, line: int, message: str) -> None:
    given = button if button.startswith("{") else f"{{{button}}}"
    text = f"buttons:\n  b: {given}\nsteps:\n  - id: s\n    {step}\n    button: b\n"
    found = Drawer.load(text).validate()
    assert any(p.line == line and message in p.message for p in found.errors), found


def test_stdin_for_a_function_is_refused() -> None:
    drawer = {"steps": [{"id": "s", "button": "f", "stdin": "x"}]}
    with pytest.raises(Exception, match="`stdin` is for scripts"):
        press(drawer, buttons={"f": lambda: 1}, quiet=True)


def test_invalid_combinations_of_keys_are_refused() -> None:
    for spec in (
        {"url": "http://h/", "stdin": "a"},
        {"prompt": "p", "stdin": "a"},
        {"code": "cat", "query": {"a": 1}},
    ):
        with pytest.raises(UsageError):
            make_button(ButtonSpec.model_validate({"name": "b", **spec}))


# Arguments that do not fit an environment variable


def test_the_error_for_an_argument_that_is_too_large_suggests_stdin() -> None:
    drawer = {
        "buttons": {"b": {"code": "true", "args": [{"name": "data", "type": "any"}]}},
        "inputs": {"d": "any"},
        "steps": [{"id": "s", "button": "b", "args": {"data": "${inputs.d}"}}],
    }
    step = press(drawer, {"d": "x" * 200_000}, quiet=True, check=False).run.step("s")
    assert step.error.code == "VALIDATION_ERROR"
    assert "BUTTONS_ARG_DATA" in step.error.message
    assert "`stdin`" in step.error.remediation


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", bytearray(b"\xff"), memoryview(b"\xff"), ["a", b"\xff"], {"k": b"\xff"}]
)
def test_bytes_that_are_not_text_are_refused_as_an_argument(value: Any) -> None:
    made = make_button(
        ButtonSpec.model_validate({"name": "b", "code": "true", "args": [{"name": "data", "type": "any"}]})
    )
    with pytest.raises(ArgumentError, match="'data'") as caught:
        made.bind({"data": value})
    assert "`stdin`" in caught.value.remediation


def test_the_error_for_a_nul_character_suggests_stdin() -> None:
    made = make_button(ButtonSpec.model_validate({"name": "b", "code": "true", "args": ["data"]}))
    with pytest.raises(ArgumentError, match="NUL") as caught:
        made.bind({"data": "a\0b"})
    assert "`stdin`" in caught.value.remediation


def test_output_that_is_not_text_causes_a_note() -> None:
    drawer = {"buttons": {"b": {"code": r"printf 'a\377b'"}}, "steps": [{"id": "s", "button": "b"}]}
    results, notes = asyncio.run(pressed(drawer))
    assert results.run.step("s").output == "a\ufffdb"
    assert len(notes) == 1
    assert "not UTF-8 text" in notes[0]
    assert "base64" in notes[0]


def test_invalid_bytes_are_refused_within_a_longer_text() -> None:
    drawer = {
        "buttons": {"b": {"code": "true"}},
        "inputs": {"d": "any"},
        "steps": [{"id": "s", "button": "b", "args": {"data": "got ${inputs.d}"}}],
    }
    step = press(drawer, {"d": b"\xff"}, quiet=True, check=False).run.step("s")
    assert step.error.code == "RESOLVE_ERROR"
    assert "not valid UTF-8" in step.error.message
    assert press(drawer, {"d": "é".encode()}, quiet=True).run.step("s").args == {"data": "got é"}


def test_stdin_works_if_the_button_is_pressed_directly() -> None:
    async def main() -> Any:
        resources = Resources()
        try:
            made = make_button(ButtonSpec.model_validate({"name": "b", "code": "cat", "stdin": "{{x}}"}))
            return await made.press(made.bind({"x": "hi"}), Call(resources))
        finally:
            await resources.aclose()

    assert asyncio.run(main()).output == "hi"


def test_references_in_stdin_are_edges_of_the_graph_and_are_checked() -> None:
    text = """\
buttons: {b: {code: cat}}
steps:
  - {id: a, button: b}
  - {id: c, button: b, stdin: "${a.output}"}
"""
    assert uses_of(load_drawer(text).drawer.steps[1], {"a", "c"}) == [("a",)]
    undo = "{action: stop, compensate_with: {button: b, stdin: '${nope.output}'}}"
    found = Drawer.load(text.replace('stdin: "${a.output}"', f"on_failure: {undo}")).validate()
    assert "'nope'" in found.errors[0].message
