"""docs/reference/errors.md: every code has a section, and every example shows the text that the page says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from drawer_ipy.demo import DemoSite
from drawer_ipy.errors import Code
from drawer_ipy.verbs.base import VerbCode

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
CODES = sorted(code for owner in (Code, VerbCode) for name, code in vars(owner).items() if name.isupper())
SECTIONS = dict(re.findall(r"^## ([A-Z_]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VARYING = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:8000"),
    (r"\(run [0-9a-f]{16}\)", "(run 7e658a8adbc05f5e)"),
    (r"worker process \d+", "worker process 4711"),
    (r"─{60,}", "─" * 60),
    (r"/\S+?/home/runs", "FOLDER/home/runs"),
    (r"since \d\d:\d\d:", "since 14:02:"),
)


def example(code: str) -> tuple[list[str], str]:
    """The cells of the section, and the text that the last one shows."""
    fences = FENCE.findall(SECTIONS[code])
    cells = [text.rstrip("\n") for language, text in fences if language != "text"]
    [shown] = [text.rstrip("\n") for language, text in fences if language == "text"]
    return cells, fixed(shown)


def outcome(shell: Any, cells: list[str]) -> tuple[str, str]:
    """Run the cells; return the text of the last one's error or value, and all that can name a code."""
    result = None
    for number, cell in enumerate(cells, 1):
        result = shell.run_cell(cell)
        assert result.success or number == len(cells), cell
    assert result is not None
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return fixed(repr(result.result)), repr(result.result)
    return fixed("\n".join(error._render_traceback_())), f"{error.code} {error}"


def fixed(text: str) -> str:
    """The text with one port and one run id in place of those that vary."""
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workspace").mkdir()
    monkeypatch.setenv("BUTTONS_HOME", str(tmp_path / "workspace"))
    monkeypatch.delenv("BUTTONS_ALLOW_PRIVATE_NETWORKS", raising=False)
    TerminalInteractiveShell.clear_instance()
    made: Any = TerminalInteractiveShell.instance(colors="nocolor", simple_prompt=True, term_title=False)
    made.run_line_magic("load_ext", "drawer_ipy")
    yield made
    for value in list(made.user_ns.values()):
        if isinstance(value, DemoSite):
            value.stop()
    with contextlib.suppress(KeyError):
        made.user_ns["registration"].unregister()
    TerminalInteractiveShell.clear_instance()


def test_every_code_has_a_section_and_no_section_has_another_code() -> None:
    assert sorted(SECTIONS) == CODES


@pytest.mark.parametrize("code", CODES)
def test_a_section_has_an_explanation_an_example_and_a_way_to_fix_it(code: str) -> None:
    text = SECTIONS[code]
    assert re.match(r"\n[A-Z].{30}", text), "it begins with what the code means"
    cells, shown = example(code)
    assert cells
    assert shown
    assert re.search(r"^\*\*How to fix it\.\*\* .{20}", text, re.MULTILINE)


@pytest.mark.parametrize("code", CODES)
def test_an_example_shows_the_text_of_the_page_and_has_the_code(
    code: str, shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if code == Code.RUNTIME_MISSING:  # "On a computer without Node.js"
        monkeypatch.setenv("PATH", "")
    cells, shown = example(code)
    text, everything = outcome(shell, cells)
    assert text == shown
    assert code in everything
