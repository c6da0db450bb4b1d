"""What the tests inherit and must not depend on, and what they must not leave behind.

A program that ``nohup``, a background job of a script or a CI runner starts ignores some signals, and so does
every program that it starts. Whatever the tests start is ended when they are over, however they end.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence

import psutil

MARK = "DRAWER_TESTS"
"""Environment variable by which everything that the tests started is found."""

_NOHUP = "DRAWER_TESTS_NOHUP"
_SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGTSTP")
# Python itself ignores SIGPIPE, and subprocess undoes that.

_GRACE = 2.0
"""Seconds that a program has between SIGTERM and SIGKILL."""


def reset_signals() -> None:
    """Let programs that are started from now on meet every signal as if they were started by hand.

    SIGHUP goes on being ignored here and in the workers of xdist, as ``nohup`` wants it: a program that is
    started does not inherit a handler.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        os.environ[_NOHUP] = "1"
    if _NOHUP in os.environ:
        signal.signal(signal.SIGHUP, lambda number, frame: None)
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def mark(worker: str = "") -> str:
    """Mark everything that this process starts from now on; gives the mark."""
    outer = os.environ.get(MARK, "")
    own = worker or secrets.token_hex(8)
    os.environ[MARK] = f"{outer}/{own}" if outer else own
    return os.environ[MARK]


def marked(value: str) -> list[psutil.Process]:
    """Programs that were started with that mark, or by a program that put its own behind it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            its = process.environ().get(MARK, "")
            if its == value or its.startswith(f"{value}/"):
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process]) -> None:
    """End `processes`, by force where they do not listen."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, deaf = psutil.wait_procs(processes, timeout=_GRACE)
    for process in deaf:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(deaf, timeout=_GRACE)


def clean_up_after(value: str) -> None:
    """Have all that has the mark `value` ended when this process is gone, were it by SIGKILL.

    The program that does it notices by a pipe whose other end this process leaves open. It is nobody's child:
    tests count those.
    """
    environment = {name: text for name, text in os.environ.items() if name != MARK}
    reading, _ = os.pipe()
    subprocess.run(
        [sys.executable, __file__, value],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
        check=True,
    )
    os.close(reading)


def _wait_and_end(value: str) -> None:
    for name in _SIGNALS[:6]:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.stdin.buffer.read()
    while left := marked(value):
        end(left)


if __name__ == "__main__":
    if os.fork() == 0:
        _wait_and_end(sys.argv[1])
