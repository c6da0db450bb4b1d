"""Instructions for installing the package, and its metadata."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drawer_ipy import __version__
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
FROM_AN_INDEX = re.compile(
    r"(?<!\.\./)drawer[-_.]ipy\[|pip3? install (?:-\S+ )*[\"']?drawer[-_.]ipy", re.IGNORECASE
)


def test_no_document_installs_the_package_from_an_index() -> None:
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
    addresses = ["".join(picture) for picture in pictures if "mybinder.org" not in picture[0]]
    assert addresses
    for address in addresses:
        assert address.startswith(raw)
        assert (ROOT / address.removeprefix(raw)).is_file()


def test_the_metadata_names_authors_and_addresses() -> None:
    assert PROJECT["authors"]
    assert {"Homepage", "Source", "Documentation", "Changelog", "Issues"} <= PROJECT["urls"].keys()
    assert all(address.startswith(PROJECT["urls"]["Homepage"]) for address in PROJECT["urls"].values())


def test_loading_the_extension_imports_nothing_that_only_some_runs_need() -> None:
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "drawer_ipy")
late = ["aiohttp", "yarl", "pandas", "numpy", "pyarrow", "matplotlib", "lxml"]
late += ["drawer_ipy.buttons.http.button", "drawer_ipy.pictures.timeline"]
print([name for name in late if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_conda_recipe_needs_what_the_package_needs() -> None:
    recipe = YAML(typ="safe").load((ROOT / ".ci" / "conda" / "recipe.yaml").read_text("utf-8"))
    ours = {entry.partition(";")[0].strip() for entry in PROJECT["dependencies"] if "tzdata" not in entry}
    theirs = {entry.replace(" ", "") for entry in recipe["requirements"]["run"]}
    assert ours <= theirs
    assert {re.split("[<>=]", entry)[0] for entry in theirs - ours} == {"python", "python-tzdata"}
    assert recipe["context"]["version"] == __version__


def test_a_release_is_published_without_a_token() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    publish = YAML(typ="safe").load(text)["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in text
