"""binder/: the installed packages are sufficient to open the quickstart and to execute it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_ports import free_port
from notebook_rig import QUICKSTART, ROOT, code_cells, drawer_cells, read, said, sanitize

BINDER = ROOT / "binder"
FIRST_PAGE = f"/lab/tree/{QUICKSTART.relative_to(ROOT).as_posix()}"

pytestmark = pytest.mark.timeout(900)

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
sys.path.append(sys.argv[3])
from free_ports import let_kernels_have_free_ports

let_kernels_have_free_ports()
NotebookClient(notebook, timeout=200, store_widget_state=False).execute()
nbformat.write(notebook, sys.argv[2])
"""
SUPPORT = str(ROOT / "tests" / "support")


class Image:
    """A virtual environment like the one that repo2docker would build.

    It installs ``binder/requirements.txt`` from the root of the repository and then runs
    ``binder/postBuild``, with NB_PYTHON_PREFIX set to the environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = folder / "env"
        self.python = self.prefix / "bin" / "python"
        # Without the variables of the environment that runs the tests and the user's settings of Jupyter.
        self.env = {k: v for k, v in os.environ.items() if not re.match(r"PYTHON|VIRTUAL_ENV|JUPYTER|COV", k)}
        self.env |= {
            "NB_PYTHON_PREFIX": str(self.prefix),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
        }
        self.run(sys.executable, "-m", "venv", str(self.prefix))
        pip = (str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check")
        self.run(*pip, "-r", "binder/requirements.txt", cwd=ROOT)
        self.run(str(BINDER / "postBuild"), cwd=ROOT)

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command and return its standard output; if it fails, the test fails with all its output."""
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image(tmp_path_factory.mktemp("binder"))


@pytest.fixture
def served(image: Image) -> Iterator[str]:
    """The address of a JupyterLab of the image that runs in the root of the repository."""
    port = free_port()
    command = [str(image.python), "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=image.env, stdout=quiet, stderr=quiet) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def test_the_requested_python_is_supported() -> None:
    name, _, version = (BINDER / "runtime.txt").read_text().strip().partition("-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = project["requires-python"].removeprefix(">=")
    assert name == "python"
    assert tuple(map(int, version.split("."))) >= tuple(map(int, least.split(".")))
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_post_build_is_executable() -> None:
    assert os.access(BINDER / "postBuild", os.X_OK)
    assert (BINDER / "postBuild").read_bytes().startswith(b"#!/bin/bash\n")


def test_the_image_has_the_package_of_the_repository(image: Image) -> None:
    where = image.run(str(image.python), "-c", "import drawer_ipy; print(drawer_ipy.__file__)").strip()
    assert Path(where).is_relative_to(image.prefix)


def test_the_quickstart_runs_and_shows_its_table(image: Image, tmp_path: Path) -> None:
    out = tmp_path / "executed.ipynb"
    image.run(str(image.python), "-c", EXECUTE, str(QUICKSTART), str(out), SUPPORT)
    saved, executed = read(QUICKSTART), read(out)
    for before, after in zip(code_cells(saved), code_cells(executed), strict=True):
        assert list(map(sanitize, said(after))) == list(map(sanitize, said(before))), before.id
    table = said(drawer_cells(executed)[0])[0]
    assert "58 ok · 2 failed" in table
    assert "Humble wall clock" in table
    plot = next(cell for cell in executed.cells if cell.id == "plot")
    assert said(plot, "image/png")


def test_the_first_page_is_the_quickstart(image: Image, served: str) -> None:
    settings = json.loads((image.prefix / "etc" / "jupyter" / "jupyter_server_config.json").read_text())
    assert {app["default_url"] for app in settings.values()} == {FIRST_PAGE}
    assert _first_page(served) == served + FIRST_PAGE


def _first_page(address: str, patience: float = 60) -> str:
    """The page to which the server redirects its root; wait until the server responds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"{address}/", timeout=patience) as answer:
                return str(answer.geturl())
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_no_question_about_news_hides_the_quickstart(image: Image) -> None:
    overrides = image.prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    notification = json.loads(overrides.read_text("utf-8"))["@jupyterlab/apputils-extension:notification"]
    assert notification == {"fetchNews": "false", "checkForUpdates": False}


def test_the_badge_of_the_readme_opens_the_quickstart() -> None:
    [address] = re.findall(r"https://mybinder\.org/v2/[^)]*", (ROOT / "README.md").read_text("utf-8"))
    assert address.endswith(f"/main?urlpath={FIRST_PAGE.removeprefix('/')}")
