"""The site in the browser: JupyterLite with drawer_ipy and two notebooks.

``python docs/lite/make_site.py FOLDER`` makes it.
All that it needs at run time is in the folder: JupyterLab, Python (see ``runtime.py``), wheels and notebooks.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime import CACHE, PINS, ROOT, make_runtime

from notebooks import put_notebooks, site_notebooks

_KERNEL = "@jupyterlite/pyodide-kernel-extension"

# What would ask other hosts, or the visitor.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
}


class NotMade(RuntimeError):
    """A program that builds the site failed."""


def make_site(folder: Path, cache: Path = CACHE) -> None:
    """Write the site to `folder`, which is replaced.

    Raises:
        NotMade: a program failed; the message contains its output.
        NotFetched: something could not be downloaded.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="drawer-lite-") as name, _alone(cache):
        work = Path(name)
        environment = _environment(cache)
        wheel = _wheel(environment, work / "dist")
        # For its extension of JupyterLab. What drawer_ipy depends on is not needed to build the site.
        _pip(environment, "install", "--no-deps", "--force-reinstall", str(wheel))
        wheels = [wheel, *_kernel_wheels(environment)]
        packages = make_runtime(work / "site" / "static" / "pyodide", wheels, cache)
        _write_settings(work / "site", packages)
        command = ["build", "--lite-dir", str(work / "site"), "--output-dir", str(folder.resolve())]
        command += ["--apps", "lab", "--no-sourcemaps", "--no-libarchive"]
        _run(environment / "bin" / "jupyter-lite", *command, where=work)
    put_notebooks(folder, site_notebooks())


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Keep other processes out of `cache` until the block ends."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment(cache: Path) -> Path:
    """A virtual environment with what builds the site."""
    pins: list[str] = PINS["site"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / f"env-{hashlib.sha256(repr([version, *pins]).encode()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _pip(folder, "install", *pins)
        (folder / "complete").touch()
    return folder


def _wheel(environment: Path, folder: Path) -> Path:
    """The wheel of this checkout."""
    _pip(environment, "wheel", "--no-deps", "-w", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _kernel_wheels(environment: Path) -> list[Path]:
    """The wheels that the kernel's extension brings, without the stand-in for old versions of ipywidgets."""
    folder = environment / "share" / "jupyter" / "labextensions" / _KERNEL / "static" / "pypi"
    return [path for path in sorted(folder.glob("*.whl")) if not path.name.startswith("widgetsnbextension-")]


def _write_settings(folder: Path, packages: list[str]) -> None:
    kernel = {
        "disablePyPIFallback": True,
        # All at once from the folder of Pyodide, so that nothing is looked up when a kernel starts.
        "loadPyodideOptions": {"packages": packages},
    }
    config: dict[str, Any] = {
        "appName": "drawer_ipy in the browser",
        "exposeAppInBrowser": True,
        "litePluginSettings": {f"{_KERNEL}:kernel": kernel},
    }
    lite = {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}
    (folder / "jupyter-lite.json").write_text(json.dumps(lite), encoding="utf-8")
    (folder / "overrides.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")


def _pip(environment: Path, *args: str) -> None:
    _run(environment / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check", *args)


def _run(*command: str | Path, where: Path | None = None) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=where, check=False)
    if done.returncode:
        raise NotMade(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    make_site(Path(sys.argv[1]))
