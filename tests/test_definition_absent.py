"""Missing things that would certainly fail a run are refused before the run."""
# ruff: noqa: E501 - a case a line, so that the columns can be counted

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from IPython.testing.globalipapp import start_ipython
from wire_rig import wire_server
from workspace_rig import Folder, button_step

from drawer_ipy.buttons.factory import make_button
from drawer_ipy.definition import ButtonSpec, load_drawer
from drawer_ipy.errors import DefinitionError, Problem
from drawer_ipy.pressing.drawer import Drawer
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.press import press
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.pressing.surroundings import Surroundings as Around
from drawer_ipy.workspace.lookup import Workspace

SECRET = "hush-hush-4711"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The workspace, with two batteries; the working folder is next to it."""
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("A_VARIABLE", "a value")
    monkeypatch.setenv("FTP", "ftp://p.example")
    monkeypatch.setenv("TWO_LINES", f"{SECRET}\nX-More: 1")
    for name in ("NOPE", "A_VARIABEL", "BUTTONS_ALLOW_PRIVATE_NETWORKS"):
        monkeypatch.delenv(name, raising=False)
    made = Folder(tmp_path / "home")
    made.batteries(TOKEN=SECRET, BROKEN=f"{SECRET}\nX-More: 1")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return made


def found(text: str, *, pressing: bool = True, ordered: bool = True) -> list[Problem]:
    """The problems of a drawer, with the workspace that a press would use."""
    loaded = load_drawer(text, name="main", recover=True)
    problems = Surroundings().problems(loaded, given=["x"], pressing=pressing, ordered=ordered)
    assert SECRET not in " ".join(f"{p.message} {p.remediation}" for p in problems)
    return problems


def marked(text: str) -> tuple[str, tuple[int, int]]:
    """`text` without its mark, and the line and column of the mark."""
    before, after = text.split("‸")
    return before + after, (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def fetch(fields: str, steps: str = "{id: s, button: get}") -> str:
    return (
        f"buttons:\n  get: {{url: 'https://h.example/', args: {{x: any}}, {fields}}}\nsteps:\n  - {steps}\n"
    )


# (the fields of a button with a mark where something is missing, the message)
BUTTONS = {
    "a header": ("headers: {K: 'a ${‸batteries.NOPE}'}", "batteries has no 'NOPE'"),
    "a header with an argument": ("headers: {K: '{{x}} ${‸env.NOPE}'}", "env has no 'NOPE'"),
    "a header of the environment's form": ("headers: {K: 'a ‸$ENV{NOPE}'}", "env has no 'NOPE'"),
    "a query parameter": ("query: {k: [1, '${‸batteries.NOPE}']}", "batteries has no 'NOPE'"),
    "a bearer token": ("auth: {bearer: '${‸batteries.NOPE}'}", "batteries has no 'NOPE'"),
    "a bearer token of the environment": ("auth: {bearer: '‸$ENV{NOPE}'}", "env has no 'NOPE'"),
    "a password": ("auth: {basic: [me, '${‸env.NOPE}']}", "env has no 'NOPE'"),
    "a password of a digest": ("auth: {digest: [me, '${‸batteries.NOPE}']}", "batteries has no 'NOPE'"),
    "a proxy": ("proxy: 'http://me:${‸batteries.NOPE}@p:1'", "batteries has no 'NOPE'"),
    "an index": ("headers: {K: \"${‸batteries['NOPE']}\"}", "batteries has no 'NOPE'"),
    "within a function": ("headers: {K: '${size(‸batteries.NOPE)}'}", "batteries has no 'NOPE'"),
    "a file's name": ("files: {f: '${‸env.NOPE}'}", "env has no 'NOPE'"),
    "a header that breaks the line": ("headers: {K: ‸'${env.TWO_LINES}'}", "a line break"),
    "a token that is none": ("auth: ‸{bearer: '${batteries.BROKEN}'}", "must not contain"),
    "a user that is none": ("auth: ‸{digest: ['${env.TWO_LINES}', p]}", "control character"),
    "an address of no proxy": ("proxy: ‸'${env.FTP}'", "is not a valid proxy address"),
    "a body that is not there": ("body_file: ‸nothing.bin", "does not exist"),
    "a file that is not there": ("files: {f: {path: ‸nothing.bin}}", "does not exist"),
}


@pytest.mark.parametrize(("fields", "message"), BUTTONS.values(), ids=BUTTONS)
def test_missing_names_and_files_of_a_button_are_errors_at_their_place(fields: str, message: str) -> None:
    text, place = marked(fetch(fields, "{id: s, button: get, args: {x: 1}}"))
    (problem,) = found(text)
    assert problem.severity == "error"
    assert message in problem.message
    assert ((problem.line, problem.column), problem.step_id, problem.arg) == (place, "s", "get")
    (problem,) = found(text, pressing=False)
    assert (problem.severity, (problem.line, problem.column)) == ("warning", place)


FINE = {
    "a battery": "headers: {K: '${batteries.TOKEN}'}",
    "a variable": "headers: {K: '${env.A_VARIABLE} $ENV{A_VARIABLE}'}",
    "a fallback": "headers: {K: \"${batteries.NOPE ?? 'none'}\"}",
    "a guard": "query: {k: \"${has(env.NOPE) ? env.NOPE : ''}\"}",
    "a condition": "query: {k: '${has(env.NOPE) && env.NOPE == 1}'}",
    "a password": "auth: {basic: [me, '${batteries.TOKEN}']}",
    "a file of an argument": "body_file: '{{x}}'",
    "text": "headers: {K: '$${batteries.NOPE}'}",
}


@pytest.mark.parametrize("fields", FINE.values(), ids=FINE)
def test_existing_and_optional_names_and_files_are_not_problems(fields: str) -> None:
    assert found(fetch(fields)) == []


def test_the_hint_names_the_intended_name_and_how_to_provide_it() -> None:
    (near,) = found(fetch("headers: {K: '${env.A_VARIABEL}'}"))
    assert "did you mean 'A_VARIABLE'?" in near.remediation
    assert "os.environ['A_VARIABEL']" in near.remediation
    (battery,) = found(fetch("headers: {K: '${batteries.TOKN}'}"))
    assert "did you mean 'TOKEN'?" in battery.remediation
    assert "batteries.json" in battery.remediation
    assert "${batteries.TOKN ?? 'default'}" in battery.remediation


# Steps that read a missing name, with a mark before it.
STEPS = {
    "an argument": "{id: s, button: get, args: {x: 'a ${‸batteries.NOPE}'}}",
    "over": "{id: s, kind: for_each, over: '${‸env.NOPE}', steps: [{id: a, button: get}]}",
    "over without braces": "{id: s, kind: for_each, over: ‸env.NOPE, steps: [{id: a, button: get}]}",
    "the first condition": "{id: s, kind: switch, cases: [{when: \"‸env.NOPE == '1'\", steps: []}]}",
    "a duration": "{id: s, kind: wait, duration: '${‸env.NOPE}s'}",
    "an expression": "{id: s, kind: transform, expression: {a: '‸batteries.NOPE'}}",
    "a value to pluck": "{id: s, kind: aggregate, from: '[1]', pluck: '‸env.NOPE'}",
    "a nested loop": "{id: s, kind: for_each, over: [1], steps: [{id: l, kind: for_each, over: [1], on_item_failure: continue, steps: [{id: a, button: get, args: {x: '${‸env.NOPE}'}}]}]}",
    "a branch of a split": "{id: s, kind: split, branches: {a: [{id: a, button: get, args: {x: '${‸env.NOPE}'}}]}}",
    "a retry": "{id: s, button: get, on_failure: {action: retry, max_attempts: 3}, args: {x: '${‸env.NOPE}'}}",
}  # fmt: skip


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_missing_name_that_a_step_certainly_reads_is_an_error(step: str) -> None:
    text, place = marked(fetch("output: body", step))
    errors = [p for p in found(text) if p.severity == "error"]
    assert [(p.line, p.column) for p in errors] == [place]
    assert "has no 'NOPE'" in errors[0].message
    assert (*place, "warning") in [(p.line, p.column, p.severity) for p in found(text, pressing=False)]


def test_a_missing_name_in_the_return_of_a_drawer_is_an_error() -> None:
    (problem,) = found(fetch("output: body") + "return: {a: '${env.NOPE}'}\n")
    assert (problem.severity, problem.line, problem.column) == ("error", 5, 16)


# Steps that may never press the button `get`, which lacks a battery, or whose failure does not stop the run.
UNSURE = {
    "no step presses it": "{id: s, kind: wait, duration: 1ms}",
    "its failure is passed over": "{id: s, button: get, on_failure: continue}",
    "the loop's failure is passed over": "{id: s, kind: for_each, over: [1], on_failure: continue, steps: [{id: a, button: get}]}",
    "a case": "{id: s, kind: switch, cases: [{when: inputs.x, steps: [{id: a, button: get}]}]}",
    "the default": "{id: s, kind: switch, cases: [{when: inputs.x}], steps: [{id: a, button: get}]}",
    "deep in a case": "{id: s, kind: switch, cases: [{when: inputs.x, steps: [{id: l, kind: for_each, over: [1], steps: [{id: a, button: get}]}]}]}",
    "an empty loop": "{id: s, kind: for_each, over: [], steps: [{id: a, button: get}]}",
    "undoing": "{id: s, kind: wait, duration: 1ms, on_failure: {action: stop, compensate_with: get}}",
}


@pytest.mark.parametrize("step", UNSURE.values(), ids=UNSURE)
@pytest.mark.parametrize("pressing", [True, False])
def test_a_missing_name_that_a_run_may_not_need_is_a_warning(step: str, pressing: bool) -> None:
    text, place = marked(fetch("headers: {K: '${‸batteries.NOPE}'}", step))
    problems = [p for p in found(text, pressing=pressing) if "NOPE" in p.message]
    assert [(p.severity, (p.line, p.column)) for p in problems] == [("warning", place)]


@pytest.mark.parametrize(
    "text",
    [
        "${inputs.x == 1 ? env.NOPE : 'b'}",
        "${inputs.x ?? batteries.NOPE}",
        "${[].map(i, env.NOPE)}",
        "$ENV{NOPE}",  # empty in a step, as in the original
    ],
)
def test_a_missing_name_that_an_expression_may_not_read_is_a_warning(text: str) -> None:
    (problem,) = found(fetch("output: body", f'{{id: s, button: get, args: {{x: "{text}"}}}}'))
    assert (problem.severity, problem.line) == ("warning", 4)
    assert "has no 'NOPE'" in problem.message


def test_one_certain_press_makes_it_an_error_that_is_reported_once() -> None:
    steps = "{id: a, button: get, on_failure: continue}\n  - {id: b, button: get}\n  - {id: c, button: get}"
    (problem,) = found(fetch("headers: {K: '${batteries.NOPE}'}", steps))
    assert (problem.severity, problem.step_id) == ("error", "b")


def test_a_file_may_come_from_an_earlier_step() -> None:
    after = "{id: a, button: ok}\n  - {id: s, button: get}"
    ok = "  ok: {code: ':'}\n"
    text = fetch("body_file: later.bin", after).replace("steps:", f"{ok}steps:")
    assert [p.severity for p in found(text)] == ["warning"]
    first = fetch("body_file: later.bin", "{id: s, button: get}\n  - {id: a, button: ok}")
    first = first.replace("steps:", f"{ok}steps:")
    assert [p.severity for p in found(first)] == ["error"]
    assert [p.severity for p in found(first, ordered=False)] == ["warning"]
    Path("later.bin").write_bytes(b"1")
    assert found(first) == []


def test_a_reference_in_a_field_without_references_is_reported() -> None:
    (url,) = found(
        "buttons:\n  get: {url: 'https://h.example/${batteries.TOKEN}'}\nsteps: [{id: s, button: get}]\n"
    )
    assert (url.severity, url.line, url.column) == ("error", 2, 33)
    assert "plain text here" in url.message
    (body,) = found(fetch("method: POST, body: {a: '${env.A_VARIABLE}'}"))
    assert (body.severity, body.line) == ("warning", 2)
    (env,) = found(
        "buttons:\n  s: {code: ':', env: {K: '${batteries.TOKEN}'}}\nsteps: [{id: s, button: s}]\n"
    )
    assert env.severity == "warning"
    assert "BUTTONS_BAT_NAME" in env.remediation


# Buttons on disk: (button.json, the other files, the message)
ON_DISK = {
    "a battery": ({"url": "https://h.example/", "headers": {"K": "${batteries.NOPE}"}}, ["headers.K", "batteries has no 'NOPE'"]),
    "a variable": ({"url": "https://h.example/", "query": {"k": "${env.NOPE}"}}, ["query.k", "env has no 'NOPE'"]),
    "a runtime that is not installed": ({"runtime": "node"}, ["runtime", "node, which is not installed"]),
    "an unknown runtime": ({"runtime": "perl"}, ["runtime", "unknown runtime 'perl'"]),
    "a script that is not there": ({"runtime": "python"}, ["is missing: main.py"]),
    "a prompt that is not there": ({"runtime": "prompt"}, ["cannot be read"]),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), ON_DISK.values(), ids=ON_DISK)
def test_a_button_on_disk_is_named_with_its_file(
    fields: dict[str, Any], words: list[str], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.button("get", **fields)
    monkeypatch.setenv("PATH", str(folder.root))
    text = "steps:\n  - {id: l, kind: for_each, over: [1], steps: [{id: s, button: get}]}\n  - {id: t, button: get}\n"
    (problem,) = found(text)
    assert (problem.severity, problem.step_id, problem.line, problem.column) == ("error", "l.s", 2, 64)
    for word in ["button 'get'", str(folder.root / "buttons" / "get" / "button.json"), *words]:
        assert word in problem.message


def test_a_button_of_another_cell_is_named_with_its_field() -> None:
    spec = ButtonSpec.model_validate(
        {"name": "get", "url": "https://h.example/", "headers": {"K": "${env.NOPE}"}}
    )
    around = Around(registered={"get": make_button(spec)})
    loaded = load_drawer("steps:\n  - {id: s, button: get}\n", name="main")
    (problem,) = around.problems(loaded, pressing=True)
    assert problem.message.startswith("button 'get' (headers.K): env has no 'NOPE'")
    assert (problem.severity, problem.line, problem.column) == ("error", 2, 21)


def test_buttons_of_cells_are_checked_in_a_notebook() -> None:
    shell = start_ipython()
    shell.run_line_magic("load_ext", "drawer_ipy")
    spec = '{url: "https://h.example/", headers: {K: "${batteries.NOPE}"}}'
    shell.run_cell_magic("button", "absent_get --spec", spec)
    with pytest.raises(DefinitionError, match=r"button 'absent_get' \(headers.K\): batteries has no 'NOPE'"):
        shell.run_cell_magic("drawer", "--quiet", "steps:\n  - {id: s, button: absent_get}\n")


def test_the_button_that_returns_a_token_is_checked_too() -> None:
    text = fetch("auth: {token: login}").replace(
        "steps:", "  login: {url: 'https://h.example/in', headers: {K: '${batteries.NOPE}'}}\nsteps:"
    )
    (problem,) = found(text)
    assert (problem.severity, problem.line, problem.step_id) == ("error", 3, "s")


def test_a_drawer_that_is_pressed_by_another_is_checked(folder: Folder) -> None:
    spec = {"url": "https://h.example/", "headers": {"K": "${batteries.NOPE}"}}
    folder.drawer("inner", button_step("page", "get"), buttons={"get": spec})
    folder.drawer("outer", {"id": "i", "kind": "drawer", "drawer": "inner"})
    certain = "steps:\n  - {id: o, kind: drawer, drawer: outer}\n"
    (problem,) = found(certain)
    assert (problem.severity, problem.step_id, problem.line) == ("error", "o", 2)
    assert "step 'page' of drawer 'inner': button 'get': batteries has no 'NOPE'" in problem.message
    assert [p.severity for p in found(certain, pressing=False)] == ["warning"]

    unsure = "steps:\n  - {id: s, kind: switch, cases: [{when: inputs.x, steps: [{id: o, kind: drawer, drawer: outer}]}]}\n"
    assert [p.severity for p in found(unsure)] == ["warning"]
    lax = "steps:\n  - {id: l, kind: drawer, drawer: inner, on_failure: continue}\n"
    assert [p.severity for p in found(lax)] == ["warning"]
    both = f"{lax}  - {{id: o, kind: drawer, drawer: outer}}\n"
    assert [(p.severity, p.step_id) for p in found(both)] == [("warning", "l"), ("error", "o")]


def test_a_press_is_refused_and_validation_only_warns() -> None:
    text = fetch("headers: {K: '${batteries.NOPE}'}", "{id: s, button: get, args: {x: 1}}")
    with pytest.raises(DefinitionError, match="batteries has no 'NOPE'"):
        press(text, quiet=True)
    validation = Drawer.load(text).validate()
    assert validation.ok
    assert ["batteries has no 'NOPE'" in p.message for p in validation.warnings] == [True]


def test_missing_batteries_are_not_reported_if_the_file_is_broken(folder: Folder) -> None:
    (folder.root / "batteries.json").write_text("{")
    assert found(fetch("headers: {K: '${batteries.NOPE}'}"), pressing=False) == []


@pytest.mark.parametrize("on_item_failure", ["stop", "continue"])
@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"Authorization": "Bearer ${batteries.NOPE}"}},
        {"headers": {"Authorization": "Bearer ${env.NOPE}"}},
        {"headers": {"Authorization": "Bearer $ENV{NOPE}"}},
        {"auth": {"bearer": "$ENV{NOPE}"}},
        {"query": {"id": "{{id}}", "key": "${batteries.NOPE}"}},
    ],
)
def test_five_hundred_items_are_refused_at_once(fields: Mapping[str, Any], on_item_failure: str) -> None:
    async def main() -> None:
        async with wire_server() as wire:
            spec = {"url": f"{wire.url}/{{{{id}}}}", "allow_private_networks": True, "rate": "10/s", **fields}
            step = {"id": "got", "button": "get", "args": {"id": "${id}"}}
            each = {"id": "each", "kind": "for_each", "over": list(range(500)), "as": "id", "steps": [step]}
            drawer = {"buttons": {"get": spec}, "steps": [{**each, "on_item_failure": on_item_failure}]}
            began = time.monotonic()
            with pytest.raises(DefinitionError, match="has no 'NOPE'"):
                prepare(drawer)
            assert time.monotonic() - began < 1
            with pytest.raises(DefinitionError, match="has no 'NOPE'"):
                prepare(drawer, options=Options(mode="parallel", on_failure="continue"))
            assert wire.sent == []

    asyncio.run(main())


class Counting(Workspace):
    """A workspace that counts how often its batteries are read."""

    reads = 0

    def batteries(self) -> dict[str, str]:
        self.reads += 1
        return super().batteries()


@pytest.mark.parametrize(
    "button",
    [
        lambda i: {"url": "https://h.example/", "headers": {"K": f"${{batteries.N{i}}}"}},
        lambda i: {"url": "https://h.example/", "headers": {"K": f"${{env.N{i}}}"}},
    ],
)
def test_checking_takes_time_in_proportion_to_the_definition(
    button: Callable[[int], dict[str, Any]], folder: Folder
) -> None:
    def took(count: int) -> float:
        buttons = {f"b{i}": button(i) for i in range(count)}
        steps = [button_step(f"s{i}", f"b{i}", x=f"${{batteries.M{i}}}") for i in range(count)]
        loaded = load_drawer(json.dumps({"name": "main", "buttons": buttons, "steps": steps}), name="main")
        around = Around(workspace=Counting((folder.root,)))
        began = time.process_time()
        problems = around.problems(loaded, pressing=True)
        spent = time.process_time() - began
        assert sum(p.severity == "error" for p in problems) >= 2 * count
        assert around.workspace.reads == 1  # type: ignore[attr-defined]
        return spent

    took(100)
    small, large = min(took(300) for _ in range(3)), min(took(900) for _ in range(3))
    assert large / small < 6


def test_an_invalid_proxy_of_the_environment_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"ftp://me:{SECRET}@p.example")
    (problem,) = found(fetch("output: body"))
    assert (problem.severity, problem.line) == ("error", 2)
    assert "the environment variable HTTPS_PROXY is not a valid proxy address" in problem.message
    assert found(fetch("proxy: none")) == []


@pytest.mark.parametrize(
    ("url", "fields", "severity"),
    [
        ("http://127.0.0.1:1/", {}, "warning"),  # a demo site may be started there before the run
        ("http://127.0.0.1:1/", {"allow_private_networks": True}, ""),
        ("https://h.example/", {"allowed_host": "*"}, "error"),
        ("https://{{x}}.example/", {}, "error"),
        ("{{x}}", {}, ""),
    ],
)
def test_a_refused_host_is_reported(url: str, fields: dict[str, Any], severity: str) -> None:
    spec = {"url": url, "args": ["x"], **fields}
    loaded = load_drawer({"buttons": {"get": spec}, "steps": [button_step("s", "get", x=1)]}, recover=True)
    problems = Surroundings().problems(loaded, pressing=True)
    assert [p.severity for p in problems] == ([severity] if severity else [])


def test_required_batteries_of_a_button_are_checked(folder: Folder) -> None:
    folder.button("get", requires_batteries=["TOKEN", "NOPE"])
    (problem,) = found("steps:\n  - {id: s, button: get}\n")
    assert problem.severity == "warning"
    assert "requires_batteries.1): batteries has no 'NOPE'" in problem.message
