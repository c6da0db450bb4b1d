"""Runs that were stored by earlier versions open in this one, and a changed format has a new number."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest
from golden_runs import FOLDER, VALUES, press_golden, restore

import drawer_ipy
from drawer_ipy import Results, UsageError
from drawer_ipy.journal import file as run_file
from drawer_ipy.journal.file import VERSION

SCHEMAS = {1: "cfec925f460d5534"}
"""The version of each format -> the beginning of the hash of its tables. Never change an existing entry."""

RUNS = sorted(FOLDER.glob("*.db.gz"))


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "home", tmp_path / "cache"


def tables(path: Path) -> str:
    """Return a hash of the tables of a file."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def test_tables_that_change_get_a_new_version(folders: tuple[Path, Path]) -> None:
    """If this fails, raise ``VERSION`` and add the hash of the new tables here.

    Then read files of the versions before as well, and make files of the new one with
    ``python tests/support/golden_runs.py``.
    """
    press_golden()
    (path,) = (folders[0] / "runs").glob("*.db")
    assert set(SCHEMAS) == set(range(1, VERSION + 1))
    assert tables(path).startswith(SCHEMAS[VERSION]), f"version {VERSION} has the tables {tables(path)[:16]}"


def test_each_version_has_files() -> None:
    assert {int(path.name.split("-")[1]) for path in RUNS} == set(SCHEMAS)


@pytest.mark.parametrize("packed", RUNS, ids=lambda path: path.name.removesuffix(".db.gz"))
def test_a_stored_run_opens_and_goes_on(packed: Path, folders: tuple[Path, Path]) -> None:
    path = restore(packed, *folders)
    twice = "presses-2" in packed.name
    version = int(packed.name.split("-")[1])
    assert tables(path).startswith(SCHEMAS[version]), "the file has been changed"
    (run,) = drawer_ipy.runs()
    assert (run.drawer, run.status, run.to_dict()["presses"]) == ("golden", "ok", 2 if twice else 1)
    table = Results.open("golden")
    assert table.counts == {
        "ok": 9 if twice else 7,
        "failed": 0 if twice else 1,
        "cancelled": 0,
        "skipped": 0,
    }
    for index in range(6):
        found = table[index]["work"]
        assert (found, type(found)) == (VALUES[index], type(VALUES[index]))
        leaves = [entry["steps"]["leaf"]["output"] for entry in table[index]["inner"]["results"]]
        assert leaves == [10, 20]
    assert table[7]["work"] == "with [redacted]"
    assert table.run.step("before").output == "ready"
    assert twice or table.errors[0].message == "ValueError: on purpose"
    assert table.run.inputs["token"] == "[redacted]" or "not kept" in table.run.inputs["token"]
    assert len(table.explain(6).presses) == (2 if twice else 1)
    table.timeline()
    results = press_golden(10, fail=False, resume=True)
    assert results.counts["ok"] == 10
    assert [row.index for row in results if len(row.explain().presses) > (1 if not twice else 2)]
    assert [results[index]["work"] for index in range(6)] == VALUES
    assert results[7]["work"] == "with [redacted]"
    assert drawer_ipy.runs()[0].to_dict()["presses"] == (3 if twice else 2)


def test_a_file_of_a_newer_version_is_refused_in_words(folders: tuple[Path, Path]) -> None:
    path = restore(RUNS[-1], *folders)
    data = bytearray(path.read_bytes())
    data[60:64] = (VERSION + 1).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(UsageError, match="written by a newer drawer_ipy") as caught:
        Results.open(path.stem[-16:])
    assert f"format {VERSION + 1}, this one reads up to {VERSION}" in str(caught.value)
    assert drawer_ipy.runs() == []
    press_golden(resume=True)  # begins another run, and leaves the file as it is
    assert path.read_bytes() == bytes(data)
    assert run_file.VERSION == VERSION
