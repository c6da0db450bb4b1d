"""The extension for JupyterLab and Notebook: it is in the wheel, and installed and removed with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import drawer_ipy

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "drawer_ipy" / "labextension"
INSTALLED = Path("share/jupyter/labextensions/drawer-ipy")
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_file())


def run(*command: str | Path, **variables: str) -> str:
    """What a command prints, on stdout and stderr."""
    environment = os.environ | variables
    done = subprocess.run(
        [*map(str, command)], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel and sdist."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def test_the_description_agrees_with_the_package_and_its_files() -> None:
    described = json.loads((SOURCE / "package.json").read_text("utf-8"))
    assert (described["name"], described["version"]) == ("drawer-ipy", drawer_ipy.__version__)
    build = described["jupyterlab"]["_build"]
    assert build["load"] in FILES
    assert f'"{build["extension"]}"' in (SOURCE / build["load"]).read_text("utf-8")
    assert json.loads((SOURCE / "install.json").read_text("utf-8"))["packageName"] == "drawer-ipy"


def test_every_script_is_imported_and_every_imported_script_is_there() -> None:
    texts = {path.name: path.read_text("utf-8") for path in (SOURCE / "static").glob("*.js")}
    imported = {
        name
        for text in texts.values()
        for name in re.findall(r'(?:from|import|URL\()\s*"(?:\./)?([\w.]+\.js)"', text)
    }
    assert imported == texts.keys() - {"remoteEntry.js"}


def test_the_wheel_and_the_sdist_contain_it(built: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = f"{wheel.name.rsplit('-', 3)[0]}.data/data/{INSTALLED.as_posix()}"
    assert {f"{data}/{name}" for name in FILES} == {name for name in names if "labextension" in name}
    with tarfile.open(next(built.glob("*.tar.gz"))) as sources:
        kept = {name.partition("/")[2] for name in sources.getnames()}
    assert {f"drawer_ipy/labextension/{name}" for name in FILES} <= kept


def test_it_is_enabled_after_an_installation_and_removed_with_the_package(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", environment]
    run(*pip, "install", "--no-index", "--no-deps", wheel)
    folder = environment / INSTALLED
    assert [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.js*"))] == FILES

    shown = run(
        *(sys.executable, "-m", "jupyter", "labextension", "list"),
        JUPYTER_PATH=str(environment / "share" / "jupyter"),
        JUPYTER_CONFIG_DIR=str(tmp_path / "config"),
    )
    lines = re.sub(r"\x1b\[\d*m", "", shown).splitlines()
    begin = lines.index(str(folder.parent))
    assert lines[begin + 1].split()[:4] == ["drawer-ipy", f"v{drawer_ipy.__version__}", "enabled", "OK"]

    run(*pip, "uninstall", "--yes", "drawer-ipy")
    assert not folder.exists()
