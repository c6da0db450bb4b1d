"""Python for the browser under Node.js: runs code in Pyodide with this checkout's drawer_ipy."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "lite"))
from runtime import CACHE, PINS, make_runtime  # noqa: E402  # in a folder that is no package

_SCRIPT = """
import { pathToFileURL } from "node:url";
import { createInterface } from "node:readline";
const [runtime, source, packages, mark] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${runtime}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: runtime, env: { HOME: "/home/pyodide" } });
await python.loadPackage(JSON.parse(packages), { messageCallback: () => {} });
python.FS.mkdirTree("/source");
python.FS.mount(python.FS.filesystems.NODEFS, { root: source }, "/source");
python.runPython("import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '/source')");
for await (const line of createInterface({ input: process.stdin })) {
  let failure = "";
  const globals = python.toPy({ __name__: "__main__" });
  try {
    await python.runPythonAsync(JSON.parse(line), { globals });
  } catch (error) {
    failure = String(error);
  }
  globals.destroy();
  process.stdout.write(`\\n${mark}${JSON.stringify(failure)}\\n`);
}
// Timers of kept connections would let Node.js go on for a minute.
process.exit();
"""
_MARK = "-- ended: "
_LONGEST = 240.0
"""Seconds that a piece of code may take, with the start of Pyodide."""


class Pyodide:
    """A runtime in a folder, in one process of Node.js; each :meth:`run` has names of its own.

    Args:
        folder: Pyodide and the wheels.
        packages: what is loaded.
    """

    def __init__(self, folder: Path, packages: Sequence[str]) -> None:
        script = folder / "run.mjs"
        script.write_text(_SCRIPT, encoding="utf-8")
        self._argv = ["node", str(script), str(folder), str(ROOT), json.dumps(packages), _MARK]
        self._node: subprocess.Popen[str] | None = None

    def run(self, code: str) -> str:
        """Run `code`, which may use ``await``, as a cell; return what it prints.

        Raises:
            AssertionError: it raised an exception, or ended Node.js.
        """
        node = self._node
        if node is None or node.poll() is not None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            node = self._node = subprocess.Popen(self._argv, text=True, encoding="utf-8", **pipes)
        assert node.stdin is not None
        assert node.stdout is not None
        timer = threading.Timer(_LONGEST, node.kill)
        timer.start()
        try:
            node.stdin.write(json.dumps(code) + "\n")
            node.stdin.flush()
            printed: list[str] = []
            for line in node.stdout:
                if line.startswith(_MARK):
                    failure = json.loads(line.removeprefix(_MARK))
                    assert not failure, "".join([*printed, failure])
                    return "".join(printed).removesuffix("\n")
                printed.append(line)
        finally:
            timer.cancel()
        raise AssertionError("Node.js has ended: " + "".join(printed))

    def close(self) -> None:
        """End the process."""
        if self._node is not None:
            self._node.communicate()


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
