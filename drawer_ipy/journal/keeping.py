"""The mark of a run that stays when older ones are removed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from drawer_ipy.cache.store import in_words
from drawer_ipy.journal.file import RunFile, finish, reopen
from drawer_ipy.journal.trouble import JournalTrouble


def set_kept(path: Path, keep: bool) -> None:
    """Set whether a run is kept.

    Raises:
        JournalTrouble: its file cannot be read or changed.
    """
    RunFile(path, None).close()  # refuses other files
    try:
        with_wal = Path(f"{path}-wal").exists()  # a strict run is being pressed, or was cut off
        connection = reopen(path, often=with_wal)
        try:
            connection.execute("UPDATE run SET kept = ?", (int(keep),))
            if not with_wal:
                finish(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise JournalTrouble(in_words(error)) from None
