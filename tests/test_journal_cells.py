"""``--resume`` and its companions in cells and on the command line, and ``%drawer runs``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell

from drawer_ipy import UsageError
from drawer_ipy.journal.folder import files, glance

CELL = """
inputs: [xs]
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps:
      - {id: work, button: work, args: {x: "${x}"}}
"""


@pytest.fixture
def shell(home: Path) -> Iterator[Any]:
    shell: Any = TerminalInteractiveShell.instance()
    shell.reset(new_session=False)
    shell.run_line_magic("load_ext", "drawer_ipy")
    pressed: list[int] = []

    def work(x: int) -> int:
        pressed.append(x)
        if x in shell.user_ns["bad"]:
            raise ValueError(x)
        return x

    shell.push({"work": work, "pressed": pressed, "bad": set()})
    yield shell
    shell.run_line_magic("unload_ext", "drawer_ipy")
    TerminalInteractiveShell.clear_instance()


def run(shell: Any, line: str, cell: str = CELL, magic: str = "drawer") -> list[int]:
    shell.user_ns["pressed"].clear()
    shell.run_cell_magic(magic, f"{line} --quiet --display none", cell)
    return list(shell.user_ns["pressed"])


def test_a_cell_with_resume_can_be_run_again_and_again(shell: Any) -> None:
    shell.user_ns["bad"] = {2}
    line = "pages xs=[1,2,3] --durable on --resume"
    assert run(shell, line) == [1, 2, 3]
    shell.user_ns["bad"] = set()
    assert run(shell, line) == [2]
    assert run(shell, line) == []
    assert run(shell, "--resume pages xs=[1,2,3,4] --durable on") == [4]
    assert run(shell, "pages xs=[1,2,3,4] --resume --max-age 1h --changed --durable on") == []


def test_an_id_chooses_the_run(shell: Any, home: Path) -> None:
    run(shell, "pages xs=[1,2] --durable on")
    (first,) = files(home / "runs")
    run(shell, "pages xs=[1] --durable on")
    assert run(shell, "pages xs=[1,2] --durable on --resume") == [2]
    assert run(shell, f"pages xs=[1,2] --durable on --resume {glance(first).id[:8]}") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pages xs=[1] --resume nonsense", "--resume takes the id of a run"),
        ("pages xs=[1] --max-age 1d", "--max-age has no effect without --resume"),
        ("pages xs=[1] --changed", "--changed has no effect without --resume"),
        ("pages xs=[1] --resume --max-age soon", "a length of time"),
        ("pages xs=[1] --durable perhaps", "--durable"),
        ("xs=[1] --resume", "without a name"),
    ],
)
def test_options_that_make_no_sense_are_refused_and_nothing_is_pressed(
    shell: Any, line: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        run(shell, line)
    assert words in str(caught.value)
    assert shell.user_ns["pressed"] == []


def test_each_cells_resume_by_the_name_of_their_variable(shell: Any) -> None:
    body = "pressed.append(row['url'])\nrow['url']"
    shell.user_ns["rows"] = [{"url": "a", "price": 1}, {"url": "b", "price": 2}]
    line = "row in rows --key url --resume --durable on --out pages"
    assert run(shell, line, body, "each") == ["a", "b"]
    shell.user_ns["rows"] = [{"url": "c", "price": 1}, {"url": "b", "price": 9}, {"url": "a", "price": 9}]
    assert run(shell, line, body, "each") == ["c"]
    assert list(shell.user_ns["pages"].outputs) == ["c", "b", "a"]
    with pytest.raises(UsageError, match="without a name"):
        run(shell, "row in rows --resume", body, "each")


def test_a_name_of_the_target_may_be_the_key(shell: Any) -> None:
    body = "pressed.append(url)\nurl"
    shell.user_ns["urls"] = ["a", "b"]
    line = "i, url in enumerate(urls) --key url --resume --durable on --out numbered"
    assert run(shell, line, body, "each") == ["a", "b"]
    shell.user_ns["urls"] = ["c", "a", "b"]
    assert run(shell, line, body, "each") == ["c"]


def test_config_switches_it_off(shell: Any, home: Path) -> None:
    shell.run_line_magic("config", "DrawerMagics.durable = 'off'")
    run(shell, "pages xs=[1]")
    assert files(home / "runs") == []
    shell.run_line_magic("config", "DrawerMagics.durable = 'on'")
    run(shell, "pages xs=[1]")
    assert len(files(home / "runs")) == 1


def test_a_run_that_was_cut_off_is_mentioned_once_it_is_pressed_again(
    shell: Any, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import os, sys; from drawer_ipy import press\n"
        "def work(x):\n"
        "    import time; time.sleep(0.05)\n"
        "    if x == 30: os.kill(os.getpid(), 9)\n"
        "    return x\n"
        f"press({'name: pages' + CELL!r}, {{'xs': list(range(60))}}, durable='on', quiet=True)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (path,) = files(home / "runs")
    assert glance(path).status == "cut off"
    shell.user_ns["pressed"].clear()
    shell.run_cell_magic("drawer", "pages xs=[1] --display none", CELL)
    said = capsys.readouterr().out
    assert "note: a run of pages was cut off at " in said
    assert " of 60, " in said
    assert "--resume goes on with it" in said
    assert shell.user_ns["pressed"] == [1], "nothing is resumed unasked"


def test_drawer_runs_lists_and_opens(shell: Any, home: Path) -> None:
    run(shell, "pages xs=[1,2] --durable on")
    listed = repr(shell.run_line_magic("drawer", "runs"))
    (path,) = files(home / "runs")
    assert glance(path).id[:8] in listed
    assert "pages" in listed
    shell.run_line_magic("drawer", f"runs open {glance(path).id}")
    assert list(shell.user_ns["_drawer"]["work"]) == [1, 2]
    shell.run_line_magic("drawer", f"runs remove {glance(path).id}")
    assert files(home / "runs") == []


def drawer(*words: str) -> Any:
    """Run the command line, and return its envelope."""
    command = [sys.executable, "-m", "drawer_ipy", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def test_the_command_line_resumes_and_lists(home: Path, tmp_path: Path) -> None:
    folder = home / "drawers" / "files"
    folder.mkdir(parents=True)
    ledger = tmp_path / "ledger"
    script = f'echo "$BUTTONS_ARG_X" >> {ledger}; test "$BUTTONS_ARG_X" != 2 -o -e {tmp_path}/ok'
    definition = {
        "schema_version": 2,
        "drawer_kind": "action",
        "name": "files",
        "inputs": [{"name": "xs", "type": "list"}],
        "buttons": {"work": {"runtime": "sh", "code": script, "args": [{"name": "x", "type": "int"}]}},
        "steps": [
            {
                "id": "each",
                "kind": "for_each",
                "over": "${inputs.xs}",
                "as": "x",
                "on_item_failure": "continue",
                "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
            }
        ],
    }
    (folder / "drawer.json").write_text(json.dumps(definition))
    first = drawer("files", "press", "xs=[1,2,3]", "--durable", "on")
    assert first["ok"], first
    (tmp_path / "ok").touch()
    assert drawer("files", "press", "xs=[1,2,3]", "--resume")["ok"]
    assert ledger.read_text().split() == ["1", "2", "3", "2"]
    (run_,) = drawer("runs")["data"]["runs"]
    assert (run_["drawer"], run_["status"], run_["presses"], run_["ok"]) == ("files", "ok", 2, 3)
    assert drawer("runs", "keep", run_["id"])["data"]["keep"] is True
    assert drawer("runs", "open", run_["id"])["data"]["drawer"] == "files"
    assert drawer("runs", "nothing")["error"]["code"] == "NOT_FOUND"
    assert drawer("runs", "remove", run_["id"])["ok"]
    assert drawer("runs")["data"]["runs"] == []
