"""The file of a run as its presses write to it: created when it is needed, locked while it is open."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from drawer_ipy.common.mounts import is_on_network
from drawer_ipy.journal import file as run_file
from drawer_ipy.journal.folder import file_name, make_runs_folder, prune, remove, sweep
from drawer_ipy.journal.lock import SILENCE, Lock
from drawer_ipy.journal.stored_columns import ChunkReader
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import ValueFiles
from drawer_ipy.record.run import RunRecord


def version_of(path: Path) -> tuple[int, int]:
    """Return what changes whenever the file of a run is written.

    Raises:
        OSError: it is gone.
    """
    about = os.stat(path)
    return about.st_mtime_ns, about.st_size


class RunJournal:
    """The file of a run, shared by its presses.

    Args:
        folder: where to create it.
        slug: the drawer's name as part of a file name.
        key: returns the user's key.
        path: the file, if it exists already; its last press is `last`.
        version: the :func:`version_of` that file when it was read.

    Attributes:
        path: the file; ``None`` until something was written.
        last: the record of the last press in the file.
        often: whether it is written hundreds of times a second; set it while the file is closed.
    """

    def __init__(
        self,
        folder: Path,
        slug: str,
        key: Callable[[], bytes],
        path: Path | None = None,
        last: RunRecord | None = None,
        version: tuple[int, int] | None = None,
    ) -> None:
        self._version = version
        self.path = path
        self.last = last
        self.often = False
        self._folder = folder
        self._slug = slug
        self._get_key = key
        self._key: bytes | None = None
        self._connection: sqlite3.Connection | None = None
        self._lock: Lock | None = None
        self._files: ValueFiles | None = None
        self._reader: ChunkReader | None = None

    @property
    def reader(self) -> ChunkReader:
        """Reads what was written, whose file exists.

        Raises:
            OSError: the file is gone.
        """
        assert self.path is not None
        if self._reader is None:
            self._reader = ChunkReader(self.path, self.key)
        return self._reader

    @property
    def files(self) -> ValueFiles:
        """The large values of the run, whose file exists."""
        assert self.path is not None
        if self._files is None:
            self._files = ValueFiles(self.path, self.key)
        return self._files

    @property
    def place(self) -> Path:
        """The file, or the folder in which it would be created."""
        return self.path or self._folder

    @property
    def key(self) -> bytes:
        """The user's key.

        Raises:
            CacheTrouble: it can neither be read nor created.
        """
        if self._key is None:
            self._key = self._get_key()
        return self._key

    def opened(self, record: RunRecord) -> sqlite3.Connection:
        """Return a connection to the file; create it for the run of `record` if necessary.

        Raises:
            OSError, sqlite3.Error, CacheTrouble, JournalTrouble: it cannot be opened.
        """
        if self._lock is not None and not self._lock.is_held():
            raise JournalTrouble(
                f"another process continues the run, since this one gave no sign of life for {SILENCE:g} s"
            )
        if self._connection is not None:
            return self._connection
        _ = self.key
        if self.path is not None:
            self.claim(self.path)
            self._connection = run_file.reopen(self.path, often=self._may_write_often())
            return self._connection
        make_runs_folder(self._folder)
        began = record.started or time.time()
        path = self._folder / file_name(began, self._slug, record.run_id)
        self.claim(path)
        often = self._may_write_often()
        self._connection = run_file.create(path, record.run_id, record.drawer, began, often=often)
        self.path = path
        sweep(self._folder)
        prune(self._folder, path)
        return self._connection

    def _may_write_often(self) -> bool:
        return self.often and not is_on_network(self._folder)

    def beat(self) -> None:
        """Give a sign of life to other machines, if one is due."""
        if self._lock is not None:
            self._lock.beat()

    def claim(self, path: Path) -> None:
        """Take the lock of the file, if this object does not hold it.

        Raises:
            OSError: it cannot be taken.
            JournalTrouble: another process holds it.
        """
        if self._lock is not None:
            return
        lock = Lock(path)
        if not lock.take():
            raise JournalTrouble("another process is writing to the same run")
        self._lock = lock

    def is_outdated(self) -> bool:
        """Whether the file, whose lock this object has taken, was written since it was read."""
        version, self._version = self._version, None
        return version is not None and self.path is not None and version_of(self.path) != version

    def reset(self) -> None:
        """Close the connection after a failure; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def close(self) -> None:
        """Close the file and let go of its lock; a further press opens it again."""
        if self._connection is not None:
            if self._reader is not None:
                self._reader.let_go()
            run_file.finish(self._connection)
        self.reset()
        if self.last is None and self.path is not None and self._lock is not None and self._lock.is_held():
            remove(self.path)  # the disk failed before anything was stored
            self.path = None
        self._reader = None  # those who need it hold it
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def insert_chunk(
        self, connection: sqlite3.Connection, loop: int, kind: str, body: bytes, index: int | None = None
    ) -> int:
        """Write a chunk of a loop, sealed, and return its number.

        Args:
            loop: the number of the loop.
            kind: what it has; see :mod:`~drawer_ipy.journal.reader`.
            index: the item that it is about, if it is about one.
        """
        name = kind if index is None else f"{kind} {index}"
        values = loop, name, self.sealed(f"chunk {kind}", loop, body)
        found = connection.execute("INSERT INTO chunk (loop, kind, body) VALUES (?, ?, ?)", values)
        assert found.lastrowid is not None
        return found.lastrowid

    def sealed(self, table: str, place: int | str, body: bytes) -> bytes:
        """Return `body` with a seal for that place of this file."""
        assert self.path is not None
        return run_file.sealed(self.path, table, place, body, self.key)
