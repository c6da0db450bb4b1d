"""How many outputs of a loop with ``keep: disk`` wait in memory until they are on disk."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LIMIT = 32 * 1024 * 1024
"""Bytes of outputs in memory above which no further item starts."""

_SAMPLED = 50
_DEEPEST = 4


class Backlog:
    """Counts the bytes of outputs that have been made and not been written; used from several threads.

    Without a writer, and as long as the disk fails, nothing waits: then the outputs stay in memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[int, int] = {}
        self._bytes = 0
        self._wake: Callable[[], None] | None = None
        self._failing = False

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process has no writer."""
        return Backlog, ()

    def attach(self, wake: Callable[[], None]) -> None:
        """Report to a writer; `wake` makes it write soon."""
        self._wake = wake

    def release(self) -> None:
        """Let everything continue, since nothing more will be written."""
        self._wake = None

    def fail(self, failing: bool) -> None:
        """Take note of whether the disk fails."""
        self._failing = failing

    def add(self, index: int, size: int) -> None:
        """Count the outputs of an item that has ended, of about `size` bytes."""
        with self._lock:
            self._bytes += size - self._sizes.get(index, 0)
            self._sizes[index] = size

    def size_of(self, index: int) -> int:
        """Return the bytes of the outputs of an item that waits."""
        return self._sizes.get(index, 0)

    def written(self, indices: Iterable[int]) -> None:
        """Take note that the outputs of some items are on disk."""
        with self._lock:
            for index in indices:
                self._bytes -= self._sizes.pop(index, 0)

    @property
    def is_full(self) -> bool:
        """Whether further items must wait; then the writer is told to write."""
        wake = self._wake
        if wake is None or self._failing or self._bytes <= LIMIT // 2:
            return False
        wake()
        return self._bytes > LIMIT


def rough_size(value: Any, depth: int = 0) -> int:
    """Return about how many bytes of memory a value takes; of a long container, some entries are examined."""
    try:
        size = _size(value, depth)
    except Exception:  # an object whose methods fail
        return 100
    return size if isinstance(size, int) and size >= 0 else 100


def _size(value: Any, depth: int) -> int:
    size = sys.getsizeof(value)
    if isinstance(value, str | bytes | bytearray | int | float) or value is None or depth > _DEEPEST:
        return size
    if isinstance(value, Mapping):
        values = value.values() if isinstance(value, dict) else ()
        return size + _sampled(values, len(value), depth)
    if isinstance(value, list | tuple | set | frozenset):
        return size + _sampled(value, len(value), depth)
    own = getattr(value, "nbytes", None)  # arrays, tables of pyarrow
    if isinstance(own, int):
        return max(size, own)
    fields = getattr(value, "__dict__", None)
    return size + (_size(fields, depth + 1) if isinstance(fields, dict) else 0)


def _sampled(values: Iterable[Any], count: int, depth: int) -> int:
    found = [rough_size(value, depth + 1) for value, _ in zip(values, range(_SAMPLED), strict=False)]
    return sum(found) * count // len(found) if found else 0
