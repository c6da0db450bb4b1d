"""Pages that were not there all the time: opened later, a second tab; and cells that are started again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser_rig import BrowserNotebook, Opener
from gated_run_rig import SETUP, check_table, check_view, run_until, saved_html
from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.timeout(240)


def another_page(notebook: BrowserNotebook, context: BrowserContext) -> BrowserNotebook:
    """A further page of the notebook, connected to its kernel."""
    page = notebook.watched.page_in(context)
    return BrowserNotebook(
        page, notebook.server, notebook.path, notebook.front, notebook.watched
    ).open_connected()


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
    notebook.table(1).wait_for()
    assert "⊘ cancelled" in notebook.output(1).inner_text()
    check_view(notebook, 1, 2)  # of the second run
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
