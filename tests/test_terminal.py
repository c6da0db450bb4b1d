"""Cells in a terminal: a real IPython on a pseudo-terminal, with typed lines and Ctrl-C."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from kernel_rig import own_ipython

SETUP = (
    "%load_ext drawer_ipy",
    "import asyncio, time; many = list(range(400))",
    "nap = lambda x: asyncio.sleep(0.05, x * 10)",
    "snooze = lambda x: (time.sleep(0.05), x * 10)[1]",
)

STEPS = (
    "steps: [{id: each, kind: for_each, over: '${inputs.xs}', as: x, parallelism: 4, "
    "steps: [{id: y, button: BUTTON, args: {x: '${x}'}}]}]"
)


class Terminal:
    """An IPython process on a pseudo-terminal."""

    def __init__(self, home: Path, *options: str) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor", *options],
            env={**own_ipython(home), "TERM": "dumb", "PROMPT_TOOLKIT_NO_CPR": "1"},
            cwd=str(home),
            encoding="utf-8",
            timeout=40,
            dimensions=(50, 120),
        )
        self.wait()

    def wait(self) -> str:
        """Wait for the next prompt and return the text before it."""
        self.child.expect(r"In \[\d+\]: $")
        return plain(str(self.child.before))

    def type(self, *lines: str) -> None:
        """Type a cell; a blank line ends it if it has several lines."""
        for line in lines:
            self.child.sendline(line)
            if len(lines) > 1:
                self.child.expect_exact("...: ")
        if len(lines) > 1:
            self.child.sendline("")

    def run(self, *lines: str) -> str:
        """Type a cell and return what it shows."""
        self.type(*lines)
        return self.wait()


def plain(text: str) -> str:
    """`text` as a reader sees it: without colours, and with the last state of each bar."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    made = Terminal(tmp_path_factory.mktemp("home"), "--simple-prompt")
    for line in SETUP:
        made.run(line)
    yield made
    made.child.close(force=True)


def test_a_cell_shows_a_bar_and_then_the_table(terminal: Terminal) -> None:
    terminal.type("%%drawer t -o got xs=$many -p 20", STEPS.replace("BUTTON", "nap"), "")
    terminal.child.expect(r"drawer t: +[1-9][0-9]*%\|.{10,}\| \d+/400 \[\d+:\d\d, ok=\d+ ")
    shown = terminal.wait()
    assert re.search(r"drawer t: 100%\|█+\| 400/400 \[\d+:\d\d, ✔ finished · 400 ok\]", shown)
    assert "✔ finished · 400 ok" in shown
    assert "399  399  3990" in shown
    assert terminal.run("len(got), got['y'][7]").strip().endswith("(400, 70)")


@pytest.mark.parametrize("button", ["nap", "snooze"])
def test_ctrl_c_returns_finished_items_and_the_prompt(terminal: Terminal, button: str) -> None:
    terminal.type("%%drawer t xs=$many", STEPS.replace("BUTTON", button), "")
    terminal.child.expect(r"ok=\d\d")
    terminal.child.sendintr()
    shown = terminal.wait()
    assert re.search(r"⊘ cancelled · \d+ ok( · [1-4] cancelled)? · \d+ skipped", shown)
    assert re.search(
        r"\nDrawerCancelled: drawer 't' was cancelled \(\d+ ok(, [1-4] cancelled)?, \d+ skipped\)\n", shown
    )
    assert "Traceback" not in shown
    assert (
        terminal.run("[row['y'] for row in _drawer.ok][:3], await nap(1)")
        .strip()
        .endswith("([0, 10, 20], 10)")
    )


def test_a_mistake_is_reported_with_its_place(terminal: Terminal) -> None:
    shown = terminal.run("%%drawer t xs=$many", STEPS.replace("BUTTON", "nup"), "")
    assert "step 'each.y': there is no button 'nup' (did you mean 'nap'?" in shown
    assert shown.rstrip().splitlines()[-1].endswith("^")


def test_a_cell_is_not_run_before_it_is_complete(terminal: Terminal) -> None:
    shown = terminal.run("%%drawer t --dry-run xs=[1]", "", STEPS.replace("BUTTON", "nap"), "")
    assert "dry run, nothing was pressed" in shown


def test_verbs_and_display_options_work_in_a_terminal(terminal: Terminal) -> None:
    assert "for each x in inputs.xs" in terminal.run("%drawer t")
    assert "✔ finished · 3 ok" in terminal.run("%drawer t press xs=[1,2,3]")
    shown = terminal.run("%%drawer t xs=[1] --display widget", STEPS.replace("BUTTON", "nap"), "")
    assert "the display 'widget' needs a Jupyter notebook" in shown
    shown = terminal.run("%%drawer t xs=[1] --quiet", STEPS.replace("BUTTON", "nap"), "")
    assert "%" not in shown.partition("'}}]}]")[2]


def test_cells_and_ctrl_c_work_in_the_full_prompt(tmp_path: Path) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor"],
        env={**own_ipython(tmp_path), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=40,
        dimensions=(50, 120),
    )
    for number, line in enumerate(SETUP, start=1):
        child.expect_exact(f"In [{number}]:")
        child.send(line + "\r")
    child.expect_exact("In [5]:")
    child.send("%%drawer t xs=$many\r" + STEPS.replace("BUTTON", "nap") + "\r")
    child.expect_exact("'}}]}]")
    for _ in range(2):
        child.expect_exact("...:")
        child.send("\r")
    child.expect(r"ok=\d\d")
    child.sendintr()
    child.expect(r"DrawerCancelled: drawer 't' was cancelled \(\d+ ok")
    child.expect_exact("In [6]:")
    child.send("exit\r")
    child.expect(pexpect.EOF)
