"""``%%each`` as people see it: progress, Cancel, a mistake with its place, and a mended body that goes on."""

from __future__ import annotations

import pytest
from browser_rig import BrowserNotebook, Opener

SETUP = """\
import asyncio
import pandas as pd
%load_ext drawer_ipy
frame = pd.DataFrame({"n": range(40), "name": [f"item {n}" for n in range(40)]})
"""

BODY = """\
%%each row in frame -p 4 --out found --no-raise
await asyncio.sleep(0.05 if row.n < 20 else 60)
{"double": row.n * 2, "third": 3 / int(row.n - 7)}
"""

WRONG = "%%each row in frame\nawait asynco.sleep(1)"

MENDED = """\
%%each row in frame -p 4 --out found --define
{"double": row.n * 2, "third": None}
"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    cells = [SETUP, BODY, WRONG, MENDED, "found.retry(quiet=True); found.counts", "found.to_pandas().tail(2)"]
    return open_notebook(cells, "lab")


def test_a_loops_body_shows_progress_and_can_be_cancelled(notebook: BrowserNotebook) -> None:
    notebook.start(1)
    notebook.wait_done(1, 20)
    notebook.cancel_button(1).click()
    notebook.table(1).wait_for()
    assert "19 ok · 1 failed · 4 cancelled · 16 skipped" in notebook.output(1).inner_text()
    assert "ZeroDivisionError" in notebook.output(1).inner_text()


def test_a_mistake_is_shown_with_its_place_before_anything_runs(notebook: BrowserNotebook) -> None:
    said = notebook.run(2).inner_text()
    assert "line 2, column 7: there is no name `asynco` (did you mean 'asyncio'?)" in said


def test_a_mended_body_goes_on_with_what_did_not_end_ok(notebook: BrowserNotebook) -> None:
    assert "found is defined" in notebook.run(3).inner_text()
    assert "'ok': 40" in notebook.run(4).inner_text()
    shown = notebook.run(5).inner_text()
    assert all(name in shown for name in ("item 39", "78", "double", "third"))
