"""The stdin of scripts: values as bytes, and a pipe that is written without blocking."""

from __future__ import annotations

import os
import select
from typing import Any

from drawer_ipy.buttons.arguments import Bytes, to_text, unsendable
from drawer_ipy.buttons.script.child import ScriptChild
from drawer_ipy.buttons.script.watch import Watch

_CHUNK = 256 * 1024


def stdin_bytes(value: Any) -> bytes:
    """Return `value` as bytes for stdin: bytes unchanged, text as UTF-8, null as nothing, the rest as JSON.

    Raises:
        ArgumentError: it has no form in JSON, or is text that UTF-8 cannot encode.
    """
    if value is None:
        return b""
    if isinstance(value, Bytes):
        return bytes(value)
    text = to_text(value, "stdin")
    try:
        # File names that are not UTF-8 are text of this form; the script gets their original bytes.
        return text.encode("utf-8", errors="surrogateescape")
    except UnicodeEncodeError as error:
        strange = error.object[error.start]
        raise unsendable(value, "stdin", f"contains {strange!r}, half of a surrogate pair") from None


class Feed:
    """Write bytes to a child's stdin whenever the pipe has room; a child that reads nothing does not block.

    Args:
        child: a process with a pipe as its stdin.
        data: all bytes to write.
        watch: watches the pipe.

    Attributes:
        fd: the descriptor of the pipe; -1 once it is closed.
    """

    __slots__ = ("_child", "_left", "_watch", "fd")

    def __init__(self, child: ScriptChild, data: bytes, watch: Watch) -> None:
        assert child.stdin is not None
        self._child = child
        self._left = memoryview(data)
        self._watch = watch
        self.fd: int = child.stdin
        os.set_blocking(self.fd, False)
        watch.register(self.fd, select.POLLOUT)

    def write(self) -> None:
        """Write as much as fits; close the pipe after the last byte, or when the child has closed it."""
        try:
            self._left = self._left[os.write(self.fd, self._left[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:  # the script has closed its stdin or ended, so it needs no more
            self._left = self._left[:0]
        if not self._left:
            self.close()

    def close(self) -> None:
        """Close the pipe."""
        if self.fd >= 0:
            self._watch.unregister(self.fd)
            self.fd = -1
            self._child.close_stdin()
