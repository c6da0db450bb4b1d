"""A real Dask cluster on this machine: two worker processes with one thread each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster


@contextmanager
def dask_cluster(workers: int = 2, **options: Any) -> Iterator[Client]:
    """Start a cluster and make its client the current one; both are closed at the end."""
    # A cluster gives a worker up for good that restarts at the end of this time after an earlier end.
    patient = {"distributed.deploy.lost-worker-timeout": "1h"}
    with warnings.catch_warnings(), dask.config.set(patient):
        warnings.simplefilter("ignore")
        options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0", **options}
        with (
            LocalCluster(n_workers=workers, silence_logs=50, **options) as cluster,
            Client(cluster) as client,
        ):
            client.wait_for_workers(workers, timeout=60)
            yield client


@contextmanager
def dask_programs(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a scheduler and a worker as programs of their own, until the block ends.

    Returns:
        The scheduler's address, and the scheduler.
    """
    file = folder / "scheduler.json"
    silent = subprocess.DEVNULL
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}  # for what the tests press
    given: dict[str, Any] = {"stdout": silent, "stderr": silent, "cwd": folder, "env": environment}
    run = [sys.executable, "-m"]
    options = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [*run, "distributed.cli.dask_scheduler", *options, "--port", "0"], **given
    ) as scheduler:
        worker = [*run, "distributed.cli.dask_worker", *options, "--nthreads", "1", "--no-nanny"]
        with subprocess.Popen(worker, **given) as one:
            try:
                while not (address := _address_in(file)):
                    assert scheduler.poll() is None, "the scheduler did not start"
                    time.sleep(0.05)
                yield address, scheduler
            finally:
                one.kill()
                scheduler.kill()


def _address_in(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, ValueError):  # it is not there, or not complete
        return ""


def worker_pids(client: Client) -> dict[str, int]:
    """The process of each worker, by the worker's address."""
    found: dict[str, int] = client.run(os.getpid)
    return found
