"""Notebooks in tests: read them, execute them, and compare them without what differs in each run."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "notebooks" / "01_quickstart.ipynb"


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def execute(notebook: Any, folder: Path) -> Any:
    """Execute the notebook in place in a kernel of this interpreter, and return it."""
    NotebookClient(
        notebook,
        timeout=100,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
    ).execute()
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def drawer_cells(notebook: Any) -> list[Any]:
    return [cell for cell in code_cells(notebook) if cell.source.startswith(("%%drawer", "%%each"))]


def said(cell: Any, mime: str = "text/plain") -> list[str]:
    """The texts of the cell's outputs in one format; a stream counts as plain text."""
    out = []
    for output in cell.outputs:
        if output.output_type == "stream" and mime == "text/plain":
            out.append(output.text)
        elif mime in output.get("data", {}):
            out.append(output.data[mime])
    return out


def sanitize(text: str) -> str:
    """Replace what differs in each run, as ``pytest --nbval`` does with the project's file of patterns."""
    patterns = configparser.RawConfigParser()
    patterns.read(ROOT / "tests" / "nbval_sanitize.cfg", encoding="utf-8")
    for name in patterns.sections():
        text = re.sub(patterns[name]["regex"], patterns[name]["replace"], text)
    return text
