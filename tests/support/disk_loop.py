"""A program that presses a loop with large outputs and prints how much memory it took; tests run it.

Run as ``python disk_loop.py FOLDER COUNT BYTES MODE``. MODE is ``press``, ``open`` or ``slow`` (a slow disk).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet

from drawer_ipy import Results, press
from drawer_ipy.journal.writer import PressWriter

DRAWER = {
    "name": "big",
    "inputs": ["xs"],
    "steps": [
        {
            **{"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": 4},
            **{"keep": "disk", "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}]},
        },
        {
            "id": "sizes",
            "kind": "aggregate",
            "from": "${each.output.results}",
            "pluck": "${item.steps.work.output.n}",
        },
    ],
}


def peak() -> float:
    """Return the most memory that this process has had, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise AssertionError


def work_of(size: int) -> Any:
    """Return a button whose outputs have `size` bytes."""

    def work(x: int) -> dict[str, Any]:
        return {"n": x, "text": os.urandom(size // 2).hex()}

    return work


def main(folder: Path, count: int, size: int, mode: str) -> dict[str, Any]:
    """Press or open the run, and write it to a Parquet and a CSV file."""
    inputs = {"xs": list(range(count))}
    pyarrow.table({"a": ["x"]})  # what the library takes by itself
    before = peak()
    if mode == "slow":
        write = PressWriter.write
        PressWriter.write = lambda self, *, final: (time.sleep(0.3), write(self, final=final))[1]  # type: ignore[assignment,method-assign]
    if mode == "open":
        results = Results.open("big")
    else:
        results = press(DRAWER, inputs, buttons={"work": work_of(size)}, quiet=True)
    pressed = peak()
    repr(results)
    results._repr_html_()
    shown = peak()
    results.to_parquet(folder / "big.parquet")
    if mode == "press":
        results.to_csv(folder / "big.csv")
    assert results.run.step("sizes").output["values"] == list(range(count))
    assert [len(text) for text in results["text"]] == [size // 2 * 2] * count
    file = pyarrow.parquet.ParquetFile(folder / "big.parquet")
    return {
        **{"press": pressed - before, "show": shown - before, "all": peak() - before},
        **{"rows": file.metadata.num_rows, "groups": file.num_row_groups, "status": results.run.status},
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
