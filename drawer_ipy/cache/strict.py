"""A SQLite connection that runs nothing from the file itself: no views, no triggers, no endless statements.

See https://sqlite.org/security.html, section "Untrusted SQLite Database Files".
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_STEPS = 20_000
"""Instructions of SQLite's virtual machine between two checks of the time; a lookup takes about twenty."""

_MOST_OBJECTS = 100

Schema = Sequence[tuple[str, str, str, str | None]]
"""Type, name, table and SQL text of each object in a file, as in its table ``sqlite_master``."""


class ForeignFile(sqlite3.DatabaseError):
    """The file was not created by this package; it is handled like a damaged one."""

    sqlite_errorcode = sqlite3.SQLITE_NOTADB


class StrictConnection:
    """A connection to the file at `path`; each statement is a transaction unless one is begun.

    Args:
        path: the file.
        patience: seconds to wait for a lock.
        time: time limit for a statement in seconds; a slower one fails with SQLITE_INTERRUPT.

    Raises:
        sqlite3.Error: it cannot be opened.
    """

    def __init__(self, path: Path, patience: float, time: float) -> None:
        self._connection = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False
        )
        self._time = time
        self._until = 0.0
        self._connection.text_factory = lambda raw: raw.decode(errors="replace")
        self._connection.set_progress_handler(self._is_late, _STEPS)
        self._connection.set_authorizer(_authorize)
        if sys.version_info >= (3, 12):  # before that, only the authorizer and the schema check protect
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            self.execute(f"PRAGMA {pragma}")

    def check_schema(self, expected: Schema, *, complete: bool = False) -> None:
        """Check that the file contains what is expected and nothing else, or is empty.

        Args:
            complete: whether an empty file is refused, too.

        Raises:
            ForeignFile: it contains something else.
            sqlite3.Error: it cannot be read.
        """
        query = f"SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT {_MOST_OBJECTS}"
        try:
            found = self.execute(query).fetchall()
        except UnicodeDecodeError:  # even the names of the table's columns are damaged
            raise ForeignFile("its schema is damaged") from None
        if (found or complete) and sorted(found, key=repr) != sorted(expected, key=repr):
            raise ForeignFile("it contains unexpected tables, views or triggers")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement as sqlite3 does, within the time limit."""
        self._until = time.monotonic() + self._time
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Execute a statement for each row as sqlite3 does, within the time limit."""
        self._until = time.monotonic() + self._time
        return self._connection.executemany(statement, values)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _is_late(self) -> bool:
        return time.monotonic() > self._until


def _authorize(action: int, _one: str | None, _two: str | None, _base: str | None, inside: str | None) -> int:
    """Forbid all actions inside triggers and views, recursive queries and attached files."""
    if inside is not None or action in (sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_ATTACH):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
