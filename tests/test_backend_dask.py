"""Presses on a real Dask cluster: workers that die, tasks of others, what has to be on the workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backends_rig import loop_on
from dask_rig import dask_cluster, worker_pids
from distributed import Client
from ledger import Ledger

from drawer_ipy import DrawerFailed, each, press
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
