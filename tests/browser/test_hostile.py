"""Items, names and errors that are programs are shown as text: live, when pointed at, and in what stays."""

from __future__ import annotations

import pytest
from browser_rig import BrowserNotebook, Opener

SETUP = r"""
import asyncio
%load_ext drawer_ipy

texts = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "</style></textarea><script>alert(3)</script>",
    "\"><svg onload=alert(4)>",
    "' onmouseover='alert(5)",
    "javascript:alert(6)",
    "<iframe srcdoc='<script>parent.alert(7)</script>'></iframe>",
    "\u202e\x1b[31m\u0000<b onclick=alert(8)>",
]

async def echo(text: str) -> str:
    await asyncio.sleep(60 if text == "wait" else 0)
    if "img" in text or "svg" in text:
        raise ValueError(text)
    return {text: text}
"""

RUN = """\
%%drawer hostile --no-raise texts={texts + ["wait"]}
steps:
  - id: each
    kind: for_each
    over: ${inputs.texts}
    as: text
    parallelism: 4
    on_item_failure: continue
    steps:
      - {id: echo, button: echo, args: {text: "${text}"}}
"""

PLANTED = "img, iframe, script, [onload], [onerror], [onclick], [onmouseover]"


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    return open_notebook([SETUP, RUN, "_drawer[0]", "_drawer.errors"], front)


def test_a_hostile_text_is_text_in_the_live_view(notebook: BrowserNotebook) -> None:
    notebook.start(1)
    notebook.wait_done(1, 8)
    view = notebook.view(1)
    view.get_by_text("<svg onload=alert(4)>").wait_for()
    view.get_by_role("button", name="item 0").click()
    view.get_by_role("tooltip").get_by_text("<img src=x onerror=alert(1)>").first.wait_for()
    for _ in range(7):
        view.get_by_role("slider").press("ArrowRight")
        view.get_by_role("tooltip").get_by_text("text = ").wait_for()
    assert view.locator(PLANTED).count() == 0
    notebook.cancel_button(1).click()
    notebook.table(1).wait_for()
    notebook.wait_idle()


@pytest.mark.parametrize("cell", [1, 2, 3], ids=["results", "row", "errors"])
def test_a_hostile_text_is_text_in_what_stays(notebook: BrowserNotebook, cell: int) -> None:
    output = notebook.output(1) if cell == 1 else notebook.run(cell)
    assert "<img src=x onerror=alert(1)>" in output.inner_text()
    assert output.locator(PLANTED).count() == 0
    for folded in output.locator("summary").all():
        folded.click()
    assert output.locator(PLANTED).count() == 0


def test_it_is_still_text_when_the_notebook_is_opened_again(notebook: BrowserNotebook) -> None:
    notebook.save()
    notebook.reload()
    notebook.table(1).wait_for()
    assert "<script>alert(2)</script>" in notebook.output(1).inner_text()
    assert notebook.output(1).locator(PLANTED).count() == 0
