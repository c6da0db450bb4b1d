"""Large values as files in a folder beside the file of their run.

A file's name is a hash of its content that only the user's key can make. So equal values are stored once, a
file that was changed is recognized, and nobody can find out by guessing whether a run has a certain value.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path

from drawer_ipy.common.atomic_file import completed
from drawer_ipy.common.folders import make_private, open_regular
from drawer_ipy.journal.trouble import JournalTrouble

LARGE = 256 * 1024
"""Bytes above which a value is a file of its own."""

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


def folder_of(path: Path) -> Path:
    """Return the folder of the large values of the run whose file is `path`; it need not exist."""
    return path.with_suffix(".values")


class ValueFiles:
    """The large values of one run.

    Args:
        path: the file of the run.
        key: the user's key; ``None`` if there is none, so that no file can be trusted.
    """

    def __init__(self, path: Path, key: bytes | None) -> None:
        self._folder = folder_of(path)
        self._key = key
        self._known: set[str] = set()
        self._made: set[str] = set()
        self._doubtful: set[str] = set()
        self._unsynced = False

    def put(self, data: bytes) -> str:
        """Store `data` on disk and return the name of its file; :meth:`sync` makes the name durable.

        Raises:
            OSError: it cannot be written.
        """
        name = self._name(data)
        self._doubtful.discard(name)
        if name in self._known:
            return name
        make_private(self._folder)
        if not self._has(name, len(data)):
            temporary = self._folder / f".{secrets.token_hex(8)}.part"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with completed(os.open(temporary, flags, 0o600), temporary, self._folder / name) as file:
                file.write(data)
            self._made.add(name)
        self._known.add(name)
        self._unsynced = True
        return name

    def sync(self) -> None:
        """Make sure that the names of all files are on disk, before anything refers to them.

        Raises:
            OSError: that failed.
        """
        if not self._unsynced:
            return
        for folder in (self._folder, self._folder.parent):
            _sync_folder(folder)
        self._unsynced = False

    def read(self, name: str, size: int, *, trusted: bool) -> tuple[bytes, bool]:
        """Return the content of a file, and whether this user has written it.

        Args:
            size: its length in bytes.
            trusted: whether the name is from this user, so that a file that was changed is damaged.

        Raises:
            JournalTrouble: it is missing or damaged.
        """
        if not isinstance(name, str) or not isinstance(size, int) or not _NAME.fullmatch(name):
            raise JournalTrouble("the name of its file is damaged")
        try:
            with os.fdopen(open_regular(self._folder / name), "rb") as file:
                if os.fstat(file.fileno()).st_size != size:
                    raise JournalTrouble("its file is damaged")
                data = file.read()
        except FileNotFoundError:
            raise JournalTrouble("its file is missing") from None
        except OSError as error:
            raise JournalTrouble(f"its file cannot be read: {error.strerror or error}") from None
        own = self._key is not None and secrets.compare_digest(self._name(data), name)
        if trusted and not own:
            raise JournalTrouble("its file is damaged")
        return data, own

    def doubt(self) -> None:
        """Regard the files that were made so far as unused, until they are stored again."""
        self._doubtful |= self._made
        self._known -= self._made

    def drop_doubtful(self) -> None:
        """Remove the files that are still regarded as unused."""
        for name in self._doubtful:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()
        self._made -= self._doubtful
        self._doubtful = set()

    def _name(self, data: bytes) -> str:
        assert self._key is not None, "only a user with a key writes"
        return hashlib.blake2b(data, key=self._key, digest_size=32, person=b"drawer value").hexdigest()

    def _has(self, name: str, size: int) -> bool:
        """Whether the value is there already and undamaged; a damaged file is replaced."""
        try:
            self.read(name, size, trusted=True)
        except JournalTrouble:
            return False
        return True


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def size_of(path: Path) -> int:
    """Return the bytes of the large values of the run whose file is `path`."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder_of(path)) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def remove_values(path: Path) -> None:
    """Remove the large values of the run whose file is `path`; a link there is not followed."""
    folder = folder_of(path)
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)  # refuses a symbolic link


def remove_leftovers(runs: Path) -> None:
    """Remove the large values of runs whose file is gone, since their removal was cut off.

    Args:
        runs: the folder of stored runs.
    """
    with contextlib.suppress(OSError), os.scandir(runs) as entries:
        for entry in entries:
            path = Path(entry.path)
            if path.suffix == ".values" and not os.path.lexists(path.with_suffix(".db")):
                remove_values(path)
