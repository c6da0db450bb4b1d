"""Cache files from an untrusted project: they cannot run code, hang a press or write to other files."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import button, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.cache.store import _TABLE, FILE, Store, StoredRow
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.errors import DrawerError
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.workspace.lookup import Workspace

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 20


@button(name="work", cache="1h")
def work(x: int) -> int:
    return x + 1


def pressed() -> tuple[str, list[str]]:
    """The status of a press with a cached button, and its notes."""
    drawer = {"name": "t", "steps": [{"id": "a", "button": "work", "args": {"x": 1}}]}
    job = prepare(drawer, around=Surroundings({}, {"work": work}))
    record = asyncio.run(job.run.execute())
    return record.status, job.run.notes


def row(number: int) -> StoredRow:
    return StoredRow(bytes([number]), "b", time.time(), None, b"body")


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"

LOOP = f"BEGIN SELECT sum(x) FROM ({ENDLESS} SELECT x FROM c); END"

FOREIGN = {
    "recursive view": [
        f"CREATE VIEW results AS {ENDLESS} SELECT x AS key, 'b' AS button, 1.0 AS stored, NULL AS expires, "
        "1 AS size, x'00' AS body FROM c WHERE x < 0",
    ],
    "endless trigger": [
        _TABLE,
        f"CREATE TRIGGER t BEFORE INSERT ON results {LOOP}",
    ],
    "trigger on delete": [
        _TABLE,
        f"CREATE TRIGGER t AFTER DELETE ON results {LOOP}",
    ],
    "another view": [_TABLE, "CREATE VIEW other AS SELECT 1"],
    "another table": [_TABLE, "CREATE TABLE other (a)"],
    "an index on an expression": [_TABLE, "CREATE INDEX i ON results (hex(body))"],
    "a check": [_TABLE.replace("size INTEGER NOT NULL", "size INTEGER CHECK (size < 10)")],
    "a computed column": [_TABLE.replace("body BLOB NOT NULL", "body BLOB AS (zeroblob(1000000000))")],
    "a default": [_TABLE.replace("body BLOB NOT NULL", "body BLOB DEFAULT (randomblob(9))")],
    "a collation": [_TABLE.replace("key BLOB", "key BLOB COLLATE NOCASE")],
    "full text search": ["CREATE VIRTUAL TABLE results USING fts5(key, button, stored, expires, size, body)"],
    "many tables": [f"CREATE TABLE t{n} (a)" for n in range(500)],
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_with_another_schema_is_set_aside_with_a_note(name: str, home: Path) -> None:
    (home / "cache").mkdir(mode=0o700)
    path = home / "cache" / FILE
    with sqlite3.connect(path) as connection:
        for statement in FOREIGN[name]:
            connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    status, notes = pressed()
    assert status == "ok"
    assert len(notes) == 1
    assert "was damaged and has been replaced by a new one" in notes[0]
    assert f"the old file is {FILE}.damaged" in notes[0]
    assert path.with_name(f"{FILE}.damaged").read_bytes()[100:] == before[100:]
    assert pressed() == ("ok", [])
    assert press({"steps": [{"id": "a", "button": "work", "args": {"x": 1}}]}, quiet=True).run.steps[0].cached
    run_verb(["cache", "info"], VerbContext(Workspace.current()))


def test_a_trigger_in_the_write_ahead_log_is_found(home: Path) -> None:
    store = Store(home / "cache")
    store.put([row(1)])
    store.close()
    path = home / "cache" / FILE
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(FOREIGN["endless trigger"][1])
    files = {name: (home / "cache" / name).read_bytes() for name in (FILE, f"{FILE}-wal")}
    other.close()
    for name, data in files.items():
        (home / "cache" / name).write_bytes(data)
    found = Store(home / "cache")
    assert found.mended
    found.close()


def test_a_trigger_that_is_created_while_the_file_is_open_does_not_run(home: Path) -> None:
    store = Store(home / "cache")
    other = sqlite3.connect(home / "cache" / FILE, isolation_level=None)
    other.execute(FOREIGN["endless trigger"][1])
    other.close()
    with pytest.raises(sqlite3.Error):
        store.put([row(1)])
    store.close()


def test_a_statement_that_takes_too_long_is_interrupted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawer_ipy.cache.store._WORK_TIME", 0.2)
    store = Store(home / "cache")
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        store._writing.execute("SELECT count(*) FROM " + ", ".join(["pragma_function_list"] * 4)).fetchall()
    store.put([row(1)])
    assert store.get(bytes([1])) is not None
    store.close()


def test_rows_of_odd_types_are_misses_and_can_be_counted_and_cleared(home: Path) -> None:
    Store(home / "cache").close()
    with sqlite3.connect(home / "cache" / FILE) as connection:
        rows: list[Any] = [
            (b"1", b"\xff\xfe", "soon", "never", "large", "text"),
            (b"2", "b", float("inf"), None, 2**62, b"x"),
            (b"3", "b", 1e300, 1e300, 2**62, 5),
            (b"4", "b", -1e300, None, -5, b"x"),
            ("5", 7, b"blob", b"blob", b"blob", b"x"),
        ]
        connection.executemany("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    store = Store(home / "cache")
    assert not store.mended
    assert store.get(b"1") is None
    assert store.get(b"3") is None
    assert store.info().entries == 5
    store.tidy(room=10)
    store.close()
    context = VerbContext(Workspace.current())
    run_verb(["cache", "info"], context)
    run_verb(["cache", "clear"], context)


def outside(tmp_path: Path) -> Path:
    made = tmp_path / "outside"
    made.mkdir()
    (made / "precious").write_bytes(b"")
    return made


@pytest.mark.parametrize("name", [FILE, f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder", "socket"])
def test_only_regular_files_are_opened(
    name: str, kind: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = outside(tmp_path)
    (home / "cache").mkdir(mode=0o700)
    path = home / "cache" / name
    if kind == "link":
        path.symlink_to(elsewhere / "precious")
    elif kind == "dangling link":
        path.symlink_to(elsewhere / "new")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        monkeypatch.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    status, notes = pressed()
    assert status == "ok"
    words = {"pipe": "a named pipe", "folder": "a folder", "socket": "a socket"}.get(kind, "a symbolic link")
    assert notes == [f"nothing was cached: {home / 'cache' / FILE}: it is {words}, not a regular file"]
    assert {p.name: p.read_bytes() for p in elsewhere.iterdir()} == {"precious": b""}
    assert os.lstat(path)
    if name == FILE:
        with pytest.raises(DrawerError, match="not a regular file"):
            run_verb(["cache", "info"], VerbContext(Workspace.current()))


def test_a_cache_folder_that_is_a_link_is_not_followed(home: Path, tmp_path: Path) -> None:
    elsewhere = outside(tmp_path)
    (home / "cache").symlink_to(elsewhere)
    status, notes = pressed()
    assert status == "ok"
    assert notes == [f"nothing was cached: {home / 'cache'} is a symbolic link, not a folder"]
    assert [p.name for p in elsewhere.iterdir()] == ["precious"]


def test_a_cache_folder_of_another_user_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "cache").mkdir(mode=0o700)
    private_key()
    uid = os.geteuid()
    monkeypatch.setattr("drawer_ipy.cache.private.os.geteuid", lambda: uid + 1)
    with pytest.raises(CacheTrouble, match="belongs to another user"):
        Store(home / "cache")
    with pytest.raises(CacheTrouble, match="belongs to another user"):
        private_key()


def test_a_leftover_journal_is_never_read(home: Path, tmp_path: Path) -> None:
    """A rollback journal can name another file, which SQLite would open and remove."""
    store = Store(home / "cache", patience=0.2)
    store.put([row(1)])
    store.close()
    (home / "cache" / f"{FILE}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 600)
    found = Store(home / "cache", patience=0.2)
    assert found.mended
    assert not (home / "cache" / f"{FILE}-journal").exists()
    found.close()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_file_of_terabytes_is_set_aside(home: Path, suffix: str) -> None:
    Store(home / "cache").close()
    with open(home / "cache" / f"{FILE}{suffix}", "ab") as file:
        file.truncate(2**40)
    store = Store(home / "cache")
    assert store.mended
    store.put([row(1)])
    store.close()


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: os.symlink("/etc/hostname", p), os.mkdir])
def test_a_key_that_is_not_a_regular_file_is_reported(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "cache" / "drawer_ipy").mkdir(parents=True, mode=0o700)
    make(tmp_path / "cache" / "drawer_ipy" / "key")
    status, notes = pressed()
    assert status == "ok"
    assert "key cannot be read or created: it is " in notes[0]
