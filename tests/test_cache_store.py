"""The cache file: private, shared, signed, and harmless if it is damaged or locked."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cache_rig import locked_file

from drawer_ipy.cache import packing, private
from drawer_ipy.cache.store import FILE, Store, StoredRow
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.cache.writer import WriteJob, Writer

KEY = bytes(32)


def row(
    number: int, *, button: str = "f", stored: float | None = None, expires: float | None = None
) -> StoredRow:
    when = time.time() if stored is None else stored
    return StoredRow(number.to_bytes(20), button, when, expires, b"body %d" % number)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "cache")
    yield made
    made.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# The store


def test_a_stored_result_is_visible_to_another_process_with_the_file_open(store: Store) -> None:
    store.put([row(1), row(2)])
    again = Store(store.path.parent)
    found = again.get(row(2).key)
    assert found is not None
    assert found.body == b"body 2"
    assert again.get(row(3).key) is None
    again.close()


def test_folder_and_files_are_readable_by_the_owner_only(store: Store) -> None:
    store.put([row(1)])
    assert mode(store.path.parent) == 0o700
    assert {mode(path) for path in store.path.parent.iterdir()} == {0o600}
    assert (store.path.parent / ".gitignore").read_text() == "*\n"


def test_tidying_removes_expired_results_and_then_the_oldest(store: Store) -> None:
    now = time.time()
    rows = [row(n, stored=now - n, expires=now - 1 if n == 0 else None) for n in range(10)]
    store.put(rows)
    size = len(rows[0].body)
    store.tidy(room=100 * size)
    assert [n for n in range(10) if store.get(row(n).key)] == [*range(1, 10)]
    store.tidy(room=5 * size)
    assert [n for n in range(10) if store.get(row(n).key)] == [1, 2, 3, 4]


def test_results_are_counted_and_cleared_by_button_and_age(store: Store) -> None:
    now = time.time()
    store.put([row(n, button="fg"[n % 2], stored=now - n * 100) for n in range(6)])
    assert store.count(["f"], now - 150) == 2
    assert store.clear(["f"], now - 150) == 2
    assert store.info().buttons == {"g": (3, 18), "f": (1, 6)}
    assert store.clear() == 4
    assert store.info().entries == 0


@pytest.mark.parametrize(
    "damage",
    [b"garbage " * 1000, b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["garbage", "a good beginning"],
)
def test_a_damaged_file_is_replaced_by_a_new_one(damage: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(damage)
    store = Store(tmp_path)
    store.put([row(1)])
    assert store.mended
    assert store.get(row(1).key)
    store.close()


def test_another_database_is_not_used_as_the_cache(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE results (something TEXT)")
    connection.close()
    store = Store(tmp_path)
    assert store.mended
    store.put([row(1)])
    store.close()


@pytest.mark.parametrize("left", [b"", b"S"])
def test_a_nearly_empty_file_is_used(left: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(left)
    store = Store(tmp_path)
    store.put([row(1)])
    assert store.get(row(1).key)
    store.close()


def test_a_locked_file_is_reported_and_works_again_when_it_is_free(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with (
        locked_file(tmp_path / FILE, "EXCLUSIVE"),
        pytest.raises(CacheTrouble, match="another process has locked it"),
    ):
        Store(tmp_path, patience=0.1)
    store = Store(tmp_path, patience=0.1)
    store.put([row(1)])
    store.close()


def test_many_processes_can_open_the_file_at_once(tmp_path: Path) -> None:
    trouble: list[BaseException] = []

    def use(number: int) -> None:
        try:
            store = Store(tmp_path / "cache")
            store.put([row(number)])
            store.close()
        except BaseException as error:
            trouble.append(error)

    threads = [threading.Thread(target=use, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble
    store = Store(tmp_path / "cache")
    assert store.info().entries == 12
    store.close()


@pytest.mark.parametrize("where", ["a file", "in a file"])
def test_a_folder_that_cannot_be_created_is_reported(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheTrouble, match="file"):
        Store(tmp_path / "file" if where == "a file" else tmp_path / "file" / "cache")


# The key and the signature


def test_the_key_is_created_once_and_is_private(tmp_path: Path) -> None:
    first = private.private_key(tmp_path / "own")
    assert len(first) == private.KEY_BYTES
    assert private.private_key(tmp_path / "own") == first
    assert (mode(tmp_path / "own"), mode(tmp_path / "own" / "key")) == (0o700, 0o600)
    assert private.private_key(tmp_path / "other") != first


def test_a_readable_key_is_made_private_and_a_truncated_key_is_replaced(tmp_path: Path) -> None:
    first = private.private_key(tmp_path)
    (tmp_path / "key").chmod(0o644)
    assert private.private_key(tmp_path) == first
    assert mode(tmp_path / "key") == 0o600
    (tmp_path / "key").write_bytes(first[:5])
    assert len(private.private_key(tmp_path)) == private.KEY_BYTES


@pytest.mark.parametrize("data", [b"", b"x", b"abc" * 10_000, os.urandom(5000)], ids=len)
def test_a_signed_result_is_loaded_only_with_its_key_and_name(data: bytes) -> None:
    sealed = packing.seal(data, b"name", KEY)
    assert packing.unseal(sealed, b"name", KEY) == data
    assert packing.unseal(sealed, b"eman", KEY) is None
    assert packing.unseal(sealed, b"name", bytes(31) + b"1") is None
    for at in (0, 15, 16, len(sealed) - 1):
        assert packing.unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"name", KEY) is None
    assert packing.unseal(sealed[:10], b"name", KEY) is None


def test_results_that_cannot_be_pickled_or_are_too_large_are_reported() -> None:
    with pytest.raises(CacheTrouble, match=r"lock.* cannot be pickled"):
        packing.pack(threading.Lock())
    with pytest.raises(CacheTrouble, match="more than 64 MiB"):
        packing.pack([bytes(40 * 1024**2), bytes([1]) * 40 * 1024**2])


# The writer


def job(number: int, size: int = 10) -> WriteJob:
    return WriteJob(number.to_bytes(20), "f", time.time(), None, bytes(size))


async def written(store: Store, jobs: list[WriteJob], notes: list[str]) -> Writer:
    writer = Writer(store, KEY, notes.append)
    for one in jobs:
        writer.write(one)
        assert writer.pending(one.key) is one or store.get(one.key)
    await writer.aclose()
    return writer


def test_closing_writes_every_pending_result(store: Store) -> None:
    notes: list[str] = []
    asyncio.run(written(store, [job(n) for n in range(1234)], notes))
    again = Store(store.path.parent)
    assert (again.info().entries, notes) == (1234, [])
    again.close()


def test_the_writer_waits_for_a_locked_file(store: Store) -> None:
    notes: list[str] = []

    async def main() -> None:
        writer = Writer(store, KEY, notes.append)
        with locked_file(store.path):
            writer.write(job(1))
            await asyncio.sleep(0.8)
            assert store.get(job(1).key) is None
        await writer.aclose()

    asyncio.run(main())
    again = Store(store.path.parent)
    assert (again.info().entries, notes) == (1, [])
    again.close()


def test_the_writer_gives_up_a_locked_file_soon_after_the_run(store: Store) -> None:
    notes: list[str] = []
    with locked_file(store.path):
        began = time.monotonic()

        async def main() -> None:
            writer = Writer(store, KEY, notes.append)
            writer.write(job(1))
            await writer.aclose()

        asyncio.run(main())
        assert time.monotonic() - began < 5
    assert notes == ["results were not cached: another process has locked it"]


def test_a_file_that_is_damaged_during_a_run_is_replaced(store: Store) -> None:
    notes: list[str] = []
    store.put([row(n) for n in range(100)])
    # Another program damages the file; the connections notice at the next access.
    connection = sqlite3.connect(store.path)
    connection.execute("DROP TABLE results")
    connection.commit()
    connection.close()
    asyncio.run(written(store, [job(1)], notes))
    assert len(notes) == 1
    assert "damaged and was replaced by a new one" in notes[0]
    again = Store(store.path.parent)
    assert again.info().entries == 1
    again.close()


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_full_disk_causes_one_note_and_no_exception(
    error: Exception, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    def full(rows: Any) -> None:
        raise error

    monkeypatch.setattr(store, "put", full)
    asyncio.run(written_slowly(store, notes))
    assert len(notes) == 1
    assert notes[0].startswith("results were not cached: ")


async def written_slowly(store: Store, notes: list[str]) -> None:
    writer = Writer(store, KEY, notes.append)
    for number in range(3):
        writer.write(job(number))
        await asyncio.sleep(0.15)
    await writer.aclose()


def test_a_really_full_disk_causes_a_note(store: Store) -> None:
    notes: list[str] = []
    # SQLite's limit on pages causes the same error as a full disk.
    pages = store._writing.execute("PRAGMA page_count").fetchone()[0]
    store._writing.execute(f"PRAGMA max_page_count={pages + 2}")

    async def main() -> None:
        writer = Writer(store, KEY, notes.append)
        writer.write(WriteJob(bytes(20), "f", time.time(), None, os.urandom(100_000)))
        await writer.aclose()

    asyncio.run(main())
    assert notes == ["results were not cached: the disk is full"]


def test_results_beyond_the_speed_of_the_disk_are_dropped_with_a_note(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr("drawer_ipy.cache.writer._WAITING_BYTES", 1000)

    async def main() -> None:
        writer = Writer(store, KEY, notes.append)
        for number in range(5):
            writer.write(job(number, 400))
        await writer.aclose()

    asyncio.run(main())
    assert set(notes) == {"some results were not cached: the disk is too slow"}
    again = Store(store.path.parent)
    assert again.info().entries == 2
    again.close()
