"""``python -m drawer_ipy.demo.quickstart NOTEBOOK``: execute a notebook and print its tables."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawer_ipy.common.install import install_hint

FAILED = 1
"""Exit code: a cell failed."""

UNUSABLE = 2
"""Exit code: the notebook is missing or invalid, or a library to execute it is missing."""

_CELL_SECONDS = 300
_RULE = 100  # as wide as a table in plain text
_CLEAR = "\r\x1b[K"
_VOLATILE = ("execution",)  # metadata that differs each time


class Unusable(Exception):
    """The notebook cannot be executed at all; the message says why."""


def main(argv: list[str] | None = None) -> int:
    """Execute the notebook in a kernel of this interpreter, print its tables and how to open it.

    Returns:
        0, :data:`FAILED` or :data:`UNUSABLE`; errors are printed on standard error.
    """
    parser = argparse.ArgumentParser(
        prog="python -m drawer_ipy.demo.quickstart",
        description="Execute a notebook, print the tables of its %%drawer cells, and how to open it.",
    )
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--save", action="store_true", help="keep the outputs in the notebook")
    args = parser.parse_args(argv)
    path: Path = args.notebook
    try:
        notebook = _read(path)
        failure = _execute(notebook, path)
    except Unusable as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    if failure:
        print(f"{path}: {failure}", file=sys.stderr)
        return FAILED
    if args.save:
        _save(notebook, path)
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith("%%drawer"):
            _print_cell(cell)
    print(f"Open it live:  {_open_command(path)}")
    return 0


def _read(path: Path) -> Any:
    """Read the notebook.

    Raises:
        Unusable: there is no notebook, or it cannot be executed here.
    """
    if not path.is_file():
        raise Unusable(f"there is no notebook {path}")
    try:
        import nbclient  # noqa: F401  # checked before anything is started
        import nbformat
    except ImportError as error:
        raise Unusable(f"{error}; {install_hint('notebook')}") from error
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat may raise anything for invalid text
        raise Unusable(f"{path} is not a notebook: {_first_line(error)}") from error


def _execute(notebook: Any, path: Path) -> str:
    """Execute every cell; return why one failed, or ``""``."""
    # In this interpreter's own kernel, without the kernels' messages about themselves.
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    code = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    latest = 0

    def started(cell: Any, cell_index: int) -> None:  # noqa: ARG001 - nbclient passes both by keyword
        nonlocal latest
        latest = cell_index
        if cell_index in code:
            show(f"running {path}: code cell {code.index(cell_index) + 1} of {len(code)}")

    show = _progress()
    show(f"starting a kernel for {path}")
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],
        store_widget_state=False,  # the live views are closed by then, so their state is useless
        on_cell_start=started,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return _failure_text(notebook.cells[latest], latest, f"{error.ename}: {error.evalue}")
    except CellTimeoutError:
        return _failure_text(notebook.cells[latest], latest, f"no end after {_CELL_SECONDS} s")
    except DeadKernelError:
        return _failure_text(notebook.cells[latest], latest, "the kernel died")
    finally:
        show("")
    return ""


def _failure_text(cell: Any, index: int, why: str) -> str:
    line = cell.source.strip().partition("\n")[0]
    return f"cell {index + 1} failed\n  {line}\n{why.strip()}"


def _progress() -> Callable[[str], None]:
    """Return a function that shows a line of progress on standard error; ``""`` removes the last one.

    Only a terminal can remove a line; elsewhere only the first line is written.
    """
    if not sys.stderr.isatty():
        said: list[str] = []

        def once(line: str) -> None:
            if line and not said:
                said.append(line)
                print(line, file=sys.stderr, flush=True)

        return once

    def redraw(line: str) -> None:
        print(f"{_CLEAR}{line}", end="", file=sys.stderr, flush=True)

    return redraw


def _print_cell(cell: Any) -> None:
    """Print a cell's source, a rule, and its outputs in plain text."""
    print(cell.source.rstrip())
    print("═" * _RULE)
    for output in cell.outputs:
        if output.output_type == "stream":
            print(output.text.rstrip("\n"))
        elif "text/plain" in output.get("data", {}):
            print(output.data["text/plain"])
    print()


def _save(notebook: Any, path: Path) -> None:
    """Write the notebook with its outputs, without metadata that differs in each execution."""
    import nbformat

    for cell in notebook.cells:
        for key in _VOLATILE:
            cell.metadata.pop(key, None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.metadata.pop("widgets", None)  # an editor may have added it
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


def _open_command(path: Path) -> str:
    """The command to open the notebook in JupyterLab from the current folder."""
    beside = Path(sys.executable).parent
    found = next((p for name in ("jupyter", "jupyter.exe") if (p := beside / name).is_file()), None)
    words = [_short(found)] if found else [_short(Path(sys.executable)), "-m", "jupyter"]
    return shlex.join([*words, "lab", _short(path)])


def _short(path: Path) -> str:
    """The path relative to the current folder, if it is inside it."""
    here = Path.cwd()
    whole = path if path.is_absolute() else here / path
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(path)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
