"""Private folders, and files opened safely although their origin is not trusted."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of the largest workspace file that is read."""

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
    """Create `folder` and its missing parents, each accessible to its owner only (0700).

    Raises:
        OSError: a folder cannot be created.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another process created it first
            path.mkdir(mode=0o700)


def kind_in_words(mode: int) -> str:
    """Name the kind of a file that is not regular, e.g. ``"a named pipe"``; `mode` comes from ``lstat``."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "not a regular file")


def check_regular(path: str | Path) -> os.stat_result:
    """Return the ``lstat`` result of a regular file.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: ``lstat`` fails, or the path is not a regular file; ``strerror`` says what it is.
    """
    about = os.lstat(path)
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_in_words(about.st_mode)}, not a regular file", str(path))
    return about


def open_regular(path: str | Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open the regular file at `path` and return its descriptor; links and files that block are never opened.

    Args:
        flags, mode: as for ``os.open``.

    Raises:
        OSError: it cannot be opened, or it is not a regular file; ``strerror`` says what it is.
    """
    # Checked before opening as well, since opening a device may have side effects.
    with contextlib.suppress(FileNotFoundError):
        check_regular(path)
    handle = os.open(path, flags | _CAREFULLY, mode)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return handle


def read_regular(path: str | Path, limit: int = LARGEST_FILE) -> bytes:
    """Read a whole regular file.

    Args:
        limit: the largest size in bytes.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger; ``strerror`` says which.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return data


def ignored_by_git(folder: Path) -> None:
    """Exclude `folder` from the version control of the project that contains it.

    Raises:
        OSError: its ``.gitignore`` cannot be created.
    """
    with contextlib.suppress(FileExistsError):
        handle = os.open(folder / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write("*\n")
