"""Runs whose process is killed: what is on disk is not pressed again, and the end result is the same.

A ledger in shared memory says what was pressed. With ``DRAWER_KILLS=200`` in the environment there are that
many kills instead of a few; see CONTRIBUTING.md.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kill_rig import KILLS, Figures, KilledRuns, Server, chain

from drawer_ipy.journal.folder import files, glance

COUNT = 2_000
_OF_A_CHAIN = 4
"""Kills of one run before it is pressed to its end."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    found = Figures()
    yield found
    print(f"\n{found.said()}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(max(2, KILLS // _OF_A_CHAIN)))
def test_what_a_killed_run_has_kept_is_not_pressed_again(
    tmp_path: Path, server: Server, figures: Figures, seed: int
) -> None:
    chance = random.Random(seed)
    runs = KilledRuns(tmp_path, COUNT, figures)
    for killed in chain(server, runs, chance, _OF_A_CHAIN):
        runs.after_kill(killed)
        figures.check()
    figures.check()


def test_a_run_that_is_killed_in_its_first_seconds(tmp_path: Path, server: Server, figures: Figures) -> None:
    """With ``auto`` nothing is stored for two seconds, then everything at once."""
    runs = KilledRuns(tmp_path, 4_000, figures)
    for at in (1.0, 2.1):
        runs.before_press()
        began = time.monotonic()
        server.start(tmp_path, runs.count, 0.01, durable="auto", resume=True)
        time.sleep(at)
        killed = server.kill()
        assert server.wait() == -signal.SIGKILL
        if at < 2:
            assert not (tmp_path / "home" / "runs").exists()
        else:
            runs.after_kill(killed, unstored=began + 2.3)
            figures.check()
    runs.before_press()
    server.start(tmp_path, runs.count, 0.001, durable="auto", resume=True)
    assert server.wait() == 0, (tmp_path / "output").read_text()
    runs.after_press()
    figures.check()


def test_a_killed_run_is_listed_as_cut_off_until_it_is_resumed(tmp_path: Path, server: Server) -> None:
    runs = KilledRuns(tmp_path, 400, Figures())
    folder = tmp_path / "home" / "runs"
    pid = server.start(tmp_path, 400, 0.02, durable="on")
    until = time.monotonic() + 30
    while runs.ledger.total < 150 and time.monotonic() < until:
        time.sleep(0.005)
    (path,) = files(folder)
    running = glance(path)
    assert (running.status, running.pid) == ("running", pid)
    time.sleep(0.3)
    server.kill()
    server.wait()
    run = glance(path)
    assert (run.status, run.pid, run.drawer, run.total) == ("cut off", None, "killed", 400)
    assert 0 < run.ok < 400
    server.start(tmp_path, 400, 0.0, durable="on", resume=True)
    assert server.wait() == 0
    assert files(folder) == [path], "a resumed run stays in its file"
    run = glance(path)
    assert (run.status, run.presses, run.ok) == ("ok", 2, 400)
    assert sorted(os.listdir(folder)) == [".gitignore", path.name], "nothing is left beside it"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "BUTTONS_HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache")}


NESTED = """
import asyncio, os, sys
from drawer_ipy import press
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
async def work(x):
    await asyncio.sleep(0.02)
    os.write(ledger, b"%d\\n" % x)
    return x
def pages(n):
    os.write(ledger, b"%d\\n" % (-n - 1))
    return list(range(n * 1000, n * 1000 + 100))
inner = {"id": "inner", "kind": "for_each", "over": "${pages.output}", "as": "x", "parallelism": 2,
         "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}]}
outer = {"id": "each", "kind": "for_each", "over": [0, 1, 2], "as": "n", "parallelism": 2,
         "steps": [{"id": "pages", "button": "pages", "args": {"n": "${n}"}}, inner]}
results = press({"name": "nested", "steps": [outer]}, buttons={"work": work, "pages": pages}, durable="on",
                resume=True, quiet=True)
for row in results:
    for entry in row["inner"]["results"]:
        assert entry["steps"]["work"]["output"] == entry["item"]
print("done")
"""


def test_the_loops_inside_running_items_are_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    (tmp_path / "home").mkdir()
    command = [sys.executable, "-c", NESTED, str(path)]
    process = subprocess.Popen(command, env=environment(tmp_path))
    until = time.monotonic() + 60
    while (len(path.read_text().split()) if path.exists() else 0) < 120 and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    at_kill = path.read_text().split()
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "done"
    pressed = path.read_text().split()
    again = [name for name in pressed[len(at_kill) :] if name in at_kill]
    assert len(set(pressed)) == 303
    assert len(again) < len(at_kill) / 2, "of about two seconds of work, at most the last fraction is lost"
    assert "-1" not in again, "a step of an item that was running is kept"
    assert "-2" not in again
