"""A SQLite connection that runs nothing which a file brings along: no view, no trigger, no endless statement.

After https://sqlite.org/security.html, section "Untrusted SQLite Database Files".
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the clock; a lookup takes some twenty."""

_MOST_OBJECTS = 100

Schema = Sequence[tuple[str, str, str, str | None]]
"""Type, name, table and text of each object in a file, as its table ``sqlite_master`` has them."""


class ForeignFile(sqlite3.DatabaseError):
    """The file is not one that is made here; it is met like a damaged one."""

    sqlite_errorcode = sqlite3.SQLITE_NOTADB


class StrictConnection:
    """A connection to the file at `path`, each statement its own transaction unless one is begun.

    Args:
        path: the file.
        patience: seconds to wait for a lock.
        time: seconds that a statement may take; one that takes longer fails with SQLITE_INTERRUPT.

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
        if sys.version_info >= (3, 12):  # before, the authorizer and the check of the schema stand alone
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
            self._connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            self.execute(f"PRAGMA {pragma}")

    def check_schema(self, expected: Schema) -> None:
        """Make sure that the file is empty or holds what is expected, and nothing else.

        Raises:
            Foreign: it holds something else.
            sqlite3.Error: it cannot be read.
        """
        query = f"SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT {_MOST_OBJECTS}"
        found = self.execute(query).fetchall()
        if found and sorted(found, key=repr) != sorted(expected, key=repr):
            raise ForeignFile("it holds other tables, views or triggers than it should")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """As that of sqlite3, within the time."""
        self._until = time.monotonic() + self._time
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """As that of sqlite3, within the time."""
        self._until = time.monotonic() + self._time
        return self._connection.executemany(statement, values)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _is_late(self) -> bool:
        return time.monotonic() > self._until


def _authorize(action: int, one: str | None, two: str | None, base: str | None, inside: str | None) -> int:
    """Nothing is done by a trigger or view, and no view or function of an index is looked into."""
    if inside is not None or action in (sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_ATTACH):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
