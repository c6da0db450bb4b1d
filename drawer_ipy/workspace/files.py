"""Write files atomically, private to their owner, and never outside the workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drawer_ipy.common.atomic_file import completed
from drawer_ipy.common.folders import make_private
from drawer_ipy.common.platform import file_locks
from drawer_ipy.errors import DrawerError
from drawer_ipy.workspace.lookup import within

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags to open a folder; opening anything else fails at once."""


class StoreError(DrawerError):
    """A file or folder could not be written to, or removed from, the workspace."""


def make_folder(root: Path, folder: Path) -> None:
    """Create `folder` and its missing parents, each accessible to its owner only (0700).

    Raises:
        StoreError: it cannot be created.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, folder)
    try:
        make_private(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be created: {error.strerror or error}") from None
    if not folder.is_dir():
        raise StoreError(f"{folder} cannot be created: there is something else with this name")


def write_file(root: Path, path: Path, text: str, *, durable: bool = True) -> None:
    """Write `text` to the file `path`, readable by its owner only (0600); its folder must exist.

    Readers always see either the old or the new text. With `durable`, this is also true after a power
    failure, which costs a few milliseconds on most disks.

    Raises:
        StoreError: it cannot be written; the old content is unchanged.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, path)
    try:
        data = text.encode("utf-8")
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with completed(handle, temporary, path, durable=durable) as file:
            file.write(data)
        if durable:
            _sync_folder(path.parent)
    except (OSError, UnicodeEncodeError) as error:
        raise StoreError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def _sync_folder(folder: Path) -> None:
    # The new name is on disk only when its folder is. Some systems cannot open folders, so this is optional.
    with contextlib.suppress(OSError):
        handle = os.open(folder, _FOLDER)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_folder(root: Path, folder: Path) -> None:
    """Remove `folder` and its contents; symbolic links in it are removed, not followed.

    Raises:
        StoreError: it cannot be removed.
        UsageError: a symbolic link leads out of `root`.
    """
    within(root, folder)
    doomed = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.removed")
    try:
        os.replace(folder, doomed)  # it disappears at once, even if the removal takes long
        shutil.rmtree(doomed)
    except OSError as error:
        raise StoreError(f"{folder} cannot be removed: {error.strerror or error}") from None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock `folder` against other processes and threads that use this function, so that concurrent changes
    are not lost. Without system support, or if the folder does not exist, there is no lock.
    """
    handle = _lock(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path) -> int | None:
    """Open and lock `folder`, and return its descriptor; ``None`` if that is impossible."""
    if (fcntl := file_locks()) is None:
        return None
    while True:
        try:
            handle = os.open(folder, _FOLDER)
        except OSError:
            return None
        try:
            with contextlib.suppress(OSError):  # some network file systems refuse locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            # The previous holder of the lock may have removed the folder, and a new one may be in its place.
            if not folder.exists() or os.path.samestat(os.stat(folder), os.fstat(handle)):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
