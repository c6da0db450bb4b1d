"""A sign that something still reads from the file of a run, so that it is not removed to make room."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from drawer_ipy.common.folders import open_regular
from drawer_ipy.journal.lock import FREE, HELD, lock_state


def lock_path(path: Path) -> Path:
    """Return the path of the lock of the run whose file is `path`."""
    return path.with_suffix(".reading")


class ReadingLock:
    """A shared lock beside the file of a run; several readers may hold it.

    On a disk that cannot be written, it is not taken: nothing is removed there either.

    Args:
        path: the file of the run.
    """

    def __init__(self, path: Path) -> None:
        self._path = lock_path(path)
        self._handle: int | None = None

    def take(self) -> None:
        """Take the lock; do nothing if that is not possible."""
        if sys.platform == "win32":  # where an open file cannot be removed
            return
        with contextlib.suppress(OSError):
            self._handle = open_regular(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            lock_state(self._handle, exclusive=False)

    def release(self) -> None:
        """Let go of the lock; the last reader removes its file."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        if lock_state(handle, exclusive=True) == FREE:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        os.close(handle)


def is_read(path: Path) -> bool:
    """Whether something still reads from the run whose file is `path`."""
    try:
        handle = open_regular(lock_path(path), os.O_RDWR)
    except OSError:
        return False
    try:
        return lock_state(handle, exclusive=True) == HELD
    finally:
        os.close(handle)
