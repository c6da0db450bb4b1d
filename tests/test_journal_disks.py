"""Disks that fail while a run is written, and processes that are killed at each call that writes."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kill_rig import KILLS, Figures, KilledRuns, Server
from stored_rig import go

import drawer_ipy
from drawer_ipy import Results
from drawer_ipy.journal.folder import files, glance

FAULTS = Path(__file__).parent / "support" / "disk_faults.c"
NONE, KILL, NO_SPACE, IO_ERROR, SHORT_WRITE = range(5)
COUNT = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of processes in which calls to the disk can fail."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler on Linux")
    library = tmp_path_factory.mktemp("faults") / "disk_faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, FAULTS, "-ldl"], check=True)
    found = Server(library)
    yield found
    found.close()


@pytest.fixture(scope="module")
def calls(server: Server, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The number of calls of one press that write."""
    folder = tmp_path_factory.mktemp("calls")
    runs = KilledRuns(folder, COUNT, Figures())
    server.start(folder, COUNT, 0.0, (NONE, 0, 0), durable="on")
    assert server.wait() == 0, (folder / "output").read_text()
    assert runs.file is not None
    found = int((folder / "output").read_text().split()[-1])
    assert found > 20
    return found


def test_a_process_can_be_killed_at_any_call_that_writes(tmp_path: Path, server: Server, calls: int) -> None:
    """Each of them, or a random sample: nothing may be wrong, unreadable, or left behind for good."""
    figures = Figures()
    chosen = list(range(1, calls + 1))
    for call in chosen if KILLS else random.Random(1).sample(chosen, 12):
        folder = tmp_path / str(call)
        folder.mkdir()
        runs = KilledRuns(folder, COUNT, figures)
        server.start(folder, COUNT, 0.0, (KILL, call, 1), durable="on")
        assert server.wait() == -signal.SIGKILL
        runs.after_kill(time.monotonic())
        figures.check()
        stored = folder / "home" / "runs"
        for name in os.listdir(stored) if stored.exists() else ():
            os.utime(stored / name, (0, 0))  # a file of the last minute is left alone
        runs.before_press()
        server.start(folder, COUNT, 0.0, durable="on", resume=True)
        assert server.wait() == 0, (folder / "output").read_text()
        runs.after_press()
        figures.check()
        (path,) = files(stored)
        assert sorted(os.listdir(stored)) == [".gitignore", path.name], f"left by a kill at call {call}"
        run = glance(path)
        assert (run.status, run.ok) == ("ok", COUNT)


@pytest.mark.parametrize("kind", [NO_SPACE, IO_ERROR, SHORT_WRITE], ids=["ENOSPC", "EIO", "short write"])
def test_a_failing_disk_fails_no_run_and_spoils_nothing(
    tmp_path: Path, server: Server, calls: int, kind: int
) -> None:
    """Calls fail once, a few times, or from one on; the press ends ok, and what is on disk is right."""
    figures, chance = Figures(), random.Random(kind)
    for number in range(max(4, KILLS // 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        runs = KilledRuns(folder, COUNT, figures)
        fault = (kind, chance.randint(1, calls), chance.choice([1, 3, 1_000_000]))
        server.start(folder, COUNT, 0.0, fault, durable="on")
        assert server.wait() == 0, (fault, (folder / "output").read_text())
        runs.after_fault()
        figures.check()
        runs.before_press()
        server.start(folder, COUNT, 0.0, durable="on", resume=True)
        assert server.wait() == 0, (fault, (folder / "output").read_text())
        runs.after_press()
        figures.check()
        path = files(folder / "home" / "runs")[0]
        assert glance(path).ok == COUNT, fault
        if fault[2] == 1:
            assert runs.ledger.begun() == [1] * (COUNT + 1), (
                f"{fault}: one failure is no reason to lose anything"
            )


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system in memory with little room."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0700", "drawer-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs privileges; test_hostile_journal.py has a limit of the size of files")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def own_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))


@pytest.mark.usefixtures("own_user")
def test_a_disk_that_is_full_for_a_while_has_everything_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 1024) as disk:
        monkeypatch.setenv("BUTTONS_HOME", str(disk))
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(800_000))

        def work(x: int) -> str:
            time.sleep(0.01)
            if x == 150:
                assert shutil.disk_usage(disk).free < 100_000
                ballast.unlink()
            return str(x) * 600

        go(work, list(range(200)), quiet=False)
        assert "not kept on disk" not in capsys.readouterr().err
        assert [row["work"] for row in Results.open("pages")] == [str(x) * 600 for x in range(200)]
        gc.collect()  # the opened table, whose file is open
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert Results.open("pages").counts["ok"] == 200
        assert [run.status for run in drawer_ipy.runs()] == ["ok"]
        pressed: list[int] = []

        def note(x: int) -> None:
            pressed.append(x)

        go(note, list(range(201)), resume=True, quiet=False)
        assert pressed == [200]
        assert "the run is not kept on disk since" in capsys.readouterr().err


@pytest.mark.usefixtures("own_user")
def test_a_disk_that_stays_full_fails_nothing_and_what_it_has_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 200) as disk:
        monkeypatch.setenv("BUTTONS_HOME", str(disk))

        def work(x: int) -> str:
            time.sleep(0.005)
            return str(x) * 1000

        assert go(work, list(range(200)), quiet=False).counts["ok"] == 200
        assert "the run is not kept on disk since" in capsys.readouterr().err
        table = Results.open("pages")
        kept = [row for row in table if row.status == "ok"]
        assert 10 < len(kept) < 200
        assert all(row["work"] == str(row["x"]) * 1000 for row in kept)


READ_ONLY = """
import os, sys
from drawer_ipy import Results, press
pressed = []
def work(x):
    pressed.append(x)
    return x * x
step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step]}
text = {"name": "pages", "inputs": ["xs"], "steps": [loop]}
def go(xs, **options):
    return press(text, {"xs": xs}, buttons={"work": work}, durable="on", **options)
if os.geteuid() == 0:  # for whom modes mean nothing
    os.environ["BUTTONS_HOME"], os.environ["XDG_CACHE_HOME"] = sys.argv[1] + "/warm", sys.argv[1] + "/key"
    os.mkdir(os.environ["BUTTONS_HOME"])
    for _ in range(2):
        go([1], resume=True, quiet=True)  # imports what this user may not read later
    repr(Results.open("pages"))
    os.environ["BUTTONS_HOME"], os.environ["XDG_CACHE_HOME"] = sys.argv[1] + "/home", sys.argv[1] + "/own"
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
pressed.clear()
assert list(Results.open("pages")["work"]) == [0, 1, 4]
assert go([0, 1, 2, 3], resume=True)["work"][3] == 9
assert pressed == [3], pressed
assert go([5]).counts["ok"] == 1
"""


def test_a_folder_that_cannot_be_written_is_read_and_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as name:  # not below pytest's folder, which other users cannot enter
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        monkeypatch.setenv("BUTTONS_HOME", str(home))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "own"))
        go(lambda x: x * x, [0, 1, 2])
        everything = [*folder.rglob("*"), folder]
        for path in everything:
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
            if path.is_relative_to(home):
                path.chmod(0o500 if path.is_dir() else 0o400)
        try:
            done = subprocess.run(
                [sys.executable, "-c", READ_ONLY, name], capture_output=True, text=True, check=False
            )
        finally:
            for path in reversed(everything):
                path.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the run is not kept on disk since") == 2, done.stderr
