"""A run whose kernel dies in the middle, and the run that goes on with it, as people see them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser_rig import BrowserNotebook, Opener
from jupyter_rig import JupyterServer
from readable import CONTRAST, LEAST_CONTRAST

pytestmark = pytest.mark.timeout(180)

SETUP = """\
import asyncio, os, signal
from pathlib import Path
%load_ext drawer_ipy

async def page(n: int) -> dict:
    if Path("resuming").exists():
        for _ in range(600):
            if Path("gate").exists():
                break
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.02)
    if n == 300 and not Path("resuming").exists():
        await asyncio.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"title": f"Page {n}"}
"""

RUN = """\
%%drawer pages --out pages --durable on n={range(400)}
steps:
  - id: each
    kind: for_each
    over: ${inputs.n}
    as: n
    parallelism: 4
    steps:
      - {id: page, button: page, args: {n: "${n}"}}
"""

# Whether the lower left and the upper right of the first square are drawn.
CORNERS = """view => {
    const pen = view.querySelector('canvas').getContext('2d');
    return [[2, 10], [10, 2]].map(([x, y]) => pen.getImageData(x, y, 1, 1).data[3] > 0);
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener) -> BrowserNotebook:
    return open_notebook([SETUP, RUN, SETUP, RUN.replace("--durable on", "--resume")])


@pytest.fixture(autouse=True)
def folder(server: JupyterServer) -> Path:
    for name in ("resuming", "gate"):
        (server.folder / name).unlink(missing_ok=True)
    return server.folder


def test_a_cell_goes_on_after_its_kernel_was_killed(notebook: BrowserNotebook, folder: Path) -> None:
    notebook.start(1)
    view = notebook.view(1)
    view.get_by_text("--resume").wait_for()  # the kernel is gone
    ok = notebook.page.get_by_role("button", name="Ok")
    if ok.count():
        ok.first.click()
    (folder / "resuming").touch()
    notebook.run(2)
    notebook.start(3)
    resumed = notebook.view(3)
    line = resumed.get_by_text("in flight when it was cut off")
    line.wait_for()
    for theme in ("Dark", "Dark High Contrast", "Light"):
        notebook.set_theme(theme)
        contrast, text = notebook.output(3).evaluate(CONTRAST)
        assert contrast >= LEAST_CONTRAST, text
    found = re.search(r"(\d+) kept · 4 in flight when it was cut off · (\d+) to go", line.inner_text())
    assert found is not None, line.inner_text()
    kept, to_go = map(int, found.groups())
    assert kept + 4 + to_go == 400
    assert kept >= 280
    resumed.get_by_text(f"{kept} kept", exact=True).wait_for()  # in the legend
    assert notebook.done(3) == kept
    assert resumed.evaluate(CORNERS) == [True, False]
    resumed.get_by_role("slider").press("Home")
    resumed.get_by_role("tooltip").get_by_text("item 0 · ok, kept").wait_for()
    (folder / "gate").touch()
    notebook.table(3).wait_for()
    assert f"finished · 400 ok · {kept} kept · " in notebook.output(3).inner_text()
    assert not resumed.is_visible()
