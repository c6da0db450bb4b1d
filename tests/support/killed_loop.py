"""A program that presses a drawer of many items and writes what it pressed to a ledger; tests kill it.

Run as ``python killed_loop.py LEDGER COUNT SECONDS [resume]``. Each line of the ledger is an item and the
time at which its press ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

from killed_drawer import DRAWER

from drawer_ipy import press


def main(ledger: str, count: int, seconds: float, resume: bool) -> Any:
    """Press the drawer over `count` items, each of which takes `seconds`."""
    handle = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def before() -> str:
        os.write(handle, b"before %f\n" % time.time())
        return "ready"

    async def first(x: int) -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"x": x, "text": f"text of {x}" * (x % 5)}

    async def second(x: int) -> int:
        os.write(handle, b"%d %f\n" % (x, time.time()))
        return x * x

    buttons = {"before": before, "first": first, "second": second}
    return press(
        DRAWER,
        {"xs": list(range(count))},
        buttons=buttons,
        durable="on",
        resume=resume,
        quiet=True,
        check=False,
    )


if __name__ == "__main__":
    results = main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:] == ["resume"])
    assert results.run.status == "ok", results.run.error
    assert list(results["second"]) == [x * x for x in range(int(sys.argv[2]))]
    assert results.run.step("total").output["values"] == [x * x for x in range(int(sys.argv[2]))]
    assert [row["x"] for row in results] == list(range(int(sys.argv[2])))
    print("done")
