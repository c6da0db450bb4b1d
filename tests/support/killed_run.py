"""A program that presses a drawer of many items; tests kill it.

``python killed_run.py`` reads one request per line from its input: a JSON list of the folder, the number of
items, the seconds per item, the options of the press, and a fault of the disk (see ``disk_faults.c``). It
runs each in a child process, and prints the number of the process and, when it has ended, its exit code. What
the child prints is in ``output`` of the folder. Children need not import anything, so they begin at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from kill_ledger import Ledger
from killed_drawer import DRAWER

from drawer_ipy import press


def first_of(x: int) -> dict[str, Any]:
    """The output of the first step for an item."""
    return {"x": x, "text": f"text of {x}" * (x % 5)}


def buttons(ledger: Ledger, count: int, seconds: float) -> dict[str, Any]:
    """The buttons of the drawer; they note in the ledger what they press, ``before`` as the item `count`."""

    async def before() -> str:
        ledger.begin(count)
        ledger.end(count)
        return "ready"

    async def first(x: int) -> dict[str, Any]:
        ledger.begin(x)
        await asyncio.sleep(seconds)
        return first_of(x)

    async def second(x: int) -> int:
        ledger.end(x)
        return x * x

    return {"before": before, "first": first, "second": second}


def main(folder: str, count: int, seconds: float, options: dict[str, Any]) -> None:
    """Press the drawer over `count` items, each of which takes `seconds`, and check its results."""
    os.environ["BUTTONS_HOME"], os.environ["XDG_CACHE_HOME"] = f"{folder}/home", f"{folder}/cache"
    ledger = Ledger(f"{folder}/ledger", count + 1)
    results = press(
        DRAWER,
        {"xs": list(range(count))},
        buttons=buttons(ledger, count, seconds),
        quiet=True,
        check=False,
        **options,
    )
    assert results.run.status == "ok", results.run.error
    assert list(results["second"]) == [x * x for x in range(count)]
    assert list(results["first"]) == [first_of(x) for x in range(count)]
    assert results.run.step("total").output["values"] == [x * x for x in range(count)]
    assert [row["x"] for row in results] == list(range(count))


def with_fault(folder: str, *press: Any, fault: list[int]) -> None:
    """Run :func:`main` with a disk that fails, and print how many calls could have failed."""
    faults = ctypes.CDLL(None)
    faults.drawer_fault(fault[0], ctypes.c_long(fault[1]), ctypes.c_long(fault[2]))
    main(folder, *press)
    print("calls", faults.drawer_calls())


def import_everything() -> None:
    """Import the modules that a press imports when it needs them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "home").mkdir()
        if (child := os.fork()) == 0:
            try:
                main(folder, 2, 0.0, {"durable": "on", "resume": True})
                main(folder, 2, 0.0, {"durable": "on", "resume": True})
                Path(folder, "modules").write_text(json.dumps(list(sys.modules)))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        for name in json.loads(Path(folder, "modules").read_text()):
            if name not in sys.modules:
                importlib.import_module(name)


def serve() -> None:
    """Run what is requested; see the module."""
    import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            output = os.open(f"{request[0]}/output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            code = 1
            try:
                *press_of, fault = request
                with_fault(*press_of, fault=fault) if fault else main(*press_of)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        print("pid", child, flush=True)
        print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
