"""A button that clears the cell's output takes the view and the table away for a moment, and not for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernel_rig import Cell, Kernel, kernel_in
from notebook_rig import execute, said

SETUP = """
%load_ext drawer_ipy
import asyncio, time
import ipywidgets
from IPython.display import clear_output, display, update_display
from IPython.utils.capture import capture_output
from IPython import get_ipython
from drawer_ipy import press

aside = ipywidgets.Output()

async def at_start(x):
    if x == 0:
        clear_output()
    await asyncio.sleep(0.1)
    return x

async def at_end(x):
    await asyncio.sleep(0.1)
    if x == 4:
        clear_output()
    return x

async def every(x):
    await asyncio.sleep(0.1)
    clear_output(wait=True)
    print("at", x)
    return x

async def quietly(x):
    await asyncio.sleep(0.1)
    clear_output(wait=True)
    return x

def threaded(x):
    print("before", x)
    clear_output()
    time.sleep(0.1)
    print("after", x)
    return x

def in_a_widget(x):
    with aside:
        clear_output()
        print("aside", x)
    aside.clear_output(wait=True)
    time.sleep(0.1)
    return x

def captured(x):
    with capture_output():
        print("never seen")
        clear_output()
    time.sleep(0.1)
    return x

def fails(x):
    clear_output()
    if x == 3:
        raise ValueError("three")
    return x

def redraws(x):
    handle = display(f"step {x}", display_id=True)
    time.sleep(0.1)
    handle.update(f"done {x}")
    if x == 2:
        clear_output()
    return x
"""

BUTTONS = (
    "at_start",
    "at_end",
    "every",
    "quietly",
    "threaded",
    "in_a_widget",
    "captured",
    "fails",
    "redraws",
)
UNTOUCHED = ("in_a_widget", "captured")
"""Their clearing concerns something else than the cell."""


def cell_of(button: str, options: str = "") -> str:
    return f"""%%drawer t --no-raise {options} xs={{list(range(5))}}
steps:
  - id: each
    kind: for_each
    over: ${{inputs.xs}}
    as: x
    on_item_failure: continue
    steps:
      - {{id: y, button: {button}, args: {{x: "${{x}}"}}}}
"""


class Front:
    """The outputs of one cell as a front end keeps them, from the messages that come for it."""

    def __init__(self) -> None:
        self.outputs: list[tuple[str, Any]] = []
        self._clear_next = False

    def hear(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            self._clear_next = content["wait"]
            if not content["wait"]:
                self.outputs.clear()
        elif kind == "stream":
            self._add("", content["text"])
        elif kind in ("display_data", "execute_result"):
            self._add(content.get("transient", {}).get("display_id", ""), content["data"])
        elif kind == "update_display_data":
            place = content["transient"]["display_id"]
            self.outputs[:] = [
                (name, content["data"] if name == place else shown) for name, shown in self.outputs
            ]

    def _add(self, name: str, shown: Any) -> None:
        if self._clear_next:
            self._clear_next = False
            self.outputs.clear()
        self.outputs.append((name, shown))

    @property
    def tables(self) -> list[str]:
        """The plain text of what is shown with HTML."""
        return [shown["text/plain"] for _, shown in self.outputs if "text/html" in shown]

    @property
    def text(self) -> str:
        return "".join(shown for _, shown in self.outputs if isinstance(shown, str))


def seen(*cells: Cell, of: int = 0) -> Front:
    """What is left of the first of `cells`, or that numbered `of`, when all have run."""
    parent = cells[of].messages[0][1]["parent_header"]["msg_id"]
    front = Front()
    for cell in cells:
        for message in sorted(
            [*(m for _, m in cell.messages), *cell.others], key=lambda one: one["header"]["date"]
        ):
            ours = message["parent_header"].get("msg_id") == parent
            if ours or message["msg_type"] == "update_display_data":
                front.hear(message)
    return front


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel_in(tmp_path_factory.mktemp("home"), SETUP) as kernel:
        yield kernel


@pytest.mark.parametrize("kind", ["widget", "html"])
@pytest.mark.parametrize("button", [one for one in BUTTONS if one not in UNTOUCHED])
def test_the_table_is_shown_once_whatever_a_button_clears(kernel: Kernel, button: str, kind: str) -> None:
    cell = kernel.run(cell_of(button, f"--display {kind}"))
    assert cell.of("clear_output"), "the button did clear"
    front = seen(cell)
    [table] = front.tables
    assert ("1 failed" in table) == (button == "fails")
    if button == "every":
        assert front.text == "at 4\n"
    if button == "threaded":
        assert front.text == "after 4\n"


@pytest.mark.parametrize("kind", ["widget", "html"])
@pytest.mark.parametrize("button", UNTOUCHED)
def test_clearing_another_output_does_not_show_the_table_twice(
    kernel: Kernel, button: str, kind: str
) -> None:
    cell = kernel.run(cell_of(button, f"--display {kind}"))
    tables = [one for one in cell.of("display_data") if "text/html" in one["data"]]
    assert len(tables) == 1, "shown once, and redrawn in place since"
    assert cell.of("update_display_data")[-1]["data"]["text/plain"].startswith("✔ finished · 5 ok")


def test_the_live_view_is_shown_again_during_the_run(kernel: Kernel) -> None:
    cell = kernel.run(cell_of("at_start"))
    kinds = [message["msg_type"] for _, message in cell.messages]
    last_clear = max(i for i, kind in enumerate(kinds) if kind == "clear_output")
    again = [m for _, m in cell.messages[last_clear:] if m["msg_type"] == "display_data"]
    assert '<div class="drawer-mount ' in again[0]["content"]["data"]["text/html"]
    again_at = next(at for at, message in cell.messages if message is again[0])
    assert again_at < cell.ended_at - 0.1, "before the end"


def test_a_button_that_clears_all_the_time_does_not_flood_the_page(kernel: Kernel) -> None:
    kernel.run("async def storm(x):\n    for _ in range(200):\n        clear_output()\n"
               "        await asyncio.sleep(0.001)\n    return x")  # fmt: skip
    cell = kernel.run(cell_of("storm"))
    shown = [one for one in cell.of("display_data") if "text/html" in one["data"]]
    assert len(shown) <= 3 + cell.ended_at / 0.3
    assert len(seen(cell).tables) == 1


def test_after_the_run_clearing_works_as_before(kernel: Kernel) -> None:
    kernel.run(cell_of("every"))
    assert kernel.value("'clear_output' in vars(get_ipython().display_pub)") is False
    cell = kernel.run("print('a'); clear_output(); print('b')")
    assert [m["wait"] for m in cell.of("clear_output")] == [False]
    assert seen(cell).text == "b\n"


def test_an_interrupted_run_shows_its_table_too(kernel: Kernel) -> None:
    kernel.run(
        "async def stuck(x):\n    clear_output()\n    await asyncio.sleep(60 if x == 2 else 0)\n    return x"
    )
    cell = kernel.run(
        cell_of("stuck"),
        act=lambda kernel, cell: kernel.interrupt(),
        when=lambda cell: len(cell.of("clear_output")) == 3 and cell.now > 1,
    )
    [table] = seen(cell).tables
    assert "1 cancelled" in table
    assert kernel.value("'clear_output' in vars(get_ipython().display_pub)") is False


def test_within_an_output_widget_the_table_stays_there(kernel: Kernel) -> None:
    """The widget takes all outputs of the cell, so the button clears where the table is."""
    loop = "{'id': 'each', 'kind': 'for_each', 'over': '${inputs.xs}', 'as': 'x', 'steps': [STEP]}"
    step = "{'id': 'y', 'button': 'at_end', 'args': {'x': '${x}'}}"
    run = f"press({{'inputs': ['xs'], 'steps': [{loop.replace('STEP', step)}]}}, {{'xs': [1, 4]}}"
    cell = kernel.run(f"with aside:\n    got = {run}, buttons={{'at_end': at_end}})")
    assert seen(cell).tables == ["drawer : ✔ finished · 2 ok"], "the value of press() is the table"


def test_two_runs_of_one_cell_are_both_shown(kernel: Kernel) -> None:
    cell = kernel.run(
        """
        from drawer_ipy import apress
        def pressing(name):
            step = {"id": "y", "button": name, "args": {"x": 4}}
            return apress({"name": name, "steps": [step]}, buttons={"at_end": at_end, "at_start": at_start})
        await asyncio.gather(pressing("at_end"), pressing("at_start"))
        None
        """
    )
    assert len(seen(cell).tables) == 2


@pytest.mark.parametrize("button", ["at_end", "every", "threaded"])
def test_a_background_run_keeps_its_view_in_its_own_cell(kernel: Kernel, button: str) -> None:
    first = kernel.run(cell_of(button, "--background -o run"))
    second = kernel.run("print('mine'); got = await run")
    third = kernel.run("await asyncio.sleep(0.5)")
    # Kernels before 7 take what a thread sends for that of the cell that runs, so it may come back there.
    older = kernel.value("int(__import__('ipykernel').version_info[0])") < 7
    fronts = [seen(first, second, third, of=cell) for cell in range(3 if older else 1)]
    tables = [table.splitlines()[0] for front in fronts for table in front.tables if " ok" in table]
    assert [table.partition(" ok")[0] for table in tables] == ["✔ finished · 5"]
    assert second.stdout == "mine\n"
    if not older:
        assert [one for one in second.of("display_data") if "text/html" in one["data"]] == []


def executed(tmp_path: Path, *cells: str) -> list[Any]:
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, *cells)]  # type: ignore[no-untyped-call]
    )
    return list(execute(made, tmp_path).cells[1:])


def test_a_notebook_that_nbclient_executes_keeps_every_table(tmp_path: Path) -> None:
    # nbclient itself cannot clear an Output that no cell has shown.
    buttons = [one for one in BUTTONS if one != "in_a_widget"]
    cells = executed(tmp_path, *map(cell_of, buttons), cell_of("every", "--background -o run"), "await run")
    for button, cell in zip((*buttons, "background"), cells, strict=False):
        tables = [text for text in said(cell) if "✔ finished · 5 ok" in text or "4 ok · 1 failed" in text]
        assert len(tables) == 1, (button, said(cell))
        assert "✔ finished · 5 ok" in tables[0] or button == "fails"
