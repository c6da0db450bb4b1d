"""The benchmarks as a command: its output, its file and its exit code. ``make bench`` checks the speed."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def bench(*arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def waits(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The printed text and the figures of ``--only c``."""
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    printed = bench("--quick", "--only", "c", "--json", str(file))
    return printed, json.loads(file.read_text())


def test_the_first_line_names_interpreter_and_cores_but_no_host(waits: tuple[str, dict[str, Any]]) -> None:
    printed, _ = waits
    version = ".".join(map(str, sys.version_info[:3]))
    assert re.match(rf"\w+ {re.escape(version)}\S*, \d+ cores?, \w+ \w+; quick", printed)
    assert socket.gethostname() not in printed


def test_rows_show_median_spread_and_ratio(waits: tuple[str, dict[str, Any]]) -> None:
    printed, _ = waits
    number = r"[\d.,]+"
    assert re.search(rf"^ +drawer_ipy: press +{number} +{number}\.\.{number}$", printed, re.M)
    peer = rf"^ +Semaphore \+ gather +{number} +{number}\.\.{number} +{number} +{number}\.\.{number}$"
    assert re.search(peer, printed, re.M)


def test_quick_figures_are_shown_but_not_checked_against_targets(waits: tuple[str, dict[str, Any]]) -> None:
    printed, written = waits
    assert "----  press / the least possible" in printed
    assert "PASS" not in printed
    assert "FAIL" not in printed
    assert written["passed"] is None


def test_a_loop_of_waits_takes_about_the_shortest_possible_time(waits: tuple[str, dict[str, Any]]) -> None:
    _, written = waits
    [answer] = written["answers"]
    assert answer["letter"] == "c"
    [check] = answer["checks"]
    # A value below 1 would mean more than P at once; a busy machine may take twice the time.
    assert 0.99 < check["value"] < 2.5


def test_time_and_memory_of_loops_are_measured() -> None:
    printed = bench("--quick", "--only", "a")
    assert "memory at 50,000 items" in printed
    for name in ("drawer_ipy: press", "drawer_ipy: apress", "bare worker pool", "Semaphore + gather"):
        assert printed.count(f"    {name} ") >= 2


@pytest.mark.skipif(shutil.which("xargs") is None, reason="needs xargs")
def test_scripts_are_compared_with_xargs_and_functions_with_an_executor(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    bench("--quick", "--only", "d,b", "--json", str(file))
    functions, scripts = json.loads(file.read_text())["answers"]
    assert [functions["letter"], scripts["letter"]] == ["d", "b"]
    for answer, peer in ((functions, "ThreadPoolExecutor.map"), (scripts, "xargs, a variable per item")):
        for table in answer["tables"]:
            rows = {row["name"]: row for row in table["rows"]}
            assert rows["drawer_ipy: press"]["ratio"] is None
            assert rows[peer]["low"] <= rows[peer]["median"] <= rows[peer]["high"]
            assert 0 < rows[peer]["ratio"]["median"] < 20


def test_the_live_view_is_measured_in_a_real_kernel() -> None:
    printed = bench("--quick", "--only", "e")
    share = re.search(r"in the view's calls +([\d.]+)", printed)
    assert share is not None
    assert 0 < float(share[1]) < 50, "the run takes under a second, so fixed costs have a large share"
    updates = re.search(r"(\d+) updates in ([\d.]+) s", printed)
    assert updates is not None
    assert 2 <= int(updates[1]) <= 10 * float(updates[2]) + 2


def test_presses_on_a_cluster_are_compared_with_the_map_of_its_client(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    bench("--quick", "--only", "m", "--json", str(file))
    [answer] = json.loads(file.read_text())["answers"]
    for table in answer["tables"]:
        ratios = {row["name"]: row["ratio"] for row in table["rows"]}
        assert ratios["dask"] is None
        assert 0 < ratios["client.map"]["median"] < 20
        assert 0 < ratios["client.map(batch_size=50)"]["median"] < 20


@pytest.mark.parametrize("letters", ["z", "", "c,z"])
def test_an_unknown_question_is_refused_with_a_list_of_the_known_ones(letters: str) -> None:
    assert "some of a,b,c,d,e,f,g" in bench("--only", letters, code=2)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    import benchmarks.__main__ as module

    return module


@pytest.mark.parametrize(
    ("value", "arguments", "code", "word"),
    [
        (1.0, [], 0, "PASS  speed: 1.00, at most 1.00"),
        (1.01, [], 1, "FAIL  speed: 1.01, at most 1.00"),
        (1.01, ["--quick"], 0, "----  speed: 1.01, at most 1.00"),
    ],
)
def test_a_missed_target_sets_the_exit_code(
    command: ModuleType,
    capsys: pytest.CaptureFixture[str],
    value: float,
    arguments: list[str],
    code: int,
    word: str,
) -> None:
    from benchmarks.report import Answer, Check

    def answer(quick: bool) -> Answer:
        return Answer("x", "made up", checks=[Check("speed", value, 1.0)])

    assert command.main(arguments, {"x": answer}) == code
    assert word in capsys.readouterr().out


def test_ratios_compare_measurements_of_the_same_round(command: ModuleType) -> None:
    from benchmarks.measure import Values, side_by_side

    ours, theirs = Values((1.0, 4.0, 3.0)), Values((2.0, 4.0, 2.0))
    assert ours.over(theirs).all == (0.5, 1.0, 1.5)
    assert (ours.median, ours.low, ours.high) == (3.0, 1.0, 4.0)
    called: list[str] = []
    taken = side_by_side({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=2)
    assert called == [
        "a",
        "b",
        "b",
        "a",
        "a",
        "b",
    ]  # the first round is not counted, and the order alternates
    assert {name: len(values.all) for name, values in taken.items()} == {"a": 2, "b": 2}
