"""What a press prints in another process: shown where its run's prints go, and recorded in part."""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import Callable

MOST_PRINTED = 64 * 1024
"""Most characters of a press's stdout that are recorded."""


class PressPrints:
    """The lines that one press has printed.

    Args:
        log: called with each line; with ``None`` lines are printed in the context in which this was made.
    """

    __slots__ = ("_context", "_length", "_log", "_recorded")

    def __init__(self, log: Callable[[str], None] | None) -> None:
        self._log = log
        self._context = contextvars.copy_context()
        self._recorded: list[str] = []
        self._length = 0

    @property
    def stdout(self) -> str:
        """The recorded stdout, at most :data:`MOST_PRINTED` characters."""
        return "".join(self._recorded)

    def add(self, text: str, *, is_error: bool) -> None:
        """Show lines, and record them.

        Args:
            text: the lines, without the last line break.
            is_error: whether they were printed to stderr.
        """
        if not is_error and self._length < MOST_PRINTED:
            self._recorded.append(f"{text}\n"[: MOST_PRINTED - self._length])
            self._length += len(self._recorded[-1])
        if self._log is None:
            self._context.run(print_here, text, is_error=is_error)
            return
        for line in text.split("\n"):
            self._log(line)


def print_here(text: str, *, is_error: bool) -> None:
    """Print in this process, where the cell or the run that the current context belongs to shows it."""
    with contextlib.suppress(OSError, ValueError):  # the stream is closed
        print(text, file=sys.stderr if is_error else sys.stdout, flush=True)
