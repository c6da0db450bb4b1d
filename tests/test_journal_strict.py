"""``durable="strict"``: nothing counts as begun or ended before it is on disk."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from disk_rig import small_disk
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from drawer_ipy import Results, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.cli import main
from drawer_ipy.display.live import NullDisplay
from drawer_ipy.engine.events import ItemFinished, ItemStarted
from drawer_ipy.journal.folder import files, glance
from drawer_ipy.journal.reader import read_run
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.journaling import Journaling
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.record.loop import LoopOutput

pytestmark = pytest.mark.usefixtures("runs_folder")

STEP = {"id": "work", "button": "work", "args": {"x": "${x}"}}


def drawer(*steps: Any, **loop: Any) -> dict[str, Any]:
    each = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.xs}",
        "as": "x",
        "steps": steps or [STEP],
        **loop,
    }
    return {"name": "pages", "inputs": ["xs"], "steps": [each]}


def on_disk(runs_folder: Path) -> Any:
    """The loop of the latest press as another process reads it."""
    (path,) = files(runs_folder)
    press = read_run(path, private_key())[-1]
    (step,) = press.record.steps
    assert isinstance(step.output, LoopOutput)
    return step.output.record


def test_an_item_begins_and_ends_on_disk_before_it_does_in_the_record(runs_folder: Path) -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def work(x: int) -> int:
        loop = on_disk(runs_folder)
        assert loop.has_begun(x), "its effects begin after it is on disk that it has begun"
        await asyncio.sleep(0.01)
        return x * x

    job = prepare(
        drawer(parallelism=4),
        {"xs": list(range(40))},
        Options(durable="strict"),
        Surroundings(namespace={"work": work}),
    )

    def started(event: ItemStarted) -> None:
        begun.append(event.index)

    def finished(event: ItemFinished) -> None:
        loop = on_disk(runs_folder)
        assert loop.columns[0].outputs[event.index] == event.index**2
        ended.append(event.index)

    job.run.listeners.on(ItemStarted, started)
    job.run.listeners.on(ItemFinished, finished)
    results = job.press_blocking(NullDisplay())
    assert not job.run.listeners.errors
    assert results.counts["ok"] == 40
    assert sorted(begun) == sorted(ended) == list(range(40))
    assert sorted(os.listdir(runs_folder)) == [".gitignore", files(runs_folder)[0].name]


KILLED = """
import asyncio, os, sys
from drawer_ipy import press
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
steps = [{"id": "first", "button": "first", "args": {"x": "${x}"}},
         {"id": "second", "button": "second", "args": {"x": "${x}"}}]
async def first(x):
    await asyncio.sleep(0.01)
    os.write(ledger, b"first %d\\n" % x)
    return x
async def second(x):
    os.write(ledger, b"second %d\\n" % x)
    await asyncio.sleep(0.01)
    return x * x
each = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": 4, "steps": steps}
drawer = {"name": "pages", "inputs": ["xs"], "steps": [each]}
results = press(drawer, {"xs": list(range(200))}, buttons={"first": first, "second": second},
                durable="strict", resume=True, quiet=True)
assert list(results["second"]) == [x * x for x in range(200)]
print("done")
"""


@pytest.mark.parametrize("seed", range(4))
def test_after_a_kill_only_what_was_in_flight_is_pressed_again(
    tmp_path: Path, runs_folder: Path, seed: int
) -> None:
    path = tmp_path / "ledger"
    command = [sys.executable, "-c", KILLED, str(path)]
    process = subprocess.Popen(command)
    wanted = 40 + 61 * seed
    until = time.monotonic() + 60
    while (len(path.read_text().splitlines()) if path.exists() else 0) < wanted and time.monotonic() < until:
        time.sleep(0.001)
    process.kill()
    process.wait()
    before = path.read_text().splitlines()
    (file,) = files(runs_folder)
    loop = on_disk(runs_folder)
    in_flight = [i for i in range(200) if (found := loop.error_of(i)) and "in flight" in found[1].message]
    assert 1 <= len(in_flight) <= 4
    results = Results.open("pages")
    story = repr(results.explain(in_flight[0]))
    assert "in flight when the run was cut off" in story
    begun = {int(line.split()[1]) for line in before}
    assert begun <= {i for i in range(200) if loop.has_begun(i)}, "what had effects is known to have begun"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "done", done.stderr
    pressed = path.read_text().splitlines()
    again = [line for line in pressed[len(before) :] if line in before]
    assert {int(line.split()[1]) for line in again} <= set(in_flight)
    assert len(again) <= len(in_flight), (
        "of an item in flight, only a step that had not ended is pressed again"
    )
    assert len(set(pressed)) == 400
    assert glance(file).status == "ok"


def test_items_of_a_loop_inside_an_item_are_on_disk_before_the_next_ones_begin(runs_folder: Path) -> None:
    seen: list[int] = []

    async def work(x: int) -> int:
        outer = on_disk(runs_folder)
        inner = outer.columns[0].outputs[0]
        seen.append(0 if inner is None else inner.record.counts[2])
        return x

    inner = {
        "id": "inner",
        "kind": "for_each",
        "over": [0, 1, 2, 3],
        "as": "y",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${y}"}}],
    }
    results = press(drawer(inner), {"xs": [7]}, buttons={"work": work}, durable="strict", quiet=True)
    assert results.counts["ok"] == 1
    assert seen == [0, 1, 2, 3], "each item sees those before it as ended on disk"


def test_a_step_counts_as_begun_and_ended_when_that_is_on_disk(runs_folder: Path) -> None:
    def statuses() -> dict[str, str]:
        (path,) = files(runs_folder)
        record = read_run(path, private_key())[-1].record
        return {step.id: f"{step.status} {step.error and step.error.message}" for step in record.steps}

    seen: list[dict[str, str]] = []

    def work() -> int:
        seen.append(statuses())
        return 1

    steps = [{"id": "a", "button": "work"}, {"id": "b", "button": "work"}]
    press({"name": "two", "steps": steps}, buttons={"work": work}, durable="strict", quiet=True)
    in_flight = "cancelled in flight when the run was cut off"
    assert seen == [{"a": in_flight}, {"a": "ok None", "b": in_flight}]


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize("width", [1, 5, "auto"])
def test_a_strict_run_has_the_same_results_as_any_other(mode: Any, width: Any) -> None:
    async def work(x: int) -> int:
        await asyncio.sleep(0.001)
        if x % 7 == 3:
            raise ValueError(x)
        return x

    def items() -> Any:
        yield from range(30)

    after = {"id": "after", "button": "count", "args": {"n": "${each.output.total}"}}
    text = drawer(parallelism=width, on_item_failure="continue")
    text["steps"].append(after)
    for xs in (list(range(30)), items()):
        results = press(
            text,
            {"xs": xs},
            buttons={"work": work, "count": lambda n: n},
            mode=mode,
            durable="strict",
            check=False,
            quiet=True,
        )
        assert results.counts == {"ok": 26, "failed": 4, "cancelled": 0, "skipped": 0}
        assert results.run.step("after").output == 30
    results = press(
        drawer(parallelism=width),
        {"xs": list(range(30))},
        buttons={"work": work},
        durable="strict",
        check=False,
        quiet=True,
    )
    assert results.run.status == "failed"
    assert results.counts["failed"] >= 1
    assert "item 3 (of 30) failed" in str(results.run.error)


def test_a_strict_run_can_be_interrupted() -> None:
    async def work(x: int) -> int:
        await asyncio.sleep(0.05 if x < 5 else 60)
        return x

    job = prepare(
        drawer(parallelism=2),
        {"xs": list(range(10))},
        Options(durable="strict"),
        Surroundings(namespace={"work": work}),
    )
    threading.Timer(1.5, job.run.cancel).start()
    began = time.monotonic()
    results = job.press_blocking(NullDisplay())
    assert time.monotonic() - began < 20
    assert results.run.status == "cancelled"
    assert results.counts["ok"] == 5
    assert results.counts["cancelled"] == 2


def test_a_full_disk_stops_a_strict_run_and_its_results_are_kept(runs_folder: Path) -> None:
    async def work(x: int) -> bytes:
        await asyncio.sleep(0.001)
        return os.urandom(10_000 + x)

    with small_disk(runs_folder, "400k"):
        results = press(
            drawer(parallelism=4),
            {"xs": list(range(500))},
            buttons={"work": work},
            durable="strict",
            check=False,
            quiet=True,
        )
        error = results.run.error
        assert error is not None
        assert (results.run.status, error.code) == ("failed", "NOT_SAVED")
        assert "the disk is full" in error.message
        assert str(runs_folder) in error.message
        assert "durable on" in error.remediation
        counts = results.counts
        assert 5 < counts["ok"] < 60
        assert counts["skipped"] > 400
        rows = [row for row in results if row.status == "ok"]
        assert all(len(row["work"]) >= 10_000 for row in rows)
        assert abs(on_disk(runs_folder).counts[2] - counts["ok"]) <= 4


def test_a_folder_that_cannot_be_written_stops_a_strict_run_before_anything_begins(runs_folder: Path) -> None:
    runs_folder.write_text("a file in place of the folder")
    pressed: list[int] = []

    def work(x: int) -> None:
        pressed.append(x)

    results = press(
        drawer(), {"xs": [1, 2]}, buttons={"work": work}, durable="strict", check=False, quiet=True
    )
    assert pressed == []
    assert results.run.status == "failed"
    assert results.run.error is not None
    assert results.run.error.code == "NOT_SAVED"
    runs_folder.unlink()
    press(drawer(), {"xs": [1, 2]}, buttons={"work": work}, durable="strict", quiet=True)
    assert pressed == [1, 2]


def test_no_secret_is_in_any_file_of_a_strict_run(runs_folder: Path) -> None:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    text = drawer(step)
    text["inputs"] = ["xs", {"name": "token", "type": "string", "secret": True}]

    def work(x: int) -> str:
        return "topsecretvalue" if x == 3 else str(x)

    press(
        text,
        {"xs": list(range(6)), "token": "topsecretvalue"},
        buttons={"work": work},
        durable="strict",
        quiet=True,
    )
    for path in runs_folder.iterdir():
        assert b"topsecretvalue" not in path.read_bytes()


NESTED = """
import asyncio, os, sys
from drawer_ipy import press
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
async def work(x, y):
    os.write(ledger, b"begun %d %d\\n" % (x, y))
    await asyncio.sleep(0.01)
    if y % 9 == 5:
        raise ValueError(y)
    os.write(ledger, b"ended %d %d\\n" % (x, y))
    return [x, y]
inner = {"id": "inner", "kind": "for_each", "over": list(range(100)), "as": "y", "parallelism": 3,
         "on_item_failure": "continue",
         "steps": [{"id": "work", "button": "work", "args": {"x": "${x}", "y": "${y}"}}]}
outer = {"id": "each", "kind": "for_each", "over": [0, 1, 2], "as": "x", "parallelism": 2, "steps": [inner]}
results = press({"name": "nested", "steps": [outer]}, buttons={"work": work}, durable="strict", resume=True,
                quiet=True)
for x, row in enumerate(results):
    outputs = [entry["steps"]["work"]["output"] for entry in row["inner"]["results"]]
    assert outputs == [None if y % 9 == 5 else [x, y] for y in range(100)]
print("done")
"""


@pytest.mark.parametrize("wanted", [11, 150, 280])
def test_items_of_loops_inside_items_are_not_pressed_again_either(
    tmp_path: Path, runs_folder: Path, wanted: int
) -> None:
    path = tmp_path / "ledger"
    command = [sys.executable, "-c", NESTED, str(path)]
    process = subprocess.Popen(command)
    until = time.monotonic() + 60
    while (len(path.read_text().splitlines()) if path.exists() else 0) < wanted and time.monotonic() < until:
        time.sleep(0.001)
    process.kill()
    process.wait()
    before = path.read_text().splitlines()
    ended = {line.split(" ", 1)[1] for line in before if line.startswith("ended")}
    loop = on_disk(runs_folder)
    inner = [output.record for output in loop.columns[0].outputs if output is not None]
    known = sum(record.counts[2] for record in inner)
    assert len(ended) - 6 <= known <= len(ended), "at most those that ended in the last moment are missing"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "done", done.stderr
    pressed = path.read_text().splitlines()[len(before) :]
    again = [line for line in pressed if line.startswith("begun") and line.split(" ", 1)[1] in ended]
    assert len(again) <= 6


def test_cells_config_and_the_command_line_have_it(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = Journaling.__init__

    def init(self: Journaling, run: Any, journal: Any, meta: Any, durable: str, *more: Any) -> None:
        seen.append(durable)
        real(self, run, journal, meta, durable, *more)

    monkeypatch.setattr(Journaling, "__init__", init)
    shell: Any = TerminalInteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "drawer_ipy")
        shell.push({"work": lambda: 1})
        cell = "steps: [{id: a, button: work}]"
        shell.run_cell_magic("drawer", "one --quiet --display none --durable strict", cell)
        shell.run_line_magic("config", "DrawerMagics.durable = 'strict'")
        shell.run_cell_magic("drawer", "two --quiet --display none", cell)
        shell.run_cell_magic("each", "x in [1, 2] --quiet --display none --out three", "x + 1")
        assert list(shell.user_ns["three"].outputs) == [2, 3]
    finally:
        shell.run_line_magic("unload_ext", "drawer_ipy")
        TerminalInteractiveShell.clear_instance()
    definition = runs_folder.parent / "drawers" / "four" / "drawer.json"
    definition.parent.mkdir(parents=True)
    buttons = {"work": {"runtime": "sh", "code": "echo 1"}}
    steps = [{"id": "a", "button": "work"}]
    drawer_ = {"schema_version": 2, "drawer_kind": "action", "name": "four", "buttons": buttons}
    definition.write_text(json.dumps({**drawer_, "steps": steps}))
    assert main(["four", "press", "--durable", "strict", "--json"]) == 0
    assert seen == ["strict"] * 4
    assert {glance(path).drawer for path in files(runs_folder)} >= {"one", "two", "four"}


def test_a_step_that_waits_is_not_stored_as_ended(runs_folder: Path) -> None:
    steps: list[Any] = [
        {"id": "a", "kind": "wait", "duration": "3s"},
        {"id": "b", "button": "work"},
    ]
    press({"name": "waits", "steps": steps}, buttons={"work": lambda: 1}, durable="on", quiet=True)
    (path,) = files(runs_folder)
    record = read_run(path, private_key())[-1].record
    assert [(step.id, step.status) for step in record.steps] == [("a", "ok"), ("b", "ok")]
