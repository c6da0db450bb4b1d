"""Prices and backslashes in results stay what they are where the front end typesets mathematics."""

from __future__ import annotations

import json

import pytest
from browser_rig import BrowserNotebook, Opener, Watched
from playwright.sync_api import BrowserContext, Locator

TEXTS = [
    "$20 and $30",
    r"\(a^2\) in brackets",
    r"\[b^2\] too",
    "$$c^2$$ twice",
    r"\begin{equation}d^2\end{equation} whole",
    r"escaped \$5 and \$6",
]

SETUP = rf"""
import asyncio
from IPython.display import HTML
%load_ext drawer_ipy
texts = {TEXTS!r}

async def echo(text: str) -> dict:
    await asyncio.sleep(60 if text == "wait" else 0)
    if "$20" in text:
        raise ValueError(f"it costs $1 or $2, not {{text}}")
    return {{"said": text}}
"""

LOOP = """\
steps:
  - id: each
    kind: for_each
    over: ${inputs.texts}
    as: text
    parallelism: 8
    on_item_failure: continue
    steps:
      - {id: echo, button: echo, args: {text: "${text}"}}
"""

CONTROL = "HTML('<p>it is $x^2$ here</p>')"
"""HTML of somebody else's, which is typeset: how a test knows that the typesetter is there and has run."""

LIVE = '%%drawer live --no-raise texts={["a $1 b $2 c", "$20 and $30"] + ["wait"]}\n' + LOOP

CELLS = [
    SETUP,
    CONTROL,
    "%%drawer prices --out prices --no-raise texts=$texts\n" + LOOP,
    "prices",
    "prices[0]",
    "prices.errors",
    "prices.explain(0)",
    "prices.timeline()",
    "%%drawer prices --dry-run texts=$texts\n" + LOOP,
    "__import__('drawer_ipy').Drawer.load({'steps': [{'id': 'a', 'button': '$no and $yes'}]}).validate()",
    LIVE,
    CONTROL,
]
TABLES = (2, 3, 5)
LATER_CONTROL = len(CELLS) - 1


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    made = open_notebook(CELLS, front)
    for index in range(1, CELLS.index(LIVE)):
        made.run(index)
    return made


def formulas(where: Locator) -> Locator:
    return where.locator("mjx-container, .MathJax")


def scroll_to(notebook: BrowserNotebook, index: int) -> None:
    """Scroll until our output of a cell is shown: cells are drawn as they come near, and move those below."""
    ours = notebook.output(index).locator(".mathjax_ignore").first

    def is_shown() -> bool:
        notebook.cell(index).evaluate_all("cells => cells.forEach(cell => cell.scrollIntoView())")
        return ours.is_visible()

    notebook.wait(is_shown, f"the output of cell {index} is shown")


def assert_texts_are_whole(notebook: BrowserNotebook) -> None:
    for index in range(2, CELLS.index(LIVE)):
        scroll_to(notebook, index)
        assert formulas(notebook.output(index)).count() == 0, CELLS[index]
        text = notebook.output(index).inner_text()
        if index in TABLES:
            assert "$20 and $30" in text
        if index == 3:
            assert [one for one in TEXTS if one not in text] == []
        if index in (2, 4, 5, 6):
            assert "it costs $1 or $2, not $20 and $30" in text
        if index == 9:
            assert "$no and $yes" in text


def test_the_final_output_is_not_typeset_as_mathematics(notebook: BrowserNotebook) -> None:
    formulas(notebook.output(1)).first.wait_for()
    notebook.page.wait_for_timeout(500)
    assert_texts_are_whole(notebook)


def test_the_live_view_is_not_typeset_as_mathematics(notebook: BrowserNotebook) -> None:
    live = CELLS.index(LIVE)
    notebook.start(live)
    notebook.wait_done(live, 2)
    view = notebook.view(live)
    view.get_by_text("it costs $1 or $2, not $20 and $30").wait_for()
    view.get_by_role("button", name="item 1").click()
    view.get_by_role("tooltip").get_by_text("$20 and $30").first.wait_for()
    assert formulas(view).count() == 0
    notebook.cancel_button(live).click()
    notebook.table(live).wait_for()
    notebook.wait_idle()
    notebook.run(LATER_CONTROL)
    formulas(notebook.output(LATER_CONTROL)).first.wait_for()
    assert formulas(notebook.output(live)).count() == 0
    assert "a $1 b $2 c" in notebook.output(live).inner_text()


def test_neither_is_it_in_a_notebook_that_is_not_trusted(
    notebook: BrowserNotebook, context: BrowserContext, watched: Watched
) -> None:
    notebook.save()
    path = notebook.server.folder / notebook.path
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["metadata"]["changed"] = "so that its signature is no longer right"
    strange = path.with_name(f"strange-{path.name}")
    strange.write_text(json.dumps(saved), encoding="utf-8")
    again = BrowserNotebook(watched.page_in(context), notebook.server, strange.name, notebook.front, watched)
    again.open_without_kernel()
    formulas(again.output(1)).first.wait_for()
    again.page.wait_for_timeout(500)
    assert again.output(3).locator("style").count() == 0  # what is not trusted is sanitized
    assert_texts_are_whole(again)
    again.page.close()
