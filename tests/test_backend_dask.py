"""Presses on a real Dask cluster: workers that die, tasks of others, what has to be on the workers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backends_rig import loop_on
from dask_rig import dask_cluster, dask_programs, worker_pids
from distributed import Client
from ledger import Ledger

from drawer_ipy import DrawerFailed, apress, each, press
from drawer_ipy.engine.backends import dask_cluster as dask_backend
from drawer_ipy.errors import BackendError

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_cluster() as started:
        yield started


def test_without_a_client_the_error_says_how_to_make_one() -> None:
    with pytest.raises(BackendError) as caught:
        each(abs, [1], backend="dask", quiet=True)
    assert "there is no Dask client" in str(caught.value)
    assert "client = Client()" in caught.value.remediation


def test_an_address_without_a_scheduler_is_refused_before_anything_runs(client: Client) -> None:
    with pytest.raises(DrawerFailed, match="no Dask scheduler at"):
        each(abs, [1], backend="dask:tcp://127.0.0.1:1", quiet=True)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://127.0.0.1:8787/status", "unknown address scheme 'http'"),
        ("my cluster", "missing port number"),
        ("tcp://127.0.0.1", "missing port number"),
        ("tcp://127.0.0.1:87860", "there is no port 87860"),
        ("::1:8786", "ipv6 needs brackets"),
    ],
)
def test_what_cannot_be_an_address_is_refused_before_the_run(address: str, why: str) -> None:
    with pytest.raises(BackendError) as caught:
        each(abs, [1], backend=f"dask:{address}", quiet=True)
    assert f"{address!r} is not the address of a Dask scheduler" in str(caught.value)
    assert why in str(caught.value)
    assert "dask:tcp://host:8786" in caught.value.remediation


@contextlib.contextmanager
def other_program(answer: bytes | None) -> Iterator[tuple[str, threading.Event]]:
    """A program that is no scheduler: its address, and whether somebody has connected.

    It sends `answer` and closes the connection; with ``None`` it keeps the connection and says nothing.
    """
    connected = threading.Event()
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the end of the test
                while True:
                    connection, _ = server.accept()
                    kept.append(connection)
                    connected.set()
                    if answer is not None:
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}", connected
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


@pytest.mark.parametrize(
    "answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "closes", "HTTP"]
)
def test_another_program_at_the_address_is_an_error_that_leaves_nothing_behind(
    answer: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_backend, "_CONNECT_SECONDS", 1.0)
    with other_program(answer) as (address, _), pytest.raises(DrawerFailed) as caught:
        each(abs, [1], backend=f"dask:{address}", quiet=True)
    assert f"there is no Dask scheduler at {address}" in str(caught.value)
    assert "its dashboard has another port" in str(caught.value)
    gc.collect()  # a client that is still open warns now


def test_a_cancellation_while_it_connects_leaves_nothing_behind() -> None:
    async def main(address: str, connected: threading.Event) -> None:
        loop = {"id": "each", "kind": "for_each", "over": [1], "backend": f"dask:{address}"}
        drawer = {"name": "t", "steps": [loop | {"steps": [{"id": "a", "button": "a", "args": {"x": 1}}]}]}
        running = asyncio.create_task(apress(drawer, buttons={"a": abs}, quiet=True))
        assert await asyncio.to_thread(connected.wait, 60)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with other_program(None) as program:
        asyncio.run(main(*program))
    gc.collect()


def test_a_scheduler_that_dies_fails_what_is_left_and_keeps_what_has_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        time.sleep(0.05)
        return x

    with dask_programs(tmp_path) as (address, scheduler):
        over = threading.Event()

        def kill() -> None:
            while len(ledger.lines()) < 10 and not over.wait(0.01):
                pass
            scheduler.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            results = loop_on(f"dask:{address}", range(300), work, parallelism=4, on_item_failure="continue")
        finally:
            over.set()
            killer.join()
    ended = [row for row in results if row.status == "ok"]
    assert len(ended) >= 6  # of the ten that had begun, without those in flight
    assert [row.output for row in ended] == [row.index for row in ended]
    errors = {row.error.code: row.error.message for row in reversed(results) if row.error is not None}
    assert set(errors) == {"WORKER_LOST", "BACKEND_ERROR"}
    assert errors["BACKEND_ERROR"] == f"the connection to the Dask scheduler at {address} was lost"
    assert len(results) == 300


def test_a_scheduler_that_dies_before_the_first_press_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_workers = dask_backend.Cluster._first_workers
    with dask_programs(tmp_path) as (address, scheduler):

        async def dying(self: dask_backend.Cluster) -> Any:
            found = await first_workers(self)
            scheduler.kill()
            scheduler.wait()
            return found

        monkeypatch.setattr(dask_backend.Cluster, "_first_workers", dying)
        with pytest.raises(DrawerFailed, match=r"the connection to the Dask scheduler at .* was lost"):
            each(abs, [1], backend=f"dask:{address}", quiet=True)


def test_an_address_is_used_without_a_current_client(client: Client) -> None:
    address = client.scheduler.address
    assert each(lambda x: x + 1, [1, 2], backend=f"dask:{address}", quiet=True).outputs.to_list() == [2, 3]


def test_rows_say_on_which_worker_they_ran(client: Client) -> None:
    results = each(lambda x: os.getpid(), range(6), backend="dask", parallelism=2, quiet=True)
    assert set(results.outputs) <= set(worker_pids(client).values())
    assert "Dask worker" in str(results.explain(0))


def test_short_presses_travel_in_batches(client: Client) -> None:
    def where(x: int) -> str:
        from distributed import get_worker

        return str(get_worker().get_current_task())

    results = each(where, range(600), backend="dask", parallelism=200, quiet=True)
    assert len(results.outputs) == 600
    assert len(set(results.outputs)) < 200
    assert all(key.startswith("drawer-ipy-") for key in set(results.outputs))


def test_a_worker_that_dies_fails_only_what_was_there_and_starts_nothing_twice(
    client: Client, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        if x == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.03)
        return x

    results = loop_on("dask", range(40), work, parallelism=4, on_item_failure="continue")
    begun = [int(line[0]) for line in ledger.lines()]
    assert len(begun) == len(set(begun))
    failed = [row.index for row in results.failed]
    assert 5 in failed
    assert len(failed) <= 4
    assert {row.error.code for row in results.failed if row.error is not None} == {"WORKER_LOST"}
    assert [row.output for row in results if row.status == "ok"] == [n for n in range(40) if n not in failed]
    client.wait_for_workers(2, timeout=60)


def test_presses_of_some_milliseconds_are_there_before_the_worker_is_free(client: Client) -> None:
    def waiting_here(x: int) -> int:
        from distributed import get_worker

        time.sleep(0.05)
        return sum(task.state == "ready" for task in get_worker().state.tasks.values())

    results = each(waiting_here, range(40), backend="dask", parallelism=8, quiet=True)
    assert sum(results.outputs) > 20
    one_by_one = each(waiting_here, range(6), backend="dask", parallelism=1, quiet=True)
    assert sum(one_by_one.outputs) == 0


@pytest.mark.parametrize("dies", [3, 20])
def test_what_has_not_begun_on_a_worker_that_dies_moves_to_another_one(
    client: Client, tmp_path: Path, dies: int
) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        time.sleep(0.05)
        if x == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    results = loop_on("dask", range(40), work, parallelism=8, on_item_failure="continue")
    assert [row.index for row in results.failed] == [dies]
    assert sorted(int(line[0]) for line in ledger.lines()) == [*range(40)]
    client.wait_for_workers(2, timeout=60)


def test_a_lost_press_is_tried_again_only_under_retry(client: Client, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")

    def work(x: int) -> int:
        ledger.add(x)
        if len(ledger.lines()) == 1:
            os._exit(3)
        return x

    policy = {"action": "retry", "max_attempts": 3, "backoff": {"initial_ms": 1}}
    results = loop_on("dask", [7], work, step={"on_failure": policy})
    assert results.outputs.to_list() == [7]
    assert len(ledger.lines()) == 2
    client.wait_for_workers(2, timeout=60)


def busy_loop(x: Any) -> None:
    while True:
        pass


def c_call(x: Any) -> None:
    time.sleep(60)


def swallowing(x: Any) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            time.sleep(0.001)
        except BaseException:
            continue


@pytest.mark.parametrize("work", [busy_loop, c_call, swallowing])
def test_a_timeout_ends_whatever_a_press_does(client: Client, work: Any) -> None:
    client.wait_for_workers(2, timeout=60)
    before = set(worker_pids(client).values())
    results = loop_on("dask", [1], work, step={"timeout_seconds": 0.3})
    assert results[0].error is not None
    assert results[0].error.code == "TIMEOUT"
    client.wait_for_workers(2, timeout=60)
    killed = before - set(worker_pids(client).values())
    assert len(killed) == (0 if work is busy_loop else 1)


def test_a_task_of_somebody_else_survives_a_cancellation(client: Client) -> None:
    client.wait_for_workers(2, timeout=60)
    address = next(iter(worker_pids(client)))
    theirs = [client.submit(slow, n, workers=[one], pure=False) for n, one in enumerate(worker_pids(client))]
    time.sleep(0.3)
    late = {"timeout_seconds": 0.3}
    results = loop_on("dask", [1, 2], c_call_2, parallelism=2, step=late, on_item_failure="continue")
    assert {row.status for row in results} == {"failed"}
    assert [one.result(timeout=60) for one in theirs] == [0, 1]
    assert address in worker_pids(client)


def slow(n: int) -> int:
    end = time.monotonic() + 4
    while time.monotonic() < end:
        time.sleep(0.01)
    return n


def c_call_2(x: Any) -> None:
    time.sleep(3)


def test_a_module_that_is_not_on_the_workers_is_named_before_the_run(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here_dask.py").write_text("def work(x):\n    return x\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here_dask  # type: ignore[import-not-found]

    with pytest.raises(DrawerFailed, match="module only_here_dask is not on 2 of 2 workers"):
        each(only_here_dask.work, [1], backend="dask", quiet=True)


def test_a_function_that_uses_a_lock_is_refused_by_name(client: Client) -> None:
    lock = threading.Lock()

    def guarded(x: int) -> int:
        with lock:
            return x

    with pytest.raises(BackendError, match="`guarded` uses `lock`"):
        each(guarded, [1], backend="dask", quiet=True)


def test_a_large_closure_crosses_once_to_each_worker(client: Client) -> None:
    class Big:
        def __init__(self) -> None:
            self.pickled = 0
            self.data = b"x" * 20_000_000

        def __reduce__(self) -> Any:
            self.pickled += 1
            return bytes, (self.data,)

    big = Big()

    def size(x: int) -> int:
        return len(big) if isinstance(big, bytes) else -1  # type: ignore[arg-type]

    results = each(size, range(50), backend="dask", parallelism=8, quiet=True)
    assert set(results.outputs) == {20_000_000}
    assert big.pickled <= 2  # once to check it, once to send it


def test_prints_arrive_at_their_item_while_the_press_goes_on(client: Client) -> None:
    def talk(x: int) -> int:
        print("first", x)
        time.sleep(1.0)
        print("last", x, end="")
        return x

    results = loop_on("dask", [1, 2], talk, parallelism=2)
    for row in results:
        assert row.steps["work"].stdout == f"first {row.item}\nlast {row.item}\n"


def test_workers_that_join_take_part(client: Client) -> None:
    def where(x: int) -> int:
        time.sleep(0.2)
        return os.getpid()

    timer = threading.Timer(0.5, lambda: client.cluster.scale(3))
    timer.start()
    try:
        results = each(where, range(60), backend="dask", parallelism=6, quiet=True)
    finally:
        timer.join()
        client.cluster.scale(2)
    assert len(set(results.outputs)) == 3


def test_secrets_are_in_no_key_or_name_of_a_task(client: Client) -> None:
    drawer = {
        "inputs": {"token": {"type": "string", "secret": True}},
        "steps": [{"id": "a", "button": "work", "backend": "dask", "args": {"token": "${inputs.token}"}}],
    }

    def work(token: str) -> int:
        return len(token)

    press(drawer, {"token": "sesame-4711"}, buttons={"work": work}, quiet=True)
    stories = str(
        client.run_on_scheduler(lambda dask_scheduler: [str(t) for t in dask_scheduler.transition_log])
    )
    events = str(client.get_events())
    assert "drawer-ipy-" in stories
    assert "sesame-4711" not in stories + events
