"""Files written whole or not at all, private to their owner, and never outside the workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drawer_ipy.common.folders import make_private
from drawer_ipy.errors import DrawerError
from drawer_ipy.workspace.lookup import within

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NONBLOCK", 0)
"""How a folder is opened; opening anything else in its place fails at once."""


class StoreError(DrawerError):
    """Something could not be written to, or removed from, the workspace."""


def make_folder(root: Path, folder: Path) -> None:
    """Make `folder` and what is missing above it, each for its owner only (0700).

    Raises:
        StoreError: it cannot be made.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, folder)
    try:
        make_private(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror or error}") from None
    if not folder.is_dir():
        raise StoreError(f"{folder} cannot be made: something else than a folder is there")


def write_file(root: Path, path: Path, text: str, *, durable: bool = True) -> None:
    """Put `text` into the file `path`, readable by its owner only (0600); its folder must exist.

    A reader sees the old text or the new one, whatever happens; with `durable` also after a loss of power,
    which takes a few milliseconds on most disks.

    Raises:
        StoreError: it cannot be written; what was there before is still there.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            _sync_folder(path.parent)
    except (OSError, UnicodeEncodeError) as error:
        raise StoreError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _sync_folder(folder: Path) -> None:
    # The new name is on disk only when the folder is. Some systems cannot open one; they lose nothing else.
    with contextlib.suppress(OSError):
        handle = os.open(folder, _FOLDER)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_folder(root: Path, folder: Path) -> None:
    """Remove `folder` with all it holds; symbolic links in it are removed, not followed.

    Raises:
        StoreError: it cannot be removed.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, folder)
    doomed = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.removed")
    try:
        os.replace(folder, doomed)  # at once for whoever looks, however long the rest takes
        shutil.rmtree(doomed)
    except OSError as error:
        raise StoreError(f"{folder} cannot be removed: {error.strerror or error}") from None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others out of the same block for the same folder, other processes and other threads: what one
    reads, changes and writes back must not be lost to another that does so meanwhile. Where a system has no
    such locks, or there is no such folder, there is none.
    """
    handle = _lock(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path) -> int | None:
    """An open, locked handle of `folder`; ``None`` where it cannot be had."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        try:
            handle = os.open(folder, _FOLDER)
        except OSError:
            return None
        try:
            with contextlib.suppress(OSError):  # some network disks refuse locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            # Whoever held the lock may have removed the folder, and another be in its place by now.
            if not folder.exists() or os.path.samestat(os.stat(folder), os.fstat(handle)):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
