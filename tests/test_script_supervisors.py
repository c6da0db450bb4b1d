"""Several scripts in one thread: each one's result, limits and end are its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from descriptors_rig import same_descriptors
from hypothesis import given, settings
from hypothesis import strategies as st
from threads_rig import grant_threads, run_with

from drawer_ipy.buttons.script.process import Finished, Process
from drawer_ipy.buttons.script.processes import Processes
from drawer_ipy.buttons.script.supervisor import Supervisor
from drawer_ipy.common.threads import NoThread


def script(code: str, **settings: Any) -> Process:
    return Process((b"/bin/sh", b"-c", code.encode()), {}, **settings)


def threads() -> int:
    return sum(thread.name.startswith("drawer-scripts") for thread in threading.enumerate())


@pytest.fixture(autouse=True, scope="module")
def _watchdog_runs() -> None:
    """Start the watchdog of scripts, which keeps its descriptors."""
    run_with(Processes, lambda processes: processes.run(script(":")))


@pytest.fixture(autouse=True)
def _nothing_is_left(_watchdog_runs: None) -> Iterator[None]:
    with same_descriptors():
        yield
        assert psutil.Process().children() == []
        assert threads() == 0


async def all_at_once(processes: Processes, scripts: list[Process]) -> list[Finished | BaseException]:
    return await asyncio.gather(*map(processes.run, scripts), return_exceptions=True)


async def until_running(processes: Processes, count: int) -> None:
    while len(processes.running()) < count:  # noqa: ASYNC110 - they tell nobody
        await asyncio.sleep(0.01)


KINDS = st.sampled_from(["prints", "fails", "is silent", "is missing", "reads", "ends itself"])


def of_kind(kind: str, number: int) -> Process:
    if kind == "is missing":
        return Process((b"/nowhere/%d" % number,), {})
    if kind == "reads":
        return script("cat; cat >&2", stdin=b"%d" % number * 50_000)
    codes = {
        "prints": f"echo {number}",
        "fails": f"echo {number} >&2; exit {number % 100 + 1}",
        "is silent": ":",
        "ends itself": "kill -9 $$",
    }
    return script(codes[kind])


def is_right(kind: str, number: int, found: Finished | BaseException) -> bool:
    if kind == "is missing":
        return isinstance(found, FileNotFoundError) and found.filename == f"/nowhere/{number}"
    assert isinstance(found, Finished)
    expected = {
        "prints": (0, f"{number}\n", ""),
        "fails": (number % 100 + 1, "", f"{number}\n"),
        "is silent": (0, "", ""),
        "ends itself": (-9, "", ""),
        "reads": (0, str(number) * 50_000, ""),
    }
    return (found.returncode, found.stdout, found.stderr) == expected[kind]


@settings(max_examples=15, deadline=None)
@given(kinds=st.lists(KINDS, max_size=40), width=st.integers(1, 12))
def test_each_process_gets_its_own_result(kinds: list[str], width: int) -> None:
    async def work(processes: Processes) -> list[Finished | BaseException]:
        free = asyncio.Semaphore(width)

        async def one(number: int, kind: str) -> Finished:
            async with free:
                return await processes.run(of_kind(kind, number))

        return await asyncio.gather(*(one(*pair) for pair in enumerate(kinds)), return_exceptions=True)

    found = run_with(Processes, work)
    assert [is_right(kind, number, found[number]) for number, kind in enumerate(kinds)] == [True] * len(kinds)


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2, 2), (3, 3), (96, 3), (110, 4)])
def test_processes_share_threads(count: int, expected: int) -> None:
    async def work(processes: Processes) -> int:
        tasks = [asyncio.create_task(processes.run(script("exec sleep 60"))) for _ in range(count)]
        await until_running(processes, count)
        found = threads()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended)
        return found

    assert run_with(Processes, work) == expected


def test_one_after_the_other_needs_one_thread() -> None:
    async def work(processes: Processes) -> int:
        for _ in range(20):
            await processes.run(script(":"))
        return threads()

    assert run_with(Processes, work) == 1


def test_each_has_its_own_time_limit() -> None:
    limits = [0.2, 0.5, 0.8] * 4

    async def work(processes: Processes) -> list[Finished | BaseException]:
        return await all_at_once(
            processes, [script("date +%s%N; exec sleep 60", timeout=limit) for limit in limits]
        )

    started = time.monotonic()
    found = run_with(Processes, work)
    assert time.monotonic() - started < 10
    assert all(one.timed_out and one.stdout for one in found)


def test_a_process_that_never_stops_writing_does_not_hold_up_the_others() -> None:
    async def work(processes: Processes) -> list[Finished | BaseException]:
        floods = [
            asyncio.create_task(processes.run(script("exec yes", limit=2**31, timeout=20))) for _ in range(3)
        ]
        await until_running(processes, 3)
        try:
            return await all_at_once(processes, [script(f"echo {number}") for number in range(30)])
        finally:
            assert not any(flood.done() for flood in floods)
            for flood in floods:
                flood.cancel()
            await asyncio.gather(*floods, return_exceptions=True)

    assert [one.stdout for one in run_with(Processes, work)] == [f"{number}\n" for number in range(30)]


def test_each_has_its_own_lines_of_stderr_in_order() -> None:
    lines: list[list[str]] = [[] for _ in range(9)]

    async def work(processes: Processes) -> None:
        code = "for i in 1 2 3 4 5; do echo {0}-$i >&2; sleep 0.01; done"
        scripts = [script(code.format(number), on_line=lines[number].append) for number in range(9)]
        await all_at_once(processes, scripts)

    run_with(Processes, work)
    assert lines == [[f"{number}-{i}" for i in range(1, 6)] for number in range(9)]


def test_a_listener_that_fails_ends_its_own_process_only() -> None:
    def failing(line: str) -> None:
        raise RuntimeError(line)

    async def work(processes: Processes) -> list[Finished | BaseException]:
        scripts = [script("echo heard >&2; exec sleep 60", on_line=failing)]
        return await all_at_once(processes, [*scripts, *(script("sleep 0.2; echo ok") for _ in range(5))])

    first, *others = run_with(Processes, work)
    assert isinstance(first, RuntimeError)
    assert [one.stdout for one in others] == ["ok\n"] * 5


def test_a_thread_that_cannot_wait_ends_what_it_runs_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    wait, times = Supervisor._wait, []

    def failing(self: Supervisor) -> None:
        times.append(1)
        if len(times) == 3:
            raise MemoryError
        wait(self)

    monkeypatch.setattr(Supervisor, "_wait", failing)

    async def work(processes: Processes) -> tuple[BaseException, Finished]:
        lost = (await all_at_once(processes, [script("sleep 0.1; echo 1; exec sleep 60", timeout=20)]))[0]
        assert psutil.Process().children() == []
        return lost, await processes.run(script("echo next"))

    lost, following = run_with(Processes, work)
    assert isinstance(lost, MemoryError)
    assert following.stdout == "next\n"


@pytest.mark.parametrize("allowed", [0, 1])
def test_scripts_run_in_the_threads_that_the_system_grants(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant_threads(monkeypatch, "drawer-scripts", allowed)

    async def work(processes: Processes) -> list[Finished | BaseException]:
        return await all_at_once(processes, [script(f"echo {number}") for number in range(10)])

    found = run_with(Processes, work)
    if allowed:
        assert [one.stdout for one in found] == [f"{number}\n" for number in range(10)]
        return
    assert all(isinstance(one, NoThread) for one in found)
    assert found[0].remediation == "lower `parallelism`"


def test_a_process_that_is_stopped_before_its_start_is_ended() -> None:
    async def work(processes: Processes) -> None:
        for pause in (0, 0.0001, 0.0005, 0.002) * 10:
            tasks = [asyncio.create_task(processes.run(script("exec sleep 60"))) for _ in range(4)]
            await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert psutil.Process().children() == []

    run_with(Processes, work)
