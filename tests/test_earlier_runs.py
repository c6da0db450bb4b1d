"""One list of earlier runs: ``NAME logs`` and ``runs`` agree, and have the same limits."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy import press
from drawer_ipy.journal.file import reopen
from drawer_ipy.journal.folder import LONGEST, PER_DRAWER, files
from drawer_ipy.verbs.base import VerbContext, VerbResult
from drawer_ipy.verbs.dispatch import run_verb
from drawer_ipy.workspace.history import KEPT, History
from drawer_ipy.workspace.lookup import Workspace

CELL = {"name": "cell", "steps": [{"id": "t", "kind": "transform", "expression": "${1 + 1}"}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Folder(tmp_path / "home")
    made.button("say", 'echo "$BUTTONS_ARG_TEXT"', "text")
    made.button("fail", "exit 3")
    made.drawer("good", button_step("a", "say", text="hello"))
    made.drawer("bad", button_step("a", "fail"))
    return made


@pytest.fixture
def context(folder: Folder) -> VerbContext:
    assert folder.root.is_dir()
    return VerbContext(Workspace.current())


def do(context: VerbContext, *words: str) -> VerbResult:
    return run_verb(list(words), context)


def cut_off(path: Path) -> None:
    """Make a stored run look as if its process had been killed."""
    connection = reopen(path)
    connection.execute("UPDATE press SET status = 'running'")
    connection.close()


def logged(context: VerbContext, name: str, *words: str) -> list[dict[str, Any]]:
    data: Any = do(context, name, "logs", *words).data
    return list(data["runs"])


def test_a_stored_run_is_listed_once_with_the_id_that_opens_it(folder: Folder, context: VerbContext) -> None:
    results = press("good", durable="on", quiet=True)
    (run,) = logged(context, "good")
    assert run["run_id"] == run["stored"] == results.run.run_id
    (line,) = do(context, "good", "logs").text.splitlines()
    assert line.endswith(f"✔ finished · 1 step ok · runs open {run['stored'][:8]}")
    assert do(context, "runs", "open", run["stored"][:8]).results is not None
    press("good", durable="off", quiet=True)
    short, stored = logged(context, "good")
    assert ("stored" in short, "stored" in stored) == (False, True)
    assert [run.get("stored") for run in do(context, "good").data["runs"]] == [None, results.run.run_id]


def test_a_resumed_run_is_known_by_the_id_of_its_first_press(folder: Folder, context: VerbContext) -> None:
    first = press("good", durable="on", quiet=True).run.run_id
    second = press("good", resume=True, quiet=True).run.run_id
    runs = logged(context, "good")
    assert [(run["run_id"], run["stored"]) for run in runs] == [(second, first), (first, first)]


def test_a_run_that_was_cut_off_is_listed_although_it_has_no_summary(
    folder: Folder, context: VerbContext
) -> None:
    press("good", durable="on", quiet=True)
    press("bad", durable="on", quiet=True, check=False)
    for path in files(context.workspace.runs_folder, "good"):
        cut_off(path)
    for path in folder.runs("good"):
        path.unlink()
    (run,) = logged(context, "good")
    assert run["status"] == "cut off"
    (line,) = do(context, "good", "logs").text.splitlines()
    assert "⊘ cut off · runs open " in line
    assert len(logged(context, "good", "--failed")) == 1
    assert [run["status"] for run in logged(context, "bad", "--failed")] == ["failed"]


def test_stored_runs_of_a_drawer_in_a_cell_are_listed(folder: Folder, context: VerbContext) -> None:
    from drawer_ipy.definition import load_drawer

    context.drawers["cell"] = load_drawer(CELL).drawer
    assert "only drawers on disk" in do(context, "cell", "logs").text
    press(CELL, durable="on", quiet=True)
    (run,) = logged(context, "cell")
    assert (run["status"], run["stored"][:8] in do(context, "cell", "logs").text) == ("ok", True)
    assert run["stored"] == do(context, "runs", "cell").data["runs"][0]["id"]


def test_the_newest_come_first_from_both_lists(folder: Folder, context: VerbContext) -> None:
    wanted = []
    for n in range(6):
        wanted.append(press("good", durable="on" if n % 2 else "off", quiet=True).run.run_id)
        if n == 3:
            for path in folder.runs("good"):
                if wanted[3] in path.name:
                    path.unlink()
    assert [run["run_id"] for run in logged(context, "good")] == wanted[::-1]
    assert [run["run_id"] for run in logged(context, "good", "--limit", "3")] == wanted[:2:-1]


def test_a_run_that_is_removed_leaves_nothing_behind(folder: Folder, context: VerbContext) -> None:
    first = press("good", durable="on", quiet=True).run.run_id
    press("good", resume=True, quiet=True)
    press("good", durable="off", quiet=True)
    assert len(folder.runs("good")) == 3
    do(context, "runs", "remove", first)
    assert len(folder.runs("good")) == 1
    assert [("stored" in run) for run in logged(context, "good")] == [False]
    assert files(context.workspace.runs_folder) == []


def test_a_removed_drawer_says_that_its_stored_runs_stay(folder: Folder, context: VerbContext) -> None:
    press("good", durable="on", quiet=True)
    assert "its stored runs stay (1; see runs good)" in do(context, "good", "remove").text
    assert len(do(context, "runs", "good").data["runs"]) == 1
    assert "stay" not in do(context, "bad", "remove").text


def test_summaries_have_the_limits_of_stored_runs(folder: Folder) -> None:
    assert KEPT == PER_DRAWER
    pressed = folder.root / "drawers" / "good" / "pressed"
    press("good", quiet=True)
    (ours,) = folder.runs("good")
    theirs = pressed / "2020-01-02T03-04-05.json"
    theirs.write_text(json.dumps({"drawer_name": "good", "status": "ok"}))
    for path, age in ((ours, LONGEST - 60), (theirs, 10 * LONGEST)):
        os.utime(path, (time.time() - age, time.time() - age))
    press("good", quiet=True)
    assert ours.exists()
    os.utime(ours, (time.time() - LONGEST - 60, time.time() - LONGEST - 60))
    press("good", quiet=True)
    assert not ours.exists()
    assert theirs.exists(), "the original keeps its files for any time"
    assert len(History(folder.root).list("good")) == 3
