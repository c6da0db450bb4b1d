"""Start a worker process, and end it with its children."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from drawer_ipy.engine.backends.permits import Permits

_BOOT = """
import os, sys
from types import ModuleType
parents = ["drawer_ipy", "drawer_ipy.common", "drawer_ipy.engine", "drawer_ipy.engine.backends"]
for name in parents:  # without their own code: to import drawer_ipy would take much longer
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [os.path.join(sys.argv[1], *name.split(".")[1:])]
from drawer_ipy.engine.backends.worker.main import main
for name in parents:
    del sys.modules[name]
main(*map(int, sys.argv[2:]))
"""

_PACKAGE = str(Path(__file__).parents[2])
"""The folder of drawer_ipy."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started, and what the kernel holds of it.

    Attributes:
        process: the process.
        connection: the kernel's end of the connection to it.
        permits: those of its presses.
        life: a pipe; the process ends when it is closed.
    """

    process: subprocess.Popen[bytes]
    connection: socket.socket
    permits: Permits
    life: int

    def abandon(self) -> None:
        """End the process, which nobody waits for any more, and wait for its end."""
        self.connection.close()
        self.permits.close()
        os.close(self.life)
        self.process.kill()
        self.process.wait()


def spawn() -> Started:
    """Start a process.

    Raises:
        OSError: the system refuses another process.
    """
    here, there = socket.socketpair()
    give, take = socket.socketpair()
    ends_at, life = os.pipe()
    try:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing
        passed = (there.fileno(), take.fileno(), ends_at)
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", _BOOT, _PACKAGE, *map(str, passed)],
            stdin=subprocess.DEVNULL,
            pass_fds=passed,
            start_new_session=True,
        )
    except BaseException:
        for one in (here, give, take):
            one.close()
        os.close(life)
        raise
    finally:
        there.close()
        os.close(ends_at)
    return Started(process, here, Permits(give, take), life)


def kill_group(pid: int) -> None:
    """Kill the process and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
