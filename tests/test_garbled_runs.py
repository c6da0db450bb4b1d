"""Garbled files of runs: they are refused in words, or what is read is right; nothing crashes, hangs or runs.

``DRAWER_GARBLED=10000`` in the environment tries that many files instead of a few hundred.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from golden_runs import FOLDER, VALUES, restore

from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.codec import Unkept
from drawer_ipy.journal.folder import files, glance
from drawer_ipy.journal.reader import read_run
from drawer_ipy.journal.trouble import JournalTrouble
from drawer_ipy.record.step_column import STEP_OK

COUNT = int(os.environ.get("DRAWER_GARBLED", "400"))
PAGE = 4096
SLOWEST = 10.0
"""Most seconds of reading one file."""


def flips(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 2, 8, 64])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def other_bytes(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at : at + chance.choice([1, 4, 100, 5000])] = chance.randbytes(chance.choice([1, 4, 100, 5000]))


def truncated(data: bytearray, chance: random.Random) -> None:
    size = chance.randrange(len(data))
    del data[size - size % chance.choice([1, 512, PAGE]) :]


def longer(data: bytearray, chance: random.Random) -> None:
    at = chance.choice([len(data), chance.randrange(len(data))])
    data[at:at] = chance.randbytes(chance.choice([1, 100, PAGE]))


def swapped(data: bytearray, chance: random.Random) -> None:
    one, two = (PAGE * chance.randrange(len(data) // PAGE) for _ in range(2))
    data[one : one + PAGE], data[two : two + PAGE] = data[two : two + PAGE], data[one : one + PAGE]


def copied(data: bytearray, chance: random.Random) -> None:
    one, two = (PAGE * chance.randrange(len(data) // PAGE) for _ in range(2))
    data[one : one + PAGE] = data[two : two + PAGE]


def emptied(data: bytearray, chance: random.Random) -> None:
    at = PAGE * chance.randrange(len(data) // PAGE)
    data[at : at + PAGE] = bytes(PAGE)


def header(data: bytearray, chance: random.Random) -> None:
    """Change the header of the file or of a page."""
    at = chance.choice([0, PAGE * chance.randrange(len(data) // PAGE)])
    data[at + chance.randrange(108)] = chance.choice([0, 1, 255, chance.randrange(256)])


def words(data: bytearray, chance: random.Random) -> None:
    """Exchange a name in the tables, or a part of a pickle, for another of the same length."""
    old, new = chance.choice(EXCHANGES)
    places = [at for at in range(len(data) - len(old)) if data[at : at + len(old)] == old]
    if places:
        at = chance.choice(places)
        data[at : at + len(old)] = new


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(flips, other_bytes, truncated, longer, swapped, copied, emptied, header, words),
)


EXCHANGES = (
    *((b"rows", b"item"), (b"each", b"eacf"), (b"ok", b"no"), (b"running", b"runninh"), (b"work", b"leaf")),
    *((b"K\x01", b"K\x02"), (b"\x8c", b"\x8d"), (b"\x94", b"."), (b"before", b"befora"), (b"TEXT", b"BLOB")),
)


class TooSlow(Exception):
    """A file took too long to read."""


@pytest.fixture
def alarm() -> Any:
    """Raise :class:`TooSlow` in a test that hangs."""

    def ring(_signal: int, _frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def check(path: Path, key: bytes | None) -> bool:
    """Read a file; return whether it could be read. What was sealed is right."""
    with contextlib.suppress(JournalTrouble):
        glance(path)
    try:
        presses = read_run(path, key)
    except JournalTrouble:
        return False
    for press in presses:
        assert press.trusted or key is None or not any(found.trusted for found in presses)
        for step in press.record.steps if press.trusted else ():
            if step.id == "before":
                assert step.output == "ready"
            for column in step.output.record.columns if step.id == "each" else ():
                for index, output in enumerate(column.outputs):
                    if column.id == "work" and column.statuses[index] == STEP_OK and index != 7:
                        assert type(output) is Unkept or output == VALUES[index % len(VALUES)]
    return True


@pytest.mark.timeout(3600 if COUNT > 1000 else 120)
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGALRM")
def test_garbled_files_are_refused_in_words_or_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alarm: None
) -> None:
    chance = random.Random(20)
    packed = sorted(FOLDER.glob("*.db.gz"))[-1]
    path = restore(packed, tmp_path / "home", tmp_path / "cache")
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    key, whole = private_key(), gzip.decompress(packed.read_bytes())
    assert check(path, key)
    readable, slowest = 0, 0.0
    for number in range(COUNT):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            if len(data) > PAGE:
                chance.choice(MUTATIONS)(data, chance)
        path.write_bytes(data)
        journal = Path(f"{path}-journal")
        if chance.random() < 0.1:
            journal.write_bytes(chance.choice([whole[:PAGE], bytes(data[:700]), chance.randbytes(600)]))
        signal.setitimer(signal.ITIMER_REAL, SLOWEST)
        began = time.perf_counter()
        try:
            readable += check(path, key)
            check(path, None)
        except BaseException as error:
            (tmp_path / "garbled.db").write_bytes(data)
            raise AssertionError(f"file {number}: {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.perf_counter() - began)
        journal.unlink(missing_ok=True)
        assert files(path.parent) == [path]
    print(f"{COUNT} garbled files: {readable} could be read, the slowest in {slowest:.2f} s")
    assert 0 < readable < COUNT
