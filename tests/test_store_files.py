"""Files in the workspace: atomic writes, private modes, no links to other places, and several writers."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from workspace_rig import Folder, button_step

from drawer_ipy.errors import UsageError
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.workspace.drawers import remove_drawer
from drawer_ipy.workspace.files import StoreError, locked, make_folder, remove_folder, write_file
from drawer_ipy.workspace.lookup import Workspace

FORK = multiprocessing.get_context("fork")
"""Real processes that do not have to import everything again."""

SIZE = 1_000_000


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


# Atomic and private writes


def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_folder(tmp_path, tmp_path / "a" / "b")
        write_file(tmp_path, tmp_path / "a" / "b" / "f", "ä\n")
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b" / "f").read_bytes() == "ä\n".encode()
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)
    assert mode(tmp_path / "a" / "b" / "f") == 0o600


def test_overwriting_a_file_that_others_can_read_makes_it_private(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o644)
    write_file(tmp_path, tmp_path / "f", "new")
    assert mode(tmp_path / "f") == 0o600


def failing(*args: Any, **kwargs: Any) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["replace", "fsync", "fdopen"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    monkeypatch.setattr(os, call, failing)
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        write_file(tmp_path, path, "new")
    assert path.read_text() == "old"
    assert leftovers(tmp_path) == []


def test_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    with pytest.raises(StoreError, match="cannot be written"):
        write_file(tmp_path, tmp_path / "f", "\ud800")
    assert (tmp_path / "f").read_text() == "old"
    assert leftovers(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        write_file(tmp_path, tmp_path / "no" / "f", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        make_folder(tmp_path, tmp_path / "file" / "d")


def write_for_ever(root: Path, ready: Any) -> None:
    texts = [letter * SIZE for letter in "ab"]
    ready.set()
    while True:
        for text in texts:
            write_file(root, root / "f", text)


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a" * SIZE)
    for round_number in range(6):
        ready = FORK.Event()
        writer = FORK.Process(target=write_for_ever, args=(tmp_path, ready))
        writer.start()
        assert ready.wait(30)
        until = time.monotonic() + 0.02 + 0.03 * round_number
        while time.monotonic() < until:
            assert_whole(tmp_path / "f")
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        assert_whole(tmp_path / "f")


def assert_whole(path: Path) -> None:
    text = path.read_text()
    assert len(text) == SIZE
    assert len(set(text)) == 1


# Inside the workspace


def test_nothing_is_written_or_removed_through_a_link_out_of_the_workspace(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "f").write_text("theirs")
    (root / "link").symlink_to(outside)
    (root / "file").symlink_to(outside / "f")
    for act in (
        lambda: write_file(root, root / "link" / "f", "ours"),
        lambda: write_file(root, root / "file", "ours"),
        lambda: write_file(root, root / ".." / "outside" / "f", "ours"),
        lambda: make_folder(root, root / "link" / "d"),
        lambda: remove_folder(root, root / "link"),
    ):
        with pytest.raises(UsageError, match="leads out of the workspace"):
            act()
    assert (outside / "f").read_text() == "theirs"
    assert [p.name for p in outside.iterdir()] == ["f"]


def test_links_in_a_removed_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("theirs")
    doomed = tmp_path / "root" / "doomed"
    doomed.mkdir(parents=True)
    (doomed / "link").symlink_to(outside)
    remove_folder(tmp_path / "root", doomed)
    assert not doomed.exists()
    assert (outside / "f").read_text() == "theirs"


def test_a_folder_that_cannot_be_removed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(StoreError, match="cannot be removed"):
        remove_folder(tmp_path, tmp_path / "d")
    assert (tmp_path / "d").exists()


# Several writers


def test_a_lock_blocks_others_until_it_is_released(tmp_path: Path) -> None:
    seen: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with locked(tmp_path):
            inside.set()
            go_on.wait(10)
            seen.append("first")

    def second() -> None:
        inside.wait(10)
        with locked(tmp_path):
            seen.append("second")

    threads = [threading.Thread(target=work) for work in (second, first)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert seen == []
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == ["first", "second"]


def test_waiting_for_a_lock_of_a_recreated_folder_waits_for_the_new_folder(tmp_path: Path) -> None:
    place = tmp_path / "d"
    place.mkdir()
    seen: list[str] = []

    def waiting() -> None:
        with locked(place):
            seen.append("waited")

    with locked(place):
        thread = threading.Thread(target=waiting)
        thread.start()
        time.sleep(0.1)
        place.rename(tmp_path / "old")
        place.mkdir()
        with locked(place):
            pass
        holder = locked(place)
        holder.__enter__()
    time.sleep(0.1)
    assert seen == [], "it waits for the new folder too"
    holder.__exit__(None, None, None)
    thread.join()
    assert seen == ["waited"]


def test_locking_a_missing_folder_does_nothing(tmp_path: Path) -> None:
    with locked(tmp_path / "nothing"):
        pass


def add_and_set(workspace: Workspace, step: str) -> None:
    context = VerbContext(workspace)
    for number in range(12):
        run_verb(["pages", "add", "work"], context)
        run_verb(["pages", "set", f"{step}.args.n={number}"], context)


def test_all_changes_of_several_processes_are_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.button("work", "echo", "n:int")
    folder.drawer("pages", button_step("a", "work"), button_step("b", "work"), button_step("c", "work"))
    adders = [FORK.Process(target=add_and_set, args=(folder.workspace, name)) for name in "abc"]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    assert [adder.exitcode for adder in adders] == [0, 0, 0]
    steps = folder.read("pages")["steps"]
    assert len(steps) == 3 + 3 * 12
    assert len({step["id"] for step in steps}) == len(steps)
    assert [step["args"] for step in steps[:3]] == [{"n": 11}] * 3
    assert leftovers(tmp_path / "drawers" / "pages") == []


def test_a_drawer_removed_during_a_change_stays_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    path = folder.drawer("pages", button_step("a", "work"))
    folder.button("work", "echo", "n:int")
    context = VerbContext(folder.workspace)
    entered, removed = threading.Event(), threading.Event()

    def remove() -> None:
        entered.wait(10)
        remove_drawer(folder.workspace, "pages")
        removed.set()

    thread = threading.Thread(target=remove)
    thread.start()
    loads = json.loads

    def slow(*args: Any, **kwargs: Any) -> Any:
        entered.set()
        removed.wait(0.2)  # the removal has to wait for this change
        return loads(*args, **kwargs)

    monkeypatch.setattr(json, "loads", slow)
    run_verb(["pages", "set", "a.args.n=3"], context)
    thread.join()
    assert not path.parent.exists()


def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "f").symlink_to("target")
    write_file(tmp_path, tmp_path / "f", "new")
    assert not (tmp_path / "f").is_symlink()
    assert (tmp_path / "target").read_text() == "old"


def test_line_ends_are_written_as_given(tmp_path: Path) -> None:
    write_file(tmp_path, tmp_path / "f", "a\r\nb\n")
    assert (tmp_path / "f").read_bytes() == b"a\r\nb\n"


def test_a_write_that_fails_leaves_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def refuse(handle: int, *args: Any) -> Any:
        opened.append(handle)
        return failing()

    monkeypatch.setattr(os, "fdopen", refuse)
    with pytest.raises(StoreError):
        write_file(tmp_path, tmp_path / "f", "new")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
