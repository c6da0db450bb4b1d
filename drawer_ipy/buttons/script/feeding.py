"""What a script reads: values as bytes for its stdin, and the pipe that takes them without waiting for it."""

from __future__ import annotations

import os
import select
import subprocess
from typing import Any

from drawer_ipy.buttons.arguments import Bytes, to_text, unsendable

_CHUNK = 256 * 1024


def stdin_bytes(value: Any) -> bytes:
    """`value` as a script reads it: bytes as they are, text in UTF-8, null as nothing, the rest as JSON.

    Raises:
        ArgumentError: it is nothing JSON could hold, or text that UTF-8 has no bytes for.
    """
    if value is None:
        return b""
    if isinstance(value, Bytes):
        return bytes(value)
    text = to_text(value, "stdin")
    try:
        # Names of files that are no UTF-8 are text of this form; they reach a script as the bytes they are.
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError as error:
        strange = error.object[error.start]
        raise unsendable(value, "stdin", f"holds {strange!r}, half of a surrogate pair") from None


class Feed:
    """Writes bytes to a child's stdin whenever it has room; one that reads nothing stops nobody.

    Args:
        child: with a pipe as its stdin.
        data: all it is to read.
        poller: is told when the pipe is to be watched.

    Attributes:
        fd: of the pipe; -1 when it is closed.
    """

    __slots__ = ("_left", "_pipe", "_poller", "fd")

    def __init__(self, child: subprocess.Popen[bytes], data: bytes, poller: select.poll) -> None:
        assert child.stdin is not None
        self._pipe = child.stdin
        self._left = memoryview(data)
        self._poller = poller
        self.fd = self._pipe.fileno()
        os.set_blocking(self.fd, False)
        poller.register(self.fd, select.POLLOUT)

    def write(self) -> None:
        """Write what there is room for; the pipe is closed after the last byte, or when nobody reads it."""
        try:
            self._left = self._left[os.write(self.fd, self._left[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # the script has closed it, or is gone: it has read what it wanted
            self._left = self._left[:0]
        if not self._left:
            self.close()

    def close(self) -> None:
        """Close the pipe."""
        if self.fd >= 0:
            self._poller.unregister(self.fd)
            self.fd = -1
            self._pipe.close()
