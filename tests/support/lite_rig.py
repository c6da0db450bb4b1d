"""The site in the browser: builds it, serves it on loopback, and runs a notebook there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page
from threaded_server import serving

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "lite"))
import notebooks as site_notebooks  # noqa: E402  # in a folder that is no package

LOADED = 90.0
"""Seconds for the page, Python and its packages to load."""

_IDLE = """path => [...(window.jupyterapp?.shell.widgets('main') ?? [])]
    .find(widget => widget.context?.path === path)?.sessionContext?.session?.kernel?.status === 'idle'"""


def build(folder: Path) -> None:
    """Write the site to `folder`, as ``make lite`` does.

    Raises:
        AssertionError: it could not be built; the message contains the output.
    """
    argv = [sys.executable, str(ROOT / "docs" / "lite" / "make_site.py"), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def put(folder: Path, notebooks: Mapping[str, dict[str, Any]]) -> None:
    """Add notebooks to the site in `folder`."""
    site_notebooks.put_notebooks(folder, notebooks)


class _Files(SimpleHTTPRequestHandler):
    """Serves files with the types that a browser insists on."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_args: Any) -> None:
        """Write nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve `folder` until the block ends; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    with serving(server) as address:
        yield address


class LiteNotebook:
    """A notebook of the site that is open in a page.

    Args:
        page: a new page.
        address: where the site is served.
        path: the name of the notebook.
    """

    def __init__(self, page: Page, address: str, path: str) -> None:
        self.page, self._path = page, path
        page.goto(f"{address}/lab/index.html?path={path}")
        page.wait_for_function(_IDLE, arg=path, timeout=LOADED * 1000)

    def start(self) -> None:
        """Run all cells, without waiting for them."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def run(self, seconds: float) -> list[str]:
        """Run all cells and return the text of each code cell's outputs."""
        self.start()
        return self.ended(seconds)

    def ended(self, seconds: float) -> list[str]:
        """Wait until all code cells have ended, and return the text of each one's outputs.

        Raises:
            AssertionError: a cell failed.
        """
        over = (
            "cells.some(cell => errorsOf(cell).length) || cells.every(cell => cell.executionCount !== null)"
        )
        self.page.wait_for_function(_of_cells(over), arg=self._path, timeout=seconds * 1000)
        errors = self.page.evaluate(_of_cells("cells.flatMap(errorsOf)"), self._path)
        assert not errors, errors
        texts: list[str] = self.page.evaluate(_of_cells("cells.map(textOf)"), self._path)
        return texts

    def view(self) -> Locator:
        """The live view of the run."""
        return self.page.get_by_role("group", name="run of drawer")

    def cancel_button(self) -> Locator:
        """Its Cancel button."""
        return self.view().get_by_role("button", name="Cancel")


# From the model: cells outside the window have no outputs in the page.
_CELLS = """
    const panel = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.context?.path === path);
    const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code');
    const outputsOf = cell => cell.outputs.toJSON();
    const errorsOf = cell => outputsOf(cell).filter(output => output.output_type === 'error')
        .map(output => `${output.ename}: ${output.evalue}`);
    const textOf = cell => outputsOf(cell)
        .map(output => output.text ?? output.data?.['text/plain'] ?? '').flat().join('');
"""


def _of_cells(expression: str) -> str:
    """A function of JavaScript that takes a notebook's name and returns the value of `expression`."""
    return f"path => {{ {_CELLS} return {expression}; }}"
