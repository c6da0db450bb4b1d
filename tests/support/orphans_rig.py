"""Programs that run scripts and are killed, and what they leave behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PROGRAM = """
import os, sys
from drawer_ipy import press
seconds, ledger, durable, count = sys.argv[1:5]
code = f"sleep {seconds} & echo $$ >> {ledger}; sleep {seconds}; echo done"
drawer = {"name": "orphans", "buttons": {"work": {"runtime": "sh", "code": code}}, "steps": [
    {"id": "each", "kind": "for_each", "over": list(range(int(count))), "as": "x", "parallelism": 3,
     "steps": [{"id": "work", "button": "work", "timeout_seconds": 600}]}]}
press(drawer, durable=durable, resume="resume" in sys.argv, quiet="loud" not in sys.argv)
"""


def start(
    ledger: Path, seconds: float = 60, durable: str = "off", count: int = 3, *words: str
) -> subprocess.Popen[str]:
    """Start a program whose scripts write their process ids to `ledger` and sleep."""
    command = [sys.executable, "-c", PROGRAM, str(seconds), str(ledger), durable, str(count), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def groups(ledger: Path, count: int = 3) -> list[int]:
    """Wait until `count` scripts have started, and return their process groups."""
    assert until(lambda: ledger.exists() and len(ledger.read_text().split()) >= count)
    time.sleep(0.2)
    return [int(word) for word in ledger.read_text().split()]


def members(group: int) -> list[psutil.Process]:
    """The living processes of a group."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def watchdogs_of(pid: int) -> list[psutil.Process]:
    """The watchdogs that read a pipe of a process."""
    pipes = set()
    with contextlib.suppress(OSError):
        pipes = {os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_one = process.cmdline()[-1:] == ["drawer-watchdog"]
            if is_one and os.readlink(f"/proc/{process.pid}/fd/0") in pipes:
                found.append(process)
    return found


def until(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until `is_so`; return whether it is."""
    end = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < end:
        time.sleep(0.02)
    return found
