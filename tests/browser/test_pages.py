"""Pages that were not there all the time: reloaded, opened later, a second tab; and kernels that go."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser_rig import BrowserNotebook, Opener, Watched
from jupyter_rig import JupyterServer
from playwright.sync_api import BrowserContext

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


pytestmark = pytest.mark.timeout(240)


def run_until(gate: str, options: str = "--out pages") -> str:
    """A cell whose run takes five minutes, or ends at once when there is a file of the name `gate`."""
    return _RUN.replace("OPTIONS", options).replace("GATE", gate)


@pytest.fixture
def gate(server: JupyterServer, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = server.folder / ("gate-" + re.sub(r"\W+", "-", request.node.name))
    yield path
    path.touch()  # so that no kernel is busy with it any longer


def another_page(notebook: BrowserNotebook, context: BrowserContext) -> BrowserNotebook:
    """A further page of the notebook, connected to its kernel."""
    page = notebook.watched.page_in(context)
    return BrowserNotebook(
        page, notebook.server, notebook.path, notebook.front, notebook.watched
    ).open_connected()


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


@pytest.mark.parametrize(
    ("options", "times"),
    # While a cell runs, JupyterLab waits three seconds before it restores anything.
    [("--background --out run", 10), ("--out pages", 2)],
    ids=["background", "foreground"],
)
def test_a_page_reloaded_at_random_moments_shows_the_view_and_in_the_end_the_table(
    open_notebook: Opener, front: str, gate: Path, options: str, times: int
) -> None:
    moments = random.Random(14)
    notebook = open_notebook([SETUP, run_until(gate.name, options)], front)
    notebook.start(1)
    least = check_view(notebook, 1, 2)
    for _ in range(times if front == "lab" else min(times, 3)):
        notebook.page.wait_for_timeout(moments.uniform(0, 800))
        notebook.reload()
        least = check_view(notebook, 1, least)
    if options.startswith("--out"):
        notebook.wait(lambda: status(notebook) == "busy", "the kernel indicator is busy")
    gate.touch()
    check_table(notebook)
    notebook.save()
    assert ["✔ finished · 600 ok" in html for html in saved_html(notebook, 1)] == [True]


def test_a_second_tab_shows_the_view_and_the_table(
    open_notebook: Opener, front: str, gate: Path, context: BrowserContext
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name)], front)
    notebook.start(1)
    least = check_view(notebook, 1, 2)
    second = another_page(notebook, context)
    check_view(second, 1, least)
    gate.touch()
    check_table(notebook)
    check_table(second)
    second.page.close()


def test_a_page_opened_when_the_run_has_ended_shows_the_table(
    open_notebook: Opener, front: str, gate: Path, context: BrowserContext
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name, "--background --out run")], front)
    notebook.run(1)
    check_view(notebook, 1, 2)
    notebook.save()
    (snapshot,) = saved_html(notebook, 1)
    assert re.search(r"running as of \d\d:\d\d:\d\d on \d{4}-\d\d-\d\d", snapshot)
    notebook.page.close()
    gate.touch()
    check_table(another_page(notebook, context))


def test_a_run_that_ends_while_the_page_is_away_and_was_not_saved_is_shown_too(
    open_notebook: Opener, front: str, gate: Path, context: BrowserContext
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name)], front)
    notebook.start(1)
    check_view(notebook, 1, 2)
    notebook.page.close()
    gate.touch()
    check_table(another_page(notebook, context))


def test_when_the_kernel_is_gone_the_view_says_so_and_what_was_saved_is_shown(
    open_notebook: Opener, front: str, gate: Path, context: BrowserContext, watched: Watched
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name)], front)
    notebook.start(1)
    check_view(notebook, 1, 2)
    notebook.save()
    notebook.kernel("restart()")
    gone = notebook.output(1).get_by_text(
        re.compile(r"The kernel was restarted; \d+ of 600 items had ended\. Run the cell again")
    )
    gone.first.wait_for()
    assert not notebook.cancel_button(1).is_visible()
    before = notebook.output(1).inner_text()
    notebook.page.wait_for_timeout(1500)
    assert notebook.output(1).inner_text() == before, "its clock stands still"
    notebook.page.close()
    notebook.server.end_kernels()
    again = BrowserNotebook(watched.page_in(context), notebook.server, notebook.path, front, watched)
    again.open_without_kernel()
    again.output(1).get_by_text(re.compile("running as of")).wait_for()
    shown = again.output(1).inner_text()
    assert "left" in shown
    assert "widget" not in shown
    assert again.view(1).count() == 0
    again.page.close()


def test_a_cell_that_is_started_again_while_it_runs_keeps_its_view(
    open_notebook: Opener, front: str, gate: Path
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name)], front)
    notebook.start(1)
    check_view(notebook, 1, 2)
    notebook.start(1)
    notebook.wait(lambda: notebook.view(1).count() == 0, "the front end has cleared the output")
    check_view(notebook, 1, 2)
    notebook.cancel_button(1).click()
    notebook.output(1).get_by_text(re.compile("⊘ cancelled")).first.wait_for()
    notebook.wait(lambda: notebook.view(1).count() == 1, "the second run has begun")
    notebook.cancel_button(1).click()
    notebook.wait(lambda: notebook.tables(1).count() == 2, "both have ended")


def test_a_background_run_can_be_cancelled_after_its_cell_was_started_again(
    open_notebook: Opener, front: str, gate: Path
) -> None:
    notebook = open_notebook([SETUP, run_until(gate.name, "--background --out run")], front)
    notebook.run(1)
    check_view(notebook, 1, 2)
    notebook.run(1)
    notebook.wait(lambda: notebook.cancel_button(1).count() == 2, "both runs have a view")
    notebook.cancel_button(1).first.click()
    notebook.wait(lambda: notebook.tables(1).count() == 1, "one has ended")
    notebook.wait(lambda: notebook.cancel_button(1).count() == 1, "the other goes on")
    gate.touch()
    notebook.wait(lambda: notebook.tables(1).count() == 2, "both have ended")
