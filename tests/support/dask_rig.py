"""A real Dask cluster on this machine: two worker processes with one thread each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster


@contextmanager
def dask_cluster(workers: int = 2, **options: Any) -> Iterator[Client]:
    """Start a cluster and make its client the current one; both are closed at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, **options}
        with (
            LocalCluster(n_workers=workers, silence_logs=50, **options) as cluster,
            Client(cluster) as client,
        ):
            client.wait_for_workers(workers, timeout=60)
            yield client


def worker_pids(client: Client) -> dict[str, int]:
    """The process of each worker, by the worker's address."""
    import os

    found: dict[str, int] = client.run(os.getpid)
    return found
