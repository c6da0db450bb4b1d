"""Every piece of HTML that a notebook shows is in one element that front ends do not typeset."""

from __future__ import annotations

import ast
import html.parser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_rig import Cell, Kernel, kernel_in

from drawer_ipy.style.html_frame import UNTOUCHED, block

PACKAGE = Path(__file__).parents[1] / "drawer_ipy"

SETUP = r"""
%load_ext drawer_ipy
import asyncio
from drawer_ipy import Drawer
from drawer_ipy.demo import DemoSite

texts = ["$20 and $30", r"\(a^2\)", "$$x$$", r"\[y\]", r"\begin{equation}z\end{equation}"] * 3

async def echo(text: str) -> dict:
    print("cost $1 and $2 for", text)
    await asyncio.sleep(0.1)
    if "30" in text:
        raise ValueError(f"between $5 and $6: {text}")
    return {"price $": text, "$also": "$1 $2"}
"""

LOOP = """\
steps:
  - id: each
    kind: for_each
    over: ${inputs.texts}
    as: text
    parallelism: 2
    on_item_failure: continue
    steps:
      - {id: echo, button: echo, args: {text: "${text}"}}
"""

CELLS = {
    "widget": "%%drawer a$b --display widget --out out texts=$texts\n" + LOOP,
    "html": "%%drawer a$b --display html --out out texts=$texts\n" + LOOP,
    "stopped": "%%drawer a$b --display html --no-raise texts=$texts\n"
    + LOOP.replace("item_failure: continue", "item_failure: stop"),
    "not begun": "%%drawer a$b --display html --no-raise texts=$texts\n"
    "inputs: [{name: n$, required: true}]\n" + LOOP,
    "background": "%%drawer a$b --background --out run texts=$texts\n" + LOOP,
    "waited for": "await run",
    "Results": "out",
    "some rows": "out.failed",
    "Row": "out[0]",
    "ItemErrors": "out.errors",
    "no errors": "out[1:2].errors",
    "Story": "out.explain(0)",
    "Picture": "out.timeline()",
    "graph": "Drawer.load({'name': 'a$b', 'steps': [{'id': 'a', 'kind': 'wait', 'until': '$5 $6'}]}).graph()",
    "Validation": "Drawer.load({'steps': [{'id': 'a', 'button': '$no$'}]}).validate()",
    "nothing wrong": "Drawer.load({'name': '$a$', 'steps': []}).validate()",
    "AsDrawer": "%%each text in texts --as-drawer\ntext + '$a$ $b$'",
    "DryRun": "%%drawer a$b --dry-run texts=$texts\n" + LOOP,
    "press": "await __import__('drawer_ipy').apress({'steps': [{'id': 'a', 'button': 'echo',"
    " 'args': {'text': '$1 $2'}}]}, buttons={'echo': echo})",
    "retry": "await out.aretry()",
    "DemoSite": "site = DemoSite.start(); site",
    "a stopped site": "site.stop(); site",
    "summary": "%drawer a$b",
    "Verdict": "from drawer_ipy.demo.lesson import Verdict; Verdict(False, 'a$b')",
}


class Outermost(html.parser.HTMLParser):
    """The elements, by their classes, and the texts that are in no other element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[set[str] | str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._open:
            self.found.append(set((dict(attrs).get("class") or "").split()))
        if tag not in ("br", "hr", "img", "input"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() not in (tag, ""):  # a <li> or <p> may be left open
            pass

    def handle_data(self, data: str) -> None:
        if not self._open and data.strip():
            self.found.append(data)


def shown(cells: list[Cell]) -> list[str]:
    """All HTML that `cells` sent to the front end."""
    kinds = ("display_data", "update_display_data", "execute_result")
    bundles = [
        message["content"]["data"]
        for cell in cells
        for message in [*(m for _, m in cell.messages), *cell.others]
        if message["msg_type"] in kinds
    ]
    return [str(bundle["text/html"]) for bundle in bundles if "text/html" in bundle]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


def test_all_that_a_kernel_sends_is_in_such_an_element(kernel: Kernel) -> None:
    told: dict[str, list[str]] = {name: shown([kernel.run(code)]) for name, code in CELLS.items()}
    for name, pieces in told.items():
        assert pieces, name
        for piece in filter(None, pieces):  # the log of a background run is empty at first
            [outermost] = Outermost(piece).found
            assert set(UNTOUCHED.split()) <= set(outermost), (name, piece[:400])
            assert "mathjax_process" not in piece
    assert "between $5 and $6" in told["widget"][-1]


def test_every_class_that_a_notebook_shows_as_html_is_among_them() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    shown_as_html = {
        node.name
        for node in classes
        if any(getattr(member, "name", "") in ("_repr_html_", "_repr_markdown_") for member in node.body)
    }
    assert shown_as_html <= CELLS.keys()


@pytest.mark.parametrize(
    ("more", "opening"),
    [
        ({}, f'<div class="{UNTOUCHED}">'),
        ({"css": "dry"}, f'<div class="dry {UNTOUCHED}">'),
        ({"style": "margin:0"}, f'<div class="{UNTOUCHED}" style="margin:0">'),
    ],
)
def test_the_element(more: dict[str, Any], opening: str) -> None:
    assert block("<b>$1</b>", **more) == f"{opening}<b>$1</b></div>"


def test_the_live_view_is_one(kernel: Kernel) -> None:
    script = (PACKAGE / "display" / "view.js").read_text(encoding="utf-8")
    assert 'make("div", `drawer-view ${UNTOUCHED}`' in script
