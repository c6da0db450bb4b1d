"""One run and two processes, a process that is stopped, and clocks that are set."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kill_rig import Figures, KilledRuns, Server
from stored_rig import go, pages

import drawer_ipy
from drawer_ipy import Results
from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.folder import files, glance, has_press
from drawer_ipy.journal.reader import read_run

COUNT = 400


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    found = Server(), Server()
    yield found
    for server in found:
        server.close()


pytestmark = pytest.mark.usefixtures("runs_folder")


def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def stored(folder: Path) -> int:
    """Return the number of items that are ok on disk."""
    for path in files(folder / "home" / "runs"):
        if has_press(path):
            return glance(path).ok
    return 0


def test_of_two_processes_that_resume_a_run_at_once_one_is_refused(
    tmp_path: Path, runs_folder: Path, servers: tuple[Server, Server]
) -> None:
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        runs = KilledRuns(folder, COUNT, Figures())
        servers[0].start(folder, COUNT, 0.01, durable="on")
        until(lambda folder=folder: stored(folder) > 40)
        killed = servers[0].kill()
        servers[0].wait()
        runs.after_kill(killed)
        runs.before_press()
        for server in servers:
            server.start(folder, COUNT, 0.005, durable="on", resume=True)
        codes = [server.wait() for server in servers]
        output = (folder / "output").read_text()
        # The first may have ended before the second looked.
        assert sorted(codes) in ([0, 1], [0, 0]), output
        assert runs.ledger.begun()[0] == 1
        begun = runs.ledger.begun()
        ended = runs.ledger.ended()
        runs.after_press()
        runs.figures.check()
        assert len(ended) == COUNT + 1
        assert max(begun) <= 2, "what both had found unfinished is pressed once"
        (path,) = files(folder / "home" / "runs")
        assert glance(path).ok == COUNT


def test_a_table_whose_run_was_continued_since_is_not_retried(home: Path) -> None:
    def work(x: int) -> int:
        pressed.append(x)
        if len(pressed) <= 2:
            raise ValueError(x)
        return x

    pressed: list[int] = []
    go(work, [1, 2])
    table = Results.open("pages")
    assert go(work, [1, 2], resume=True).counts["ok"] == 2
    with pytest.raises(drawer_ipy.UsageError, match="written to since it was read") as caught:
        table.retry(quiet=True)
    assert "Results.open()" in caught.value.remediation
    assert pressed == [1, 2, 1, 2]
    assert Results.open("pages").counts["ok"] == 2


def test_a_stopped_process_keeps_its_run_and_goes_on(
    tmp_path: Path, runs_folder: Path, servers: tuple[Server, Server]
) -> None:
    runs = KilledRuns(tmp_path, COUNT, Figures())
    pid = servers[0].start(tmp_path, COUNT, 0.02, durable="on")
    until(lambda: stored(tmp_path) > 0)
    for _ in range(3):
        servers[0].send(signal.SIGSTOP)
        time.sleep(0.3)
        (run,) = drawer_ipy.runs()
        assert (run.status, run.about.pid) == ("running", pid)
        assert 0 < len(Results.open("killed").ok) <= len(runs.ledger.ended())
        with pytest.raises(drawer_ipy.UsageError, match=f"is running in pid {pid}"):
            drawer_ipy.press(
                {"name": "killed", "steps": [{"id": "a", "button": "a"}]},
                buttons={"a": int},
                resume=True,
                quiet=True,
            )
        servers[0].send(signal.SIGCONT)
        time.sleep(0.1)
    assert servers[0].wait() == 0, (tmp_path / "output").read_text()
    assert runs.ledger.begun() == [1] * (COUNT + 1)
    (run,) = drawer_ipy.runs()
    assert (run.status, run.about.ok) == ("ok", COUNT)


@pytest.mark.parametrize("jump", [-7200.0, 7200.0], ids=["back", "forward"])
def test_the_clock_may_be_set_while_a_run_is_stored(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    real, offset = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)
    pressed: list[int] = []

    def work(x: int) -> int:
        nonlocal offset
        pressed.append(x)
        time.sleep(0.05)
        if x == 3:
            offset = jump
            time.sleep(0.5)
        if x == 5 and len(pressed) < 10:
            raise ValueError("once")
        return x

    results = go(work, list(range(8)))
    table = Results.open("pages")
    for found in (results, table):
        assert 0.4 < found.run.duration < 60
        for row in found:
            assert row.duration is not None
            assert 0.04 < row.duration < 60
            assert row.started is not None
            assert found.run.started <= row.started <= found.run.finished
    assert [round(row.duration or 0, 2) for row in table] == [round(row.duration or 0, 2) for row in results]
    assert drawer_ipy.runs()[0].status == results.run.status
    again = len(pressed)
    offset = 0.0
    pressed[again:] = [0] * 10
    resumed = go(work, list(range(8)), resume=True)
    assert pressed[again + 10 :] == [5]
    assert [row["work"] for row in resumed] == list(range(8))
    (path,) = files(runs_folder)
    presses = read_run(path, private_key())
    assert [press.record.status for press in presses] == [results.run.status, "ok"]
    offset = 3600.0 + max(jump, 0.0)
    del pressed[:]
    pressed.extend([0] * 10)
    go(work, list(range(8)), resume=True, max_age=1800.0)
    assert pressed[10:] == list(range(8)), "an hour later, all rows are older than half an hour"


def test_runs_begun_after_the_clock_was_set_back_are_found(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, offset = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)
    go(lambda x: x, [1], text=pages())
    offset = -86400.0
    go(lambda x: x, [1, 2], text=pages())
    assert len(drawer_ipy.runs("pages")) == 2
    for run in drawer_ipy.runs("pages"):
        assert run.open().counts["ok"] in (1, 2)
        assert "-" not in run.line().split(",")[1], "no negative age"


LOOK = """
import drawer_ipy
(run,) = drawer_ipy.runs()
print(run.status, len(drawer_ipy.Results.open("looked").ok))
"""


@pytest.mark.parametrize("durable", ["on", "strict"])
def test_a_process_that_reads_the_run_it_writes_keeps_its_locks(durable: Any, runs_folder: Path) -> None:
    def other() -> str:
        done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    seen: dict[int, str] = {}

    def work(x: int) -> int:
        if x in (10, 20):
            time.sleep(0.5)  # so that what ended before is on disk
            (run,) = drawer_ipy.runs()
            assert run.status == "running"
            assert len(Results.open("looked").ok) == x
            seen[x] = other()
        if x == 39:
            time.sleep(0.5)
            seen[x] = other()
        return x

    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": 1}
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    drawer = {"name": "looked", "inputs": ["xs"], "steps": [{**loop, "steps": [step]}]}
    table = drawer_ipy.press(
        drawer, {"xs": list(range(40))}, buttons={"work": work}, durable=durable, quiet=True
    )
    assert table.counts["ok"] == 40
    assert seen == {10: "running 10", 20: "running 20", 39: "running 39"}
    assert other() == "ok 40"
    gc.collect()  # the opened tables
    assert sorted(path.suffix for path in runs_folder.iterdir() if "looked" in path.name) == [".db"]
