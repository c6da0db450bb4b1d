"""Notebooks executed by nbclient, nbconvert and papermill, with and without widgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from notebook_rig import execute, said

STEPS = """steps:
  - id: each
    kind: for_each
    over: ${inputs.xs}
    as: x
    on_item_failure: continue
    steps: [{id: y, button: ten, args: {x: "${x}"}}]
"""

CELLS = (
    "%load_ext drawer_ipy\nimport asyncio, time\ncount = 5",
    """async def ten(x):
    await asyncio.sleep(0.01)
    if x == 3:
        raise ValueError("<script>x</script>")
    print("pressed", x)
    return x * 10""",
    "%%drawer t -o got xs={list(range(count))}\n" + STEPS,
    "print(len(got), [row['y'] for row in got])",
    "%%drawer later -o run --background xs={list(range(40))}\n" + STEPS,
    "print('between')\ntime.sleep(0.2)",
    "table = await run\nprint(len(table), table.counts['failed'])",
)


def notebook(*first: str) -> Any:
    """A new notebook with the cell `first` and the cells above."""
    cells = [nbformat.v4.new_code_cell(source) for source in (*first, *CELLS)]  # type: ignore[no-untyped-call]
    cells[-len(CELLS)].metadata["tags"] = ["parameters"]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})  # type: ignore[no-untyped-call]


def checked(cells: list[Any], count: int = 5) -> None:
    """Check the outputs of the last cells, and that none needs a running kernel."""
    table, printed, later, between, last = cells[-5:]
    (shown,) = [text for text in said(table) if text.startswith(f"⚠ finished · {count - 1} ok · 1 failed")]
    assert "ValueError: <script>x</script>" in shown
    assert "".join(said(table)).count("pressed") == count - 1
    assert "".join(said(printed)) == f"{count} {[x * 10 if x != 3 else None for x in range(count)]}\n"
    assert any(text.startswith("⚠ finished · 39 ok · 1 failed") for text in said(later))
    assert any("pressed 39" in text for text in said(later))
    assert said(between) == ["between\n"]
    assert "".join(said(last)) == "40 1\n"
    for cell in cells:
        assert not any("widget-view" in mime for o in cell.outputs for mime in o.get("data", {}))
        assert "<script>x" not in "".join(said(cell, "text/html"))


@pytest.mark.parametrize("first", ["import sys; sys.modules['anywidget'] = None", "%autoawait False"])
def test_nbclient_executes_a_notebook_with_and_without_widgets(tmp_path: Path, first: str) -> None:
    """Tested without widgets too, and in a kernel that cannot await cells."""
    made = notebook(first)
    if "autoawait" in first:
        made.cells[-1].source = made.cells[-1].source.replace("await run", "run.wait()")
    checked(execute(made, tmp_path).cells)


def test_nbconvert_exports_a_page_that_needs_no_kernel(tmp_path: Path) -> None:
    made = notebook()
    ExecutePreprocessor(timeout=100).preprocess(made, {"metadata": {"path": str(tmp_path)}})
    checked(made.cells)
    page, _ = HTMLExporter().from_notebook_node(made)
    assert "39 ok" in page
    assert "ValueError: &lt;script&gt;x" in page
    assert page.count("<script>x") == 0
    assert '<script type="application/vnd.jupyter.widget-view+json">' not in page


def test_parameters_of_papermill_reach_the_cell(tmp_path: Path) -> None:
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(notebook(), source)  # type: ignore[no-untyped-call]
    papermill.execute_notebook(
        str(source), str(target), parameters={"count": 8}, progress_bar=False, cwd=str(tmp_path)
    )
    checked(nbformat.read(target, as_version=4).cells, count=8)  # type: ignore[no-untyped-call]


def test_a_run_that_fails_stops_the_notebook_and_its_table_is_saved(tmp_path: Path) -> None:
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    made = notebook()
    made.cells[2].source = made.cells[2].source.replace("    on_item_failure: continue\n", "")
    nbformat.write(made, source)  # type: ignore[no-untyped-call]
    with pytest.raises(papermill.PapermillExecutionError, match="drawer 't' failed at step 'each'"):
        papermill.execute_notebook(str(source), str(target), progress_bar=False, cwd=str(tmp_path))
    saved = nbformat.read(target, as_version=4)  # type: ignore[no-untyped-call]
    failed = next(cell for cell in saved.cells if cell.source.startswith("%%drawer t "))
    assert any("3 ok · 1 failed" in text for text in said(failed))
    assert json.dumps(saved).count("Traceback") <= 1
