"""Python for the browser under Node.js: runs code in Pyodide with this checkout's drawer_ipy."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "lite"))
from runtime import CACHE, PINS, make_runtime  # noqa: E402  # in a folder that is no package

_SCRIPT = """
import { pathToFileURL } from "node:url";
const [runtime, source, code, packages] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${runtime}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: runtime, env: { HOME: "/home/pyodide" } });
await python.loadPackage(JSON.parse(packages), { messageCallback: () => {} });
python.FS.mkdirTree("/source");
python.FS.mount(python.FS.filesystems.NODEFS, { root: source }, "/source");
python.runPython("import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '/source')");
try {
  await python.runPythonAsync(code);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
// Timers of kept connections would let Node.js go on for a minute.
process.stdout.write("", () => process.exit());
"""


@dataclass(frozen=True, slots=True)
class Pyodide:
    """A runtime in a folder; each :meth:`run` starts it anew.

    Attributes:
        folder: Pyodide and the wheels.
        packages: what is loaded.
    """

    folder: Path
    packages: Sequence[str]

    def run(self, code: str) -> str:
        """Run `code`, which may use ``await``, as a cell; return what it prints.

        Raises:
            AssertionError: it raised an exception.
        """
        script = self.folder / "run.mjs"
        script.write_text(_SCRIPT, encoding="utf-8")
        argv = ["node", str(script), str(self.folder), str(ROOT), code, json.dumps(self.packages)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


def pyodide_in(folder: Path) -> Pyodide:
    """Make a runtime in `folder`, without the packages of the kernel.

    Raises:
        NotFetched: pip or npm could not download it.
    """
    assert shutil.which("node"), "these tests need Node.js"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:  # other workers may download at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        packages = make_runtime(folder)
    kernel = {pin.partition("==")[0] for pin in PINS["notebook"]}
    return Pyodide(folder, [name for name in packages if name not in kernel])
