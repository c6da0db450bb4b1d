"""Short presses are sent to worker processes ahead; what that changes must not be seen."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from backends_rig import loop_on, workers
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import Results

pytestmark = pytest.mark.timeout(120)

ITEMS = 120
WIDTH = 24
WARM = 40
"""Presses after which further ones are sent ahead, on any machine."""


def pressed(does: dict[int, str], log: Path, seconds: float = 0.3, **fields: Any) -> Results:
    """Press items that return, fail, wait or kill their process as `does` says; starts are noted in `log`."""

    # A local function is sent by value, so that the processes need not import this module.
    def work(x: dict[str, Any]) -> Any:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{x['n']}\n".encode())
        os.close(file)
        if x["does"] == "fail":
            raise ValueError(f"item {x['n']}")
        if x["does"] == "wait":
            time.sleep(seconds)
        if x["does"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return x["n"]

    items = [{"n": n, "does": does.get(n, "return")} for n in range(ITEMS)]
    return loop_on("processes:2", items, work, parallelism=WIDTH, **fields)


def starts(log: Path) -> Counter[int]:
    return Counter(map(int, log.read_text().split()))


@settings(max_examples=10, deadline=None)
@given(does=st.dictionaries(st.integers(0, ITEMS - 1), st.sampled_from(["fail", "wait", "die"]), max_size=6))
def test_each_item_has_its_own_outcome_and_starts_once(does: dict[int, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        results = pressed(does, log, on_item_failure="continue")
        assert starts(log) == Counter(range(ITEMS))
    for n, row in enumerate(results):
        what = does.get(n, "return")
        if what in ("return", "wait"):
            assert (row.status, row.output) == ("ok", n)
        else:
            assert row.status == "failed"
            assert row.error is not None
            assert ("WORKER_LOST" if what == "die" else f"item {n}") in f"{row.error.code} {row.error}"
    assert workers() == []


@settings(max_examples=10, deadline=None)
@given(fails=st.integers(WARM, ITEMS - 1), waits=st.sets(st.integers(WARM, ITEMS - 1), max_size=3))
def test_a_failure_that_stops_the_loop_is_the_one_that_is_named(fails: int, waits: set[int]) -> None:
    does = dict.fromkeys(waits, "wait") | {fails: "fail"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        results = pressed(does, log, on_item_failure="stop")
        assert max(starts(log).values()) == 1
        begun = set(starts(log))
    assert [n for n, row in enumerate(results) if row.status == "failed"] == [fails]
    # Whatever is said to be ok has been pressed; a press that was sent ahead and withdrawn has not begun.
    assert {n for n, row in enumerate(results) if row.status == "ok"} <= begun
    assert workers() == []


def test_presses_behind_one_that_takes_long_go_to_another_process(tmp_path: Path) -> None:
    ends = tmp_path / "ends"

    def work(x: int) -> int:
        if x == 60:
            time.sleep(3)
        log = os.open(ends, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"{x}\n".encode())
        os.close(log)
        return x

    results = loop_on("processes:2", range(ITEMS), work, parallelism=WIDTH)
    assert results.outputs.to_list() == list(range(ITEMS))
    order = [int(line) for line in ends.read_text().split()]
    assert sorted(order) == list(range(ITEMS))
    assert order[-1] == 60


def test_a_timeout_ends_its_own_press_only(tmp_path: Path) -> None:
    log = tmp_path / "log"
    results = pressed(
        {50: "wait", 90: "wait"}, log, seconds=60.0, on_item_failure="continue", step={"timeout_seconds": 2}
    )
    assert [n for n, row in enumerate(results) if row.status != "ok"] == [50, 90]
    assert results[50].error.code == "TIMEOUT"
    assert starts(log) == Counter(range(ITEMS))


def test_starts_under_a_rate_are_not_sent_ahead(tmp_path: Path) -> None:
    """Each begins when its turn comes, though others are short and could wait in front of it."""
    log = tmp_path / "log"
    results = pressed({}, log, rate="200/s")
    assert results.status == "ok"
    assert starts(log) == Counter(range(ITEMS))
