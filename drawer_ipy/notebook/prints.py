"""The output of a background run's buttons, separated from the output of other cells."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

_LINES = 500
_LENGTH = 2_000

_log: ContextVar[Log | None] = ContextVar("drawer_log", default=None)


class Log:
    """The last lines of one run; any thread may write to it.

    Args:
        keep: the most lines to keep.

    Attributes:
        dropped: the number of lines that were dropped.
        hide: redacts secrets in a line.
    """

    def __init__(self, keep: int = _LINES) -> None:
        self.dropped: int = 0
        self.hide: Callable[[str], str] = str
        self._kept: deque[str] = deque(maxlen=keep)
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Add `text`; a line is complete when its end of line is written."""
        with self._lock:
            *lines, rest = (self._rest + text).split("\n")
            if len(rest) > _LENGTH:  # a line that never ends must not grow without limit
                rest = self.hide(rest)[-_LENGTH:]  # first, since half a secret would not be found
            self._rest = rest
            self._add(lines)

    def line(self, text: str) -> None:
        """Add a complete line."""
        with self._lock:
            self._add([text])

    def _add(self, lines: Iterable[str]) -> None:
        for line in lines:
            if len(self._kept) == self._kept.maxlen:
                self.dropped += 1
            shown = self.hide(line)
            self._kept.append(shown if len(shown) <= _LENGTH else shown[: _LENGTH - 1] + "…")

    @property
    def lines(self) -> list[str]:
        """The kept lines, oldest first, including a last incomplete line."""
        with self._lock:
            return [*self._kept, self.hide(self._rest)] if self._rest else list(self._kept)

    def bind(self) -> None:
        """Collect everything that is printed in the current context and its copies."""
        _log.set(self)


class Prints:
    """Wraps stdout and stderr while there are background runs.

    Output goes to the log of the context in which it is printed, or else to the original stream.
    """

    def __init__(self) -> None:
        self._users = 0
        self._lock = threading.Lock()
        self._put: dict[str, _Parted] = {}

    def begin(self) -> None:
        """Wrap the streams; called once per run."""
        with self._lock:
            self._users += 1
            for name in ("stdout", "stderr") if self._users == 1 else ():
                self._put[name] = parted = _Parted(getattr(sys, name))
                setattr(sys, name, parted)

    def end(self) -> None:
        """Unwrap the streams when the last run has ended; a stream that other code has set stays."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for name, parted in self._put.items():
                if getattr(sys, name) is parted:
                    setattr(sys, name, parted.behind)
            self._put.clear()


class _Parted:
    """A stream that distributes output by context; everything else is delegated to the stream behind it."""

    def __init__(self, behind: Any) -> None:
        self.behind = behind

    def write(self, text: str) -> Any:
        """Write to the context's log, or else to the stream behind."""
        log = _log.get()
        if log is None:
            return self.behind.write(text)
        log.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)
