"""The stdout and stderr of a worker, which are sent to the kernel line by line."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

from drawer_ipy.engine.backends.worker.connection import PRINTED, KernelConnection

_GATHER = 0.05
"""Seconds for which prints may be gathered into one message."""

_LONGEST = 64 * 1024
"""Most characters of a line."""


class PrintSender:
    """Sends what is printed, in whole lines and soon after it was printed."""

    def __init__(self, kernel: KernelConnection) -> None:
        self._kernel = kernel
        self._lock = threading.RLock()
        self._streams: list[_SentStream] = []
        self._waiting: list[tuple[bytes, str]] = []
        self._sent_at = 0.0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def stream(self, name: bytes, descriptor: int) -> Any:
        made = _SentStream(self, name, descriptor)
        self._streams.append(made)
        return made

    def add(self, name: bytes, lines: str) -> None:
        """Send `lines` now, or a moment later together with others."""
        with self._lock:
            self._waiting.append((name, lines))
            if time.monotonic() - self._sent_at >= _GATHER:
                self._send()
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_later, daemon=True)
                self._thread.start()
        self._wake.set()

    def end_press(self) -> None:
        """Send everything, incomplete lines too."""
        with self._lock:
            for stream in self._streams:
                stream.complete()
            self._send()

    def _send(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            for name, lines in waiting:
                self._kernel.send(PRINTED, name + lines.encode("utf-8", "replace"))
            self._sent_at = time.monotonic()

    def _send_later(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            time.sleep(_GATHER)
            self._send()


class _SentStream(io.TextIOBase):
    """The stdout or stderr of presses."""

    def __init__(self, prints: PrintSender, name: bytes, descriptor: int) -> None:
        self._prints, self._name, self._descriptor = prints, name, descriptor
        self._rest = ""
        self._lock = threading.RLock()
        self.buffer = _SentBytes(self)

    encoding = "utf-8"
    errors = "replace"

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            whole, end, rest = (self._rest + text).rpartition("\n")
            if len(rest) > _LONGEST:
                whole, end, rest = whole + end + rest, "\n", ""
            self._rest = rest
            if end:
                self._prints.add(self._name, whole)
        return len(text)

    def complete(self) -> None:
        """Send an incomplete line."""
        with self._lock:
            rest, self._rest = self._rest, ""
            if rest:
                self._prints.add(self._name, rest)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor


class _SentBytes(io.RawIOBase):
    """The binary side of a stream."""

    def __init__(self, stream: _SentStream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def writable(self) -> bool:
        return True
