"""The SQLite file of one run: its tables, its creation, and how it is opened although it may be foreign.

A file has one row in ``run`` and one in ``press`` for each press, since a run that is continued has several.
Each press has its ended steps in ``step``, its loops in ``loop``, and the items of those in ``chunk``.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
from pathlib import Path

from drawer_ipy.cache.packing import seal, unseal
from drawer_ipy.cache.store import in_words
from drawer_ipy.cache.strict import StrictConnection
from drawer_ipy.common.folders import check_regular, open_regular
from drawer_ipy.journal.lock import is_held_here
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.journal.value_files import ValueFiles

APPLICATION = 0x64727772
"""Identifies such a file, ``drwr`` in ASCII."""

VERSION = 1

_TABLES = (
    (
        "run",
        "CREATE TABLE run (id TEXT NOT NULL, drawer TEXT NOT NULL, began REAL NOT NULL, "
        "kept INTEGER NOT NULL)",
    ),
    (
        "press",
        "CREATE TABLE press (number INTEGER PRIMARY KEY, run_id TEXT NOT NULL, began REAL NOT NULL, "
        "seen REAL NOT NULL, status TEXT NOT NULL, total INTEGER, ok INTEGER NOT NULL, "
        "failed INTEGER NOT NULL, kept INTEGER NOT NULL, body BLOB NOT NULL)",
    ),
    (
        "step",
        "CREATE TABLE step (press INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, "
        "PRIMARY KEY (press, id)) WITHOUT ROWID",
    ),
    (
        "loop",
        "CREATE TABLE loop (number INTEGER PRIMARY KEY, press INTEGER NOT NULL, step TEXT NOT NULL, "
        "body BLOB NOT NULL)",
    ),
    (
        "chunk",
        "CREATE TABLE chunk (number INTEGER PRIMARY KEY, loop INTEGER NOT NULL, kind TEXT NOT NULL, "
        "body BLOB NOT NULL)",
    ),
)
_SCHEMA = tuple(("table", name, name, sql) for name, sql in _TABLES)

_READ_TIME = 60.0
"""Most seconds of one statement."""

_PATIENCE = 2.0
_JOURNAL = "-journal"
BESIDE = (_JOURNAL, "-wal", "-shm")
"""Ends of the names of files that SQLite may keep beside the file."""

_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""The end of a rollback journal that names another file; see https://sqlite.org/fileformat.html."""


def create(path: Path, run_id: str, drawer: str, began: float, *, often: bool = False) -> sqlite3.Connection:
    """Create the file of a run, accessible only to its owner, and return a connection for writing.

    It gets its name when it is complete, so a process that is killed meanwhile leaves no unreadable file.

    Args:
        path: the file; the caller holds its lock.
        run_id: the id of its first press.
        drawer: the drawer's name.
        began: seconds since the epoch.
        often: see :func:`reopen`.

    Raises:
        OSError, sqlite3.Error: it cannot be created, or exists.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    new = unfinished(path)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with contextlib.closing(_connected(new, "MEMORY")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={VERSION}")
            for _, statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO run VALUES (?, ?, ?, 0)", (run_id, drawer, began))
            connection.execute("COMMIT")
        new.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    return _connected(path, _mode(often=often))


def unfinished(path: Path) -> Path:
    """Return the name that the file `path` has until it is complete."""
    return Path(f"{path}.new")


def reopen(path: Path, *, often: bool = False) -> sqlite3.Connection:
    """Return a connection for writing to an existing file, which :class:`RunFile` has checked.

    Args:
        often: whether hundreds of transactions a second are expected. Each then needs one flush of the disk
            instead of four, but the newest ones are in a second file until the file is closed.

    Raises:
        OSError, sqlite3.Error: it cannot be opened.
    """
    check_regular(path)
    return _connected(path, _mode(often=often))


def _mode(*, often: bool) -> str:
    return "WAL" if often else "TRUNCATE"


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    # Without spills, the file can be read until a transaction is committed, also by the thread that writes.
    settings = ("synchronous=FULL", "secure_delete=ON", "trusted_schema=OFF", "cache_spill=OFF")
    try:
        for pragma in (f"journal_mode={mode}", *settings):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def forget(connection: sqlite3.Connection) -> None:
    """Remove what was deleted from the second file of a connection that writes often, if there is one."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def finish(connection: sqlite3.Connection) -> None:
    """Bring everything into the file itself, so that none is left beside it."""
    with contextlib.suppress(sqlite3.Error):
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except sqlite3.OperationalError:  # something reads the file; the last to close it removes the rest
            forget(connection)


class RunFile:
    """A file opened for reading.

    Args:
        path: the file.
        key: the user's key; ``None`` if there is none, so that no seal is valid.
        own: whether this process has made the file, so that only SQLite itself may open it: closing another
            handle of the file would end SQLite's locks.

    Attributes:
        files: its large values.

    Raises:
        JournalTrouble: it is not a file of this package, is of a newer version, or cannot be read.
    """

    def __init__(self, path: Path, key: bytes | None, *, own: bool = False) -> None:
        self.path = path
        self.files: ValueFiles = ValueFiles(path, key)
        self._key = key
        self._is_own: bool | None = None
        try:
            self._connection = _connected_strictly(path) if own else _opened(path)
        except (sqlite3.Error, OSError) as error:
            raise JournalTrouble(f"{path} cannot be read: {in_words(error)}") from None

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query.

        Raises:
            JournalTrouble: it cannot be read.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except (sqlite3.Error, OverflowError, MemoryError, UnicodeDecodeError) as error:
            raise JournalTrouble(f"{self.path} cannot be read: {in_words(error)}") from None

    def opened_seal(self, table: str, place: object, body: object) -> tuple[bytes, bool]:
        """Return a body without its seal, and whether this user has sealed it for that place of this file.

        Raises:
            JournalTrouble: it is too short, or this user has sealed only a part of the file: it was changed.
        """
        if not isinstance(body, bytes) or len(body) < SEAL:
            raise JournalTrouble(f"{self.path} is damaged")
        found = None if self._key is None else unseal(body, _place_name(self.path, table, place), self._key)
        if self._is_own not in (None, found is not None):
            raise JournalTrouble(f"{self.path} is damaged: a part of it has changed since it was written")
        self._is_own = found is not None
        return (body[SEAL:], False) if found is None else (found, True)

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


SEAL = 17
"""Bytes before a body: its seal, and a mark for what is not compressed."""


def sealed(path: Path, table: str, place: object, body: bytes, key: bytes) -> bytes:
    """Return `body` with a seal that is valid in one place of the file `path` only."""
    return seal(body, _place_name(path, table, place), key, deflate=False)


def _place_name(path: Path, table: str, place: object) -> bytes:
    """Return what a seal is bound to; of fixed length. The file is meant by the id at the end of its name."""
    name = f"{table}\0{path.stem[-16:]} {place}"
    return hashlib.blake2b(name.encode(), digest_size=20, person=b"drawer journal").digest()


def _opened(path: Path) -> StrictConnection:
    # Closing another handle of the file would end the locks of the connection by which this process writes.
    if not is_held_here(path):
        _check_header(path)
        rest = Path(f"{path}{_JOURNAL}")
        with contextlib.suppress(FileNotFoundError):
            if check_regular(rest).st_size:
                _check_rollback(rest)
    return _connected_strictly(path)


def _connected_strictly(path: Path) -> StrictConnection:
    connection = StrictConnection(path, _READ_TIME, _READ_TIME)
    try:
        connection.check_schema(_SCHEMA, complete=True)
        connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    """Check the two numbers in the header of a SQLite file, before SQLite sees the file.

    Raises:
        OSError: it is not a regular file, or cannot be read.
        JournalTrouble: it is another file, or of a newer version.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        header = file.read(100)
    version, application = int.from_bytes(header[60:64]), int.from_bytes(header[68:72])
    if len(header) < 100 or application != APPLICATION:
        raise JournalTrouble(f"{path} is not a run of drawer_ipy")
    if version > VERSION:
        raise JournalTrouble(
            f"{path} was written by a newer drawer_ipy (format {version}, this one reads up to {VERSION})"
        )


def _check_rollback(path: Path) -> None:
    """Check the file with which SQLite undoes what a killed process had half written.

    If it names another file, SQLite deletes that one; this package never writes such a name.

    Raises:
        JournalTrouble: it names another file.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(_NAMES_ANOTHER)))
        if file.read() == _NAMES_ANOTHER:
            raise JournalTrouble(f"{path} was not written by drawer_ipy; remove it to read the run")
