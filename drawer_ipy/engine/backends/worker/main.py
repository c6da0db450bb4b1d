"""Serve the kernel: receive functions and presses, run one press at a time in the main thread, answer.

It runs without the package drawer_ipy, of which it imports nothing else but ``common.error_parts``, so that a
worker starts in a fraction of the time that the package takes to import.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import sys
import threading
from typing import Any

from drawer_ipy.engine.backends.worker.connection import (
    BEGUN,
    FUNCTION,
    KEY,
    PERMIT,
    PREPARE,
    PRESS_HEAD,
    READY,
    SETUP,
    TELLS_BEGIN,
    UNREAD,
    KernelConnection,
)
from drawer_ipy.engine.backends.worker.failure import described
from drawer_ipy.engine.backends.worker.pickling import loads
from drawer_ipy.engine.backends.worker.pressing import SentFunction, run_press
from drawer_ipy.engine.backends.worker.prints import PrintSender


def main(connection: int, permits: int, life: int) -> None:
    """Serve the kernel until it closes the connection.

    Args:
        connection: the file descriptor of a socket.
        permits: that of another one, which the permits of presses are read from.
        life: that of a pipe which reaches its end when the kernel is gone.
    """
    _end_with(life)
    kernel = KernelConnection(socket.socket(fileno=connection))
    kind, body = kernel.receive()
    setup = pickle.loads(body) if kind == SETUP else {}
    sys.path[:] = setup.get("path", sys.path)
    sys.argv[:] = setup.get("argv", [""])
    try:
        import cloudpickle  # noqa: F401 - functions are unpickled by it; a missing one is reported now
    except ImportError as error:
        kernel.send(UNREAD, str(error).encode())
        return
    prints = PrintSender(kernel)
    sys.stdout, sys.stderr = prints.stream(b"o", 1), prints.stream(b"e", 2)
    _serve(kernel, _Permits(permits), prints)


class _Permits:
    """The permits that the kernel gives, one for each press that has not been withdrawn."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._next = -1

    def take(self, number: int) -> bool:
        """Wait for a permit, and take it if it is for the press `number`; another one is for a later press.

        Raises:
            EOFError: the kernel gives none any more.
        """
        if self._next < 0:
            data = self._socket.recv(PERMIT.size)
            if len(data) < PERMIT.size:
                raise EOFError
            (self._next,) = PERMIT.unpack(data)
        if self._next != number:
            return False
        self._next = -1
        return True


def _serve(kernel: KernelConnection, permits: _Permits, prints: PrintSender) -> None:
    functions: dict[bytes, Any] = {}
    while True:
        kind, body = kernel.receive()
        if not kind:
            return
        if kind == FUNCTION:
            functions[bytes(body[:KEY])] = SentFunction(body[KEY:])
            body = b""
            continue
        if kind == PREPARE:
            for one in functions.values():
                one.load()
            kernel.send(READY)
            continue
        flags, number = PRESS_HEAD.unpack_from(body)
        try:
            if not permits.take(number):
                continue
        except EOFError:
            return
        begin = PRESS_HEAD.size + KEY
        try:
            function = functions[bytes(body[PRESS_HEAD.size : begin])].get()
            args, kwargs = loads(bytes(body[begin:]))
        except BaseException as error:
            kernel.send(UNREAD, described(error).encode("utf-8", "replace"))
            continue
        if flags & TELLS_BEGIN:
            kernel.send(BEGUN)
        kind, answer = run_press(function, args, kwargs)
        function = args = kwargs = None
        body = b""
        prints.end_press()
        kernel.send(kind, answer)
        answer = b""


def _end_with(life: int) -> None:
    """End this process and its children when the other end of the pipe `life` is closed."""
    threading.Thread(target=_wait_for_end, args=(life,), daemon=True).start()
    try:  # Linux: also while C code holds Python's lock, so that the thread cannot run
        import fcntl

        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)  # type: ignore[attr-defined, unused-ignore]
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        pass


def _wait_for_end(life: int) -> None:
    while True:
        try:
            if not os.read(life, 1):
                break
        except OSError:
            break
    os.killpg(os.getpgrp(), signal.SIGKILL)
