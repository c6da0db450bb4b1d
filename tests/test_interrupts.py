"""Ctrl-C in plain Python programs: the results they get, and the processes that remain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from drawer_ipy.pressing.interrupts import wait_in_thread

HEAD = """
import asyncio, signal, sys, threading, time
from drawer_ipy import DrawerCancelled, apress, press

DRAWER = '''
buttons:
  deaf: {runtime: bash, code: "trap '' TERM; sleep 60 & wait; sleep 61", args: [x]}
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    parallelism: 4
    steps: [{id: y, button: go, args: {x: "${x}"}}, {id: z, button: BUTTON, args: {x: "${x}"}}]
'''
def go(x):
    if x == LAST: print("going", flush=True)
    return x
async def wait(x):
    if x >= 4: await asyncio.sleep(60)
def block(x):
    if x >= 4: time.sleep(60)
async def block_loop(x):
    if x >= 4: time.sleep(60)

def report(results):
    print([row.status for row in results.ok], results.counts, flush=True)
"""

PRESS = """
try:
    press(DRAWER, {"xs": list(range(400))})
except DrawerCancelled as error:
    report(error.results)
"""

APRESS = """
async def main():
    try:
        await apress(DRAWER, {"xs": list(range(400))})
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
asyncio.run(main())
"""

THREAD = """
got = []
def work():
    try:
        press(DRAWER, {"xs": list(range(400))})
    except DrawerCancelled as error:
        report(error.results)
thread = threading.Thread(target=work)
thread.start()
try:
    thread.join()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    import os
    os._exit(3)
"""


def program(tmp_path: Path, button: str, tail: str) -> subprocess.Popen[str]:
    """Start a program that presses `button`, and wait until it has started the items after the fourth."""
    file = tmp_path / "program.py"
    last = {"deaf": "3", "block_loop": "4"}.get(button, "7")
    file.write_text((HEAD + tail).replace("BUTTON", button).replace("LAST", last), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    return process


def interrupt(process: subprocess.Popen[str], times: int = 1) -> tuple[str, str, float, list[psutil.Process]]:
    """Send SIGINT; return both outputs, the seconds until the end, and the processes that remain."""
    time.sleep(0.3)
    children = psutil.Process(process.pid).children(recursive=True)
    began = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    out, err = process.communicate(timeout=30)
    took = time.monotonic() - began
    _, left = psutil.wait_procs(children, timeout=2)
    return out, err, took, left


@pytest.mark.parametrize("button", ["wait", "block", "deaf"])
def test_the_first_interrupt_of_a_press_returns_finished_items(tmp_path: Path, button: str) -> None:
    out, err, took, left = interrupt(program(tmp_path, button, PRESS))
    ok = 4 if button in ("wait", "block") else 0
    assert out.startswith(f"{['ok'] * ok} {{'ok': {ok}, 'failed': 0, 'cancelled': 4, ")
    assert err == ""
    assert took < 5
    assert left == []


@pytest.mark.parametrize("button", ["deaf", "block_loop"])
def test_a_second_interrupt_raises_and_still_leaves_no_processes(tmp_path: Path, button: str) -> None:
    process = program(tmp_path, button, PRESS)
    out, err, took, left = interrupt(process, times=2)
    assert out == ""
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert took < 5
    assert left == []


@pytest.mark.parametrize("button", ["wait", "deaf"])
def test_an_interrupt_of_asyncio_run_cancels_an_awaited_press(tmp_path: Path, button: str) -> None:
    out, err, took, left = interrupt(program(tmp_path, button, APRESS))
    assert out == "cancelled\n"
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert took < 5
    assert left == []


def test_a_press_in_a_thread_does_not_handle_the_interrupt(tmp_path: Path) -> None:
    process = program(tmp_path, "wait", THREAD)
    out, _, took, _ = interrupt(process)
    assert out == "interrupted\n"
    assert process.returncode == 3
    assert took < 5


def test_a_program_that_exits_ends_the_scripts_of_its_other_threads(tmp_path: Path) -> None:
    tail = THREAD.replace("import os\n    os._exit(3)", "sys.exit(0)").replace("work)", "work, daemon=True)")
    _, _, took, left = interrupt(program(tmp_path, "deaf", tail))
    assert took < 5
    assert left == []


def test_an_existing_handler_is_called_and_restored(tmp_path: Path) -> None:
    tail = f"""
seen = []
def own(*args): seen.append(args)
signal.signal(signal.SIGINT, own)
{PRESS}
print(len(seen), signal.getsignal(signal.SIGINT) is own, flush=True)
"""
    out, err, _, _ = interrupt(program(tmp_path, "wait", tail))
    assert out.splitlines()[-1] == "1 True"
    assert err == ""


def test_an_ignored_interrupt_stays_ignored(tmp_path: Path) -> None:
    process = program(tmp_path, "wait", "signal.signal(signal.SIGINT, signal.SIG_IGN)" + PRESS)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_an_interrupt_just_before_the_wait_is_not_lost() -> None:
    """Python handles signals before a wait and when the wait ends. To simulate a signal in between, another
    thread receives it here, which does not wake the main thread either.
    """
    cancelled = threading.Event()

    def work(over: Any) -> bool:
        time.sleep(0.2)  # the main thread waits by now
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        done.append(cancelled.wait(10))
        return True

    done: list[bool] = []
    wait_in_thread(work, cancelled.set, "test")
    assert done == [True]
