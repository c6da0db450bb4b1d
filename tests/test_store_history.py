"""The history of runs on disk: which runs it keeps, its limits, secrets, and that it never fails a run."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy import apress, press
from drawer_ipy.definition import load_drawer
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.errors import Code, ErrorInfo
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.run import RunRecord
from drawer_ipy.record.step import StepResult
from drawer_ipy.results.verdict import DrawerFailed
from drawer_ipy.workspace import history
from drawer_ipy.workspace.bounded import LIMIT, TRUNCATED, bounded_record, bounded_text, bounded_value
from drawer_ipy.workspace.history import KEPT, History

FORK = multiprocessing.get_context("fork")
SECRET = "s3cr3t-battery-value"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    made = Folder(tmp_path / "home")
    made.button("say", 'echo "$BUTTONS_ARG_TEXT"', "text")
    made.button("fail", 'echo "no $BUTTONS_ARG_TEXT" >&2; exit 3', "text")
    made.drawer("child", button_step("say", "say", text="${inputs.text}"), inputs=[{"name": "text"}])
    made.drawer(
        "parent",
        {"id": "sub", "kind": "drawer", "drawer": "child", "args": {"text": "${inputs.text}"}},
        button_step("own", "say", text="own"),
        inputs=[{"name": "text"}],
    )
    return made


# Which runs are kept


def test_a_press_by_name_is_kept_with_the_drawers_it_pressed(folder: Folder) -> None:
    results = press("parent", {"text": "hello"}, quiet=True)
    kept, child = folder.run("parent"), folder.run("child")
    assert kept["run_id"] == results.run.run_id != child["run_id"]
    assert list(kept) == [
        "drawer_name", "run_id", "started_at", "finished_at", "duration_ms", "status", "inputs", "steps",
        "error_type",
    ]  # fmt: skip
    assert (kept["drawer_name"], kept["status"], kept["error_type"]) == ("parent", "ok", "")
    assert kept["inputs"] == {"text": "hello"}
    assert child["steps"][0]["output"] == "hello\n"
    assert kept["steps"] == json.loads(json.dumps(results.run.to_dict()["steps"]))


def test_an_awaited_press_is_kept_too(folder: Folder) -> None:
    asyncio.run(apress("parent", {"text": "hello"}, quiet=True))
    assert folder.run("parent")["status"] == folder.run("child")["status"] == "ok"


def test_another_spelling_of_a_name_has_the_same_history(folder: Folder) -> None:
    press("Child", {"text": "a"}, quiet=True)
    assert folder.run("child")["drawer_name"] == "child"


def test_a_copied_drawer_has_its_own_history(folder: Folder) -> None:
    folder.drawer("copy").write_text((folder.root / "drawers" / "child" / "drawer.json").read_text())
    assert folder.read("copy")["name"] == "child"
    press("copy", {"text": "a"}, quiet=True)
    assert folder.run("copy")["drawer_name"] == "copy"
    assert folder.runs("child") == []


@pytest.mark.parametrize("form", ["text", "mapping", "path"])
def test_a_drawer_that_is_not_pressed_by_name_is_not_kept(folder: Folder, form: str) -> None:
    path = folder.root / "drawers" / "child" / "drawer.json"
    drawer: Any = {"text": path.read_text(), "mapping": json.loads(path.read_text()), "path": path}[form]
    press(drawer, {"text": "a"}, quiet=True)
    assert folder.runs("child") == []


def test_a_drawer_that_a_text_presses_by_name_is_kept(folder: Folder) -> None:
    press("steps: [{id: sub, kind: drawer, drawer: child, args: {text: hi}}]", quiet=True)
    assert folder.run("child")["inputs"] == {"text": "hi"}


def test_a_sub_drawer_of_a_cell_is_not_kept_as_the_drawer_on_disk_with_its_name(folder: Folder) -> None:
    around = Surroundings(workspace=folder.workspace, drawers={"child": load_drawer({"steps": []}).drawer})
    steps = [{"id": name, "kind": "drawer", "drawer": name} for name in ("child", "parent")]
    job = prepare({"steps": steps}, around=around)
    assert job.press_blocking(NullDisplay()).run.status == "ok"
    assert folder.runs("child") == []
    assert len(folder.runs("parent")) == 1


def test_a_failed_run_is_kept_with_its_error(folder: Folder) -> None:
    folder.drawer("broken", button_step("a", "say", text="fine"), button_step("b", "fail", text="luck"))
    with pytest.raises(DrawerFailed):
        press("broken", quiet=True)
    kept = folder.run("broken")
    assert (kept["status"], kept["failed_step"], kept["error_type"]) == ("failed", "b", Code.SCRIPT_ERROR)
    assert kept["error"]["message"] == "no luck"
    assert [s["status"] for s in kept["steps"]] == ["ok", "error"]


def test_a_run_with_a_missing_input_is_kept(folder: Folder) -> None:
    folder.drawer("needs", inputs=[{"name": "n", "type": "int", "required": True}])
    assert press("needs", check=False, quiet=True).run.error is not None
    assert (folder.run("needs")["error_type"], folder.run("needs")["steps"]) == (Code.MISSING_INPUT, [])


def test_a_cancelled_run_is_stored_with_its_finished_items(folder: Folder) -> None:
    folder.button("hang", "sleep 60")
    folder.drawer("long", button_step("a", "say", text="fine"), button_step("b", "hang"))

    async def cancelled() -> None:
        running = asyncio.create_task(apress("long", quiet=True))
        await asyncio.sleep(0.3)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    kept = folder.run("long")
    assert (kept["status"], kept["error_type"]) == ("cancelled", Code.CANCELLED)
    assert [s["status"] for s in kept["steps"]] == ["ok", "cancelled"]


def test_a_cancellation_while_the_history_is_written_waits_for_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, started = History.write, threading.Event()

    def slowly(self: History, *args: Any) -> str:
        started.set()
        time.sleep(0.3)
        return written(self, *args)

    monkeypatch.setattr(History, "write", slowly)

    async def cancelled() -> None:
        running = asyncio.create_task(apress("child", {"text": "a"}, quiet=True))
        await asyncio.to_thread(started.wait, 30)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert folder.run("child")["status"] == "ok", "the run itself had succeeded"


def test_an_error_handler_is_kept(folder: Folder) -> None:
    folder.drawer("broken", button_step("b", "fail", text="luck"), on_error={"drawer": "handler"})
    folder.drawer("handler", button_step("say", "say", text="${inputs.error.code}"))
    press("broken", check=False, quiet=True)
    assert folder.run("handler")["steps"][0]["output"] == "SCRIPT_ERROR\n"


# Names, order and number of files


def test_file_names_have_second_and_run_id_so_that_runs_of_one_second_are_all_kept(folder: Folder) -> None:
    ids = [press("child", {"text": str(i)}, quiet=True).run.run_id for i in range(5)]
    names = [path.name for path in folder.runs("child")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[0-9a-f]{16}\.json", name) for name in names)
    assert {name[-21:-5] for name in names} == set(ids)
    assert [run["run_id"] for run in History(folder.root).list("child")] == ids[::-1]


def record(second: int, **fields: Any) -> RunRecord:
    run_id = f"{second:016x}"
    return RunRecord(run_id, "child", "ok", started=1e9 + second, finished=1e9 + second + 1, **fields)


def test_the_newest_hundred_runs_are_kept(folder: Folder) -> None:
    pressed = folder.root / "drawers" / "child" / "pressed"
    pressed.mkdir()
    (pressed / "notes.txt").write_text("not a run, so it stays")
    for second in range(KEPT + 20):
        assert History(folder.root).write("child", [record(second)]) == ""
    kept = [json.loads(path.read_text())["run_id"] for path in folder.runs("child")]
    assert kept == [f"{second:016x}" for second in range(20, KEPT + 20)]
    assert (pressed / "notes.txt").exists()


def test_a_drawer_pressed_in_a_loop_keeps_its_newest_hundred_runs(folder: Folder) -> None:
    steps = [{"id": "sub", "kind": "drawer", "drawer": "quick", "args": {"n": "${n}"}}]
    folder.drawer(
        "quick", {"id": "t", "kind": "transform", "expression": "${inputs.n}"}, inputs=[{"name": "n"}]
    )
    folder.drawer(
        "loop", {"id": "each", "kind": "for_each", "over": "${inputs.ns}", "as": "n", "steps": steps}
    )
    press("loop", {"ns": range(KEPT + 30)}, quiet=True)
    kept = [json.loads(path.read_text())["inputs"]["n"] for path in folder.runs("quick")]
    assert sorted(kept) == list(range(30, KEPT + 30))


def test_listing_can_be_limited_to_failed_runs_and_to_a_number(folder: Folder) -> None:
    for second in range(6):
        made = record(second)
        made.status = "ok" if second % 2 else "failed"
        History(folder.root).write("child", [made])
    listed = History(folder.root).list
    assert [int(run["run_id"], 16) for run in listed("child", limit=2)] == [5, 4]
    assert [int(run["run_id"], 16) for run in listed("child", failed=True)] == [4, 2, 0]
    assert listed("nobody") == listed("") == []


def test_files_of_the_original_are_listed_and_unreadable_files_are_skipped(folder: Folder) -> None:
    pressed = folder.root / "drawers" / "child" / "pressed"
    pressed.mkdir()
    theirs = {"drawer_name": "child", "run_id": "ab" * 8, "status": "failed", "error_type": "TIMEOUT"}
    (pressed / "2020-01-02T03-04-05.json").write_text(json.dumps(theirs))
    (pressed / "2021-01-02T03-04-05.json").write_text("{half a fi")
    (pressed / "2022-01-02T03-04-05.json").write_bytes(b"\xff\xfe")
    (pressed / "2023-01-02T03-04-05.json").write_text("[]")
    (pressed / "2024-01-02T03-04-05.json").mkdir()
    (pressed / "2025-01-02T03-04-05.json").write_text("[" * 100_000)
    (pressed / "2026-01-02T03-04-05.json").symlink_to("/etc/hostname")
    (pressed / "other.json").write_text(json.dumps(theirs))
    assert History(folder.root).list("child") == [theirs]


def test_files_and_folders_are_private(folder: Folder) -> None:
    before = os.umask(0)
    try:
        press("child", {"text": "a"}, quiet=True)
    finally:
        os.umask(before)
    (path,) = folder.runs("child")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


# Secrets


def test_the_history_contains_no_secrets(folder: Folder) -> None:
    folder.batteries(KEY=SECRET)
    folder.button("leak", 'echo "{\\"k\\": \\"$BUTTONS_BAT_KEY\\"}"; echo "$BUTTONS_ARG_T" >&2', "t")
    folder.button(
        "leak-fail", 'echo "$BUTTONS_BAT_KEY $BUTTONS_ARG_T"; echo "bad $BUTTONS_ARG_T" >&2; exit 1', "t"
    )
    folder.drawer("inner", button_step("leak", "leak", t="${inputs.t}"), inputs=[{"name": "t"}],
                  **{"return": {"again": "${leak.output.k}"}})  # fmt: skip
    nested = [button_step("work", "leak", t="${inputs.token} ${batteries.KEY}")]
    folder.drawer(
        "outer",
        {"id": "sub", "kind": "drawer", "drawer": "inner", "args": {"t": "<${inputs.token}>"}},
        {"id": "each", "kind": "for_each", "over": "${inputs.tokens}", "steps": nested},
        button_step("last", "leak-fail", t="${inputs.token}"),
        inputs=[{"name": "token", "secret": True}, {"name": "tokens", "secret": True}],
        on_error={"drawer": "handler", "with": {"t": "${inputs.token}"}},
    )
    folder.drawer("handler", button_step("leak", "leak", t="${inputs.t}"))
    token = "tok-123456"
    results = press("outer", {"token": token, "tokens": ["t-aaaa", "t-bbbb"]}, check=False, quiet=True)
    assert results.run.failed_step == "last"
    assert {len(folder.runs(name)) for name in ("outer", "inner", "handler")} == {1}
    shown = [repr(results), results._repr_html_(), json.dumps(results.run.to_dict()), folder.everything()]
    for text in shown:
        for secret in (SECRET, token, "t-aaaa", "t-bbbb"):
            assert secret not in text
    assert "[redacted]" in folder.everything()


# Limits


def test_outputs_and_texts_are_cut_only_on_disk(folder: Folder) -> None:
    folder.button(
        "much",
        f"head -c {LIMIT + 5000} /dev/zero | tr '\\0' x; head -c {LIMIT + 5000} /dev/zero | tr '\\0' y >&2",
    )
    folder.drawer("big", button_step("much", "much"))
    results = press("big", quiet=True)
    step, kept = results.run.step("much"), folder.run("big")["steps"][0]
    for name, char in (("stdout", "x"), ("stderr", "y"), ("output", "x")):
        assert getattr(step, name) == char * (LIMIT + 5000)
        assert kept[name] == char * LIMIT + TRUNCATED


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 4, "abc"),
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abcd" + TRUNCATED),
        ("aöö", 4, "aö" + TRUNCATED),
        ("öö", 4, "öö"),
        ("😀😀", 7, "😀" + TRUNCATED),
        ("\ud800ab", 2, "?a" + TRUNCATED),
        ("", 4, ""),
    ],
)
def test_texts_are_cut_between_characters(text: str, limit: int, expected: str) -> None:
    assert bounded_text(text, limit) == expected


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


LOOPED: list[Any] = []
LOOPED.append(LOOPED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, None, True, "x"]}, {"a": [1, 2.5, None, True, "x"]}),
        ((1, 2), [1, 2]),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (float("nan"), None),
        ({"o": Odd()}, {"o": "<odd>"}),
        (b"raw", "raw"),
        (9007199254740993, 9007199254740993),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert bounded_value(value) == expected


def test_a_value_that_is_too_long_is_cut_as_json() -> None:
    assert bounded_value(list(range(1000)), 20) == "[0,1,2,3,4,5,6,7,8,9" + TRUNCATED
    assert bounded_value(LOOPED) == ["…"]


def test_a_long_value_is_read_only_up_to_the_limit() -> None:
    seen: list[int] = []

    class Watched(list[Any]):
        def __iter__(self) -> Any:
            for i in range(10**9):
                seen.append(i)
                yield i

    assert bounded_value(Watched(), 50).endswith(TRUNCATED)
    assert len(seen) < 100


def test_bounding_does_not_change_the_record() -> None:
    error = ErrorInfo("X", "m" * 100, exception=ValueError("v"))
    step = StepResult("a", args={"x": "y" * 100}, output=["z" * 100], stdout="o" * 100, error=error)
    run = RunRecord("1", "d", inputs={"i": "j" * 100}, steps=[step], error=error, compensations=[step])
    made = bounded_record(run, 10)
    assert len(json.dumps(made)) < 800
    assert made["compensations"] == made["steps"]
    assert run.steps[0] is step
    assert (step.stdout, step.output, step.args) == ("o" * 100, ["z" * 100], {"x": "y" * 100})
    assert run.error is error
    assert error.exception is not None


# Problems of the history never fail a run


def never_writes(*args: Any, **kwargs: Any) -> None:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("call", ["mkdir", "mkstemp", "replace", "json"])
def test_a_disk_that_cannot_be_written_causes_a_note(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    if call == "mkdir":
        monkeypatch.setattr(Path, "mkdir", never_writes)
    elif call == "mkstemp":
        monkeypatch.setattr("tempfile.mkstemp", never_writes)
    elif call == "replace":
        monkeypatch.setattr(os, "replace", never_writes)
    else:
        monkeypatch.setattr(history, "entry", lambda record: record.nothing)
    results = press("parent", {"text": "a"})
    assert results.run.status == "ok"
    err = capsys.readouterr().err
    for name in ("parent", "child"):
        assert f"note: the run was not saved in the history of {name}: " in err
    if call != "json":
        assert "Read-only file system" in err
    assert list(folder.root.glob("drawers/*/pressed/*")) == []


def test_the_error_of_a_failed_run_includes_the_note(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.drawer("broken", button_step("b", "fail", text="luck"))
    monkeypatch.setattr("tempfile.mkstemp", never_writes)
    with pytest.raises(DrawerFailed, match=r"no luck(.|\n)*note: the run was not saved in the history"):
        press("broken", quiet=True)


def test_a_history_outside_the_workspace_causes_a_note_and_nothing_is_written_there(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    old = elsewhere / "2000-01-01T00-00-00.json"
    old.write_text("{}")
    (folder.root / "drawers" / "child" / "pressed").symlink_to(elsewhere)
    assert press("child", {"text": "a"}).run.status == "ok"
    assert "leads out of the workspace" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == [old]


def test_a_drawer_removed_during_its_run_gets_no_history(folder: Folder) -> None:
    path = folder.drawer("gone", button_step("rm", "rm"))
    folder.button("rm", f"rm -r {path.parent}")
    assert press("gone", quiet=True).run.status == "ok"
    assert not path.parent.exists()


def test_values_that_are_not_json_are_kept_as_text_or_null(folder: Folder) -> None:
    inputs = {
        "text": "half a pair \ud800",
        "odd": Odd(),
        "hostile": Hostile(),
        "nan": float("nan"),
        "loop": LOOPED,
    }
    folder.drawer("any", {"id": "t", "kind": "transform", "expression": "${inputs.text}"})
    press("any", inputs, quiet=True)
    kept = folder.run("any")["inputs"]
    assert (kept["text"], kept["odd"], kept["nan"]) == ("half a pair ?", "<odd>", None)


def press_ten_times() -> None:
    for i in range(10):
        press("child", {"text": str(i)}, quiet=True)


def test_all_runs_of_several_processes_are_kept(folder: Folder) -> None:
    processes = [FORK.Process(target=press_ten_times) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    runs = [json.loads(path.read_text()) for path in folder.runs("child")]
    assert len(runs) == 40
    assert sorted(int(run["inputs"]["text"]) for run in runs) == sorted(list(range(10)) * 4)
    assert not list(folder.root.glob("drawers/child/pressed/.*"))


def test_a_loop_over_a_generator_is_kept_without_pulling_items(folder: Folder) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broke")

    each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x"}
    for name in ("whole", "cut"):
        step = button_step("say", "say", text="${x}")
        folder.drawer(name, {**each, "steps": [step]}, inputs=[{"name": "xs"}])
    press("whole", {"xs": (x for x in range(3))}, quiet=True)
    kept = folder.run("whole")
    assert kept["inputs"]["xs"].startswith("<generator object")
    assert kept["steps"][0]["output"]["total"] == 3
    press("cut", {"xs": broken()}, quiet=True, check=False)
    failed = folder.run("cut")
    assert failed["status"] == "failed"
    assert failed["steps"][0]["output"]["total"] is None
