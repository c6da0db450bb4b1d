"""create, add, connect and remove: building drawers with verbs, on disk and in a notebook."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy.buttons import as_button
from drawer_ipy.definition import load_drawer
from drawer_ipy.errors import DrawerError, UsageError
from drawer_ipy.verbs import VerbContext, VerbError, VerbResult, run_verb


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "root")
    gives = {"type": "object", "properties": {"html": {"type": "string"}, "status": {"type": "integer"}}}
    made.button("fetch", "echo", "url", output_schema=gives)
    made.button("parse", "echo", "HTML", "status:int", "flag:bool")
    twice = {"type": "object", "properties": {"html": {"type": "string"}, "Html": {"type": "string"}}}
    made.button("twice", "echo", output_schema=twice)
    made.button("plain")
    made.drawer("child", inputs=[{"name": "html", "type": "string"}], **{"return": {"status": "1"}})
    return made


@pytest.fixture
def context(folder: Folder) -> VerbContext:
    return VerbContext(folder.workspace)


def do(context: VerbContext, line: str, *more: str) -> VerbResult:
    return run_verb([*line.split(), *more], context)


def refusal(context: VerbContext, *words: str) -> DrawerError:
    with pytest.raises(DrawerError) as caught:
        run_verb(words, context)
    return caught.value


# create


def test_create_writes_a_drawer_that_the_original_can_read(folder: Folder, context: VerbContext) -> None:
    outcome = run_verb(["create", "My Pages", "--description", "all of them"], context)
    path = folder.root / "drawers" / "my-pages" / "drawer.json"
    assert outcome.data == {"name": "my-pages", "path": str(path)}
    saved = json.loads(path.read_text())
    times = saved.pop("created_at"), saved.pop("updated_at")
    assert times[0] == times[1]
    assert times[0].endswith("Z")
    assert saved == {
        "schema_version": 2,
        "name": "my-pages",
        "drawer_kind": "action",
        "description": "all of them",
        "steps": [],
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("child", "a drawer 'child' already exists"),
        ("Child!", "a drawer 'child' already exists"),
        ("fetch", "the name 'fetch' is used by a button"),
        ("list", "word of the command line"),
        ("../x", "is a path"),
        ("", "is not a valid name"),
        ("a" * 129, "longer than 128"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_create_refuses_invalid_names(
    folder: Folder, context: VerbContext, name: str, message: str, dry: list[str]
) -> None:
    before = sorted(folder.root.rglob("*"))
    assert message in str(refusal(context, "create", name, *dry))
    assert sorted(folder.root.rglob("*")) == before


def test_create_writes_into_the_first_folder(folder: Folder, tmp_path: Path) -> None:
    from drawer_ipy.workspace.lookup import Workspace

    near = tmp_path / "project" / ".buttons"
    do(VerbContext(Workspace((near, folder.root))), "create mine")
    assert (near / "drawers" / "mine" / "drawer.json").is_file()
    assert stat.S_IMODE(near.stat().st_mode) == 0o700


def test_a_dry_run_of_create_writes_nothing(folder: Folder, context: VerbContext) -> None:
    outcome = do(context, "create mine --dry-run")
    assert outcome.data == {"name": "mine", "executed": False}
    assert not (folder.root / "drawers" / "mine").exists()


# add

ADDED: list[tuple[str, list[dict[str, Any]]]] = [
    ("fetch", [{"id": "fetch", "kind": "button", "button": "fetch"}]),
    ("fetch fetch fetch", [{"id": i, "kind": "button", "button": "fetch"} for i in ("fetch", "fetch-2", "fetch-3")]),
    ("drawer/child", [{"id": "child", "kind": "drawer", "drawer": "child"}]),
    ("drawer/Child", [{"id": "child", "kind": "drawer", "drawer": "child"}]),
    ("wait:30s wait:1m30s", [{"id": "wait", "kind": "wait", "duration": "30s"}, {"id": "wait-2", "kind": "wait", "duration": "1m30s"}]),
    ("wait:${inputs.pause}", [{"id": "wait", "kind": "wait", "duration": "${inputs.pause}"}]),
    ("for_each:fetch", [{"id": "for_each-fetch", "kind": "for_each", "as": "item", "steps": [{"id": "fetch", "kind": "button", "button": "fetch"}]}]),
]  # fmt: skip


@pytest.mark.parametrize(("targets", "steps"), ADDED)
def test_add_appends_steps_with_unique_ids(
    folder: Folder, context: VerbContext, targets: str, steps: list[dict[str, Any]]
) -> None:
    folder.drawer("pages", button_step("first", "plain"))
    outcome = do(context, f"pages add {targets}")
    assert outcome.data == {"drawer": "pages", "added": steps}
    saved = folder.read("pages")["steps"]
    assert saved[1:] == steps
    assert saved[0]["id"] == "first"
    assert all(f"added step {step['id']}" in outcome.text for step in steps)


def test_adding_a_loop_prints_what_to_set_next(folder: Folder, context: VerbContext) -> None:
    folder.drawer("pages")
    message = do(context, "pages add for_each:fetch").text
    assert message.endswith("set for_each-fetch.over='${inputs.items}'")


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("fetsh", "BUTTON_NOT_FOUND", "did you mean 'fetch'?"),
        ("for_each:fetsh", "BUTTON_NOT_FOUND", "did you mean 'fetch'?"),
        ("for_each:", "BUTTON_NOT_FOUND", "no button ''"),
        ("drawer/chidl", "DRAWER_NOT_FOUND", "did you mean 'child'?"),
        ("drawer/", "DRAWER_NOT_FOUND", "no drawer ''"),
        ("drawer/pages", "VALIDATION_ERROR", "cannot include itself"),
        ("drawer/Pages", "VALIDATION_ERROR", "cannot include itself"),
        ("wait:soon", "VALIDATION_ERROR", "write one like 300ms"),
        ("wait:", "VALIDATION_ERROR", "write one like 300ms"),
        ("foreach:fetch", "VALIDATION_ERROR", "did you mean 'for_each'?"),
        ("a:b", "VALIDATION_ERROR", "BUTTON, drawer/NAME, for_each:BUTTON or wait:30s"),
    ],
)
def test_add_refuses_invalid_targets_and_adds_nothing(
    folder: Folder, context: VerbContext, target: str, code: str, message: str
) -> None:
    folder.drawer("pages")
    before = folder.read("pages")
    error = refusal(context, "pages", "add", "fetch", target)
    assert error.code == code
    assert message in str(error)
    assert folder.read("pages") == before, "either all targets are added or none"


def test_add_finds_all_buttons_that_a_press_finds(folder: Folder, context: VerbContext) -> None:
    folder.drawer("pages", buttons={"inline": {"code": "echo"}})
    context.namespace = {"title": lambda html: html}
    context.registered = {"made": as_button(lambda: 1, "made")}
    do(context, "pages add inline title made for_each:title")
    assert [step["id"] for step in folder.read("pages")["steps"]] == [
        "inline",
        "title",
        "made",
        "for_each-title",
    ]


@pytest.mark.parametrize("verb", ["add fetch", "connect a to b", "set a.args.x=1"])
def test_verbs_for_steps_are_refused_for_flows(folder: Folder, context: VerbContext, verb: str) -> None:
    path = folder.drawer("flow")
    path.write_text('{"schema_version": 2, "name": "flow", "drawer_kind": "flow", "flow": {"stages": []}}')
    error = refusal(context, "flow", *verb.split())
    assert error.code == "DRAWER_KIND_MISMATCH"
    assert "steps" not in json.loads(path.read_text())


@pytest.mark.parametrize(
    "verb",
    ["add fetch", "connect a to b", "set a.args.x=1", "press", "logs", "remove", "validate", "summary"],
)
def test_an_unknown_drawer_is_reported(context: VerbContext, verb: str) -> None:
    error = refusal(context, "chidl", *verb.split())
    assert error.code == "NOT_FOUND"
    assert "did you mean 'child'?" in error.remediation


# connect


def connected(
    folder: Folder, context: VerbContext, line: str, *steps: dict[str, Any]
) -> list[tuple[str, str]]:
    folder.drawer("pages", *steps)
    made = do(context, f"pages connect {line}").data["connected"]
    return [(one["arg"], one["ref"]) for one in made]


LOOP: dict[str, Any] = {"id": "each", "kind": "for_each", "over": "[1]", "steps": [
    button_step("in", "fetch", url="u"), button_step("next", "parse")]}  # fmt: skip
BRANCHES: dict[str, Any] = {"id": "route", "kind": "switch", "cases": [{"id": "big", "when": "true", "steps": [
    button_step("x", "fetch"), button_step("y", "parse")]}], "steps": [button_step("z", "parse")]}  # fmt: skip

CONNECTED: list[tuple[str, list[dict[str, Any]], list[tuple[str, str]]]] = [
    ("a to b", [button_step("a", "fetch"), button_step("b", "parse")],
     [("b.args.HTML", "${a.output.html}"), ("b.args.status", "${a.output.status}")]),
    ("a to b", [button_step("a", "fetch"), button_step("b", "parse", HTML="mine")],
     [("b.args.status", "${a.output.status}")]),
    ("a to b", [{"id": "a", "kind": "drawer", "drawer": "child"}, button_step("b", "parse")],
     [("b.args.status", "${a.output.status}")]),
    ("a to b", [button_step("a", "fetch"), {"id": "b", "kind": "drawer", "drawer": "child"}],
     [("b.args.html", "${a.output.html}")]),
    ("each.in to each.next", [LOOP],
     [("each.next.args.HTML", "${in.output.html}"), ("each.next.args.status", "${in.output.status}")]),
    ("a to each.next", [button_step("a", "fetch"), LOOP],
     [("each.next.args.HTML", "${a.output.html}"), ("each.next.args.status", "${a.output.status}")]),
    ("route.x to route.y", [BRANCHES],
     [("route.big.y.args.HTML", "${x.output.html}"), ("route.big.y.args.status", "${x.output.status}")]),
    ("a.output.status to b.args.HTML", [button_step("a", "fetch"), button_step("b", "parse")],
     [("b.args.HTML", "${a.output.status}")]),
    ("a.output to b.args.any", [button_step("a", "fetch"), button_step("b", "parse")],
     [("b.args.any", "${a.output}")]),
    ("a.output.html to each.next.args.HTML", [button_step("a", "fetch"), LOOP],
     [("each.next.args.HTML", "${a.output.html}")]),
    ("each.output.results to b.args.x", [LOOP, button_step("b", "plain")],
     [("b.args.x", "${each.output.results}")]),
    ("inputs.url to a.args.url", [button_step("a", "fetch", url="u")], [("a.args.url", "${inputs.url}")]),
    ("my-a.output.html to b.args.HTML", [button_step("my-a", "fetch"), button_step("b", "parse")],
     [("b.args.HTML", "${my-a.output.html}")]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "steps", "expected"), CONNECTED)
def test_connect_sets_matching_arguments(
    folder: Folder,
    context: VerbContext,
    line: str,
    steps: list[dict[str, Any]],
    expected: list[tuple[str, str]],
) -> None:
    assert connected(folder, context, line, *steps) == expected
    found = do(context, "pages press --dry-run url=u").data["validation"]
    assert [problem for problem in found["errors"] + found["warnings"] if "ref" in problem] == []


NOT_CONNECTED: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("a to b", [button_step("a", "twice"), button_step("b", "parse")], "AMBIGUOUS", "html or Html"),
    ("a to b", [button_step("a", "plain"), button_step("b", "parse")], "VALIDATION_ERROR", "the fields are unknown; 'b' still needs HTML, status, flag"),
    ("a to b", [button_step("a", "fetch"), button_step("b", "parse", HTML="", status=1, flag=True)], "VALIDATION_ERROR", "'b' has all its arguments"),
    ("a to b", [button_step("a", "fetch"), {"id": "b", "kind": "wait", "duration": "1s"}], "VALIDATION_ERROR", "is a wait step"),
    ("a to each", [button_step("a", "fetch"), LOOP], "VALIDATION_ERROR", "set each.over="),
    ("a to a", [button_step("a", "fetch")], "VALIDATION_ERROR", "which is the same step or contains it"),
    ("each.in to b", [LOOP, button_step("b", "parse")], "VALIDATION_ERROR", "use its output: each.output"),
    ("route.x to route.z", [BRANCHES], "VALIDATION_ERROR", "not visible"),
    ("each.output.total to each.in.args.url", [LOOP], "VALIDATION_ERROR", "which is the same step or contains it"),
    ("a to nobody", [button_step("a", "fetch")], "STEP_NOT_FOUND", "steps are a"),
    ("nobody.output.x to a.args.url", [button_step("a", "fetch")], "STEP_NOT_FOUND", "steps are a"),
    ("a.output.x to b", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "both ends must be steps"),
    ("a to b.args.x", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "both ends must be steps"),
    ("a.output.x to b.args.x.y", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "is not an argument of a step"),
    ("a.output.a-b+ to b.args.x", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "cannot be written as a reference"),
    ("a.outputs.x to b.args.x", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "is not an output of a step"),
    ("route.big.output.x to b.args.x", [BRANCHES, button_step("b", "parse")], "VALIDATION_ERROR", "is not an output of a step"),
    ("route.big to b", [BRANCHES, button_step("b", "parse")], "VALIDATION_ERROR", "is not a step"),
    ("a b", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "connect takes `A to B`"),
    ("a to b c", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "connect takes `A to B`"),
    ("a and b", [button_step("a", "fetch"), button_step("b", "parse")], "VALIDATION_ERROR", "connect takes `A to B`"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "steps", "code", "message"), NOT_CONNECTED)
def test_connect_refuses_invalid_ends(
    folder: Folder, context: VerbContext, line: str, steps: list[dict[str, Any]], code: str, message: str
) -> None:
    folder.drawer("pages", *steps)
    before = folder.read("pages")
    error = refusal(context, "pages", "connect", *line.split())
    assert error.code == code
    assert message in str(error)
    assert folder.read("pages") == before


@pytest.mark.parametrize("verb", ["add fetch", "connect a to b", "connect a.output.html to b.args.HTML"])
def test_a_dry_run_changes_nothing(folder: Folder, context: VerbContext, verb: str) -> None:
    folder.drawer("pages", button_step("a", "fetch"), button_step("b", "parse"))
    before = folder.read("pages")
    assert do(context, f"pages {verb} --dry-run").data["executed"] is False
    assert folder.read("pages") == before


def test_drawers_of_cells_are_built_in_the_same_way(folder: Folder, context: VerbContext) -> None:
    context.drawers["Pages"] = load_drawer({"steps": [button_step("a", "fetch")]}, name="Pages").drawer
    do(context, "Pages add parse")
    do(context, "pages connect a to parse")
    made = context.drawers["Pages"].steps[1]
    assert made.args == {"HTML": "${a.output.html}", "status": "${a.output.status}"}
    assert not (folder.root / "drawers" / "pages").exists()


def test_a_drawer_of_a_cell_may_press_another_one_but_a_drawer_on_disk_may_not(context: VerbContext) -> None:
    for name in ("Pages", "Other"):
        context.drawers[name] = load_drawer({"steps": []}, name=name).drawer
    do(context, "Pages add drawer/Other drawer/child")
    assert [step.model_dump()["drawer"] for step in context.drawers["Pages"].steps] == ["Other", "child"]
    error = refusal(context, "child", "add", "drawer/Other")
    assert (error.code, "only drawers on disk" in error.remediation) == ("DRAWER_NOT_FOUND", True)
    assert do(context, "Pages press html=x").exit_code == 0


# remove


@pytest.mark.parametrize("line", ["pages remove", "pages rm", "remove pages", "rm Pages"])
def test_remove_deletes_the_drawer_with_its_history(folder: Folder, context: VerbContext, line: str) -> None:
    path = folder.drawer("pages")
    (path.parent / "pressed").mkdir()
    (path.parent / "pressed" / "2020-01-01T00-00-00.json").write_text("{}")
    outcome = do(context, line)
    assert outcome.data == {"name": "pages", "removed": True, "path": str(path.parent)}
    assert not path.parent.exists()
    assert refusal(context, "pages", "remove").code == "NOT_FOUND"
    assert folder.workspace.drawer_names() == ["child"]


def test_a_broken_drawer_can_be_removed(folder: Folder, context: VerbContext) -> None:
    path = folder.drawer("broken")
    path.write_text("{")
    do(context, "broken remove")
    assert not path.exists()


def test_removing_a_drawer_of_a_cell_keeps_the_one_on_disk(folder: Folder, context: VerbContext) -> None:
    path = folder.drawer("pages")
    context.drawers["pages"] = load_drawer("steps: []", name="pages").drawer
    assert do(context, "pages remove").data == {"name": "pages", "removed": True}
    assert context.drawers == {}
    assert path.exists()


def test_a_dry_run_of_remove_removes_nothing(folder: Folder, context: VerbContext) -> None:
    assert do(context, "child remove --dry-run").data["executed"] is False
    assert folder.workspace.drawer_names() == ["child"]


def test_a_drawer_outside_the_workspace_is_not_removed(
    folder: Folder, context: VerbContext, tmp_path: Path
) -> None:
    outside = Folder(tmp_path / "outside").drawer("pages")
    (folder.root / "drawers" / "pages").symlink_to(outside.parent)
    assert isinstance(refusal(context, "pages", "remove"), UsageError)
    assert outside.exists()


# From an empty workspace to a run


def test_a_drawer_built_by_verbs_alone_runs(folder: Folder, context: VerbContext) -> None:
    folder.button("double", 'echo "{\\"n\\": $((BUTTONS_ARG_N * 2))}"', "n:int",
                  output_schema={"type": "object", "properties": {"n": {"type": "integer"}}})  # fmt: skip
    for line in (
        "create show",
        "show add double for_each:double wait:1ms",
        "show set double.args.n=${inputs.n} for_each-double.over=[1,2,3] for_each-double.parallelism=2",
        "show connect double to for_each-double.double",
    ):
        do(context, line)
    outcome = do(context, "show press n=4")
    assert outcome.exit_code == 0
    assert outcome.results is not None
    assert [row.output for row in outcome.results] == [{"n": 16}] * 3


def test_unknown_verbs_are_refused(context: VerbContext) -> None:
    for words, message in {
        ("child", "prss"): "did you mean 'press'?",
        ("child", "n=3"): "did you mean `child press n=3 ...`?",
        ("press", "child"): "the drawer comes first: child press ...",
        ("child", "stage", "add"): "flows are stored and checked here",
        ("child", "trigger"): "triggers are stored and checked here",
        ("lst",): "did you mean 'list'?",
        ("chidl",): "did you mean 'child'?",
        ("--frobnicate",): "begin with create",
    }.items():
        error = refusal(context, *words)
        assert isinstance(error, VerbError)
        assert error.code in ("UNKNOWN_VERB", "NOT_FOUND")
        assert message in error.remediation, words
