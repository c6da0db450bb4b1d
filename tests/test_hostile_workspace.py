"""A ``.buttons`` folder from an untrusted source: its owner, and special files in it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy import press
from drawer_ipy.common.folders import LARGEST_FILE
from drawer_ipy.errors import DefinitionError, DrawerError, DrawerNotFound, UsageError
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.workspace.files import StoreError, locked, make_folder
from drawer_ipy.workspace.history import History
from drawer_ipy.workspace.lookup import Workspace
from drawer_ipy.workspace.roots import look_for_roots


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 15


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "root")
    made.button("say", "echo hello")
    made.drawer("good", button_step("a", "say"))
    return made


# Special files in place of regular files


def make_socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(before)


def make_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)


def make_link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


KINDS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pipe": (os.mkfifo, "a named pipe"),
    "folder": (os.mkdir, "a folder"),
    "socket": (make_socket, "a socket"),
    "link": (make_link, "leads out of the workspace"),
    "huge": (make_huge, "is larger than"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batteries_are_read_from_a_regular_file_only(folder: Folder, kind: str) -> None:
    make, message = KINDS[kind]
    make(folder.root / "batteries.json")
    with pytest.raises(DrawerError, match=message):
        folder.workspace.batteries()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", [[], ["validate"], ["press"], ["logs"], ["set", "a.button=say"]])
def test_a_drawer_is_read_from_a_regular_file_only(folder: Folder, kind: str, verb: list[str]) -> None:
    make, message = KINDS[kind]
    path = folder.drawer("odd")
    path.unlink()
    make(path)
    context = VerbContext(folder.workspace)
    if verb == ["logs"] and kind == "huge":
        assert run_verb(["odd", *verb], context).data["runs"] == []
        return
    with pytest.raises(UsageError, match=message):
        run_verb(["odd", *verb], context)
    run_verb(["list"], context)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["button.json", "main.sh", "AGENTS.md"])
def test_a_button_is_read_from_regular_files_only(folder: Folder, kind: str, name: str) -> None:
    make, message = KINDS[kind]
    fields = {"runtime": "prompt"} if name == "AGENTS.md" else {"cache": "1h"}
    made = folder.button("odd", **fields)
    (made / name).unlink(missing_ok=True)
    make(made / name)
    folder.drawer("odd", button_step("a", "odd"))
    if kind == "huge" and name != "button.json":
        return  # found when it is read, see below
    with pytest.raises(UsageError, match=message):
        folder.workspace.find_button("odd")
    with pytest.raises(DrawerError, match=message):
        run_verb(["odd", "press"], VerbContext(folder.workspace))


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "huge"])
def test_a_prompt_that_stops_being_a_regular_file_fails_its_step(folder: Folder, kind: str) -> None:
    prompt = folder.button("ask", runtime="prompt") / "AGENTS.md"
    prompt.write_text("Say hello.")
    around = VerbContext(folder.workspace).surroundings()
    job = prepare({"steps": [button_step("a", "ask")]}, around=around)
    prompt.unlink()
    KINDS[kind][0](prompt)
    error = asyncio.run(job.run.execute()).error
    assert error is not None
    assert error.code == "PROMPT_ERROR"
    assert "cannot be read" in error.message


@pytest.mark.parametrize("kind", KINDS)
def test_logs_skip_files_that_are_not_regular_with_a_note(folder: Folder, kind: str) -> None:
    make, message = KINDS[kind]
    run_verb(["good", "press"], VerbContext(folder.workspace))
    pressed = folder.root / "drawers" / "good" / "pressed"
    for second in range(8):
        make(pressed / f"2999-01-01T00-00-0{second}-ab.json")
    for words in (["good", "logs"], ["good"]):
        outcome = run_verb(words, VerbContext(folder.workspace))
        assert len(outcome.data["runs"]) == 1
        assert message in outcome.data["refused"][0]
        assert outcome.data["refused"][-1] == "and 3 more"
        assert outcome.text.endswith("and 3 more")
    run_verb(["good", "press"], VerbContext(folder.workspace))


@pytest.mark.parametrize("name", ["pressed", "drawers", "buttons"])
def test_links_to_folders_outside_the_workspace_are_not_followed(
    folder: Folder, tmp_path: Path, name: str
) -> None:
    outside = Folder(tmp_path / "outside")
    outside.button("say", "echo outside")
    outside.drawer("good", button_step("a", "say"))
    run_verb(["good", "press"], VerbContext(outside.workspace))
    inside = folder.root / ("drawers/good/pressed" if name == "pressed" else name)
    if inside.exists():
        inside.rename(folder.root / "kept")
    inside.symlink_to(outside.root / ("drawers/good/pressed" if name == "pressed" else name))
    before = sorted(outside.root.rglob("*"))
    workspace = folder.workspace
    if name == "pressed":
        history = History(folder.root)
        assert history.list("good") == []
        assert "leads out of the workspace" in history.refused[0]
        outcome = run_verb(["good", "press"], VerbContext(workspace))
        assert any("not saved in the history" in note for note in outcome.notes)
    else:
        names = workspace.drawer_names() if name == "drawers" else workspace.button_names()
        assert names == []
        with pytest.raises(UsageError, match="leads out of the workspace"):
            (workspace.find_drawer if name == "drawers" else workspace.find_button)(
                "good" if name == "drawers" else "say"
            )
    assert sorted(outside.root.rglob("*")) == before


def test_a_pipe_in_place_of_a_folder_causes_an_error_and_no_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "drawers")
    with pytest.raises(DrawerError):
        run_verb(["create", "new"], VerbContext(Workspace((tmp_path,))))
    with pytest.raises(StoreError, match="there is something else with this name"):
        make_folder(tmp_path, tmp_path / "drawers")
    with locked(tmp_path / "drawers"):
        pass
    run_verb(["list"], VerbContext(Workspace((tmp_path,))))


# The owner of the folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project of another user above the current folder."""
    monkeypatch.delenv("BUTTONS_HOME", raising=False)
    monkeypatch.delenv("BUTTONS_SAFE_FOLDERS", raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = Folder(tmp_path / "project" / ".buttons")
    made.button("say", "echo hello")
    made.drawer("good", button_step("a", "say"))
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    give_away(made.root, monkeypatch)
    return made


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `path` the property of another user: with chown as root, else by changing our own user id."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        uid = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: uid + 1)


def test_a_folder_of_another_user_is_not_used_and_the_reason_is_reported(
    project: Folder, tmp_path: Path
) -> None:
    found = look_for_roots()
    assert found.folders == (tmp_path / "home" / ".buttons",)
    assert f"{project.root} belongs to the user" in found.refused
    assert f"BUTTONS_SAFE_FOLDERS={project.root.parent}" in found.refused
    workspace = Workspace.current()
    assert workspace.drawer_names() == workspace.button_names() == []
    (project.root / "batteries.json").write_text('{"A": "b"}')
    assert workspace.batteries() == {}
    assert workspace.cache_folder != project.root / "cache"


def test_errors_caused_by_a_refused_folder_name_the_remedy(project: Folder) -> None:
    with pytest.raises(DrawerNotFound, match="BUTTONS_SAFE_FOLDERS"):
        press("good", quiet=True)
    with pytest.raises(DefinitionError, match="BUTTONS_SAFE_FOLDERS"):
        press({"steps": [{"id": "a", "button": "say"}]}, quiet=True)
    context = VerbContext(Workspace.current())
    for words in (["good"], ["good", "press"], ["create", "new"], ["good", "add", "say"]):
        with pytest.raises(UsageError, match="BUTTONS_SAFE_FOLDERS"):
            run_verb(words, context)
    assert not (Path.home() / ".buttons").exists()


def test_a_press_near_a_refused_folder_has_a_note(project: Folder) -> None:
    drawer = {"buttons": {"b": {"code": "echo hi"}}, "steps": [{"id": "a", "button": "b"}]}
    job = prepare(drawer)
    assert [note for note in job.run.notes if "is not used" in note]


@pytest.mark.parametrize(
    ("safe", "used"),
    [
        ("{project}", True),
        ("{project}/", True),
        ("{project}/.buttons", True),
        ("{project}/a/..", True),
        ("/nowhere:{project}", True),
        ("{parent}/*", True),
        ("{project}/*", True),
        ("*", True),
        ("{parent}", False),
        ("{project}/a", False),
        ("{project}/a/*", False),
        ("/nowhere", False),
        ("", False),
        (".", False),
        ("..", False),
    ],
)
def test_folders_that_the_user_declares_safe_are_used(project: Folder, safe: str, used: bool) -> None:
    place = project.root.parent
    value = (
        safe.replace("{project}", str(place)).replace("{parent}", str(place.parent)).replace(":", os.pathsep)
    )
    found = look_for_roots(environ={"BUTTONS_SAFE_FOLDERS": value})
    assert (project.root in found.folders) is used
    assert bool(found.refused) is not used


def test_a_link_to_a_folder_is_used_if_the_user_owns_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "real").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".buttons").symlink_to(tmp_path / "real")
    assert look_for_roots(tmp_path / "project", {}).folders[0] == tmp_path / "project" / ".buttons"
    give_away(tmp_path / "real", monkeypatch)
    assert look_for_roots(tmp_path / "project", {}).refused


def test_a_folder_named_by_buttons_home_is_used_whoever_owns_it(project: Folder) -> None:
    assert look_for_roots(environ={"BUTTONS_HOME": str(project.root)}).folders == (project.root,)
    assert not look_for_roots(environ={"BUTTONS_HOME": str(project.root)}).refused


@pytest.mark.parametrize(("uid", "sudo", "used"), [(0, "own", True), (0, "77777", False), (0, "x", False)])
def test_root_under_sudo_uses_the_folders_of_the_calling_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, sudo: str, used: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".buttons").mkdir()
    if os.geteuid() == 0:
        os.chown(tmp_path / ".buttons", 12345, -1)
    owner = os.stat(tmp_path / ".buttons").st_uid
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    found = look_for_roots(tmp_path, {"SUDO_UID": str(owner) if sudo == "own" else sudo})
    assert bool(found.refused) is not used


def test_sudo_uid_is_used_only_by_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".buttons").mkdir()
    owner = os.stat(tmp_path / ".buttons").st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert look_for_roots(tmp_path, {"SUDO_UID": str(owner)}).refused


def test_no_folder_is_refused_on_a_platform_without_user_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".buttons").mkdir()
    monkeypatch.delattr(os, "geteuid")
    assert not look_for_roots(tmp_path, {}).refused


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a folder to another user")
def test_the_command_line_reports_a_refused_folder(project: Folder) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "drawer_ipy", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert "BUTTONS_SAFE_FOLDERS" in call("list", "--text").stdout
    listed = call("list", "--json")
    assert json.loads(listed.stdout) == {"ok": True, "data": []}
    assert listed.stderr.startswith(f"note: {project.root} belongs to")
    missing = call("good", "press")
    assert "BUTTONS_SAFE_FOLDERS" in json.loads(missing.stdout)["error"]["remediation"]
    assert call("--version").stderr == ""
