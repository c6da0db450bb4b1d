"""Kill processes that press a drawer, at chosen moments, and compare what is on disk with the ledger."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from kill_ledger import Ledger
from killed_run import first_of

from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.folder import files, glance, has_press
from drawer_ipy.journal.reader import read_run
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.record.loop import OK

KILLS = int(os.environ.get("DRAWER_KILLS", "0"))
"""The number of kills of processes, and of kernels; 0 for the few of the usual tests."""

LOSS = 0.3
"""Most seconds of work that a kill may lose."""

SLACK = float(os.environ.get("DRAWER_KILLS_SLACK", "1.0"))
"""Seconds added to :data:`LOSS`, since the writer may have to wait for a processor of a busy machine."""


@dataclass
class Figures:
    """What was found in all kills so far.

    Attributes:
        kills: the number of kills.
        unstored: kills at which nothing was on disk yet.
        hot: kills that left a transaction half written.
        again: items that were pressed again although they were ok on disk.
        wrong: rows on disk with another value than was made, or that a later press has lost.
        unopened: files that could not be read.
        loss: most seconds from the end of an item that was lost to the kill.
    """

    kills: int = 0
    unstored: int = 0
    hot: int = 0
    again: int = 0
    wrong: int = 0
    unopened: int = 0
    loss: float = 0.0
    losses: list[float] = field(default_factory=list)

    def said(self) -> str:
        """Return the figures as text."""
        late = sum(loss > LOSS for loss in self.losses)
        return (
            f"{self.kills} kills: {self.again} pressed again, {self.wrong} wrong, {self.unopened} unopened; "
            f"lost at most {self.loss:.2f} s, in the median {median([*self.losses, 0.0]):.2f} s, "
            f"{late} times more than {LOSS} s; {self.hot} while a transaction was written, "
            f"{self.unstored} before anything was stored"
        )

    def check(self) -> None:
        """Check that nothing was lost beyond the limits."""
        assert (self.again, self.wrong, self.unopened) == (0, 0, 0), self
        assert self.loss < LOSS + SLACK, self


class KilledRuns:
    """The runs of one folder, and what is known of them.

    Args:
        folder: a folder with a workspace ``home``, a ``cache`` and a ``ledger``.
        count: the number of items.
        figures: where to count.
    """

    def __init__(self, folder: Path, count: int, figures: Figures) -> None:
        (folder / "home").mkdir(exist_ok=True)
        self.folder = folder
        self.count = count
        self.figures = figures
        self.ledger = Ledger(folder / "ledger", count + 1)
        self._file: Path | None = None
        self._kept: set[int] = set()
        self._began = 0.0
        self._begun: list[int] = []

    @property
    def file(self) -> Path | None:
        """The file of the run, ``None`` if there is none."""
        if self._file is None:
            self._file = next(iter(files(self.folder / "home" / "runs")), None)
        return self._file

    def is_in_transaction(self) -> bool:
        """Whether a transaction is being written."""
        with contextlib.suppress(OSError):
            return self.file is not None and os.stat(f"{self.file}-journal").st_size > 0
        return False

    def before_press(self) -> None:
        """Take note of what has been pressed."""
        self._file = None
        self._began = time.monotonic()
        self._begun = self.ledger.begun()

    def after_kill(self, killed: float, unstored: float = 0.0) -> None:
        """Compare the disk with the ledger.

        Args:
            killed: when the process was killed, in seconds of the monotonic clock.
            unstored: until when nothing was to be stored.
        """
        self.figures.kills += 1
        self.figures.hot += self.is_in_transaction()
        self.after_press()
        kept = self._read()
        if not kept and (self.file is None or not has_press(self.file)):
            self.figures.unstored += 1
        if not kept and killed < unstored:  # perhaps the press is stored, but no items yet
            return
        ended = self.ledger.ended()
        self.figures.wrong += len(kept - ended.keys())
        self.figures.wrong += len(self._kept - kept)  # what was on disk before is there still
        lost = [
            killed - at
            for item, at in ended.items()
            if item not in kept and item != self.count and at >= self._began
        ]
        self.figures.losses.append(max(lost, default=0.0))
        self.figures.loss = max([self.figures.loss, *lost])
        self._kept = kept

    def after_fault(self) -> None:
        """Read what a press has stored whose disk failed."""
        self.after_press()
        self._file = None
        self._kept = self._read()

    def after_press(self) -> None:
        """Check that what was ok on disk before the press was not pressed again."""
        begun = self.ledger.begun()
        self.figures.again += sum(begun[item] > self._begun[item] for item in self._kept)

    def _read(self) -> set[int]:
        """Return the items that are ok on disk, and count wrong values."""
        path = self.file
        if path is None:
            return set()
        try:
            if not has_press(path):
                return set()
            glance(path)
            record = read_run(path, private_key(self.folder / "cache" / "drawer_ipy"))[-1].record
        except JournalTrouble:
            self.figures.unopened += 1
            return set()
        loops = [step.output.record for step in record.steps if step.id == "each"]
        if not loops:
            return set()
        (loop,) = loops
        kept = {index for index, state in enumerate(loop.states) if state == OK}
        outputs = {column.id: column.outputs for column in loop.columns}
        for index in kept:
            right = (first_of(index), index * index) == (outputs["first"][index], outputs["second"][index])
            self.figures.wrong += not right
        return kept


class Server:
    """The program ``killed_run.py``, which starts a process for each press.

    Args:
        preload: a library that is loaded into the processes.
    """

    def __init__(self, preload: Path | None = None) -> None:
        program = Path(__file__).parent / "killed_run.py"
        environment = {**os.environ, **({} if preload is None else {"LD_PRELOAD": str(preload)})}
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._pid = 0

    def start(
        self,
        folder: Path,
        count: int,
        seconds: float,
        fault: tuple[int, int, int] | None = None,
        **options: Any,
    ) -> int:
        """Start a press and return the number of its process.

        Args:
            fault: the kind of a fault of the disk, its first call and the number of calls.
            options: the options of the press.
        """
        assert self._process.stdin is not None
        if self._pid:  # of a test that failed
            self.kill()
            self.wait()
        self._process.stdin.write(json.dumps([str(folder), count, seconds, options, fault]) + "\n")
        self._process.stdin.flush()
        self._pid = self._number("pid")
        return self._pid

    def send(self, number: int) -> None:
        """Send a signal to the process that was started last."""
        assert self._pid > 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def kill(self) -> float:
        """Kill the process that was started last; return the time, in seconds of the monotonic clock."""
        killed = time.monotonic()
        self.send(signal.SIGKILL)
        return killed

    def wait(self) -> int:
        """Wait for the end of the press that was started last, and return its exit code."""
        code = self._number("code")
        self._pid = 0
        return code

    def _number(self, kind: str) -> int:
        assert self._process.stdout is not None
        found, number = self._process.stdout.readline().split()
        assert found == kind
        return int(number)

    def close(self) -> None:
        """End the program."""
        with self._process:
            if self._pid:
                self.kill()
            assert self._process.stdin is not None
            self._process.stdin.close()


Moment = Callable[[KilledRuns, Server, random.Random], None]
"""Waits until it is time to kill the process of a server; it may stop the process."""


def soon(_runs: KilledRuns, _server: Server, chance: random.Random) -> None:
    """At a random moment of the first seconds, or while a stored run is read."""
    time.sleep(chance.choice([0.05, 0.4, 2.4]) * chance.random())


def midway(runs: KilledRuns, _server: Server, chance: random.Random) -> None:
    """After a random number of items."""
    more = runs.ledger.total + chance.randint(1, runs.count // 4)
    until = time.monotonic() + 1.0
    while runs.ledger.total < more and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(0.2 * chance.random())


def writing(runs: KilledRuns, server: Server, chance: random.Random) -> None:
    """While a transaction is half written."""
    midway(runs, server, chance)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        if runs.is_in_transaction():
            server.send(signal.SIGSTOP)
            if runs.is_in_transaction():
                return
            server.send(signal.SIGCONT)


MOMENTS: tuple[Moment, ...] = (soon, midway, writing)


def chain(server: Server, runs: KilledRuns, chance: random.Random, kills: int) -> Iterator[float]:
    """Press, kill and resume a run `kills` times, then to its end; yield the time of each kill."""
    moments = [*MOMENTS, *chance.choices(MOMENTS, k=kills)][:kills]
    chance.shuffle(moments)
    for moment in moments:
        runs.before_press()
        server.start(runs.folder, runs.count, 0.01, durable="on", resume=True)
        moment(runs, server, chance)
        killed = server.kill()
        code = server.wait()
        if code == 0:
            break
        assert code == -signal.SIGKILL, (runs.folder / "output").read_text()
        yield killed
    runs.before_press()
    server.start(runs.folder, runs.count, 0.0, durable="on", resume=True)
    assert server.wait() == 0, (runs.folder / "output").read_text()
    runs.after_press()
