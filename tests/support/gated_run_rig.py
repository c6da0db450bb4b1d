"""A run in a real front end that goes on until a file is there, and what its output must show."""

from __future__ import annotations

import nbformat
from browser_rig import BrowserNotebook

SETUP = """\
import asyncio
from pathlib import Path
%load_ext drawer_ipy

async def drip(n: int, gate: str) -> int:
    '''Takes a second, or no time once there is a file of the name `gate`.'''
    for _ in range(20):
        if not Path(gate).exists():
            await asyncio.sleep(0.05)
    return n * 10
"""

_RUN = """\
%%drawer pages OPTIONS --no-raise n={range(600)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 2
    steps:
      - {id: tens, button: drip, args: {n: "${n}", gate: "GATE"}}
"""


def run_until(gate: str, options: str = "--out pages") -> str:
    """A cell whose run takes five minutes, or ends at once when there is a file of the name `gate`."""
    return _RUN.replace("OPTIONS", options).replace("GATE", gate)


def check_view(notebook: BrowserNotebook, cell: int, least: int) -> int:
    """The view is there once, with at least so many ended items, and can be cancelled."""
    now = notebook.wait_done(cell, least)
    assert notebook.view(cell).count() == 1
    assert notebook.cancel_button(cell).is_visible()
    return now


def check_table(notebook: BrowserNotebook, cell: int = 1) -> None:
    """The table of the whole run is there once, and no view."""
    notebook.table(cell).wait_for()
    notebook.wait(lambda: notebook.view(cell).count() == 0, "the view is gone")
    assert "✔ finished · 600 ok" in notebook.output(cell).inner_text()
    assert notebook.tables(cell).count() == 1


def saved_html(notebook: BrowserNotebook, cell: int) -> list[str]:
    """The HTML outputs of the cell in the file."""
    read = nbformat.read(notebook.server.folder / notebook.path, as_version=4)  # type: ignore[no-untyped-call]
    outputs = [output["data"] for output in read.cells[cell].outputs if "data" in output]
    assert not any("widget" in mime for data in outputs for mime in data)
    return [data["text/html"] for data in outputs if data.get("text/html")]  # the log of a run may be empty


def status(notebook: BrowserNotebook) -> str:
    """What the kernel indicator shows."""
    return str(notebook.kernel("status"))
