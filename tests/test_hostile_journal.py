"""Stored runs that are damaged, foreign or hostile, disks that fail, and secrets that must not be stored."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import drawer_ipy
from drawer_ipy import DrawerError, Results, UsageError, press
from drawer_ipy.cache.private import private_key
from drawer_ipy.journal.codec import decode
from drawer_ipy.journal.file import SEAL, VERSION
from drawer_ipy.journal.folder import files, glance
from drawer_ipy.journal.harmless import Unpickler
from drawer_ipy.journal.reader import read_run
from drawer_ipy.journal.trouble import JournalTrouble

SECRET = "s3cr3t-of-the-user"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    return folder / "runs"


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 60


class Thing:
    """An object whose class only this file has."""


def drawer(**more: Any) -> dict[str, Any]:
    step = {"id": "work", "button": "work", "args": {"x": "${x}"}}
    loop = {"id": "each", "kind": "for_each", "over": "${inputs.xs}", "as": "x", "steps": [step]}
    return {"name": "pages", "inputs": ["xs"], "steps": [{**loop, "on_item_failure": "continue"}], **more}


def work(x: int) -> Any:
    if x == 3:
        raise ValueError(x)
    return Thing() if x == 4 else {"x": x, "text": "t" * x}


def go(xs: Any = (1, 2, 3, 4, 5), **options: Any) -> Results:
    options = {"durable": "on", "check": False, "quiet": True, "buttons": {"work": work}, **options}
    return press(options.pop("text", drawer()), {"xs": list(xs), **options.pop("inputs", {})}, **options)


@pytest.fixture
def stored(home: Path) -> Path:
    """The file of a run."""
    go()
    go(resume=True)
    (path,) = files(home)
    return path


def edited(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# Damage


def damage(data: bytearray, chance: random.Random) -> bytes:
    """Return `data` changed in one of several ways."""
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(data[: chance.randrange(len(data))])
    if kind == 1:
        at = chance.randrange(len(data))
        return bytes(data[:at] + bytes(chance.randrange(1, 2000)) + data[at:])
    for _ in range(chance.choice([1, 3, 50])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused_in_words(stored: Path, seed: int) -> None:
    chance, whole = random.Random(seed), stored.read_bytes()
    key = private_key()
    for _ in range(60):
        stored.write_bytes(damage(bytearray(whole), chance))
        for attempt in (glance, lambda path: read_run(path, key), lambda path: read_run(path, None)):
            with contextlib.suppress(JournalTrouble):
                attempt(stored)
        drawer_ipy.runs()
        with contextlib.suppress(UsageError):
            repr(Results.open("pages"))


def test_damaged_values_are_refused_and_run_nothing() -> None:
    chance = random.Random(5)
    whole = pickle.dumps([{"a": [1, 2.5, "text", (None, True)]}] * 5, protocol=5)
    for _ in range(3000):
        for trusted in (True, False):
            with contextlib.suppress(JournalTrouble):
                decode(b"T" + damage(bytearray(whole), chance), 5, trusted=trusted)


# Foreign files


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("table", ["press", "step", "loop", "chunk"])
@pytest.mark.parametrize("apart", [True, False])
def test_a_pickle_without_a_seal_runs_no_code(stored: Path, tmp_path: Path, table: str, apart: bool) -> None:
    mark = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(mark), protocol=5)
    if apart:
        bomb = pickle.dumps(pickle.dumps(([b"A" + pickle.dumps([bomb], protocol=5)], []), protocol=5))
    connection = sqlite3.connect(stored)
    connection.execute(f"UPDATE {table} SET body = ?", (bytes(SEAL) + bomb,))
    connection.commit()
    connection.close()
    for key in (private_key(), None):
        with pytest.raises(JournalTrouble):
            read_run(stored, key)
    assert not mark.exists()


@pytest.mark.parametrize(
    "hostile",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\ngetattr\n(cdatetime\ndate\nS'__subclasses__'\ntR.",
        b"cfractions\nFraction\n}S'numerator'\nI1\nsb.",
        b"cfractions\nFraction\n(N}S'x'\nI1\nstb.",
        b"cdrawer_ipy.journal.harmless\nUnpickler\n(S''\ntR.",
        b"\x80\x05cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
        b"\x80\x05r\xff\xff\xff\x7f.",
    ],
)
def test_hostile_pickles_are_refused(hostile: bytes) -> None:
    with pytest.raises(JournalTrouble):
        decode(b"T" + hostile, 1, trusted=False)


def test_makers_cannot_be_changed_by_a_pickle() -> None:
    import fractions

    before = dict(vars(fractions.Fraction))
    for text in (b"(N}S'numerator'\nI1\nstb.", b"}S'numerator'\nI1\nsb."):
        with pytest.raises(Exception, match=r".*"):
            Unpickler(b"cfractions\nFraction\n" + text, {}).load()
    assert dict(vars(fractions.Fraction)) == before


def test_a_run_of_another_user_can_be_looked_at_but_is_not_continued(
    stored: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))  # with another key
    table = Results.open("pages")
    assert table.counts["ok"] == 4
    assert table[0]["x"] == 1
    assert "not kept" in repr(table[3]["work"])
    with pytest.raises(UsageError, match="not written by you"):
        table.retry(quiet=True)
    with pytest.raises(UsageError, match="not written by you"):
        go(resume=True)


def test_a_seal_is_valid_in_its_place_only(stored: Path) -> None:
    edited(
        stored,
        "UPDATE chunk SET body = (SELECT body FROM chunk WHERE kind = 'rows' ORDER BY number DESC LIMIT 1) "
        "WHERE kind = 'rows'",
    )
    with pytest.raises(JournalTrouble, match="has changed since it was written"):
        read_run(stored, private_key())


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"PRAGMA user_version={VERSION + 1}", "newer drawer_ipy"),
        ("PRAGMA application_id=1", "not a run of drawer_ipy"),
        ("CREATE VIEW v AS SELECT 1", "unexpected tables"),
        ("CREATE TRIGGER t AFTER UPDATE ON run BEGIN DELETE FROM press; END", "unexpected tables"),
        ("DELETE FROM press", "has no run"),
        ("UPDATE press SET ok = 'many'", "damaged"),
    ],
)
def test_files_that_are_not_as_expected_are_refused_in_words(
    stored: Path, statement: str, words: str
) -> None:
    edited(stored, statement)
    with pytest.raises(UsageError, match=words):
        Results.open(stored.stem[-16:])
    assert drawer_ipy.runs() == []
    go()  # begins a new run beside it
    assert len(drawer_ipy.runs()) == 1


def test_links_pipes_and_folders_are_not_opened(stored: Path, tmp_path: Path) -> None:
    data = stored.read_bytes()
    makers: list[Callable[[], Any]] = [
        lambda: os.symlink(tmp_path / "elsewhere", stored),
        lambda: os.mkfifo(stored),
        stored.mkdir,
    ]
    (tmp_path / "elsewhere").write_bytes(data)
    for make in makers:
        if stored.is_dir():
            stored.rmdir()
        else:
            stored.unlink()
        make()
        with pytest.raises(UsageError, match="cannot be read"):
            Results.open(stored.stem[-16:])
        assert drawer_ipy.runs() == []


def test_a_rollback_journal_that_names_another_file_is_refused(stored: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = str(victim).encode()
    check = sum(name) & 0xFFFFFFFF
    end = name + len(name).to_bytes(4) + check.to_bytes(4) + bytes.fromhex("d9d505f920a163d7")
    Path(f"{stored}-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504) + end)
    with pytest.raises(UsageError, match="not written by drawer_ipy"):
        Results.open("pages")
    assert victim.read_text() == "precious"


# Disks


def test_a_folder_that_cannot_be_created_fails_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("a file in the way")
    results = go(quiet=False)
    assert results.counts["ok"] == 4
    assert "the run is not kept on disk since" in capsys.readouterr().err
    home.unlink()
    home.symlink_to(home.parent)
    assert go().counts["ok"] == 4


FULL = """
import asyncio, resource, sys
from drawer_ipy import press
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
async def work(x):
    await asyncio.sleep(0.005)
    return str(x) * 2000
results = press(%r, {"xs": list(range(400))}, durable="on", buttons={"work": work})
assert results.counts["ok"] == 400
"""


def test_a_disk_that_becomes_full_fails_nothing_and_keeps_what_it_had(home: Path) -> None:
    code = FULL % drawer()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the run is not kept on disk since" in done.stderr
    (path,) = files(home)
    run = glance(path)
    assert run.status == "cut off"
    assert 0 < run.ok < 400
    (stored_press,) = read_run(path, private_key())
    loop = stored_press.record.steps[0].output.record
    kept = [x for x in range(400) if loop.states[x] == 2]
    assert kept
    assert all(loop.columns[0].outputs[x] == str(x) * 2000 for x in kept)


# Secrets


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_secret_is_stored_and_what_hid_one_is_pressed_again(home: Path) -> None:
    pressed: list[int] = []

    def login(x: int, token: str) -> Any:
        pressed.append(x)
        if x == 4:
            raise ValueError(f"refused {token}")
        return {"x": x, "note": f"with {token}" if x == 2 else "clean", "raw": [token] if x == 3 else []}

    step = {"id": "login", "button": "login", "args": {"x": "${x}", "token": "${inputs.token}"}}
    use = {"id": "use", "button": "use", "args": {"got": "${login.output.note}"}}
    seen: list[str] = []

    def use_it(got: str) -> str:
        seen.append(got)
        return "used"

    text = drawer(
        inputs=["xs", {"name": "token", "secret": True, "default": SECRET}],
        steps=[
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "x",
                "on_item_failure": "continue",
                "steps": [step, use],
            }
        ],
    )
    options: dict[str, Any] = {"text": text, "buttons": {"login": login, "use": use_it}}
    go([1, 2, 3, 4], **options)
    stored = all_bytes(home)
    for form in (
        SECRET.encode(),
        base64.b64encode(SECRET.encode()).rstrip(b"="),
        SECRET.encode().hex().encode(),
    ):
        assert form not in stored
    pressed.clear()
    seen.clear()
    go([1, 2, 3, 4], resume=True, **options)
    assert pressed == [2, 3, 4], "what had hidden the secret is made again, with the real value"
    assert f"with {SECRET}" in seen
    assert not any("[redacted]" in text for text in seen)
    assert SECRET.encode() not in all_bytes(home)
    table = Results.open("pages")
    with pytest.raises(UsageError, match="input 'token' was not stored"):
        table.retry(quiet=True)
    other = "another-secret-token"
    go([1, 2, 3, 4], resume=True, inputs={"token": other}, **options)
    assert other.encode() not in all_bytes(home)


def test_a_secret_that_becomes_known_later_is_removed_from_the_file(home: Path) -> None:
    inner = {
        "name": "inner",
        "inputs": [{"name": "token", "secret": True}],
        "steps": [{"id": "a", "button": "late", "args": {}}],
    }
    folder = home.parent / "drawers" / "inner"
    folder.mkdir(parents=True)
    (folder / "drawer.json").write_text(json.dumps({"schema_version": 2, "drawer_kind": "action", **inner}))

    def make(x: int) -> str:
        return f"token {SECRET} {x}"

    def wait() -> str:
        time.sleep(0.8)
        return "waited"

    text = drawer(
        steps=[
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "x",
                "steps": [{"id": "make", "button": "make", "args": {"x": "${x}"}}],
            },
            {"id": "wait", "button": "wait"},
            {"id": "inner", "kind": "drawer", "drawer": "inner", "args": {"token": SECRET}},
        ]
    )
    results = go([1, 2, 3], text=text, buttons={"make": make, "wait": wait, "late": lambda: "late"})
    assert results.run.status == "ok", results.run.error
    assert SECRET.encode() not in all_bytes(home)
    assert Results.open("pages").step("each").counts["ok"] == 3


def test_errors_of_this_package_are_drawer_errors() -> None:
    assert issubclass(UsageError, DrawerError)
