"""Write the two notebooks of the lesson from ``how_many_at_once.md``: ``python notebooks/lesson/make.py``.

In the text, a block ``python`` is a code cell. A block ``python stub`` is the cell of an exercise, and the
block ``python solution`` after it is its solution. The students' notebook has the stub, and the solution
folded below it; the other notebook has the solution in place of the stub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import nbformat

HERE = Path(__file__).parent
SOURCE = HERE / "how_many_at_once.md"
STUDENTS = HERE / "how_many_at_once.ipynb"
SOLUTIONS = HERE / "how_many_at_once_solutions.ipynb"

_BLOCK = re.compile(r"^```python(?: (?P<kind>stub|solution))?\n(?P<code>.*?)\n```$", re.DOTALL | re.MULTILINE)
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_SOLUTION = (
    '<details><summary>Solution</summary>\n\n<pre><code class="language-python">{}</code></pre>\n\n</details>'
)


def cells_of(text: str, *, solved: bool) -> Iterator[tuple[str, str]]:
    """Yield the cells of a notebook: ``code`` or ``markdown``, and the source."""
    end = 0
    for block in _BLOCK.finditer(text):
        if between := text[end : block.start()].strip():
            yield "markdown", between
        end = block.end()
        code, kind = block["code"], block["kind"]
        if kind == "solution" and not solved:
            yield "markdown", _SOLUTION.format(escape(code, quote=False))
        elif kind != "stub" or not solved:
            yield "code", code
    if rest := text[end:].strip():
        yield "markdown", rest


def notebook(text: str, *, solved: bool) -> str:
    """Return a notebook as JSON text, without outputs."""
    made = nbformat.v4.new_notebook(metadata={"kernelspec": _KERNEL})
    for n, (kind, source) in enumerate(cells_of(text, solved=solved)):
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        made.cells.append(new(source, id=f"cell-{n:02}"))
    return nbformat.writes(made) + "\n"


def main() -> None:
    """Write both notebooks."""
    text = SOURCE.read_text(encoding="utf-8")
    STUDENTS.write_text(notebook(text, solved=False), encoding="utf-8")
    SOLUTIONS.write_text(notebook(text, solved=True), encoding="utf-8")


if __name__ == "__main__":
    main()
