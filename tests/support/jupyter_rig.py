"""A Jupyter server of the tests' own: JupyterLab and Notebook 7 at one address, in an empty home."""

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

# What would ask for something outside, ask a question, or save at a time that no test knows of.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
    "@jupyter-notebook/notebook-extension:checkpoints": {"checkpointPollingInterval": 600},
}


@dataclass(frozen=True)
class JupyterServer:
    """A running server.

    Attributes:
        address: without a slash at the end; `token` lets a visitor in.
        folder: where its notebooks are.
    """

    address: str
    token: str
    folder: Path

    def write(self, name: str, cells: list[str]) -> Path:
        """A notebook of those code cells, without outputs. It names its kernel, so that nobody is asked."""
        code = [new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        notebook = new_notebook(cells=code, metadata={"kernelspec": kernel})  # type: ignore[no-untyped-call]
        path = self.folder / name
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        return path

    def request(self, method: str, path: str) -> Any:
        """What the server's API answers, decoded; ``None`` for an empty answer."""
        asked = urllib.request.Request(f"{self.address}{path}", method=method)
        asked.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def end_kernels(self) -> None:
        """Shut down every kernel."""
        for session in self.request("GET", "/api/sessions"):
            self.request("DELETE", f"/api/sessions/{session['id']}")


@contextmanager
def jupyter_in(home: Path) -> Iterator[JupyterServer]:
    """A server whose home, settings and working folder are below `home`, ended at the end.

    Both front ends hand their application object to the page, so that a test can call its commands.
    """
    folder, token = home / "work", secrets.token_hex(16)
    folder.mkdir()
    settings = home / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(_SETTINGS))
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
    """Nothing of the user's own Jupyter, and the kernel of the interpreter under test."""
    kept = {k: v for k, v in os.environ.items() if not re.match(r"JUPYTER|COV", k)}
    return kept | {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    """Where the server listens: it says so in a file, once it does."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for found in (home / "runtime").glob("jpserver-*.json"):
            try:
                return str(json.loads(found.read_text())["url"]).rstrip("/")
            except ValueError:  # it is being written
                continue
        time.sleep(0.05)
    raise RuntimeError(f"the Jupyter server did not start:\n{(home / 'log').read_text()[-4000:]}")
