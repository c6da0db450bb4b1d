"""Results on disk: one SQLite file in a private folder, shared by processes and protected against damage.

The file may have come with another person's project, so nothing is read from it before its schema has been
verified (see :mod:`drawer_ipy.cache.strict`).

SQLite handles concurrent processes, crashes and partial writes; with write-ahead logging, readers do not wait
for writers. All functions block, for microseconds when reading; the :class:`~drawer_ipy.cache.writer.Writer`
writes from a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from drawer_ipy.cache.private import make_folder
from drawer_ipy.cache.strict import ForeignFile, StrictConnection
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.common.folders import check_regular, ignored_by_git, open_regular

FILE = "results-1.db"
"""The 1 is the version of the schema: a new version uses a new file, so nothing is migrated."""

ROOM = 1024 * 1024 * 1024
"""Maximum bytes of stored results; beyond that the oldest are removed."""

PATIENCE = 2.0
"""Seconds to wait, when opening the file, for another process that has locked it."""

_PATIENCE_WRITING = 0.5

_TABLE = """\
CREATE TABLE results (
    key BLOB PRIMARY KEY, button TEXT NOT NULL, stored REAL NOT NULL, expires REAL, size INTEGER NOT NULL,
    body BLOB NOT NULL
)"""
_SCHEMA = (("table", "results", "results", _TABLE), ("index", "sqlite_autoindex_results_1", "results", None))
_READ_TIME = 2.0
"""Time limit for reading one result in seconds; it usually takes a microsecond."""

_WORK_TIME = 60.0
"""Time limit for any other statement in seconds."""

_SUFFIXES = ("", "-wal", "-shm", "-journal")
_LARGEST = 4 * ROOM
"""Maximum size in bytes of a file to open."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_YEAR_3000 = 32_503_680_000.0
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_WORDS = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_LOCKED: "another process has locked it",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_INTERRUPT: "reading it takes too long",
}


class _HalfMade(sqlite3.OperationalError):
    """There is a rollback journal, which only exists while another process creates the file.

    If it stays, it is not read: SQLite would trust what it says about other files, too.
    """

    sqlite_errorcode = sqlite3.SQLITE_BUSY


class Entry(NamedTuple):
    """A stored result.

    Attributes:
        stored: when it was created or revalidated, in seconds since the epoch.
        body: sealed bytes.
    """

    stored: float
    body: bytes


class StoredRow(NamedTuple):
    """A result to store.

    Attributes:
        key: the key of the press.
        button: name of the button, for display.
        stored: when it was created, in seconds since the epoch.
        expires: when it may be removed, in seconds since the epoch; ``None`` for never.
        body: sealed bytes.
    """

    key: bytes
    button: str
    stored: float
    expires: float | None
    body: bytes


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The content of a store, in numbers.

    Attributes:
        path: its file.
        buttons: name of button -> number of results and their size in bytes, largest first.
        oldest, newest: seconds since the epoch, ``None`` if it is empty.
        file_bytes: size of the files on disk.
    """

    path: Path
    buttons: dict[str, tuple[int, int]]
    oldest: float | None
    newest: float | None
    file_bytes: int

    @property
    def entries(self) -> int:
        """The number of results."""
        return sum(count for count, _ in self.buttons.values())


class Store:
    """The results in `folder`, which is created if necessary.

    Args:
        folder: a folder for this purpose only; it is made private.
        patience: seconds to wait for locks.

    Attributes:
        mended: whether a damaged or foreign file was found and renamed.

    Raises:
        CacheTrouble: the results cannot be opened.
    """

    def __init__(self, folder: Path, patience: float = PATIENCE) -> None:
        self.path: Path = folder / FILE
        self.mended: bool = False
        self._patience = patience
        make_folder(folder)
        with self._reporting():
            ignored_by_git(folder)
            self._open_in_time()

    def _open_in_time(self) -> None:
        give_up = time.monotonic() + self._patience
        while True:
            try:
                return self._open()
            except sqlite3.DatabaseError as error:
                if is_damage(error) and not self.mended:
                    return self.rebuild()
                # SQLite itself does not wait for the lock that switching to write-ahead logging needs.
                late = time.monotonic() > give_up
                if late and isinstance(error, _HalfMade) and not self.mended:
                    return self.rebuild()
                if late or not is_busy(error):
                    raise
                time.sleep(0.02)

    def _open(self) -> None:
        self._check_files()
        # SQLite creates its other files with the mode of this one.
        os.close(open_regular(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._writing = StrictConnection(self.path, self._patience, _WORK_TIME)
        try:
            self._writing.check_schema(_SCHEMA)
            self._writing.execute("PRAGMA auto_vacuum=INCREMENTAL")
            self._writing.execute("PRAGMA journal_mode=WAL")
            self._writing.execute("PRAGMA synchronous=NORMAL")
            self._writing.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
            self._writing.execute(f"PRAGMA busy_timeout={round(_PATIENCE_WRITING * 1000)}")
            # Another process may have created it in the meantime.
            self._writing.check_schema(_SCHEMA)
            # Reading must not wait: a cache miss costs less than blocking the event loop.
            self._reading = StrictConnection(self.path, 0, _READ_TIME)
            self._reading.execute("PRAGMA query_only=ON")
        except BaseException:
            self.close()
            raise

    def _check_files(self) -> None:
        """Check the files that SQLite would open.

        Raises:
            OSError: one is not a regular file.
            ForeignFile: one is larger than this module allows.
            _HalfMade: there is a journal.
        """
        for suffix in _SUFFIXES:
            with contextlib.suppress(FileNotFoundError):
                size = check_regular(f"{self.path}{suffix}").st_size
                if size > _LARGEST:
                    raise ForeignFile("it is larger than allowed")
                if size and suffix == "-journal":
                    raise _HalfMade("another process is creating it")

    @property
    def aside(self) -> Path:
        """The path that a damaged file is renamed to; the next one replaces it."""
        return self.path.with_name(f"{FILE}.damaged")

    def rebuild(self) -> None:
        """Rename the file and create a new one.

        Raises:
            sqlite3.Error, OSError: it fails.
        """
        self.close()
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.path, self.aside)
        for suffix in _SUFFIXES[1:]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.path}{suffix}")
        self._open()
        self.mended = True

    def get(self, key: bytes) -> Entry | None:
        """Return the result stored under `key`.

        Raises:
            CacheTrouble: it cannot be read.
        """
        try:
            row = self._reading.execute("SELECT stored, body FROM results WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise CacheTrouble(f"{self.path}: {in_words(error)}") from None
        # A column may contain values of any type, whatever its declaration says.
        return Entry(*row) if row and type(row[0]) is float and type(row[1]) is bytes else None

    def put(self, rows: Iterable[StoredRow]) -> None:
        """Store all of `rows`, or none.

        Raises:
            sqlite3.Error: it fails; :func:`is_busy` and :func:`is_damage` tell the cause.
        """
        values = [(r.key, r.button, r.stored, r.expires, len(r.body), r.body) for r in rows]
        connection = self._writing
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)", values)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def tidy(self, room: int = ROOM, now: float | None = None) -> None:
        """Remove expired results and, beyond `room` bytes, the oldest ones.

        Raises:
            sqlite3.Error: it fails.
        """
        now = time.time() if now is None else now
        self._writing.execute("DELETE FROM results WHERE expires < ?", (now,))
        (total,) = self._writing.execute("SELECT total(size) FROM results").fetchone()
        if total > room:
            doomed, rest = [], total - room * 9 // 10
            oldest = self._writing.execute("SELECT key, CAST(size AS INTEGER) FROM results ORDER BY stored")
            for key, size in oldest:
                if rest <= 0:
                    break
                doomed.append((key,))
                rest -= size
            oldest.close()
            self._writing.executemany("DELETE FROM results WHERE key = ?", doomed)
        self._writing.execute("PRAGMA incremental_vacuum").fetchall()

    def clear(self, buttons: Sequence[str] = (), before: float | None = None) -> int:
        """Remove the results of `buttons` (of all if none is named) that were stored before a point in time.

        Returns:
            The number of removed results.

        Raises:
            CacheTrouble: it fails.
        """
        condition, values = _condition(buttons, before)
        with self._reporting():
            gone = self._writing.execute(f"DELETE FROM results{condition}", values).rowcount
            self._writing.execute("PRAGMA incremental_vacuum").fetchall()
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return int(gone)

    def count(self, buttons: Sequence[str] = (), before: float | None = None) -> int:
        """Return how many results :meth:`clear` would remove. Raises the same errors."""
        condition, values = _condition(buttons, before)
        with self._reporting():
            (found,) = self._reading.execute(f"SELECT count(*) FROM results{condition}", values).fetchone()
        return int(found)

    def info(self) -> StoreInfo:
        """Return the content of the store in numbers.

        Raises:
            CacheTrouble: it cannot be read.
        """
        with self._reporting():
            rows = self._reading.execute(
                "SELECT CAST(button AS TEXT), count(*), total(size) FROM results GROUP BY 1 ORDER BY 3 DESC"
            ).fetchall()
            oldest, newest = self._reading.execute(
                "SELECT min(stored), max(stored) FROM results WHERE stored BETWEEN 0 AND ?", (_YEAR_3000,)
            ).fetchone()
        size = sum(_size(f"{self.path}{suffix}") for suffix in ("", "-wal", "-shm"))
        return StoreInfo(self.path, {b: (n, int(total)) for b, n, total in rows}, oldest, newest, size)

    def close(self) -> None:
        """Close the file; closing it twice is harmless."""
        for name in ("_reading", "_writing"):
            connection: StrictConnection | None = getattr(self, name, None)
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn errors of SQLite and the system into CacheTrouble."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise CacheTrouble(f"{self.path}: {in_words(error)}") from None


def _condition(buttons: Sequence[str], before: float | None) -> tuple[str, list[str | float]]:
    where, values = [], list[str | float](buttons)
    if buttons:
        where.append(f"button IN ({', '.join('?' * len(buttons))})")
    if before is not None:
        where.append("stored < ?")
        values.append(before)
    return f" WHERE {' AND '.join(where)}" if where else "", values


def is_busy(error: Exception) -> bool:
    """Whether another process has locked the file."""
    return _code(error) in _BUSY


def is_damage(error: Exception) -> bool:
    """Whether the file is damaged, not a SQLite file, or not created by this module."""
    return _code(error) in _DAMAGED


def in_words(error: Exception) -> str:
    """Return the reason of SQLite or the system in plain words."""
    words = _WORDS.get(_code(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        words = _WORDS[sqlite3.SQLITE_FULL]
    return words or getattr(error, "strerror", None) or str(error) or type(error).__name__


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
