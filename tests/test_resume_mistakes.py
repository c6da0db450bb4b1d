"""Wrong words in lines about stored runs: each is refused with a hint, and nothing is pressed or lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_rig import Kernel, kernel_in

from drawer_ipy.journal.folder import files

SETUP = """
%load_ext drawer_ipy
import drawer_ipy
from drawer_ipy import Results
pressed = []
def work(x):
    pressed.append(x)
    return x * 2
"""
BODY = """
steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    steps: [{id: work, button: work, args: {x: "${x}"}}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mistakes")
    (made / ".buttons").mkdir()
    return made


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Iterator[Kernel]:
    with kernel_in(folder, SETUP) as found:
        found.run("%%drawer pages xs=[1,2,3] --durable on --quiet" + BODY)
        yield found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--resume nope", ["--resume takes the id of a run, not 'nope'", "the latest run"]),
        ("--resume 99", ["of at least 4 characters, not '99'"]),
        ("--resume ffff", ["no run whose id begins with 'ffff'", "drawer_ipy.runs()"]),
        ("--resume --max-age soon", ["--max-age", "such as 90m, 12h or 1d, not 'soon'", "^"]),
        ("--resume --max-age -1d", ["--max-age"]),
        ("--max-age 1d", ["--max-age has no effect without --resume"]),
        ("--changed", ["--changed has no effect without --resume"]),
        ("--durable sometimes", ["invalid choice: 'sometimes'"]),
    ],
)
def test_a_cell_with_wrong_options_is_refused(kernel: Kernel, options: str, said: list[str]) -> None:
    kernel.run("pressed.clear()")
    cell = kernel.run(f"%%drawer pages xs=[1,2,3] {options}{BODY}", fails=True)
    for words in said:
        assert words in cell.traceback
    assert kernel.value("pressed") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%drawer runs open 99", ["no stored run '99'", "at least 4 characters"]),
        ("%drawer runs open nope", ["no stored run 'nope'", "drawer_ipy.runs()"]),
        ("%drawer runs open paegs", ["no stored run 'paegs'", "did you mean 'pages'?"]),
        ("%drawer runs open", ["required: ID"]),
        ("%drawer runs remove", ["required: ID"]),
        ("%drawer runs remove pages", ["is the name of a drawer", "`runs pages` lists its runs"]),
        ("%drawer runs keep pages", ["is the name of a drawer"]),
        ("%drawer runs remove 99", ["at least 4 characters"]),
        ("%drawer runs opne pages", ["runs has no verb 'opne'", "did you mean 'open'?"]),
        ("%drawer runs frob pages", ["runs has no verb 'frob'", "open, keep, remove"]),
        ("%drawer runs nope", ["no stored run of 'nope'"]),
        ("Results.open('99')", ["at least 4 characters"]),
        ("Results.open(99)", ["not int"]),
    ],
)
def test_a_wrong_line_is_refused(kernel: Kernel, folder: Path, line: str, said: list[str]) -> None:
    cell = kernel.run(line, fails=True)
    for words in said:
        assert words in cell.traceback
    assert len(files(folder / ".buttons" / "runs")) == 1, "nothing was removed"


def test_an_opened_run_is_shown_as_a_table_and_can_be_pressed_again(kernel: Kernel, folder: Path) -> None:
    kernel.run("%%button twice python x:int\nimport os\nprint(2 * int(os.environ['BUTTONS_ARG_X']))")
    body: Any = BODY.replace("button: work", "button: twice")
    kernel.run("%%drawer scripts xs=[1,2] --durable on --quiet" + body)
    cell = kernel.run("%drawer runs open scripts")
    assert "2 ok" in cell.shown
    assert kernel.value("list(_drawer['work'])") == [2, 4]
    kernel.run("again = _drawer.retry()")
    assert kernel.value("again.counts['ok']") == 2
    kernel.run("%drawer runs remove " + files(folder / ".buttons" / "runs", "scripts")[0].stem[-16:])
    assert files(folder / ".buttons" / "runs", "scripts") == []
