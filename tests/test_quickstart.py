"""``python -m drawer_ipy.demo.quickstart``: its output and its exit codes."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_rig import QUICKSTART, drawer_cells, read, said

from drawer_ipy.demo import quickstart
from drawer_ipy.demo.quickstart import FAILED, UNUSABLE, main

TABLE = ["Humble wall clock", "147.66", "⚠ finished · 58 ok · 2 failed", "Nautical coffer"]


def write(path: Path, *cells: str) -> Path:
    code = [new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
    text = new_markdown_cell("# A notebook")  # type: ignore[no-untyped-call]
    nbformat.write(new_notebook(cells=[text, *code]), path)  # type: ignore[no-untyped-call]
    return path


def test_the_command_prints_the_cell_its_table_and_how_to_open_it(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    copied = tmp_path / "notebooks" / QUICKSTART.name
    shutil.copy(QUICKSTART, copied)
    command = [sys.executable, "-m", "drawer_ipy.demo.quickstart", f"notebooks/{QUICKSTART.name}", "--save"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    out = done.stdout
    assert out.index("%%drawer shop") < out.index("parallelism: 8") < out.index(TABLE[0])
    assert all(part in out for part in TABLE)
    last = out.splitlines()[-1]
    assert last.startswith("Open it live:  ")
    assert last.endswith(f"jupyter lab notebooks/{QUICKSTART.name}")
    # --save writes the printed outputs, without metadata that would differ in each run
    kept = read(copied)
    assert said(drawer_cells(kept)[0])[0] in out
    assert not [cell.id for cell in kept.cells if "execution" in cell.metadata]
    assert "version" not in kept.metadata.language_info


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no notebook"),
        (lambda path: path.mkdir(), "there is no notebook"),
        (lambda path: path.write_text("print(1)"), "is not a notebook"),
        (lambda path: path.write_text('{"cells": 3}'), "is not a notebook"),
    ],
    ids=["missing", "a folder", "no JSON", "other JSON"],
)
def test_a_file_that_is_not_a_notebook_is_reported_in_one_line(
    make: Callable[[Path], object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.ipynb"
    make(path)
    assert main([str(path)]) == UNUSABLE
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_a_failing_cell_is_named_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "fails.ipynb", "x = 1", "# divides\nx / 0", "print('never')")
    assert main([str(path), "--save"]) == FAILED
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()[1:]  # the first line names the notebook
    assert lines == [f"{path}: cell 3 failed", "  # divides", "ZeroDivisionError: division by zero"]
    assert not read(path).cells[1].outputs  # a failure is not saved


def test_a_kernel_that_dies_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "dies.ipynb", "import os\nos._exit(3)")
    assert main([str(path)]) == FAILED
    assert "cell 2 failed\n  import os\nthe kernel died" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_each_cell_and_then_an_empty_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    path = write(tmp_path / "fine.ipynb", "1 + 1", "2 + 2")
    assert main([str(path)]) == 0
    shown = screen.getvalue().split("\r\x1b[K")
    assert [line.removeprefix(f"running {path}: ") for line in shown[2:]] == [
        "code cell 1 of 2",
        "code cell 2 of 2",
        "",
    ]


def test_the_command_to_open_the_notebook_is_quoted_and_relative_if_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "my env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    assert quickstart._open_command(Path("a b.ipynb")) == "'my env/bin/python' -m jupyter lab 'a b.ipynb'"
    (python.parent / "jupyter").touch()
    assert quickstart._open_command(tmp_path / "n.ipynb") == "'my env/bin/jupyter' lab n.ipynb"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert str(tmp_path / "n.ipynb") in quickstart._open_command(tmp_path / "n.ipynb")
