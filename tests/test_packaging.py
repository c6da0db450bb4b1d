"""What the package says about itself: how it is installed, and what an index page shows of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from drawer_ipy.common.install import install_hint

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
READ_BY_USERS = sorted(
    path
    for pattern in (
        "*.md",
        "docs/*.md",
        "notebooks/*.ipynb",
        "binder/*",
        "drawer_ipy/**/*.py",
        "drawer_ipy/**/*.js",
    )
    for path in ROOT.glob(pattern)
)
FROM_AN_INDEX = re.compile(r"drawer[-_.]ipy\[|pip3? install (?:-\S+ )*[\"']?drawer[-_.]ipy", re.IGNORECASE)


def test_nothing_that_users_read_installs_the_package_from_an_index() -> None:
    assert len(READ_BY_USERS) > 100
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in READ_BY_USERS
        for line in path.read_text("utf-8").splitlines()
        if FROM_AN_INDEX.search(line)
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    ["pip install 'drawer-ipy[scrape]'", "%pip install -U drawer_ipy", "the extra `drawer-ipy[socks]`"],
)
def test_installs_from_an_index_are_recognized(text: str) -> None:
    assert FROM_AN_INDEX.search(text)


def test_every_extra_that_a_message_or_a_document_names_exists() -> None:
    extras = PROJECT["optional-dependencies"]
    named = {
        extra.strip()
        for path in READ_BY_USERS
        for group in re.findall(
            r"install_hint\([\"'](\w+)[\"']\)|pip install [\"']?\.\[([\w,]+)\]", path.read_text("utf-8")
        )
        for extra in "".join(group).split(",")
    }
    assert {"scrape", "socks", "notebook", "arrow"} <= named
    assert named <= extras.keys()
    assert install_hint("scrape").endswith("pip install '.[scrape]'")


def test_the_pictures_of_the_readme_have_absolute_addresses() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)|<img[^>]*\bsrc=[\"']([^\"']+)", readme)
    raw = PROJECT["urls"]["Source"].replace("//github.com/", "//raw.githubusercontent.com/") + "/main/"
    assert len(pictures) >= 5
    for address in map("".join, pictures):
        assert address.startswith(raw)
        assert (ROOT / address.removeprefix(raw)).is_file()


def test_the_metadata_names_authors_and_addresses() -> None:
    assert PROJECT["authors"]
    assert {"Homepage", "Source", "Documentation", "Changelog", "Issues"} <= PROJECT["urls"].keys()
    assert all(address.startswith(PROJECT["urls"]["Homepage"]) for address in PROJECT["urls"].values())
