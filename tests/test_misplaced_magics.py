"""A cell magic that is not the first line of its cell is reported; in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernel_rig import Kernel, kernel_in

BODY = "steps: [{id: y, button: same, args: {x: 3}}]\n"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(
        tmp_path_factory.mktemp("home"), "%load_ext drawer_ipy\ndef same(x): return x\n"
    ) as kernel:
        yield kernel


ABOVE = {
    # name: (the code above the magic, the line of the magic)
    "an extension": ("%load_ext drawer_ipy\n", 2),
    "an import": ("import math\n", 2),
    "several lines": ("import math\n\n# why\nx = 1\n", 5),
    "a comment before": ("# why\nimport math\n", 3),
    "a shell command": ("!true\n", 2),
    "an installation": ("%pip --version\n", 2),
    "a line magic": ("%time 1\n", 2),
    "a function": ("def f():\n    return 1\n\n", 4),
    "text in three quotes": ('"""\nwhy\n"""\n', 4),
    "a question": ("len?\n", 2),
    "a mistake": ("x = = 1\n", 2),
    "separators": ("x = 'a\u2028b\x0cc'\n", 2),
}


@pytest.mark.parametrize("magic", ["%%drawer t", "%%drawer", "%%button hello sh", "  %%drawer t"])
@pytest.mark.parametrize(("above", "line"), ABOVE.values(), ids=ABOVE)
def test_code_above_a_cell_magic_is_reported(kernel: Kernel, above: str, line: int, magic: str) -> None:
    message = kernel.run(f"{above}{magic}\n{BODY}", fails=True).traceback
    assert f"{magic.split()[0]} on line {line} must be the first line of its cell" in message
    assert "into a separate cell" in message
    assert "SyntaxError" not in message


@pytest.mark.parametrize("above", ["# why\n", "\n\n", "  \n# a\n\n# b\n", "%%time\n", "%%capture out\n"])
def test_comments_empty_lines_and_other_cell_magics_may_be_above(kernel: Kernel, above: str) -> None:
    kernel.run("_drawer = None")
    kernel.run(f"{above}%%drawer t\n{BODY}")
    assert kernel.value("_drawer.run.steps[0].output") == 3


@pytest.mark.parametrize(
    "cell",
    [
        'text = """\n%%drawer t\nsteps: []\n"""\n',
        "text = '''a\n%%button b\n'''\nimport math\n",
        "%%writefile {path}\n%%drawer t\nsteps: []\n",
        "%%html\n<pre>\n%%drawer t\n</pre>\n",
        "# %%drawer t\nimport math\n",
        "import math\n# %%drawer t\n",
        "import math\nx = '%%drawer t'\n",
    ],
)
def test_a_cell_that_only_mentions_a_magic_runs(kernel: Kernel, cell: str, tmp_path: object) -> None:
    kernel.run(cell.replace("{path}", f"{tmp_path}/x.py"))


def test_no_line_of_a_refused_cell_runs(kernel: Kernel) -> None:
    kernel.run("done = []")
    kernel.run(f"done.append(1)\n%%drawer t\n{BODY}", fails=True)
    assert kernel.value("done") == []
