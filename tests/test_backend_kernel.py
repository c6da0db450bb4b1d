"""Functions of a notebook on processes, in a real kernel: classes, globals, tracebacks and prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_rig import Kernel, kernel_in

SETUP = """
%load_ext drawer_ipy
import os, time
from dataclasses import dataclass

factor = 3

@dataclass
class Point:
    x: int

    def scaled(self):
        return Point(self.x * factor)

def scale(point):
    return point.scaled()

def broken(x):
    return 1 / x  # the line of a cell
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home: Path = tmp_path_factory.mktemp("home")
    with kernel_in(home, SETUP) as started:
        yield started


def test_the_body_of_a_cell_runs_in_processes(kernel: Kernel) -> None:
    kernel.run("%%each n in range(6) --backend processes --out rows --quiet\nos.getpid()")
    assert kernel.value("len(rows)") == 6
    assert kernel.value("os.getpid() in set(rows.outputs)") is False
    assert kernel.value("rows[0].steps['output'].about['where'] == f'process {rows[0].output}'") is True


def test_objects_and_functions_of_the_notebook_travel(kernel: Kernel) -> None:
    kernel.run("%%each p in [Point(1), Point(2)] --backend processes --out rows --quiet\nscale(p)")
    assert kernel.value("[type(p) is Point for p in rows.outputs]") == [True, True]
    assert kernel.value("[p.x for p in rows.outputs]") == [3, 6]
    kernel.run("factor = 5")
    assert kernel.value("Point(1).scaled().x") == 5  # the class is still that of the notebook


def test_several_names_and_rows_of_a_frame_travel(kernel: Kernel) -> None:
    kernel.run("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})")
    kernel.run("%%each a, b in df --backend processes --out rows --quiet\nint(a * b)")
    assert kernel.value("rows.outputs.to_list()") == [3, 8]
    kernel.run("%%each row in df --backend processes --out rows --quiet\nint(row.a) + int(row['b'])")
    assert kernel.value("rows.outputs.to_list()") == [4, 6]


def test_a_traceback_has_the_lines_of_the_cells(kernel: Kernel) -> None:
    kernel.run("%%each x in [1, 0] --backend processes --out rows --quiet --no-raise\nbroken(x)")
    trace = kernel.value("rows[1].steps['output'].stderr")
    assert "# the line of a cell" in trace
    assert "broken(x)" in trace
    assert trace.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "Cell In[" in trace


def test_prints_are_shown_below_the_cell(kernel: Kernel) -> None:
    cell = kernel.run("%%each x in [1, 2] -p 1 --backend processes --quiet\nprint('hello', x)")
    assert cell.stdout == "hello 1\nhello 2\n"


def test_the_default_can_be_configured_and_is_checked(kernel: Kernel) -> None:
    kernel.run("%config DrawerMagics.backend = 'processes'")
    kernel.run("%%each n in range(2) --out rows --quiet\nos.getpid()")
    assert kernel.value("os.getpid() in set(rows.outputs)") is False
    kernel.run("%%each n in range(2) --backend threads --out rows --quiet\nos.getpid()")
    assert kernel.value("set(rows.outputs) == {os.getpid()}") is True
    kernel.run("%config DrawerMagics.backend = ''")
