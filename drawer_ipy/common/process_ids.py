"""Which process, machine and start of the machine is meant: numbers alone are used again."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessPlace:
    """Where a process runs.

    Attributes:
        host: the machine's name.
        machine: the id of its installation; ``""`` if it has none.
        boot: the id of the machine's current start; ``""`` if the system does not have one.
        space: what process ids are relative to; containers have their own.
    """

    host: str
    machine: str
    boot: str
    space: str

    @property
    def is_here(self) -> bool:
        """Whether process ids of that place can be looked up by this process."""
        return self == here()

    @property
    def is_same_start(self) -> bool:
        """Whether it is this machine since its last start, perhaps in another container."""
        now = here()
        return bool(self.boot) and self.boot == now.boot

    @property
    def is_earlier_start(self) -> bool:
        """Whether it is this machine before its last start, so that all its processes have ended."""
        now = here()
        same = bool(self.machine) and (self.host, self.machine) == (now.host, now.machine)
        return same and bool(self.boot) and bool(now.boot) and self.boot != now.boot


def here() -> ProcessPlace:
    """Return where this process runs."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return ProcessPlace(
        socket.gethostname(), _text("/etc/machine-id"), _text("/proc/sys/kernel/random/boot_id"), space
    )


@cache
def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()[:100]
    except OSError:
        return ""


def start_ticks() -> int:
    """Return the moment by the clock that Linux counts starts of processes with; 0 on other systems."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0 if clock is None else time.clock_gettime_ns(clock) * os.sysconf("SC_CLK_TCK") // 1_000_000_000


def start_of(pid: int) -> str:
    """Return when a process started, as a text that differs for each process that gets the same number.

    Returns:
        The text; ``""`` if no such process runs, or the system does not say (only Linux does).
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    fields = text[text.rfind(b")") + 1 :].split()  # the program's name before it may contain anything
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return ""
    return fields[19].decode("ascii", errors="replace")


def pidfd(pid: int) -> int | None:
    """Return a descriptor that is readable once the process has ended; ``None`` where there is none.

    Only Linux has them, and not in every sandbox.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
