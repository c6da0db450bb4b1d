"""Strict runs whose outputs are on disk only (``keep: disk``)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import Results, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.folder import files
from drawer_ipy.journal.reader import read_run
from drawer_ipy.record.disk_outputs import StoredPiece
from drawer_ipy.record.loop import STATE_NAMES

pytestmark = pytest.mark.usefixtures("runs_folder")


def drawer(*steps: Any, parallelism: int = 4) -> dict[str, Any]:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "keep": "disk"}
    loop |= {"parallelism": parallelism, "steps": [step]}
    return {"name": "kept", "inputs": ["xs"], "steps": [loop, *steps]}


def in_memory(results: Results) -> int:
    """The number of outputs that are in memory."""
    loop = results.view.source.loop
    assert loop is not None
    return sum(not isinstance(entry, StoredPiece) for column in loop.columns for entry in column.entries)


TOTAL = {"id": "all", "kind": "aggregate", "from": "${each.output.results}"}
TOTAL |= {"pluck": "${item.steps.work.output.x}"}


def test_outputs_are_on_disk_only(runs_folder: Path) -> None:
    def work(x: int) -> dict[str, Any]:
        return {"x": x, "text": f"text of {x}" * 100}

    results = press(
        drawer(TOTAL), {"xs": list(range(100))}, buttons={"work": work}, durable="strict", quiet=True
    )
    assert results.run.step("all").output["values"] == list(range(100))
    assert not in_memory(results)
    assert [row["text"] for row in results] == [f"text of {x}" * 100 for x in range(100)]
    again = Results.open("kept")
    assert [row["text"] for row in again] == [f"text of {x}" * 100 for x in range(100)]
    (path,) = files(runs_folder)
    beside = {entry for entry in os.listdir(runs_folder) if entry.startswith(path.stem)}
    assert beside <= {path.name, f"{path.stem}.reading"}


def test_results_that_are_larger_than_a_transaction_are_all_there() -> None:
    def work(x: int) -> str:
        return os.urandom(100_000).hex()

    results = press(
        drawer(parallelism=200),
        {"xs": list(range(400))},
        buttons={"work": work},
        durable="strict",
        quiet=True,
    )
    assert not in_memory(results)
    assert [len(row["work"]) for row in Results.open("kept")] == [200_000] * 400


KILLED = """
import asyncio, os, sys
from drawer_ipy import press
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
async def work(x):
    os.write(ledger, b"%d\\n" % x)
    await asyncio.sleep(0.005)
    return os.urandom(50_000).hex()
each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "keep": "disk", "parallelism": 8,
        "steps": [step]}
drawer = {"name": "kept", "inputs": ["xs"], "steps": [each]}
results = press(drawer, {"xs": list(range(300))}, buttons={"work": work}, quiet=True,
                durable="strict", resume=True)
assert [len(text) for text in results["work"]] == [100_000] * 300
print("done")
"""


@pytest.mark.parametrize("wanted", [30, 120, 220])
def test_after_a_kill_what_had_begun_is_kept_or_marked(
    tmp_path: Path, runs_folder: Path, wanted: int
) -> None:
    path = tmp_path / "ledger"
    command = [sys.executable, "-c", KILLED, str(path)]
    process = subprocess.Popen(command)
    until = time.monotonic() + 60
    while (len(path.read_text().splitlines()) if path.exists() else 0) < wanted and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = Counter(path.read_text().split())
    last = read_run(files(runs_folder)[0], private_key())[-1]
    loop: Any = last.record.steps[0].output
    states = Counter(STATE_NAMES[loop.record.states[index]] for index in map(int, before))
    assert set(states) <= {"ok", "cancelled"}, "each item that had begun is kept or in flight"
    assert states["cancelled"] <= 8
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "done", done.stderr
    after = Counter(path.read_text().split())
    assert set(after) == set(map(str, range(300)))
    assert sum(after.values()) - 300 == states["cancelled"]
