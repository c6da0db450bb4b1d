"""A button that calls ``clear_output()``: the view comes back, can be cancelled, and the table stays."""

from __future__ import annotations

import json

import pytest
from browser_cells import SETUP
from browser_rig import BrowserNotebook, Opener

BUTTONS = """
import time
import ipywidgets
from IPython.display import clear_output
aside = ipywidgets.Output()

def tells(n):
    clear_output(wait=True)
    print("working on", n)
    time.sleep(0.05)
    return n

async def clears(n):
    clear_output()
    await asyncio.sleep(0.025 if n < 120 else 60)  # most of the time, the output is not there
    return n

async def holds(n):
    clear_output()
    if n == 1:
        time.sleep(5)  # so long that the page shows the view again, and the kernel does so, too
        await asyncio.sleep(1)
    return n

def elsewhere(n):
    with aside:
        clear_output()
        print("elsewhere", n)
    time.sleep(0.05)
    return n
"""

RUN = """\
%%drawer pages --no-raise OPTIONS n={range(COUNT)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    steps:
      - {id: b, button: BUTTON, args: {n: "${n}"}}
"""


def run(button: str, count: int, options: str = "") -> str:
    return RUN.replace("BUTTON", button).replace("COUNT", str(count)).replace("OPTIONS", options)


# How many views the page has had at once, a number for each change.
COUNT_VIEWS = """\
() => {
  const counts = [0];
  const views = '[role="group"][aria-label^="run of drawer"]';
  new MutationObserver(() => {
    const count = document.querySelectorAll(views).length;
    if (count !== counts.at(-1)) counts.push(count);
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-label"] });
  window.viewCounts = counts;
}
"""

CELLS = [
    SETUP + BUTTONS,
    run("tells", 20),
    run("clears", 10, "--display html"),
    run("clears", 140),
    "aside",
    run("elsewhere", 10),
    run("holds", 2),
]


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    return open_notebook(CELLS, front)


@pytest.mark.parametrize(("cell", "rows"), [(1, 20), (2, 10)])
def test_the_table_is_there_once(notebook: BrowserNotebook, cell: int, rows: int) -> None:
    output = notebook.run(cell)
    notebook.table(cell).wait_for()
    assert notebook.tables(cell).count() == 1
    assert notebook.rows(cell) == rows + 1
    assert output.get_by_role("progressbar").count() == 1
    assert notebook.view(cell).count() == 0
    if cell == 1:
        assert "working on 19" in output.inner_text()
        assert "working on 18" not in output.inner_text()


def test_a_view_that_has_come_back_can_be_cancelled(notebook: BrowserNotebook) -> None:
    notebook.start(3)
    notebook.wait_done(3, 120)
    assert notebook.view(3).count() == 1
    notebook.cancel_button(3).click()
    notebook.table(3).wait_for()
    notebook.wait_idle()
    assert "120 ok · 1 cancelled · 19 skipped" in notebook.output(3).inner_text()
    assert notebook.tables(3).count() == 1


def test_clearing_an_output_widget_leaves_the_view_alone(notebook: BrowserNotebook) -> None:
    notebook.run(4)
    notebook.run(5)
    notebook.table(5).wait_for()
    assert notebook.tables(5).count() == 1
    assert notebook.output(4).inner_text().split() == ["[5]:", "elsewhere", "9"]


def test_a_view_that_both_the_page_and_the_kernel_have_brought_back_is_there_once(
    notebook: BrowserNotebook,
) -> None:
    notebook.page.evaluate(COUNT_VIEWS)
    notebook.start(6)
    notebook.table(6).wait_for()
    assert max(notebook.page.evaluate("window.viewCounts")) == 1
    assert notebook.tables(6).count() == 1
    assert notebook.view(6).count() == 0


def test_what_is_saved_has_each_table_once(notebook: BrowserNotebook) -> None:
    notebook.save()
    saved = json.loads((notebook.server.folder / notebook.path).read_text(encoding="utf-8"))
    for cell in (1, 2, 3, 5, 6):
        outputs = saved["cells"][cell]["outputs"]
        assert sum("<table>" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs) == 1
