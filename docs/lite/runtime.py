"""Python for the browser in a folder: Pyodide, the wheels of ``pins.toml``, and a lock file that lists them.

``python docs/lite/runtime.py FOLDER`` makes it. What pip and npm download is kept in ``build/lite-cache``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PINS: dict[str, Any] = tomllib.loads((ROOT / "docs" / "lite" / "pins.toml").read_text(encoding="utf-8"))
CACHE = ROOT / "build" / "lite-cache"

_NEEDED = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""The files of the npm package that are needed at run time."""


class NotFetched(RuntimeError):
    """Something that the runtime consists of could not be downloaded or built."""


def make_runtime(folder: Path, more: Iterable[Path] = (), cache: Path = CACHE) -> list[str]:
    """Write Pyodide, its wheels and a lock file that lists exactly those to `folder`.

    Args:
        folder: is replaced.
        more: further wheels.
        cache: keeps what is downloaded.

    Returns:
        The names of all packages, as the lock file has them.

    Raises:
        NotFetched: pip or npm failed; the message contains their output.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _unpack(_pyodide(cache), folder)
    for wheel in [*fetch_wheels(cache), *more]:
        shutil.copy(wheel, folder)
    return write_lock(folder)


def fetch_wheels(cache: Path = CACHE) -> list[Path]:
    """Return the wheels of the pins, downloaded or built.

    Raises:
        NotFetched: pip failed.
    """
    pinned = [*PINS["core"], *PINS["notebook"], *PINS["built"]]
    folder = cache / hashlib.sha256(repr(sorted(pinned)).encode()).hexdigest()[:12]
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        where = ["--platform", PINS["platform"], "--platform", "any", "--python-version", PINS["python"]]
        abi = "cp" + PINS["python"].replace(".", "")
        where += ["--implementation", "cp", "--abi", abi, "--abi", "none", "--only-binary", ":all:"]
        _pip("download", "--no-deps", "-d", str(folder), *where, *PINS["core"], *PINS["notebook"])
        for pin, without in PINS["built"].items():
            name = pin.partition("==")[0]
            _pip("wheel", "--no-deps", "-w", str(folder), "--no-binary", name, pin, **{without: "1"})
        if compiled := [one.name for one in folder.glob("aiohttp-*.whl") if "none-any" not in one.name]:
            raise NotFetched(f"{compiled} is for this computer, not for the browser")
        (folder / "complete").touch()
    return sorted(folder.glob("*.whl"))


def write_lock(folder: Path) -> list[str]:
    """Write the lock file that lists the wheels in `folder` instead of Pyodide's own packages."""
    path = folder / "pyodide-lock.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    lock["packages"] = {entry["name"]: entry for entry in map(_entry, sorted(folder.glob("*.whl")))}
    path.write_text(json.dumps(lock), encoding="utf-8")
    return list(lock["packages"])


def _entry(wheel: Path) -> dict[str, Any]:
    name, version = wheel.name.split("-")[:2]
    return {
        "name": re.sub(r"[-_.]+", "-", name).lower(),
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": _modules(wheel),
        "depends": [],  # the whole list is loaded at once
        "unvendored_tests": False,
    }


def _modules(wheel: Path) -> list[str]:
    """The names that can be imported from `wheel`."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    return sorted({top.split(".")[0] for top in tops if ".dist-info" not in top and ".data" not in top})


def _pyodide(cache: Path) -> Path:
    """The archive of the npm package."""
    path = cache / f"pyodide-{PINS['pyodide']}.tgz"
    if not path.exists():
        if shutil.which("npm") is None:
            raise NotFetched("npm is missing, which downloads Pyodide: install Node.js with npm")
        cache.mkdir(parents=True, exist_ok=True)
        _run(["npm", "pack", "--silent", f"pyodide@{PINS['pyodide']}", "--pack-destination", str(cache)])
    return path


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for name in (*_NEEDED, "package.json"):
            member = tar.extractfile(f"package/{name}")
            if member is None:
                raise NotFetched(f"{archive} has no {name}")
            (folder / name).write_bytes(member.read())


def _pip(*args: str, **more: str) -> None:
    _run([sys.executable, "-m", "pip", *args, "-q", "--disable-pip-version-check"], more)


def _run(command: Sequence[str], more: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | (more or {}), check=False)
    if done.returncode:
        raise NotFetched(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    print(*make_runtime(Path(sys.argv[1])))
