"""``%%drawer`` cells as people write them: YAML's colours and indentation, and keys on empty lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser_rig import BrowserNotebook, Opener
from playwright.sync_api import Locator

SETUP = "%load_ext drawer_ipy\n%config Completer.use_jedi = False\nimport time"

YAML = """\
%%drawer pages --out pages urls=$urls
# a comment
steps:
  - id: each
    kind: for_each
    parallelism: 8
    steps:
      - {id: page, button: fetch, args: {url: "${url}/a"}}
"""

JSON = '%%drawer\n{"steps": [{"id": "a", "kind": "wait", "duration": "1s"}]}'
BELOW_TIME = "# note\n%%time\n%%drawer\nsteps: []"
EACH = "%%each url in urls -p 8\nawait get(url)\n{'steps': 1}"
PYTHON = "if True:\n"
NO_DRAWER = "%%drawers\nsteps: []"
EMPTY = "%%drawer\n"
CELLS = [SETUP, YAML, JSON, BELOW_TIME, EACH, PYTHON, NO_DRAWER, EMPTY]
FURTHER = [f"x = {n}" for n in range(60)]
"""So many that the front end makes no editor for the last cell before it is scrolled to."""

_PANEL = """
    const content = [...window.jupyterapp.shell.widgets('main')]
        .find(widget => widget.context?.path === path).content;
"""
_SOURCE = f"([path, index]) => {{ {_PANEL} return content.widgets[index].model.sharedModel.getSource(); }}"
_SET_SOURCE = (
    f"([path, index, text]) => {{ {_PANEL} content.widgets[index].model.sharedModel.setSource(text); }}"
)
_GO_TO = (
    f"([path, index]) => {{ {_PANEL} content.activeCellIndex = index;"
    " return content.scrollToItem(index).then(() => content.widgets[index].node.id = 'gone-to'); }"
)
_COLOUR_OF = """style => {
    const probe = document.body.appendChild(document.createElement('span'));
    probe.style.color = `var(--jp-mirror-editor-${style}-color)`;
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
}"""


@pytest.fixture(scope="module")
def notebook(open_notebook: Opener, front: str) -> BrowserNotebook:
    return open_notebook([*CELLS, *FURTHER, YAML], front)


def tokens(cell: Locator) -> list[tuple[str, str]]:
    """The coloured texts of a cell, each with its computed colour."""
    script = "found => found.map(token => [token.textContent, getComputedStyle(token).color])"
    found = cell.locator(".cm-line span:not(.cm-matchingBracket)").evaluate_all(script)
    return [(text, colour) for text, colour in found]


def colour(notebook: BrowserNotebook, style: str) -> str:
    return str(notebook.page.evaluate(_COLOUR_OF, style))


def is_yaml(notebook: BrowserNotebook, cell: Locator) -> bool:
    """Whether `steps` has the colour that keys have in a YAML file."""
    return any("steps" in text and c == colour(notebook, "atom") for text, c in tokens(cell))


def source(notebook: BrowserNotebook, index: int) -> str:
    return str(notebook.page.evaluate(_SOURCE, [notebook.path, index]))


def write(notebook: BrowserNotebook, index: int, text: str) -> None:
    """Put `text` into a cell, with the cursor at its end."""
    notebook.page.evaluate(_SET_SOURCE, [notebook.path, index, text])
    notebook.cell(index).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+End")


def proposals(notebook: BrowserNotebook) -> list[str]:
    found = notebook.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
    return [text.strip() for text in found.all_inner_texts()]


def tab(notebook: BrowserNotebook) -> list[str]:
    """Press Tab, and wait for proposals."""
    notebook.page.keyboard.press("Tab")
    notebook.wait(lambda: bool(proposals(notebook)), "there are proposals", 10)
    return proposals(notebook)


def test_a_drawer_has_the_colours_of_yaml(notebook: BrowserNotebook) -> None:
    found = tokens(notebook.cell(1))
    for text, style in {
        "%%drawer": "keyword",
        "# a comment": "comment",
        "steps": "atom",
        "button": "atom",
        "8": "number",
        '/a"': "string",
    }.items():
        assert (text, colour(notebook, style)) in found
    assert ("${url}", colour(notebook, "string")) not in found
    assert ('"steps"', colour(notebook, "atom")) in tokens(notebook.cell(2))
    assert is_yaml(notebook, notebook.cell(3))


def test_other_cells_stay_python(notebook: BrowserNotebook) -> None:
    each = tokens(notebook.cell(4))
    assert ("await", colour(notebook, "keyword")) in each
    assert ("'steps'", colour(notebook, "string")) in each
    for index in (4, 5, 6):
        assert not is_yaml(notebook, notebook.cell(index))


def test_the_last_of_many_cells_is_coloured_when_it_gets_an_editor(notebook: BrowserNotebook) -> None:
    notebook.page.evaluate(_GO_TO, [notebook.path, len(CELLS) + len(FURTHER)])
    notebook.wait(lambda: is_yaml(notebook, notebook.page.locator("#gone-to")), "the last cell is YAML")
    notebook.page.evaluate(_GO_TO, [notebook.path, 0])


def test_an_edit_of_the_first_line_switches_the_language_and_undo_switches_back(
    notebook: BrowserNotebook,
) -> None:
    cell, before = notebook.cell(1), source(notebook, 1)
    cell.locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.press("Delete")
    notebook.wait(lambda: not is_yaml(notebook, cell), "the cell is Python")
    notebook.page.keyboard.press("Control+Z")
    notebook.wait(lambda: is_yaml(notebook, cell), "the cell is YAML again")
    assert source(notebook, 1) == before


def test_a_change_that_was_not_typed_in_this_page_switches_the_language(notebook: BrowserNotebook) -> None:
    for text, expected in ((EMPTY + "steps: []", True), (PYTHON, False)):
        notebook.page.evaluate(_SET_SOURCE, [notebook.path, 5, text])
        notebook.wait(lambda expected=expected: is_yaml(notebook, notebook.cell(5)) == expected, repr(text))


def test_a_cell_that_becomes_markdown_and_code_again_and_a_pasted_one(notebook: BrowserNotebook) -> None:
    notebook.cell(1).locator(".cm-content").click()
    notebook.command("notebook:change-cell-to-markdown")
    text = notebook.page.locator(".jp-MarkdownCell .cm-content")
    text.wait_for()
    assert "steps:" in text.inner_text()
    assert not is_yaml(notebook, text)
    notebook.command("notebook:change-cell-to-code")
    notebook.wait(lambda: is_yaml(notebook, notebook.cell(1)), "the cell is YAML again")
    notebook.command("notebook:copy-cell")
    notebook.command("notebook:paste-cell-below")
    notebook.wait(lambda: source(notebook, 2) == YAML and is_yaml(notebook, notebook.cell(2)), "pasted YAML")
    notebook.command("notebook:delete-cell")
    assert source(notebook, 2) == JSON


def test_nothing_of_it_is_saved(notebook: BrowserNotebook) -> None:
    path = notebook.server.folder / notebook.path
    before = json.loads(path.read_text("utf-8"))
    write(notebook, 1, YAML + "# more")
    notebook.save()
    after = json.loads(path.read_text("utf-8"))

    def kept(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: cell[key] for key in cell if key != "id"} for cell in cells[2:]]

    assert kept(after["cells"]) == kept(before["cells"])
    assert "".join(after["cells"][1]["source"]) == YAML + "# more"
    assert after["cells"][1]["metadata"] == before["cells"][1]["metadata"]
    assert "yaml" not in json.dumps(after).lower()
    assert after["metadata"]["kernelspec"] == before["metadata"]["kernelspec"]


def test_tab_proposes_keys_where_a_line_is_empty(notebook: BrowserNotebook) -> None:
    keyboard = notebook.page.keyboard
    write(notebook, 7, EMPTY)
    assert tab(notebook)[:2] == ["steps:", "inputs:"]
    keyboard.press("Enter")
    notebook.wait(lambda: source(notebook, 7) == EMPTY + "steps: ", "the key is inserted")
    keyboard.press("Enter")
    assert source(notebook, 7).endswith("steps: \n  ")
    keyboard.insert_text("- id: a")
    keyboard.press("Enter")
    keyboard.insert_text("kind: wait")
    keyboard.press("Enter")
    assert source(notebook, 7).endswith("  - id: a\n    kind: wait\n    ")
    assert tab(notebook) == ["duration:", "until:", "args:", "on_failure:", "timeout_seconds:"]
    keyboard.press("Escape")


def test_tab_between_two_keys_proposes_what_is_not_set(notebook: BrowserNotebook) -> None:
    write(notebook, 7, "%%drawer\nsteps:\n  - id: a\n    \n    kind: wait\n    until: x")
    for _ in range(2):
        notebook.page.keyboard.press("ArrowUp")
    notebook.page.keyboard.press("End")
    assert tab(notebook) == ["duration:", "args:", "on_failure:", "timeout_seconds:"]
    notebook.page.keyboard.press("Escape")


def test_tab_indents_where_nothing_is_proposed(notebook: BrowserNotebook) -> None:
    def after_tab(index: int, text: str, expected: str) -> None:
        write(notebook, index, text)
        notebook.page.keyboard.press("Tab")
        notebook.wait(lambda: source(notebook, index) == expected, f"Tab makes it {expected!r}")
        assert proposals(notebook) == []

    after_tab(5, PYTHON, PYTHON + "    ")
    after_tab(7, "%%drawer\nbuttons:\n  ", "%%drawer\nbuttons:\n    ")
    # to where the line above asks for it, and only then proposals
    after_tab(7, "%%drawer\nsteps:\n  - id: a\n", "%%drawer\nsteps:\n  - id: a\n    ")


def test_tab_indents_while_the_kernel_is_busy(notebook: BrowserNotebook) -> None:
    text = "%%drawer\nsteps:\n  - id: a\n    kind: wait\n    "
    write(notebook, 7, text)
    write(notebook, 5, "time.sleep(1.5)")
    notebook.start(5)
    notebook.wait(lambda: notebook.prompt(5) == "[*]:", "the kernel is busy")
    notebook.cell(7).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+End")
    notebook.page.keyboard.press("Tab")
    assert source(notebook, 7) == text + "  "
    notebook.wait_idle()
    assert proposals(notebook) == []


def test_a_typed_word_is_completed_and_lines_are_commented_out(notebook: BrowserNotebook) -> None:
    write(notebook, 7, "%%drawer\nste")
    assert tab(notebook) == ["steps:"]
    notebook.page.keyboard.press("Enter")
    notebook.wait(lambda: source(notebook, 7) == "%%drawer\nsteps: ", "the key is completed")
    notebook.page.keyboard.press("Control+/")
    assert source(notebook, 7) == "%%drawer\n# steps: "
