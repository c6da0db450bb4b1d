"""What the buttons of a background run print, kept apart from what other cells print meanwhile."""

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
    """The last lines of one run; written to from any thread.

    Args:
        keep: lines that are kept.

    Attributes:
        dropped: lines that are no longer kept.
        hide: takes secrets out of a line.
    """

    def __init__(self, keep: int = _LINES) -> None:
        self.dropped = 0
        self.hide: Callable[[str], str] = str
        self._kept: deque[str] = deque(maxlen=keep)
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Take `text`; a line is complete at its end of line."""
        with self._lock:
            *lines, rest = (self._rest + text).split("\n")
            if len(rest) > _LENGTH:  # something that never ends its line must not grow for ever
                rest = self.hide(rest)[-_LENGTH:]  # no secret is known by its second half
            self._rest = rest
            self._add(lines)

    def line(self, text: str) -> None:
        """Take a line that is complete as it is."""
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
        """What is kept, oldest first; also a last line that has not ended yet."""
        with self._lock:
            return [*self._kept, self.hide(self._rest)] if self._rest else list(self._kept)

    def bind(self) -> None:
        """Let what is printed in the current context, and in those made from it, come here."""
        _log.set(self)


class Prints:
    """Wraps stdout and stderr for as long as a background run needs it.

    Each print goes to the log of the context it is made in, and where there is none to the stream that was
    there before.
    """

    def __init__(self) -> None:
        self._users = 0
        self._lock = threading.Lock()
        self._put: dict[str, _Parted] = {}

    def begin(self) -> None:
        """Be there; called once by each who needs it."""
        with self._lock:
            self._users += 1
            for name in ("stdout", "stderr") if self._users == 1 else ():
                self._put[name] = parted = _Parted(getattr(sys, name))
                setattr(sys, name, parted)

    def end(self) -> None:
        """Unwrap when the last run has ended; a stream that other code has put in front stays."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for name, parted in self._put.items():
                if getattr(sys, name) is parted:
                    setattr(sys, name, parted.behind)
            self._put.clear()


class _Parted:
    """A stream that parts what is printed by context; in all else it is the stream behind it."""

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
