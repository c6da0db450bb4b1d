"""Drawers in files that cannot be read: the error says what is there, from which folder, and what is near."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from drawer_ipy import Drawer, DrawerNotFound, UsageError, press
from drawer_ipy.common.unreadable import why_unreadable
from drawer_ipy.verbs.values import value_of

STEP = "steps: [{id: a, kind: wait, duration: 1ms}]\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "shop.yaml").write_text(STEP)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "drawer.json").write_text("{}")
    (tmp_path / "empty.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes("# \u00e9t\u00e9\n".encode("latin-1"))
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    return tmp_path


def refusal(drawer: Any) -> tuple[str, str]:
    for use in (Drawer.load, press):
        with pytest.raises(UsageError) as caught:
            use(drawer)
    return caught.value.message, caught.value.remediation


def test_a_file_that_does_not_exist(here: Path) -> None:
    message, hint = refusal("shp.yaml")
    assert message == f"shp.yaml cannot be read: there is no file 'shp.yaml' in {here}"
    assert hint == "did you mean 'shop.yaml'?"
    assert "did you mean 'shop.yaml'?" in refusal("shop.yml")[1]
    assert refusal("Shop.YAML")[1] == "did you mean 'shop.yaml'?"
    assert refusal(here / "shp.yaml")[0].endswith(f"there is no file 'shp.yaml' in {here}")
    assert refusal("unlike.json") == (
        f"unlike.json cannot be read: there is no file 'unlike.json' in {here}",
        "",
    )


def test_a_folder_that_does_not_exist(here: Path) -> None:
    message, hint = refusal("foldr/drawer.json")
    assert message == f"foldr/drawer.json cannot be read: there is no folder 'foldr' in {here}"
    assert hint == "did you mean 'folder'?"


@pytest.mark.parametrize(
    ("path", "reason", "hint"),
    [
        (Path("folder"), "it is a folder, not a file", "did you mean 'folder/drawer.json'?"),
        ("empty.yaml", "it is a folder, not a file", "give a file in it"),
        ("shop.yaml/x.yaml", "'shop.yaml' is not a folder", ""),
        ("latin.yaml", "it is not UTF-8 text (byte 3 is 0xe9)", "save it as UTF-8"),
        ("dangling.yaml", "it is a link to 'nowhere.yaml', which does not exist", ""),
        ("a\0b.yaml", "its name has a NUL character", ""),
        ("pipe.yaml", "it is a named pipe, not a regular file", ""),
        ("x" * 300 + ".yaml", "File name too long", ""),
    ],
)
def test_a_file_that_cannot_be_read(here: Path, path: Any, reason: str, hint: str) -> None:
    message, remediation = refusal(path)
    assert message == f"{path} cannot be read: {reason}"
    assert remediation == hint


def test_a_file_without_permission() -> None:
    error = PermissionError(13, "Permission denied", "f.yaml")
    assert why_unreadable(Path("f.yaml"), error) == (
        "you have no permission to read it",
        "look at its rights: ls -ld f.yaml",
    )


def test_a_path_may_begin_with_the_home_folder(here: Path) -> None:
    (here / "home" / "mine.yaml").write_text(STEP)
    assert Drawer.load("~/mine.yaml").steps
    assert Drawer.load(Path("~/mine.yaml")).steps
    assert refusal("~/mien.yaml")[1] == "did you mean 'mine.yaml'?"
    assert refusal("~no-such-user/x.yaml")[0]


def test_a_name_that_looks_like_a_path_says_what_a_path_is(here: Path) -> None:
    with pytest.raises(DrawerNotFound) as caught:
        press("./shop.txt")
    assert "a path ends in .json, .yaml or .yml" in caught.value.remediation


def test_the_file_of_an_input_gets_the_same_hints(here: Path) -> None:
    (here / "rows.csv").write_text("a\n1\n")
    with pytest.raises(UsageError) as caught:
        value_of("rows", "@row.csv")
    assert "cannot be read: No such file or directory" in caught.value.message
    assert f"there is no file 'row.csv' in {here}; did you mean 'rows.csv'?" in caught.value.remediation
    with pytest.raises(UsageError) as other:
        value_of("rows", "@latin.yaml")
    assert "it is not UTF-8 text" in other.value.message
