"""(l) How many presses the engine keeps going on a backend whose presses only take time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Values
from benchmarks.memory import resident
from benchmarks.report import Answer, Check, Row, Table
from drawer_ipy import press, register_backend
from drawer_ipy.buttons.answer import Answer as Result
from drawer_ipy.buttons.travelling import Work
from drawer_ipy.engine.backends.base import Need

SLOTS = 1_000
SECONDS = 0.1
LEAST_BUSY = 0.9  # of the time that the slots have
LEAST_RATE = 25_000.0  # presses a second of functions that take no time
MOST_ADDED = 300.0  # MB for a million items


class TimersBackend:
    """Presses that take a given time in one of some slots, without computing anything.

    Args:
        slots: most presses at once.
        seconds: how long a press takes.
    """

    name = "timers"
    ends_presses = True

    def __init__(self, slots: int, seconds: float) -> None:
        self.places: int | None = slots
        self.seconds = seconds
        self._free = asyncio.Semaphore(slots)

    def check(self, need: Need) -> None:
        """Accept everything."""

    async def open(self, need: Need) -> None:
        """Nothing is to be started."""

    def has_place(self, *, at_once: bool) -> bool:
        """Whether a slot is free."""
        return not self._free.locked()

    async def ticket(self, *, at_once: bool) -> _Slot:
        """Wait for a slot."""
        await self._free.acquire()
        return _Slot(self.seconds, self._free.release)

    async def aclose(self) -> None:
        """Nothing was started."""


class _Slot:
    where = "a timer"

    def __init__(self, seconds: float, free: Callable[[], None]) -> None:
        self._seconds = seconds
        self.give_back = free

    async def press(
        self,
        work: Work,
        begun: Callable[[], None] | None,
        log: Callable[[str], None] | None,
    ) -> Result:
        """Take the time of a press."""
        if begun is not None:
            begun()
        if self._seconds:
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            timer = loop.call_later(self._seconds, done.set_result, None)
            try:
                await done
            finally:
                timer.cancel()
        return Result(None)


def work(x: int) -> None:
    """Never called: the backend only waits."""


def pressed(items: int, slots: int, seconds: float) -> float:
    """Press that many items; return how long it took, in seconds."""
    loop = {
        "id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "parallelism": slots,
        "backend": "timers",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
    }  # fmt: skip
    drawer = {"inputs": ["xs"], "steps": [loop]}
    with register_backend("timers", lambda _address="": TimersBackend(slots, seconds)):
        began = time.perf_counter()
        results = press(drawer, {"xs": range(items)}, buttons={"work": work}, quiet=True, durable="off")
        took = time.perf_counter() - began
    if results.counts["ok"] != items:
        raise AssertionError(f"{results.counts} of {items}")
    return took


def answer(quick: bool) -> Answer:
    """How busy a thousand slots are, how many presses a second there are, and what a million items need."""
    found = Answer("l", f"{SLOTS:,} presses at once on a backend of timers")
    rounds = 1 if quick else 3
    items = 2 * SLOTS if quick else 50 * SLOTS
    shortest = items * SECONDS / SLOTS
    busy = Values(tuple(shortest / pressed(items, SLOTS, SECONDS) for _ in range(rounds)))
    many = 5_000 if quick else 200_000
    rate = Values(tuple(many / pressed(many, SLOTS, 0.0) for _ in range(rounds)))
    million = 10_000 if quick else 1_000_000
    found.tables += [
        Table(
            f"{items:,} presses of {SECONDS * 1e3:.0f} ms", "of the time of the slots", [Row("ours", busy)]
        ),
        Table(f"{many:,} presses that take no time", "presses a second", [Row("ours", rate)]),
    ]
    added = _added(million)
    found.notes.append(f"{million:,} items add {added:.0f} MB to the memory of the process at its peak")
    found.checks += [
        Check("idle slots", 1 - busy.median, 1 - LEAST_BUSY),
        Check(f"{LEAST_RATE:,.0f} presses a second / ours", LEAST_RATE / rate.median, 1.0),
        Check(f"memory for {million:,} items", added, MOST_ADDED, "MB"),
    ]
    return found


def _added(items: int) -> float:
    """How much the memory of a process of its own grows at most, in MB."""
    code = f"from benchmarks.timers import grown; print(grown({items}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def grown(items: int) -> float:
    """How much the memory of this process grows at most while it presses that many items, in MB."""
    pressed(1_000, SLOTS, 0.0)
    before = resident("VmRSS")
    pressed(items, SLOTS, 0.0)
    return (resident("VmHWM") - before) / 1e6
