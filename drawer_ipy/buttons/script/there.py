"""A script that a worker of a backend runs. It is sent by value, so it uses the standard library only."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

Ended = tuple[int | str, bytes, bytes, str]
"""The exit code (negative for a signal), or :data:`NO_PROGRAM` or :data:`NOT_STARTED`; the bytes of stdout
and stderr, one more than the limit if there were more; the missing program, or why it did not start."""

NO_PROGRAM, NOT_STARTED = "no program", "not started"

INLINE_LIMIT = 100_000
"""Maximum size in bytes of a script on the command line; Linux allows 128 KiB for one argument."""

_POLL = 0.05
"""Seconds between two moments at which an exception can end the press."""

_LAST_WORDS = 0.3
"""Seconds that the rest of a group may continue to write after its leader has exited."""

_GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL."""


class ScriptThere:
    """Runs one script with the worker's interpreter, environment and working folder.

    Args:
        program: the interpreter, looked up on the worker's PATH; ``""`` for the worker's own Python.
        flag: the option that takes the text of a script.
        suffix: the suffix of script files.
        code: the text.
        name: the name that a shell uses in its messages.
        limit: maximum bytes of stdout and of stderr; a script that writes more is ended.
    """

    def __init__(self, program: str, flag: str, suffix: str, code: bytes, name: str, limit: int) -> None:
        self._program, self._flag, self._suffix = program, flag, suffix
        self._code, self._name, self._limit = code, name, limit

    def __call__(self, variables: Mapping[str, str], stdin: bytes, prints: bool) -> Ended:
        """Run the script.

        Args:
            variables: environment variables to add to the worker's.
            prints: whether to print what it writes to stderr, line by line.
        """
        program = shutil.which(self._program) if self._program else sys.executable
        if program is None:
            return NO_PROGRAM, b"", b"", self._program
        try:
            return self._run(program, variables, stdin, prints)
        except (OSError, ValueError) as error:
            return NOT_STARTED, b"", b"", str(error)

    def _run(self, program: str, variables: Mapping[str, str], stdin: bytes, prints: bool) -> Ended:
        with tempfile.TemporaryDirectory(prefix="drawer-") as folder:
            argv = self._command(program, folder)
            # A worker that leads its group is ended with its group; another one has to end the script's.
            is_apart = os.getpgrp() != os.getpid()
            child = subprocess.Popen(
                argv,
                env={**os.environ, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=is_apart,
            )
            try:
                return (*_watched(child, stdin, self._limit, prints), "")
            finally:
                _end(child, is_apart)

    def _command(self, program: str, folder: str) -> list[str]:
        if len(self._code) < INLINE_LIMIT:
            shell = [self._name] if self._suffix == ".sh" else []
            return [program, self._flag, os.fsdecode(self._code), *shell]
        path = os.path.join(folder, f"main{self._suffix}")
        with open(path, "wb") as file:
            file.write(self._code)
        return [program, path]


def _watched(child: Any, stdin: bytes, limit: int, prints: bool) -> tuple[int, bytes, bytes]:
    threading.Thread(target=_write, args=(child.stdin, stdin), daemon=True).start()
    kept, rest = {"o": bytearray(), "e": bytearray()}, b""
    for name, chunk in _chunks(child):
        kept[name] += chunk[: limit + 1 - len(kept[name])]
        if len(kept[name]) > limit:
            break
        if prints and name == "e":
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                print(_decoded(line), file=sys.stderr)
    if rest:
        print(_decoded(rest), file=sys.stderr)
    return child.poll() or 0, bytes(kept["o"]), bytes(kept["e"])


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _chunks(child: Any) -> Iterator[tuple[str, bytes]]:
    """Yield what the script writes, until it and its streams have ended."""
    chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    for name, stream in (("o", child.stdout), ("e", child.stderr)):
        threading.Thread(target=_read, args=(name, stream, chunks), daemon=True).start()
    are_open, until = 2, float("inf")
    while are_open and time.monotonic() < until:
        try:
            name, chunk = chunks.get(timeout=_POLL)
        except queue.Empty:
            # What it has started may hold its streams open.
            if until == float("inf") and child.poll() is not None:
                until = time.monotonic() + _LAST_WORDS
            continue
        are_open -= not chunk
        yield name, chunk
    while child.poll() is None:  # it has closed its streams and still runs
        time.sleep(_POLL)


def _read(name: str, stream: Any, chunks: Any) -> None:
    try:
        while chunk := stream.read1(1 << 16):
            chunks.put((name, chunk))
    except (OSError, ValueError):  # closed
        pass
    chunks.put((name, b""))


def _write(stream: Any, data: bytes) -> None:
    try:
        stream.write(data)
        stream.close()
    except (OSError, ValueError):  # the script does not read it
        pass


def _end(child: Any, is_apart: bool) -> None:
    """End the script, and with a group of its own everything that it has started."""
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number) if is_apart else child.send_signal(number)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        if is_apart:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        return
