"""Tab completion of files and variables on the line of a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawer_ipy.notebook.completion import offer_at
from drawer_ipy.pressing.surroundings import Surroundings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with data files and other files."""
    (tmp_path / "data").mkdir()
    names = [
        "rows.csv",
        "rows.jsonl.gz",
        "a.PARQUET",
        "notes.md",
        "two words.csv",
        ".hidden.csv",
        "data/x.txt",
    ]
    for name in names:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(line: str) -> list[str]:
    """The proposals at the end of `line`."""
    around = Surroundings(namespace={"urls": [1], "N": 2})
    return [word.text for word in offer_at([line, "steps: []"], 0, len(line), lambda: around).words]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%%drawer t rows=@", ["@a.PARQUET", "@data/", "@rows.csv", "@rows.jsonl.gz"]),
        ("%%drawer t rows=@ro", ["@rows.csv", "@rows.jsonl.gz"]),
        ("%%drawer t rows=@data/", ["@data/x.txt"]),
        ("%%drawer t rows=@./r", ["@./rows.csv", "@./rows.jsonl.gz"]),
        ("%%drawer t rows=@nowhere/", []),
        ("%%drawer t rows=@~nobody/", []),
        ("%%drawer t rows=@rows.csv/", []),
        ("%%drawer t --parallelism $", ["$urls", "$N"]),
        ("%%drawer t rows=$u", ["$urls"]),
    ],
)
def test_files_and_variables_are_proposed(line: str, words: list[str]) -> None:
    assert sorted(offered(line)) == sorted(words)


def test_an_absolute_path_is_kept(folder: Path) -> None:
    assert offered(f"%%drawer t rows=@{folder}/ro") == [f"@{folder}/rows.csv", f"@{folder}/rows.jsonl.gz"]
