"""The messages between the kernel and a worker: a header with the kind and the length, and a body."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

HEADER = struct.Struct("<BQ")
LENGTH = struct.Struct("<I")
LENGTH_BYTES = 4
PERMIT = struct.Struct("<Q")
"""The number of a press that may begin."""
PRESS_HEAD = struct.Struct("<BQ")
"""The flags and the number of a press, before the key of its function and its arguments."""
KEY = 16
"""Bytes of the key of a function."""

# From the kernel.
SETUP, FUNCTION, PRESS, PREPARE = 1, 2, 3, 4
# To the kernel. UNREAD: the function or its arguments cannot be loaded. UNSENT: the result cannot be sent.
READY, BEGUN, PRINTED, DONE, FAILED, UNREAD, UNSENT = 10, 11, 12, 13, 14, 15, 16

TELLS_BEGIN = 1
"""The flag of a press whose beginning the kernel wants to know."""


class KernelConnection:
    """The connection to the kernel; several threads may send."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._rest = bytearray()

    def send(self, kind: int, body: bytes = b"") -> None:
        header = HEADER.pack(kind, len(body))
        with self._lock:
            if len(body) < 65536:
                self._socket.sendall(header + body)
            else:
                self._socket.sendall(header)
                self._socket.sendall(body)

    def receive(self) -> tuple[int, Any]:
        """Return the kind and the body of the next message; ``(0, b"")`` after the last."""
        head = self._exactly(HEADER.size)
        if head is None:
            return 0, b""
        kind, length = HEADER.unpack(head)
        body = self._exactly(length)
        return (0, b"") if body is None else (kind, memoryview(body))

    def _exactly(self, length: int) -> bytearray | None:
        rest = self._rest
        if len(rest) < length:
            if length > 1 << 20:
                return self._long(length)
            while len(rest) < length:
                data = self._socket.recv(1 << 16)
                if not data:
                    return None
                rest += data
        found = rest[:length]
        del rest[:length]
        return found

    def _long(self, length: int) -> bytearray | None:
        found = bytearray(length)
        filled = len(self._rest)
        found[:filled] = self._rest
        self._rest.clear()
        view = memoryview(found)
        while filled < length:
            got = self._socket.recv_into(view[filled:])
            if not got:
                return None
            filled += got
        return found
