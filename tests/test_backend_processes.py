"""Worker processes: what ends them, what they print, what they cannot be sent, and that none remains."""

from __future__ import annotations

import asyncio
import enum
import math
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from backends_rig import gone, loop_on, workers
from descriptors_rig import same_descriptors
from ledger import Ledger, die

from drawer_ipy import BackendError, DrawerFailed, Results, UsageError, aeach, each, press
from drawer_ipy.engine.backends import process_slot
from drawer_ipy.engine.backends.worker_start import Started, spawn
from drawer_ipy.engine.events import LogLine
from drawer_ipy.pressing.job import Options
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings, named_buttons


@pytest.fixture(autouse=True)
def nothing_remains() -> Any:
    yield
    assert not workers()


# What ends a worker


def test_a_process_that_dies_fails_only_its_item() -> None:
    items = ["a", "exit", "b", "segfault", "c", "kill", "d", "group", "e", "closes", "f"]
    results = loop_on("processes:2", items, die, parallelism=2, on_item_failure="continue")
    ended = [row.error and row.error.code for row in results]
    assert ended == [None if len(item) == 1 else "WORKER_LOST" for item in items]
    assert results.outputs.to_list() == [item if len(item) == 1 else None for item in items]
    assert "exit code 3" in results[1].error.message
    assert "SIGSEGV" in results[3].error.message
    assert "SIGKILL" in results[5].error.message
    assert "memory" in results[5].error.remediation


def test_a_lost_press_is_tried_again_only_under_retry(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        if len(ledger.lines()) < 3:
            os._exit(1)
        return x

    policy = {"action": "retry", "max_attempts": 4, "backoff": {"initial_ms": 1}}
    results = loop_on("processes:1", [5], work, step={"on_failure": policy})
    assert results.outputs.to_list() == [5]
    assert len(ledger.lines()) == 3
    assert [one.error.code for one in results[0].steps["work"].tries] == ["WORKER_LOST", "WORKER_LOST"]


def test_under_random_kills_presses_start_once_an_attempt_and_no_ended_result_is_lost(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add("start", x)
        time.sleep(0.01)
        ledger.add("end", x)
        return x * 10

    stop = threading.Event()

    def kill() -> None:
        chance = random.Random(7)
        while not stop.wait(chance.uniform(0.1, 0.4)):
            if alive := workers():
                os.kill(chance.choice(alive).pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        policy = {"action": "retry", "max_attempts": 5, "backoff": {"initial_ms": 1}}
        results = loop_on(
            "processes:3", range(300), work, parallelism=3, on_item_failure="continue",
            step={"on_failure": policy},
        )  # fmt: skip
    finally:
        stop.set()
        killer.join()
    starts = Counter(int(line[1]) for line in ledger.lines() if line[0] == "start")
    attempts = {row.index: row.steps["work"].attempts for row in results}
    assert all(starts[i] <= attempts[i] for i in range(300))
    for row in results:
        if row.error is None:
            assert row.output == row.index * 10
        else:
            assert row.error.code == "WORKER_LOST"
    lost = [row.index for row in results if row.error is not None]
    assert len(lost) < 10
    assert sum(attempts.values()) > 300  # the kills did hit presses
    assert results.counts["ok"] == 300 - len(lost)


# Cancel and timeouts


def swallow(x: int) -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def sleep(x: int) -> None:
    time.sleep(60)


def search(x: int) -> None:
    re.match(r"(a+)+$", "a" * 40 + "b")  # takes hours, and holds Python's lock


def leave(x: int) -> None:
    subprocess.Popen(["sleep", "60"])
    subprocess.run(["sleep", "60"], check=True)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


STUCK = [swallow, sleep, search, leave]


@pytest.mark.parametrize("work", STUCK)
def test_cancel_ends_whatever_a_press_does_within_a_second(work: Any) -> None:
    loop = {"id": "each", "kind": "for_each", "over": "inputs.xs", "parallelism": 2, "backend": "processes:2",
            "steps": [{"id": "w", "button": "work", "args": {"x": "${item}"}}]}  # fmt: skip
    around = Surroundings(named_buttons({"work": work}))
    job = prepare({"inputs": ["xs"], "steps": [loop]}, {"xs": [1, 2, 3]}, Options(durable="off"), around)

    async def main() -> tuple[float, list[int]]:
        run = asyncio.create_task(job.run.execute())
        await asyncio.to_thread(until, lambda: len(workers()) >= 2 + 4 * (work is leave))
        await asyncio.sleep(0.4)
        pids, began = [one.pid for one in workers()], time.monotonic()
        job.run.cancel()
        await run
        return time.monotonic() - began, pids

    seconds, pids = asyncio.run(main())
    assert seconds < 1
    assert job.run.record.status == "cancelled"
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize("work", STUCK)
def test_a_timeout_ends_whatever_a_press_does(work: Any) -> None:
    began = time.monotonic()
    results = loop_on("processes:1", [1], work, step={"timeout_seconds": 0.3})
    assert time.monotonic() - began < 30  # a process starts slowly on a busy machine
    assert results[0].error is not None
    assert results[0].error.code == "TIMEOUT"
    assert "still be running" not in results[0].error.remediation


def test_the_items_that_a_failure_cancels_end_at_once() -> None:
    def work(x: int) -> int:
        if x == 0:
            raise ValueError("first")
        time.sleep(60)
        return x

    began = time.monotonic()
    results = loop_on("processes:3", [0, 1, 2, 3], work, parallelism=3)
    assert time.monotonic() - began < 30
    assert [row.status for row in results][:1] == ["failed"]
    assert {row.status for row in results[1:]} <= {"cancelled", "skipped"}


PROGRAM = """
import os, re, subprocess, sys, time
from drawer_ipy import each

def work(x):
    open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
    if sys.argv[2] == "search":
        re.match(r"(a+)+$", "a" * 40 + "b")
    if sys.argv[2] == "child":
        subprocess.run(["sleep", "60"])
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

each(work, [1, 2], parallelism=2, backend="processes:2", quiet=True)
"""


@pytest.mark.parametrize("how", ["search", "child", "swallow"])
def test_no_worker_survives_the_kernel(tmp_path: Path, how: str) -> None:
    kernel = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), how])
    try:
        until(lambda: len(list(tmp_path.iterdir())) == 2)
        time.sleep(0.3)
        pids = [one.pid for one in psutil.Process(kernel.pid).children(recursive=True)]
    finally:
        kernel.kill()
        kernel.wait()
    assert len(pids) == (4 if how == "child" else 2)
    assert all(gone(pid) for pid in pids)


# Prints


def test_a_process_that_is_still_being_started_when_the_run_is_cancelled_ends_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts, started = threading.Event(), threading.Event()

    def spawn_slowly() -> Started:
        starts.set()
        time.sleep(0.3)
        try:
            return spawn()
        finally:
            started.set()

    monkeypatch.setattr(process_slot, "spawn", spawn_slowly)
    loop = {"id": "each", "kind": "for_each", "over": [0, 1], "backend": "processes:2",
            "steps": [{"id": "w", "button": "work", "args": {"x": "${item}"}}]}  # fmt: skip
    around = Surroundings(named_buttons({"work": lambda x: x}))
    job = prepare({"steps": [loop]}, {}, Options(durable="off"), around)

    async def main() -> None:
        run = asyncio.create_task(job.run.execute())
        await asyncio.to_thread(starts.wait, 30)
        job.run.cancel()
        await run

    with same_descriptors():
        asyncio.run(main())
        assert started.wait(30)
        assert workers() == []
    assert job.run.record.status == "cancelled"


def test_prints_arrive_line_by_line_at_their_item_while_the_press_goes_on() -> None:
    def work(x: int) -> int:
        for n in range(3):
            print(f"item {x} line {n}")
            time.sleep(0.3)
        print("no end of line", end="")
        return x

    loop = {"id": "each", "kind": "for_each", "over": "inputs.xs", "parallelism": 2, "backend": "processes:2",
            "steps": [{"id": "w", "button": "work", "args": {"x": "${item}"}}]}  # fmt: skip
    around = Surroundings(named_buttons({"work": work}))
    job = prepare({"inputs": ["xs"], "steps": [loop]}, {"xs": [0, 1]}, Options(durable="off"), around)
    seen: list[tuple[float, int | None, str]] = []
    job.run.listeners.on(LogLine, lambda e: seen.append((time.monotonic(), e.index, e.text)))
    record = asyncio.run(job.run.execute())
    assert record.status == "ok"
    for item in (0, 1):
        lines = [(at, text) for at, index, text in seen if index == item]
        assert [text for _, text in lines] == [f"item {item} line {n}" for n in range(3)] + ["no end of line"]
        assert lines[1][0] - lines[0][0] > 0.15
        assert lines[2][0] - lines[1][0] > 0.15


def test_prints_are_shown_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    def work(x: int) -> int:
        print("out", x)
        print("err", x, file=sys.stderr)
        sys.stdout.buffer.write(b"bytes\n")
        return x

    results = loop_on("processes:1", [7], work)
    shown = capsys.readouterr()
    assert shown.out == "out 7\nbytes\n"
    assert shown.err == "err 7\n"
    assert results[0].steps["work"].stdout == "out 7\nbytes\n"


def test_a_flood_of_prints_is_shown_and_recorded_up_to_a_limit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(x: int) -> int:
        for n in range(20_000):
            print(f"line {n} {'x' * 20}")
        return x

    results = loop_on("processes:1", [7], work)
    assert capsys.readouterr().out.count("\n") == 20_000
    assert len(results[0].steps["work"].stdout) <= 64 * 1024


# What a worker has


def test_a_worker_has_the_surroundings_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_module_of_now.py").write_text("VALUE = 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OF_THE_KERNEL", "yes")

    def work(x: int) -> list[Any]:
        import my_module_of_now  # type: ignore[import-not-found]

        here = [os.getcwd(), os.environ["OF_THE_KERNEL"], my_module_of_now.VALUE]
        return [*here, sys.stdin.read(), os.getppid(), sys.argv]

    [found] = each(work, [1], backend="processes", quiet=True).outputs
    assert found == [str(tmp_path), "yes", 42, "", os.getpid(), sys.argv]


class Counted:
    """Counts how often it is pickled and unpickled."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.weight = b"x" * 80_000_000

    def __getstate__(self) -> dict[str, Any]:
        self.ledger.add("pickled", os.getpid())
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        self.ledger.add("unpickled", os.getpid())


def test_a_large_closure_is_pickled_once_and_crosses_once_to_each_worker(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    large = Counted(ledger)

    def work(x: int) -> int:
        time.sleep(0.02)
        return len(large.weight) + x

    began = time.monotonic()
    results = loop_on("processes:2", range(60), work, parallelism=2)
    seconds = time.monotonic() - began
    assert results.outputs.to_list() == [80_000_000 + x for x in range(60)]
    counts = Counter(tuple(line) for line in ledger.lines())
    assert counts[("pickled", str(os.getpid()))] == 1
    unpickled = [pid for what, pid in counts if what == "unpickled"]
    assert 1 <= len(unpickled) <= 2
    assert set(counts.values()) == {1}
    assert seconds < 30


def test_many_presses_use_few_processes() -> None:
    found = each(lambda item: os.getpid(), range(300), backend="processes:2", quiet=True)
    assert 1 <= len(set(found.outputs)) <= 2
    assert os.getpid() not in set(found.outputs)


def test_without_a_width_a_loop_is_as_wide_as_its_backend(tmp_path: Path) -> None:
    def work(item: int) -> int:
        (tmp_path / str(item)).touch()
        until = time.monotonic() + 30
        while len(os.listdir(tmp_path)) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        return len(os.listdir(tmp_path))

    assert each(work, range(4), backend="processes:4", quiet=True).outputs == [4] * 4
    assert each(work, range(2), backend="processes:4", parallelism=1, quiet=True).run.status == "ok"


# What cannot be sent


def test_a_function_that_cannot_be_sent_is_refused_by_name_before_the_run(tmp_path: Path) -> None:
    inner_lock = threading.Lock()
    connection = sqlite3.connect(":memory:")

    def parse(item: int) -> int:
        with inner_lock:
            return item

    def helper(item: int) -> Any:
        return connection.execute("select 1")

    def calls(item: int) -> Any:
        return helper(item)

    file = (tmp_path / "file").open("w+")

    def default(item: int, file: Any = file) -> Any:
        return file

    class Parser:
        def read(self, item: int) -> Any:
            return connection.execute("select 1")

        def __call__(self, item: int) -> int:
            with inner_lock:
                return item

    def reads(item: int) -> Any:
        return Parser().read(item)

    for function, name, kind in (
        (parse, "`parse` uses `inner_lock`", "_thread.lock"),
        (calls, "`helper` uses `connection`", "sqlite3.Connection"),
        (default, "`default` uses `file`", "_io.TextIOWrapper"),
        (Parser(), "`Parser` uses `inner_lock`", "_thread.lock"),
        (reads, "`read` uses `connection`", "sqlite3.Connection"),
        (connection.execute, "uses `self`", "sqlite3.Connection"),
    ):
        with pytest.raises(BackendError) as caught:
            each(function, [1], backend="processes", quiet=True)
        assert f"{name} ({kind}), which cannot be sent" in str(caught.value)
    file.close()
    connection.close()


def test_an_argument_that_cannot_be_sent_is_refused_by_name_before_the_run(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def parse(item: int, db: Any) -> int:
        ledger.add(item)
        return item

    connection = sqlite3.connect(":memory:")
    text = "argument `db` of `parse` (sqlite3.Connection) cannot be sent to another process"
    with pytest.raises(BackendError) as caught:
        each(parse, [1], args={"db": connection}, backend="processes", quiet=True)
    assert text in str(caught.value)
    step = {"id": "a", "button": "parse", "args": {"item": 1, "db": "${inputs.db}"}}
    for drawer in ({"inputs": ["db"], "steps": [step]},
                   {"inputs": ["db"], "steps": [{**step, "args": {"item": 1}}]}):  # fmt: skip
        with pytest.raises(BackendError) as caught:
            press(drawer, {"db": connection}, buttons={"parse": parse}, backend="processes", quiet=True)
        assert text in str(caught.value)
    assert not ledger.lines()
    connection.close()


def test_an_item_or_a_result_that_cannot_be_sent_fails_its_row_only(tmp_path: Path) -> None:
    def work(x: Any) -> Any:
        if x == "file":
            return open(os.devnull)
        if x == "view":
            return memoryview(b"abc")
        if x == "lock":
            import threading

            return threading.Lock()
        return x

    items = [1, threading.Lock(), 2, "file", "view", "lock", 3]
    results = loop_on("processes:1", items, work, on_item_failure="continue")
    assert [row.status for row in results] == ["ok", "failed", "ok", "failed", "failed", "failed", "ok"]
    assert "argument `x` of `work` (_thread.lock) cannot be sent" in results[1].error.message
    for index, kind in ((3, "_io.TextIOWrapper"), (4, "memoryview"), (5, "_thread.lock")):
        message = f"the result of `work` ({kind}) cannot be sent back from its process"
        assert results[index].error.message == message


def test_exceptions_that_cannot_be_pickled_keep_their_words() -> None:
    class Odd(Exception):
        def __init__(self, a: int, b: int) -> None:
            super().__init__(f"{a} and {b}")
            self.lock = threading.Lock()

    def work(x: int) -> int:
        raise Odd(1, 2)

    results = loop_on("processes:1", [1], work)
    assert results[0].error.message == "Odd: 1 and 2"
    assert "raise Odd(1, 2)" in results[0].steps["work"].stderr


def test_objects_of_local_classes_travel_both_ways_and_their_classes_stay_as_they_are() -> None:
    class Local:
        def __init__(self, x: int) -> None:
            self.x = x

        def twice(self) -> int:
            return self.x * 2

    before = dict(vars(Local))
    results = loop_on("processes:2", [Local(1), Local(2)], lambda x: Local(x.twice()))
    assert [type(one) for one in results.outputs] == [Local, Local]
    assert [one.x for one in results.outputs] == [2, 4]
    assert {name: value for name, value in vars(Local).items() if name in before} == before


class Colour(enum.Enum):
    RED = 1


def test_values_come_back_as_what_they_were() -> None:
    class Local(enum.Enum):
        BLUE = 2

    Pair = NamedTuple("Pair", [("a", int), ("b", int)])  # noqa: UP014 - of this function
    items = [Colour.RED, Local.BLUE, Pair(1, 2), {1, 2}, b"x", range(3), 1 + 2j, (1, [2]), len, None]
    results = loop_on("processes:1", items, lambda x: x)
    assert [row.error for row in results] == [None] * len(items)
    for given, found in zip(items, results.outputs, strict=True):
        assert found == given
        assert type(found) is type(given)


def test_methods_and_built_in_functions_travel() -> None:
    class Times:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        def of(self, item: int) -> int:
            return item * self.factor

    assert each(Times(3).of, [1, 2], backend="processes:1", quiet=True).outputs.to_list() == [3, 6]
    assert each(math.sqrt, [4, 9], backend="processes:1", quiet=True).outputs.to_list() == [2.0, 3.0]


# Words


def test_explain_says_where_each_press_ran() -> None:
    async def on_loop(x: int) -> int:
        return x

    step = {"id": "b", "button": "on_loop", "args": {"x": "${item}"}}
    loop = {"id": "each", "kind": "for_each", "over": "inputs.xs", "backend": "processes:1",
            "steps": [{"id": "a", "button": "getpid"}, step]}  # fmt: skip
    results = press({"inputs": ["xs"], "steps": [loop]}, {"xs": [1]}, quiet=True,
                    buttons={"getpid": os.getpid, "on_loop": on_loop})  # fmt: skip
    pid = results[0].steps["a"].output
    assert results[0].steps["a"].about == {"where": f"process {pid}"}
    assert results[0].steps["b"].about == {"where": "the kernel"}
    story = str(results.explain(0))
    assert f"process {pid}" in story
    assert "the kernel" in story


@pytest.mark.parametrize(
    ("backend", "text"),
    [
        ("proceses", "there is no backend 'proceses'\n  did you mean 'processes'?"),
        ("threads:2", "the backend 'threads' takes no address"),
        ("processes:0", "`processes:` must be followed by the number of processes"),
        ("processes:two", "`processes:` must be followed by the number of processes"),
        (3, "a backend must be a name, not 3"),
    ],
)
def test_an_unknown_backend_is_refused(backend: Any, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        each(print, [1], backend=backend, quiet=True)
    assert text in str(caught.value)


def test_the_event_loop_goes_on_while_a_worker_computes() -> None:
    def work(item: int) -> int:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
        return item

    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.01)
            ticks.append(time.monotonic())

    async def main() -> Results:
        ticking = asyncio.create_task(tick())
        results = await aeach(work, [1, 2], backend="processes:2", quiet=True)
        ticking.cancel()
        return results

    assert asyncio.run(main()).outputs.to_list() == [1, 2]
    assert len(ticks) > 10


def test_a_run_that_fails_raises_with_the_results() -> None:
    with pytest.raises(DrawerFailed) as caught:
        each(die, ["a", "exit"], backend="processes:1", stop=True, quiet=True)
    assert "WORKER_LOST" in str(caught.value)
    assert caught.value.results[0].output == "a"
