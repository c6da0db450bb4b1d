"""A Jupyter server for the tests: JupyterLab and Notebook 7 at one address, with an empty home folder."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

_PATIENCE = 60.0

_EXTENSION = Path(__file__).parents[2] / "drawer_ipy" / "labextension"

# Turn off what would use the Internet, open a dialog or save at a time that a test does not expect.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # On a busy machine a kernel may take longer than the default of one second to propose something.
    "@jupyterlab/completer-extension:manager": {"providerTimeout": 10000},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
    "@jupyter-notebook/notebook-extension:checkpoints": {"checkpointPollingInterval": 600},
}


# The ports of the kernels that the server starts.
_CONFIG = f"""
import sys

sys.path.append({str(Path(__file__).parent)!r})
from free_ports import let_kernels_have_free_ports

let_kernels_have_free_ports()
"""


@dataclass(frozen=True)
class JupyterServer:
    """A running server.

    Attributes:
        address: its URL, without a slash at the end.
        token: the token that a client needs.
        folder: the folder of its notebooks.
    """

    address: str
    token: str
    folder: Path

    def write(self, name: str, cells: list[str]) -> Path:
        """Write a notebook of those code cells, without outputs.

        It names its kernel, so that the front end does not ask which one to start.
        """
        code = [new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        notebook = new_notebook(cells=code, metadata={"kernelspec": kernel})  # type: ignore[no-untyped-call]
        path = self.folder / name
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        return path

    def request(self, method: str, path: str) -> Any:
        """Send a request to the server's API and return its JSON; ``None`` for an empty response."""
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            text = response.read()
        return json.loads(text) if text else None

    def end_kernels(self) -> None:
        """Shut down every kernel."""
        for session in self.request("GET", "/api/sessions"):
            self.request("DELETE", f"/api/sessions/{session['id']}")


@contextmanager
def jupyter_in(home: Path) -> Iterator[JupyterServer]:
    """Run a server whose home, settings and working folder are below `home`, until the block ends.

    Both front ends give the page their application object, so that a test can call its commands.
    """
    folder, token = home / "work", secrets.token_hex(16)
    folder.mkdir()
    settings = home / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(_SETTINGS))
    (home / "config" / "jupyter_server_config.py").write_text(_CONFIG)
    # As it is in this folder now, and not as it was when the package was installed.
    extension = home / "share" / "labextensions" / "drawer-ipy"
    extension.parent.mkdir(parents=True)
    extension.symlink_to(_EXTENSION, target_is_directory=True)
    command = [sys.executable, "-m", "jupyter", "notebook", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--ServerApp.port_retries=0"]
    command += ["--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True"]
    environment = _environment(home) | {"JUPYTER_TOKEN": token}
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield JupyterServer(_address(process, home), token, folder)
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _environment(home: Path) -> dict[str, str]:
    """An environment without the user's Jupyter settings whose kernel is the interpreter under test."""
    kept = {k: v for k, v in os.environ.items() if not re.match(r"JUPYTER|COV", k)}
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PATH": str(home / "share"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    """The address of the server; it writes a file with it as soon as it listens."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for found in (home / "runtime").glob("jpserver-*.json"):
            try:
                return str(json.loads(found.read_text())["url"]).rstrip("/")
            except ValueError:  # the file is not complete yet
                continue
        time.sleep(0.05)
    raise RuntimeError(f"the Jupyter server did not start:\n{(home / 'log').read_text()[-4000:]}")
