"""The notebooks of the site in the browser: those of this repository, with what works there."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

Notebook = dict[str, Any]
Changes = Mapping[str, str]
"""Text of a cell -> what stands in its place. A cell that becomes empty is left out."""

_KERNEL = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}

_MEDIANS = """\
# A few lines of Python: the median price in each category, over the pages that could be read.
from statistics import median

shop = pages.ok
prices = {}
for category, price in zip(shop["category"], shop["price"]):
    prices.setdefault(category, []).append(price)
for category in sorted(prices, key=lambda name: median(prices[name])):
    print(f"{category:12} {median(prices[category]):6.2f}")"""

_PLOT = """\
from IPython.display import HTML

rows = [
    f"<tr><td>{n} in flight</td><td>{n / 0.1:.0f}</td><td>{found:.0f}</td>"
    f'<td><div style="height: 1em; width: {found}px; background: #56b4e9"></div></td></tr>'
    for n, found in zip(numbers, measured)
]
HTML(f"<table><tr><th></th><th>n / 0.1 s</th><th>measured</th><th></th></tr>{''.join(rows)}</table>")"""

QUICKSTART: Changes = {
    "The outputs below\nare saved, so you can read on without running anything. To run a cell": (
        "Python runs in\nthis page, which takes a few seconds to load it. To run a cell"
    ),
    "it ends with this notebook's kernel": "it ends with this page",
    """\
# From here on it is ordinary pandas: the median price in each category, over the pages that could be read.
shop = pages.ok.to_pandas()
medians = shop.groupby("category")["price"].median().sort_values()

axes = medians.plot.barh(figsize=(7, 3), color="#56b4e9", title=f"Median price of {len(shop)} items")
axes.set(xlabel="£", ylabel="")
print(medians.to_string())""": _MEDIANS,
}
"""What differs in the quickstart: pandas and Matplotlib have no packages for this Python on PyPI."""

LESSON: Changes = {
    "import matplotlib.pyplot as plt\n\n": "\n",
    "from drawer_ipy import each\n": "from drawer_ipy import aeach\n",
    "runs on your computer, so you need no network": "runs in this page, so you need no network",
    "The dashed line is that prediction:": "The first column of numbers is that prediction:",
    "The measured line bends": "The bars stop growing",
    """\
plt.plot(numbers, [n / 0.1 for n in numbers], "--", label="Little's law: n / 0.1 s")
plt.plot(numbers, measured, "o-", label="measured")
plt.xlabel("requests in flight")
plt.ylabel("pages per second")
plt.legend();""": _PLOT,
    " each(fetch_blocking,": " await aeach(fetch,",
    " each(count_primes, [20_000] * 8, parallelism=n,": (
        " await aeach(count_primes, [5_000] * 8, parallelism=n,"
    ),
    ' each(f"{site.url}/limited': ' await aeach(f"{site.url}/limited',
    "{n} at once in threads:": "{n} at once:",
    "Python runs the bytecode of one thread at a time, so threads do not\nmake this faster:": (
        "Python runs the bytecode of one thread at a time, so threads do not\n"
        "make this faster. In the browser Python has only one thread anyway:"
    ),
    """\
Processes have no such limit. `backend="processes"` sends each item to one of a few Python processes, \
one per core:""": (
        'Processes have no such limit. On a computer, `backend="processes"` sends each item to one of a few '
        "Python processes, one per core. A browser has none, so you cannot try that here."
    ),
    """\
began = time.perf_counter()
in_processes = each(count_primes, [20_000] * 8, parallelism=os.cpu_count(), backend="processes", quiet=True)
print(f"in {len(set(in_processes['process']))} processes: {time.perf_counter() - began:.1f} s")""": "",
}
"""What differs in the lesson: no Matplotlib, no processes, and calls that are awaited."""


class Outdated(ValueError):
    """A change belongs to a text that its notebook no longer contains."""


def read(path: Path) -> Notebook:
    """The notebook at `path`."""
    found: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return found


def adapted(notebook: Notebook, changes: Changes) -> Notebook:
    """Return a copy of `notebook` for the browser: without outputs, for its kernel, and changed.

    Raises:
        Outdated: a text that is to be changed is not there.
    """
    made = copy.deepcopy(notebook)
    made["metadata"] = {"kernelspec": _KERNEL}
    missing = set(changes)
    cells = []
    for cell in made["cells"]:
        source = "".join(cell["source"])
        for old, new in changes.items():
            if old in source:
                missing.discard(old)
                source = source.replace(old, new)
        if source:
            cells.append(_emptied(cell) | {"source": source})
    if missing:
        raise Outdated(f"no cell contains: {'; '.join(sorted(missing))}")
    made["cells"] = cells
    return made


def code_notebook(cells: Iterable[str]) -> Notebook:
    """A notebook of those code cells."""
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [empty | {"id": f"cell-{n}", "source": source} for n, source in enumerate(cells)]
    return {"cells": made, "metadata": {"kernelspec": _KERNEL}, "nbformat": 4, "nbformat_minor": 5}


def site_notebooks() -> dict[str, Notebook]:
    """The notebooks of the site by their names there."""
    folder = ROOT / "notebooks"
    return {
        "quickstart.ipynb": adapted(read(folder / "01_quickstart.ipynb"), QUICKSTART),
        "lesson.ipynb": adapted(read(folder / "lesson" / "how_many_at_once.ipynb"), LESSON),
    }


def put_notebooks(site: Path, notebooks: Mapping[str, Notebook]) -> None:
    """Write `notebooks` to the folder of a built site, and the list in which JupyterLite looks them up."""
    files = site / "files"
    files.mkdir(exist_ok=True)
    for name, notebook in notebooks.items():
        (files / name).write_text(json.dumps(notebook), encoding="utf-8")
    listed = [_entry(path) for path in sorted(files.glob("*.ipynb"))]
    root = _contents("", "directory", 0) | {"content": listed, "format": "json"}
    index = site / "api" / "contents" / "all.json"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(json.dumps(root), encoding="utf-8")
    config = site / "jupyter-lite.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["jupyter-config-data"]["contentsAllJsonFile"] = index.name
    config.write_text(json.dumps(settings), encoding="utf-8")


def _emptied(cell: dict[str, Any]) -> dict[str, Any]:
    return cell | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})


def _entry(path: Path) -> dict[str, Any]:
    return _contents(path.name, "notebook", path.stat().st_size)


def _contents(name: str, kind: str, size: int) -> dict[str, Any]:
    """One entry as the Contents API of Jupyter has it."""
    when = "2026-01-01T00:00:00Z"
    shared = {"name": name, "path": name, "type": kind, "size": size, "created": when, "last_modified": when}
    return shared | {"content": None, "format": None, "mimetype": None, "writable": True}
