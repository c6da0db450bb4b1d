"""Make the tests independent of the signals that they inherit, and end all programs that they start.

A program that ``nohup``, a background job of a script or a CI runner starts ignores some signals, and so does
every program that it starts. Programs that the tests start end with the tests, even after a SIGKILL.
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
"""The environment variable that marks every program that the tests start."""

_NOHUP = "DRAWER_TESTS_NOHUP"
_SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGTSTP")
# Python itself ignores SIGPIPE, and subprocess undoes that.

_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def reset_signals() -> None:
    """Give programs that are started from now on the default handling of every signal.

    SIGHUP is still ignored here and in the workers of xdist, as ``nohup`` wants it, but by a handler, which
    programs that are started do not inherit.
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
    """Mark every program that this process starts from now on, and return the mark."""
    outer = os.environ.get(MARK, "")
    own = worker or secrets.token_hex(8)
    os.environ[MARK] = f"{outer}/{own}" if outer else own
    return os.environ[MARK]


def marked(value: str) -> list[psutil.Process]:
    """Programs that were started with that mark, or by a program that added its own mark to it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            its = process.environ().get(MARK, "")
            if its == value or its.startswith(f"{value}/"):
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process]) -> None:
    """End `processes`, with SIGKILL if SIGTERM does not end them."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, deaf = psutil.wait_procs(processes, timeout=_GRACE)
    for process in deaf:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(deaf, timeout=_GRACE)


def clean_up_after(value: str) -> None:
    """Start a program that ends all programs with the mark `value` when this process has ended in any way.

    That program waits on a pipe whose other end this process holds open. It is not a child of this process,
    because tests count the children.
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
