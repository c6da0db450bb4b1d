"""A ledger of what was pressed, in shared memory, so that it is complete when its process is killed."""

from __future__ import annotations

import mmap
import time
from pathlib import Path


class Ledger:
    """Counts the presses of each item in a file that is mapped into memory.

    The kernel of the operating system keeps what a killed process has written to such a file. Each number is
    stored by one write of the processor, so it is whole.

    Args:
        path: the file; created if it does not exist.
        count: the number of items.
    """

    def __init__(self, path: Path | str, count: int) -> None:
        with open(path, "ab") as file:
            file.truncate(count * 24)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), count * 24)
        view = memoryview(self._map)
        self._begun = view[: count * 8].cast("q")
        self._ended = view[count * 8 : count * 16].cast("q")
        self._at = view[count * 16 :].cast("d")

    def begin(self, item: int) -> None:
        """Note that a press of `item` begins."""
        self._begun[item] += 1

    def end(self, item: int) -> None:
        """Note that a press of `item` has ended ok."""
        self._at[item] = time.monotonic()
        self._ended[item] += 1

    @property
    def total(self) -> int:
        """The number of presses that have ended."""
        return sum(self._ended)

    def begun(self) -> list[int]:
        """The number of presses of each item that have begun."""
        return list(self._begun)

    def ended(self) -> dict[int, float]:
        """The items that have ended ok, and when, in seconds of the monotonic clock."""
        return {item: self._at[item] for item, count in enumerate(self._ended) if count}
