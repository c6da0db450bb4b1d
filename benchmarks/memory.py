"""The most memory one way of looping needs, measured in a process of its own.

``python -m benchmarks.memory ours 1000000 100`` prints the peak in bytes.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import ways

_WAYS: dict[str, ways.Way] = {"ours": ways.ours, "pool": ways.pool, "semaphore": ways.semaphore}


def peak(way: str, items: int, width: int) -> float:
    """Megabytes (10^6 bytes) above what the process held after its imports."""
    command = [sys.executable, "-m", "benchmarks.memory", way, str(items), str(width)]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout) / 1e6


async def _noop(x: Any) -> Any:
    return x


def main(argv: list[str]) -> None:
    """In the process of its own."""
    way, items, width = _WAYS[argv[0]], int(argv[1]), int(argv[2])
    way(_noop, [0, 1, 2], 2)  # whatever is imported or made at the first use
    gc.collect()
    before = resident("VmRSS")
    xs = list(range(items))
    results = way(_noop, xs, width)
    after = resident("VmHWM")
    if len(results) != items:
        raise AssertionError(f"{len(results)} results for {items} items")
    print(max(0, after - before))


def resident(field: str) -> int:
    """Bytes resident now (``VmRSS``) or at most so far (``VmHWM``).

    Linux says both exactly. getrusage would not do there: its peak is inherited from the parent.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used if sys.platform == "darwin" else used * 1024
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1:])
