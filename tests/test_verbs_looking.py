"""list, schema, summary, validate, logs, press and its dry run: what they show, and which secrets they hide."""
# ruff: noqa: E501 - a row a line

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from workspace_rig import Folder, button_step

from drawer_ipy.definition import load_drawer
from drawer_ipy.errors import DefinitionError, DrawerError, UsageError
from drawer_ipy.pressing.job import Job
from drawer_ipy.results import Results
from drawer_ipy.verbs import VerbContext, VerbResult, run_verb
from drawer_ipy.workspace.lookup import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "root")
    made.button("say", 'echo "$BUTTONS_ARG_TEXT"', "text")
    made.button("fail", 'echo "bad luck" >&2; exit 3')
    made.drawer("good", button_step("a", "say", text="${inputs.text}"), description="says  it",
                inputs=[{"name": "text", "type": "string", "required": True}])  # fmt: skip
    made.drawer("bad", button_step("a", "say", text="x"), button_step("b", "fail"))
    return made


@pytest.fixture
def context(folder: Folder) -> VerbContext:
    return VerbContext(folder.workspace)


def do(context: VerbContext, *words: str) -> VerbResult:
    return run_verb(words, context)


# list


def test_list_names_all_drawers_of_cells_and_on_disk(folder: Folder, context: VerbContext) -> None:
    folder.drawer("broken").write_text("{")
    folder.drawer("flow").write_text('{"schema_version": 2, "drawer_kind": "flow", "flow": {}}')
    folder.drawer("aside")
    (folder.root / "drawers" / "aside" / "drawer.json").unlink()
    context.drawers["mine"] = load_drawer({"steps": [button_step("a", "say")]}, name="mine").drawer
    context.drawers["good"] = load_drawer({"steps": []}, name="good").drawer
    entries = {entry["name"]: entry for entry in do(context, "list").data}
    assert list(entries) == ["mine", "good", "bad", "broken", "flow"]
    assert entries["bad"]["steps"] == 2
    assert entries["bad"]["path"] == str(folder.root / "drawers" / "bad" / "drawer.json")
    assert (entries["good"]["path"], entries["good"]["steps"]) == ("cell", 0)
    assert "cannot be read" in entries["broken"]["error"]
    lines = do(context, "ls").text.splitlines()
    assert len(lines) == 5
    assert lines[2].split() == ["bad", "2", "steps"]
    assert lines[4].split() == ["flow", "flow"]


def test_an_empty_list_shows_how_to_create_a_drawer(tmp_path: Path) -> None:
    outcome = do(VerbContext(Workspace((tmp_path,))), "list")
    assert (outcome.data, outcome.text) == ([], "no drawers yet; create one: drawer create NAME")


# schema


@pytest.mark.parametrize(
    ("words", "title"), [((), "drawer"), (("drawer",), "drawer"), (("button",), "button")]
)
def test_schema_prints_a_valid_json_schema(context: VerbContext, words: tuple[str, ...], title: str) -> None:
    outcome = do(context, "schema", *words)
    jsonschema.Draft202012Validator.check_schema(outcome.data)
    assert outcome.data["title"].startswith(f"A {title}: ")
    assert json.loads(outcome.text) == outcome.data


def test_an_unknown_schema_is_refused(context: VerbContext) -> None:
    with pytest.raises(UsageError, match=r"did you mean 'button'\?"):
        do(context, "schema", "buttn")


def test_drawers_written_by_verbs_match_the_schema(folder: Folder, context: VerbContext) -> None:
    do(context, "create", "made")
    do(context, "made", "add", "say", "for_each:say", "wait:1s", "drawer/good")
    do(
        context,
        "made",
        "set",
        "say.args.text=x",
        "for_each-say.over=[1]",
        'say.on_failure={"action": "retry"}',
    )
    schema = do(context, "schema").data
    assert [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(folder.read("made"))] == []


# summary, validate


def test_the_summary_shows_inputs_steps_problems_and_runs(folder: Folder, context: VerbContext) -> None:
    folder.drawer(
        "all",
        {"id": "each", "kind": "for_each", "over": "${inputs.urls}", "as": "u", "parallelism": 4,
         "steps": [{**button_step("page", "say", text="${u}"), "on_failure": {"action": "retry", "max_attempts": 3}, "timeout_seconds": 2}]},
        {"id": "route", "kind": "switch", "cases": [{"id": "big", "when": "true", "steps": [button_step("x", "say", text="1")]}],
         "steps": [button_step("y", "say", text="2")]},
        {"id": "sub", "kind": "drawer", "drawer": "good", "args": {"text": "t"}},
        {"id": "nap", "kind": "wait", "duration": "1s"},
        {"id": "sum", "kind": "aggregate", "from": "${each.output.results}", "pluck": "${item.index}"},
        {"id": "side", "kind": "split", "branches": {"left": [button_step("l", "say", text="1")]}},
        description="everything",
        inputs=[{"name": "urls", "type": "list", "required": True}, {"name": "key", "secret": True}],
    )  # fmt: skip
    outcome = do(context, "all")
    assert outcome.text.splitlines() == [
        f"drawer all  {folder.root / 'drawers' / 'all' / 'drawer.json'}",
        "everything",
        "inputs: urls: list, key: any (optional) (secret)",
        "",
        "  each: for each u in inputs.urls, 4 at once",
        "    page: press say, up to 3 attempts, 2 s at most with text=${u}",
        "  route: the first case that is true",
        "    big: when true:",
        "      x: press say with text=1",
        "    default:",
        "      y: press say with text=2",
        "  sub: press drawer good with text=t",
        "  nap: wait 1s",
        "  sum: take item.index of each in each.output.results",
        "  side: all branches side by side",
        "    branch left:",
        "      l: press say with text=1",
        "",
        "no problems",
    ]
    assert outcome.data["validation"] == {"ok": True, "errors": [], "warnings": []}
    assert [step["id"] for step in outcome.data["steps"]] == ["each", "route", "sub", "nap", "sum", "side"]
    assert outcome.data["steps"][1]["branches"]["big"] == [{"id": "x", "kind": "button", "button": "say"}]
    assert outcome.data["steps"][0]["steps"] == [{"id": "page", "kind": "button", "button": "say"}]


def test_logs_have_the_words_of_every_display_and_list_tolerated_failures_as_failed(
    folder: Folder, context: VerbContext
) -> None:
    steps = [{"id": "t", "kind": "switch", "steps": [button_step("f", "fail")],
              "cases": [{"when": "${x > 0}", "steps": [button_step("a", "say", text="x")]}]}]  # fmt: skip
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x",
            "on_item_failure": "continue", "steps": steps}  # fmt: skip
    folder.drawer("some", loop, inputs=[{"name": "xs", "type": "list"}])
    folder.drawer("outer", {"id": "sub", "kind": "drawer", "drawer": "some", "args": {"xs": [1, 0]}})
    for xs in ("[1,1]", "[1,0]", "[0,0]"):
        do(context, "some", "press", f"xs={xs}")
    words = {line.split("  ")[-1] for line in do(context, "some", "logs").text.splitlines()}
    assert words == {"✘ finished · 0 ok · 2 failed", "⚠ finished · 1 ok · 1 failed", "✔ finished · 2 ok"}
    do(context, "outer", "press")
    failed = do(context, "some", "logs", "--failed")
    assert len(failed.data["runs"]) == 3, "the run within outer is one of them"
    assert "✔" not in failed.text
    (line,) = do(context, "outer", "logs", "--failed").text.splitlines()
    assert line.endswith("⚠ finished · 1 step ok · 1 item failed in other loops")
    do(context, "bad", "press")
    assert do(context, "bad", "logs").text.endswith("✘ failed · 1 step ok · 1 failed · b SCRIPT_ERROR")


def test_the_summary_shows_the_last_runs(context: VerbContext) -> None:
    for _ in range(6):
        do(context, "bad", "press")
    outcome = do(context, "bad", "summary")
    assert [run["status"] for run in outcome.data["runs"]] == ["failed"] * 5
    assert set(outcome.data["runs"][0]) == {
        "run_id", "status", "started_at", "duration_ms", "failed_step", "error_type",
    }  # fmt: skip
    assert "last runs:" in outcome.text
    assert outcome.text.splitlines()[-1].endswith("b SCRIPT_ERROR")


@pytest.mark.parametrize(
    "words", [["broken"], ["broken", "validate"], ["broken", "summary"], ["broken", "--dry-run"]]
)
def test_a_broken_drawer_has_a_summary(folder: Folder, context: VerbContext, words: list[str]) -> None:
    folder.drawer("broken").write_text(
        '{"schema_version": 2, "drawer_kind": "action",\n "steps": [{"id": "a", "kind": "waiit"}]}'
    )
    outcome = do(context, *words)
    report = outcome.data if "validate" in words else outcome.data["validation"]
    assert report["ok"] is False
    assert (report["errors"][0]["line"], report["errors"][0]["step_id"]) == (2, "a")
    assert "line 2, column" in outcome.text


def test_validate_fails_when_there_are_errors(folder: Folder, context: VerbContext) -> None:
    assert do(context, "good", "validate").exit_code == 0
    folder.drawer(
        "wrong",
        button_step("a", "saay"),
        {"id": "e", "kind": "for_each", "over": "[1]", "steps": [button_step("n", "say", text="${nobody}")]},
    )
    outcome = do(context, "wrong", "validate")
    assert outcome.exit_code == 1
    assert outcome.error is not None
    assert outcome.error.message == "drawer 'wrong' has 2 problems"
    assert [p.get("path", p["step_id"]) for p in outcome.data["errors"]] == ["a", "e.n"]
    assert "did you mean 'say'?" in outcome.text


def test_secrets_in_a_definition_are_not_shown(folder: Folder, context: VerbContext) -> None:
    folder.batteries(KEY="battery-value")
    folder.drawer("keys", button_step("a", "say", text="battery-value"),
                  inputs=[{"name": "token", "secret": True, "default": "default-secret"}])  # fmt: skip
    outcome = do(context, "keys")
    for shown in (outcome.text, json.dumps(outcome.data)):
        assert "battery-value" not in shown
        assert "default-secret" not in shown
        assert "[redacted]" in shown


def test_a_summary_works_with_broken_batteries(folder: Folder, context: VerbContext) -> None:
    (folder.root / "batteries.json").write_text("{")
    assert "says" in do(context, "good").text
    with pytest.raises(DrawerError, match=r"batteries\.json is not valid JSON"):
        do(context, "good", "press", "text=a")


# press


def test_a_press_returns_the_full_result_and_is_kept(folder: Folder, context: VerbContext) -> None:
    outcome = do(context, "good", "press", "text=hello")
    assert (outcome.exit_code, outcome.error) == (0, None)
    assert isinstance(outcome.results, Results)
    assert outcome.data["status"] == "ok"
    assert outcome.data["inputs"] == {"text": "hello"}
    assert outcome.data["steps"][0]["output"] == "hello\n"
    assert "hello" in outcome.text
    assert folder.run("good")["run_id"] == outcome.data["run_id"]
    json.dumps(outcome.data, allow_nan=False)


def test_a_failed_press_has_an_outcome_with_its_record_and_error(
    folder: Folder, context: VerbContext
) -> None:
    outcome = do(context, "bad", "press")
    assert outcome.exit_code == 1
    assert outcome.error is not None
    assert outcome.error.code == "SCRIPT_ERROR"
    assert outcome.error.message == "drawer 'bad' failed at step 'b': bad luck"
    assert [step["status"] for step in outcome.data["steps"]] == ["ok", "error"]
    assert outcome.data["failed_step"] == "b"
    assert folder.run("bad")["status"] == "failed"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("text=5", 5), ("text=[1, 2]", [1, 2]), ("text=true", True), ("text=null", None), ('text="5"', "5"),
        ("text=a=b", "a=b"), ("text=", ""), ("text={a: 1}", "{a: 1}"), ("text=NaN", "NaN"), (" text = x", " x"),
        ("text=@FILE.json", [1, {"a": None}]), ("text=@FILE.txt", ["line"]),
        ("text=@FILE.dat", "line\n"), ("text=@NUMBER.txt", ["7"]), ("text=@NUMBER", 7),
        ('text="@FILE.json"', "@FILE.json"),
    ],
)  # fmt: skip
def test_inputs_are_read_as_typed(
    tmp_path: Path, context: VerbContext, monkeypatch: pytest.MonkeyPatch, typed: str, value: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE.json").write_text('\ufeff[1, {"a": null}]', encoding="utf-8")
    Path("FILE.txt").write_text("line\n")
    Path("FILE.dat").write_text("line\n")
    Path("NUMBER.txt").write_text("7\n")
    Path("NUMBER").write_text("7\n")
    context.drawers["any"] = load_drawer({"steps": [], "inputs": ["text"]}, name="any").drawer
    outcome = do(context, "any", "press", typed)
    assert outcome.results is not None
    assert outcome.results.run.inputs == ({"text": value})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("text=@nowhere.json", "'nowhere.json' cannot be read: No such file or directory"),
        ("text=@.", "cannot be read: Is a directory"),
        ("text=@BROKEN.json", "is not JSON"),
        ("text=@RAW.txt", "cannot be read"),
        ("text=@\0", "cannot be read"),
        ("text", "is not of the form name=value"),
        ("=5", "is not of the form name=value"),
        ("--mode=sideways", "invalid choice"),
        ("--concurrency=-1", "a whole number from 0 up"),
        ("--concurrency=x", "a whole number from 0 up"),
        ("--parallelism=1.5", "a whole number from 0 up"),
        ("--on-failure=retry", "invalid choice"),
        ("--paralelism=2", "did you mean '--parallelism'?"),
    ],
)
def test_invalid_arguments_of_a_press_are_refused_before_anything_runs(
    folder: Folder,
    tmp_path: Path,
    context: VerbContext,
    monkeypatch: pytest.MonkeyPatch,
    word: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("BROKEN.json").write_text("[1,")
    Path("RAW.txt").write_bytes(b"\xff")
    with pytest.raises(UsageError) as caught:
        do(context, "good", "press", word)
    assert message in str(caught.value)
    assert folder.runs("good") == []


def test_an_invalid_drawer_is_refused_with_all_its_problems(folder: Folder, context: VerbContext) -> None:
    folder.drawer("wrong", button_step("a", "saay"), button_step("b", "faill"))
    with pytest.raises(DefinitionError, match=r"(?s)wrong was not run: 2 problems.*'saay'.*'faill'"):
        do(context, "wrong", "press")
    assert folder.runs("wrong") == []


def test_options_of_a_press_are_applied(folder: Folder, context: VerbContext) -> None:
    folder.drawer(
        "loop",
        {
            "id": "each",
            "kind": "for_each",
            "over": "[1,2,3,4]",
            "steps": [button_step("s", "say", text="${item}")],
        },
    )
    seen: list[Job] = []

    def press(job: Job) -> Results:
        seen.append(job)
        return job.results

    context.press = press
    do(
        context,
        "loop",
        "press",
        "--parallelism",
        "3",
        "--mode=parallel",
        "--concurrency",
        "0",
        "--on-failure",
        "continue",
    )
    (job,) = seen
    assert job.run.plan.drawer.steps[0].model_dump()["parallelism"] == 3


def test_notebook_variables_fill_declared_inputs_unless_the_line_gives_them(
    context: VerbContext,
) -> None:
    context.drawers["any"] = load_drawer({"steps": [], "inputs": ["a", "b"]}, name="any").drawer
    thing = object()
    context.namespace = {"a": thing, "b": 1, "c": 2}
    context.value = lambda name, text: context.namespace[text[1:]] if text.startswith("$") else text
    results = do(context, "any", "press", "b=$c").results
    assert results is not None
    assert results.run.inputs == {"a": thing, "b": 2}
    assert results.run.inputs["a"] is thing


def test_warnings_and_notes_are_shown(
    folder: Folder, context: VerbContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.drawer("warned", {"id": "e", "kind": "for_each", "over": "[1]"})
    monkeypatch.setattr("tempfile.mkstemp", lambda **kwargs: os.stat("/nowhere/at/all"))
    outcome = do(context, "warned", "press")
    assert outcome.exit_code == 0
    assert [note.partition(":")[0] for note in outcome.notes] == ["warning", "note"]
    assert all(note in outcome.text for note in outcome.notes)
    assert "not saved in the history of warned" in outcome.data["notes"][0]
    assert outcome.data["warnings"][0]["step_id"] == "e"


def test_a_press_of_a_cells_drawer_is_not_kept(folder: Folder, context: VerbContext) -> None:
    context.drawers["good"] = load_drawer(
        {"steps": [button_step("a", "say", text="cell")]}, name="good"
    ).drawer
    assert do(context, "good", "press").data["steps"][0]["output"] == "cell\n"
    assert folder.runs("good") == []
    assert "only drawers on disk" in do(context, "good", "logs").text


def test_a_press_of_a_flow_is_refused(folder: Folder, context: VerbContext) -> None:
    folder.drawer("flow").write_text(
        json.dumps({"schema_version": 2, "name": "flow", "drawer_kind": "flow", "flow": FLOW})
    )
    outcome = do(context, "flow", "press")
    assert outcome.exit_code == 1
    assert outcome.error is not None
    assert outcome.error.code == "FLOW_RUNTIME_REQUIRED"
    assert do(context, "flow").data["validation"]["ok"] is True


FLOW: dict[str, Any] = {
    "initial_stage": "s",
    "manager": {"agent": "activation.manager"},
    "stages": [{"id": "s", "title": "S", "worker": {"agent": "activation.worker"}}],
}


# press --dry-run


def test_a_dry_run_resolves_known_references_and_presses_nothing(
    folder: Folder, context: VerbContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_VAR", "from-env")
    folder.batteries(KEY="battery-value")
    folder.drawer(
        "dry",
        button_step("a", "say", text="${inputs.n} and ${env.SOME_VAR}", list=["${inputs.n}", "$ENV{SOME_VAR}"], deep={"x": "${inputs.d}"}),
        button_step("b", "say", text="${a.output}", key="${batteries.KEY}", token="Bearer ${inputs.token}", bad="${inputs.n.x.y}"),
        {"id": "each", "kind": "for_each", "over": "[1]", "steps": [button_step("w", "say", text="${item}")]},
        inputs=[{"name": "n", "type": "int"}, {"name": "token", "secret": True}, {"name": "d", "default": "dflt"}],
    )  # fmt: skip
    outcome = do(context, "dry", "press", "n=7", "token=s3cret-token", "--dry-run")
    data = outcome.data
    assert data["executed"] is False
    assert data["inputs"] == {"n": 7, "token": "[redacted]"}
    first, second, loop = data["steps"]
    assert first["args"] == {"text": "7 and from-env", "list": [7, "from-env"], "deep": {"x": "dflt"}}
    assert second["args"] == {"text": "", "key": "[redacted]", "token": "Bearer [redacted]", "bad": ""}
    assert loop["steps"] == [{"id": "w", "kind": "button", "button": "say", "args": {"text": ""}}]
    for secret in ("s3cret-token", "battery-value"):
        assert secret not in outcome.text + json.dumps(data)
    assert "nothing was pressed" in outcome.text
    assert outcome.results is None
    assert folder.runs("dry") == []


def test_a_dry_run_reports_what_would_prevent_the_run(folder: Folder, context: VerbContext) -> None:
    outcome = do(context, "good", "press", "--dry-run")
    assert outcome.data["error"]["code"] == "MISSING_INPUT"
    assert "it would not start: MISSING_INPUT: missing input: text" in outcome.text
    folder.drawer("wrong", button_step("a", "saay"))
    outcome = do(context, "wrong", "press", "--dry-run")
    assert outcome.data["validation"]["ok"] is False
    assert "did you mean 'say'?" in outcome.text


def test_a_dry_run_with_an_invalid_secret_does_not_show_it(folder: Folder, context: VerbContext) -> None:
    folder.drawer("pin", inputs=[{"name": "pin", "type": "int", "secret": True}])
    outcome = do(context, "pin", "press", "pin=not-a-number", "--dry-run")
    assert outcome.data["error"]["code"] == "VALIDATION_ERROR"
    assert "not-a-number" not in outcome.text + json.dumps(outcome.data)


# logs


def test_logs_list_the_newest_run_first(context: VerbContext) -> None:
    ids = [do(context, "good", "press", f"text={i}").data["run_id"] for i in range(3)]
    do(context, "good", "press", "text=")
    outcome = do(context, "good", "logs", "--limit", "3")
    assert [run["run_id"] for run in outcome.data["runs"]][1:] == ids[:0:-1]
    assert len(outcome.text.splitlines()) == 3
    assert do(context, "good", "logs", "--failed").text == "no failed runs"
    assert do(context, "bad", "logs").text == "no runs yet"


def test_logs_skip_damaged_files_of_other_programs(folder: Folder, context: VerbContext) -> None:
    pressed = folder.root / "drawers" / "good" / "pressed"
    pressed.mkdir()
    (pressed / "2020-01-02T03-04-05.json").write_text('{"status": "failed", "duration_ms": "long"}')
    (pressed / "2020-01-02T03-04-06.json").write_text("{")
    assert do(context, "good", "logs", "--failed").text.split() == ["✘", "failed"]


# help


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"], ["good", "--help"]])
def test_help_lists_every_verb(context: VerbContext, words: list[str]) -> None:
    text = do(context, *words).text
    for verb in ("create", "list", "schema", "remove", "add", "connect", "set", "press", "logs", "validate"):
        assert f" {verb}" in text


@pytest.mark.parametrize(
    "verb", ["summary", "validate", "logs", "add", "connect", "set", "press", "remove", "rm"]
)
def test_the_help_of_every_verb_works_without_a_drawer(context: VerbContext, verb: str) -> None:
    assert do(context, "nobody", verb, "--help").text.startswith("usage: drawer ")


@pytest.mark.parametrize("verb", ["create", "list", "ls", "schema", "remove", "rm"])
def test_every_general_verb_has_help(context: VerbContext, verb: str) -> None:
    assert do(context, verb, "--help").text.startswith("usage: drawer ")
