"""Folders that are for their owner only, and files that are opened without trusting what put them there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that a file of a workspace folder may have to be read."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def make_private(folder: Path) -> None:
    """Make `folder` and what is missing above it, each for its owner only (0700).

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            path.mkdir(mode=0o700)


def kind_in_words(mode: int) -> str:
    """``"a named pipe"``, for what is not a regular file; `mode` is that of ``lstat``."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "no regular file")


def check_regular(path: str | Path) -> os.stat_result:
    """What ``lstat`` tells of a regular file.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: it cannot be looked at, or it is something else; ``strerror`` says what.
    """
    about = os.lstat(path)
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_in_words(about.st_mode)} and no regular file", str(path))
    return about


def open_regular(path: str | Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """A handle of the regular file at `path`; nothing that blocks, and no link, is ever opened.

    Args:
        flags, mode: as those of ``os.open``.

    Raises:
        OSError: it cannot be opened, or it is something else; ``strerror`` says what.
    """
    # Looked at first as well, since merely opening a device may do something.
    with contextlib.suppress(FileNotFoundError):
        check_regular(path)
    handle = os.open(path, flags | _CAREFULLY, mode)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return handle


def read_regular(path: str | Path, limit: int = LARGEST_FILE) -> bytes:
    """All of a regular file.

    Args:
        limit: most bytes that it may have.

    Raises:
        OSError: it cannot be read, it is something else, or larger; ``strerror`` says what.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return data
