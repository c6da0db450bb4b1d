"""docs/cheat-sheet.md: its examples run, and what its tables name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from drawer_ipy import Drawer, Results
from drawer_ipy.definition.step_base import step_models
from drawer_ipy.demo import DemoSite
from drawer_ipy.errors import Code
from drawer_ipy.notebook.each.options import each_parser
from drawer_ipy.notebook.line import option_parser
from drawer_ipy.verbs.dispatch import GENERAL, OF_DRAWER

PAGE = (Path(__file__).parents[1] / "docs" / "cheat-sheet.md").read_text(encoding="utf-8")
CELLS = [text.rstrip("\n") for text in re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]


def table(first_header: str) -> list[str]:
    """The words of the first column of a table."""
    [rows] = re.findall(rf"^\| {re.escape(first_header)} \|.*?\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [word for row in rows.splitlines() for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workspace").mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "workspace"))
    TerminalInteractiveShell.clear_instance()
    made: Any = TerminalInteractiveShell.instance(colors="nocolor", simple_prompt=True, term_title=False)
    with DemoSite.start() as site:
        made.push({"urls": site.page_urls[:3], "ids": [1, 2], "items": ["a", "b"], "work": str.upper})
        made.push({"site": site})
        made.run_cell(CLIENT)
        yield made
    TerminalInteractiveShell.clear_instance()


CLIENT = """
from types import SimpleNamespace

async def get(url):
    return SimpleNamespace(content=url.encode())

client = SimpleNamespace(get=get)
"""


def test_the_cells_run_in_their_order(shell: Any) -> None:
    # A function is defined before the drawer that presses it, which comes earlier on the page.
    ordered = sorted(CELLS, key=lambda cell: not cell.startswith(("%load_ext", "def parse")))
    for cell in ordered:
        result = shell.run_cell(cell.replace("https://shop.example", f"{shell.user_ns['site'].url}/item"))
        assert result.success, cell
        if cell.startswith("%%drawer"):
            assert shell.user_ns["pages"].counts["ok"] == 3
            shell.run_cell("%%each url in urls --out pages --quiet\n{'bytes': len(url)}")
    assert Path("pages.parquet").is_file()


def test_options_kinds_methods_and_verbs_of_the_page_exist() -> None:
    known = {word for parser in (each_parser(), option_parser()) for word in parser._option_string_actions}
    assert {word.split()[0] for word in table("option")} <= known
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known
    assert set(table("step kind")) == set(step_models())
    assert set(table("code")) <= set(vars(Code))
    for name in re.findall(r"(?<=[`\n ])(?:pages|results)?\.([a-z_]+)\(", PAGE):
        assert hasattr(Results, name), name
    for command in table("`%drawer` or `drawer`"):
        words = command.split()
        assert words[0] in GENERAL or words[0] == "help" or words[0] == "pages"
        if words[0] == "pages" and len(words) > 1:
            assert words[1] in OF_DRAWER


@pytest.mark.parametrize("field", table("request"))
def test_the_fields_of_requests_are_valid(field: str) -> None:
    needed = {"follow: next": "extract: {next: 'css:a.next::attr(href)'}"}
    values = {"query": "{a: b}", "headers": "{A: b}", "body": "text"}
    lines = [f"{field}: {values[field]}" if field in values else field, needed.get(field, "")]
    text = "".join(
        [
            "buttons:\n  get:\n    url: https://shop.example/{{id}}\n    args: [id]\n",
            *(f"    {x}\n" for x in lines),
        ]
    )
    found = Drawer.load(text + "steps: [{id: a, button: get, args: {id: '1'}}]\n").validate().errors
    assert not [problem for problem in found if "batteries" not in problem.message]
