"""Functions that write down that they ran. Worker processes import this module, so it imports little."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


class Ledger:
    """A file to which functions in any process append lines."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def add(self, *words: Any) -> None:
        """Append one line; the line is written whole, whatever happens to the process afterwards."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, (" ".join(map(str, words)) + "\n").encode())
        finally:
            os.close(file)

    def lines(self) -> list[list[str]]:
        """The lines so far, in words."""
        try:
            return [line.split() for line in Path(self.path).read_text().splitlines()]
        except FileNotFoundError:
            return []


class Journey:
    """A button that writes down when it begins and ends, and fails if its item says so."""

    def __init__(self, path: Path) -> None:
        self.ledger = Ledger(path)

    def __call__(self, x: tuple[int, int, bool]) -> int:
        number, ticks, fails = x
        began = time.monotonic()
        time.sleep(ticks * 0.0005)
        self.ledger.add(number, began, time.monotonic())
        if fails:
            raise ValueError(f"item {number}")
        return number * 10

    @property
    def most(self) -> int:
        """The most presses that ran at once."""
        marks = []
        for _, began, ended in self.ledger.lines():
            marks += [(float(began), 1), (float(ended), -1)]
        now = most = 0
        for _, change in sorted(marks):
            now += change
            most = max(most, now)
        return most

    @property
    def pressed(self) -> list[int]:
        """The numbers of the items that were pressed."""
        return sorted(int(line[0]) for line in self.ledger.lines())


def die(x: str) -> str:
    """End this process in the way that `x` says, or return `x`."""
    if x == "exit":
        os._exit(3)
    if x == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if x == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if x == "group":
        os.killpg(0, signal.SIGKILL)
    if x == "closes":
        os.closerange(3, 1000)
    return x
