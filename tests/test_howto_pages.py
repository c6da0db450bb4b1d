"""The examples of the guides, of install.md and of coming-from.md work: each page is run from top to bottom.

A block of Python, or one that begins with a magic, is a cell of an IPython shell. A block of ``bash`` is a
script. JSON and YAML must be valid, drawers must have no problems, and the commands of a workflow that begin
with ``drawer`` must be those of a script before it. A page runs in an empty folder. An HTML comment in front
of a block can change this, with several rules separated by semicolons:

- ``<!-- file: NAME -->``: the block is the text of that file.
- ``<!-- shows: TEXT -->``: what the block prints or displays contains that text.
- ``<!-- raises: NAME -->``: the cell ends with that error.
- ``<!-- exit code: N -->``: the script ends with that code; 0 by default.
- ``<!-- needs: PACKAGE -->``: the block is run only if that package is installed.
- ``<!-- not run: REASON -->``: the block is not run; Python is still compiled.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from ruamel.yaml import YAML

from drawer_ipy import Drawer

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = [page for page in sorted((DOCS / "howto").glob("*.md")) if page.name != "index.md"]
PAGES = [DOCS / "install.md", DOCS / "coming-from.md", *GUIDES]
BLOCK = re.compile(r"(?:^<!-- (?P<comment>.*?) -->\n)?^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.M | re.S)
RULES = {"file", "shows", "raises", "exit code", "needs", "not run"}
SECONDS = 30


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: what follows the fence.
        text: what the block contains.
        rules: what the comment in front of it says, by the words before the colons.
        line: the number of its first line in the page.
    """

    language: str
    text: str
    rules: dict[str, str]
    line: int

    @property
    def is_cell(self) -> bool:
        return self.language == "python" or (not self.language and self.text.startswith("%"))


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        rules = dict(rule.split(": ", 1) for rule in (match["comment"] or "").split("; ") if rule)
        assert rules.keys() <= RULES, f"{page.name}: {match['comment']}"
        line = text.count("\n", 0, match.start("text")) + 1
        found.append(Block(match["language"], match["text"], rules, line))
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, and an account without settings, stored runs and cached results."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.delenv("BUTTONS_HOME", raising=False)
    before = dict(os.environ)
    yield project
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def ipython() -> Iterator[Any]:
    shell: Any = TerminalInteractiveShell.instance()
    yield shell
    TerminalInteractiveShell.clear_instance()


@pytest.fixture
def shell(ipython: Any, folder: Path) -> Iterator[Any]:
    """A shell without variables, as after the start of a kernel."""
    ipython.reset(new_session=False)
    yield ipython
    # What a page leaves to the end of the kernel.
    if "client" in ipython.user_ns:
        ipython.run_cell("await client.aclose()", store_history=False)
    if "site" in ipython.user_ns:
        ipython.user_ns["site"].stop()
    if "drawer_ipy" in ipython.extension_manager.loaded:
        ipython.run_line_magic("unload_ext", "drawer_ipy")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_work(
    page: Path, shell: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = ""
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        needed = block.rules.get("needs")
        if needed and find_spec(needed) is None:
            continue
        if "file" in block.rules:
            path = folder / block.rules["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif "not run" in block.rules:
            pass
        elif block.is_cell:
            run_cell(shell, block, where)
        elif block.language == "bash":
            run_script(block.text, where, code=int(block.rules.get("exit code", 0)))
            scripts += block.text
        check_text(block, where, set(scripts.splitlines()))
        shown = capsys.readouterr().out
        print(shown)
        assert "warning:" not in shown, where
        assert block.rules.get("shows", "") in shown, where


def run_cell(shell: Any, block: Block, where: str) -> None:
    result = shell.run_cell(block.text, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    expected = block.rules.get("raises", "")
    assert (type(error).__name__ if error else "") == expected, f"{where}: {error!r}\n{block.text}"


def run_script(text: str, where: str, code: int = 0) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == code, f"{where}: exit code {done.returncode}\n{done.stdout}{done.stderr}"


def check_text(block: Block, where: str, run_before: set[str]) -> None:
    """Check the text of a block, whether it was run or not; `run_before`: the lines of scripts so far."""
    if block.language == "python" and not re.search(r"^[%!]", block.text, re.M):
        compile(block.text, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    elif block.language in ("json", "yaml"):
        value = json.loads(block.text) if block.language == "json" else YAML(typ="safe").load(block.text)
        if "steps" in value:
            validation = Drawer.load(block.text).validate()
            assert not validation.errors, f"{where}: {validation}"
        for job in value.get("jobs", {}).values():
            commands = {step["run"] for step in job["steps"] if step.get("run", "").startswith("drawer ")}
            assert commands <= run_before, f"{where}: {commands - run_before} is in no block of bash before"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_has_a_title_code_and_a_link_to_the_reference(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert any("not run" not in block.rules for block in blocks_of(guide)), "no block of this page is run"
    assert re.search(r"\]\(\.\./[\w/-]+\.md", text), "no link to the reference"


def test_the_index_lists_the_guides_that_exist() -> None:
    index = (DOCS / "howto" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^[a-z][a-z-]+$", index.split("```{toctree}")[1], re.M)
    assert sorted(listed) == [guide.stem for guide in GUIDES]
